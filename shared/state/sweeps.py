"""The ids that a sweep found missing at the source, one run's in one append blob, until they have
been handed off.
"""

from collections.abc import Iterable, Iterator

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient


class Sweeps:
    """A repeated step may add an id twice; handing it off twice is harmless."""

    def __init__(self, container: ContainerClient) -> None:
        self.container = container

    def add(self, run: str, ids: Iterable[str]) -> None:
        lines = "".join(f"{record_id}\n" for record_id in ids).encode()
        blob = self.container.get_blob_client(run)
        if lines:
            if not blob.exists():
                blob.create_append_blob()
            blob.append_block(lines)

    def ids(self, run: str) -> Iterator[str]:
        try:
            text = self.container.download_blob(run).readall().decode()
        except ResourceNotFoundError:
            return
        yield from text.split()

    def remove(self, run: str) -> None:
        try:
            self.container.delete_blob(run)
        except ResourceNotFoundError:
            pass
