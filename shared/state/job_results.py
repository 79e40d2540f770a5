"""What a job did to each record: id, reason, field and result, one job's in one append blob.

Container `results`. Kept as long as the job's row. No value of a record.
"""

import csv
import io
from collections.abc import Iterable, Sequence

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

COLUMNS = ("record_id", "reason", "field", "result")
MOST_BYTES = 32 * 1024 * 1024
"""Of a download: some 300,000 records."""


class JobResults:
    """A step that is done again adds its lines again; the last line of a record counts."""

    def __init__(self, container: ContainerClient) -> None:
        self.container = container

    def add(self, job_id: str, rows: Iterable[Sequence[str]]) -> None:
        written = io.StringIO()
        csv.writer(written, lineterminator="\n").writerows(rows)
        lines = written.getvalue().encode("utf-8", "replace")
        blob = self.container.get_blob_client(job_id)
        if lines:
            if not blob.exists():
                blob.create_append_blob()
            blob.append_block(lines)

    def of(self, job_id: str) -> list[list[str]]:
        """A row for each record, in the order in which they were done; [] where there is none."""
        try:
            blob = self.container.download_blob(job_id, offset=0, length=MOST_BYTES)
        except ResourceNotFoundError:
            return []
        text = blob.readall().decode("utf-8", "replace")
        rows = csv.reader(io.StringIO(text[: text.rfind("\n") + 1]))
        return list({row[0]: row for row in rows if len(row) == len(COLUMNS)}.values())

    def remove(self, job_id: str) -> None:
        try:
            self.container.delete_blob(job_id)
        except ResourceNotFoundError:
            pass
