"""The embedded server with its faults at hand, and the reader of exports on it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.commands.processes import Child
from dev.emulators.sftp import EXPORTS
from dev.emulators.sftp.faults import Control
from shared.errors import Retryable
from shared.records import Change, Page
from shared.sftp.client import Sftp
from shared.sftp.exports.formats import Format
from shared.sftp.exports.pages import Exports
from shared.sftp.session import Server


class Embedded:
    """A running server; `folder` is that of the exports on its own disk."""

    def __init__(self, directory: Path) -> None:
        self.root, self.control = directory / "root", Control(directory / "sftp_faults.json")
        self.folder = self.root / EXPORTS.strip("/")
        given = ["--directory", str(directory), "--root", str(self.root), "--server", "embedded"]
        self.child = Child("sftp", ["dev.emulators.sftp", *given], directory)
        self.child.start()
        self.facts = self.child.wait()

    def client(self, host_key: str = "", private_key: str = "", **options: Any) -> Sftp:
        key = private_key or Path(self.facts["key_file"]).read_text()
        address = (self.facts["host"], self.facts["port"], self.facts["user"])
        return Sftp(Server(*address, key, host_key or self.facts["host_key"]), **options)

    def settings(self) -> dict[str, str]:
        """The settings that the bridge gets for it."""
        key = Path(self.facts["key_file"]).read_text()
        address = {
            "SFTP_HOST": self.facts["host"],
            "SFTP_PORT": str(self.facts["port"]),
            "SFTP_USER": self.facts["user"],
        }
        return {**address, "SFTP_PRIVATE_KEY": key, "SFTP_HOST_KEY": self.facts["host_key"]}

    def names(self, below: str = "") -> list[str]:
        place = self.folder / below
        return (
            sorted(path.name for path in place.iterdir() if path.is_file())
            if place.is_dir()
            else []
        )


@contextmanager
def embedded_server(directory: Path) -> Iterator[Embedded]:
    server = Embedded(directory)
    try:
        yield server
    finally:
        server.child.stop()


@dataclass
class Reading:
    """Polls as the flow does: the link is kept only when a page was handed off.

    `pages` says what was.
    """

    exports: Exports
    document: Any
    link: str = ""
    changes: list[Change] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)

    def poll(self) -> bool:
        """True if the source has no more for now; False if the connection broke."""
        for _ in range(1000):
            try:
                page: Page = self.exports.page(self.link, self.document)
            except Retryable:
                return False
            self.changes += page.changes
            self.link = page.link
            self.finished += [page.finished[0]] if page.finished else []
            if page.complete:
                return True
        raise AssertionError("it does not come to an end")

    def until_done(self, most: int = 50) -> None:
        for _ in range(most):
            if self.poll():
                return
        raise AssertionError("it never came through")

    def faults(self) -> list[tuple[str, str]]:
        reported = [(change.row or {}).get("fault") for change in self.changes]
        return [(fault["rule"], fault["sentence"]) for fault in reported if fault]

    def ids(self) -> list[str]:
        return [change.record_id for change in self.changes if "fault" not in (change.row or {})]


def reading(
    server: Embedded, document: Any, form: Callable[[Any], Format], **options: Any
) -> Reading:
    clock = iter(range(1_800_000_000, 2_000_000_000))
    return Reading(
        Exports(server.client(**options), EXPORTS, lambda: float(next(clock)), form), document
    )


def lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    return "".join("\t".join(cells) + "\n" for cells in (header, *rows)).encode()
