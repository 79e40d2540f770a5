"""Exported delivery logs and tracking logs as a format that the reader of exports takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from shared.events.documents import EventsDocument, LogFile
from shared.events.logs import LogReader, change_of
from shared.records import Change
from shared.sftp.exports.formats import Files, ReadCells


@dataclass(frozen=True, slots=True)
class EventFormat:
    """Delivery logs and tracking logs."""

    document: EventsDocument

    @property
    def files(self) -> Files:
        return self.document.files

    @property
    def watched_seconds(self) -> float:
        return self.document.files.stable_seconds

    def takes(self, name: str) -> bool:
        logs = (self.document.files.delivery_log, self.document.files.tracking_log)
        return any(fnmatchcase(name, log.pattern) for log in logs)

    def key_column(self, name: str) -> str:
        return self.log(name).columns["log_id"]

    def log(self, name: str) -> LogFile:
        files = self.document.files
        return (
            files.tracking_log
            if fnmatchcase(name, files.tracking_log.pattern)
            else files.delivery_log
        )

    def reader(self, name: str, header: Sequence[str], now: Callable[[], float]) -> ReadCells:
        reader = LogReader(
            self.document, fnmatchcase(name, self.document.files.tracking_log.pattern), header
        )

        def read(cells: list[str]) -> Change | None:
            row = reader.read(cells)
            return change_of(row, now(), name) if row else None

        return read
