"""What a kind of export is: which files it has, and how their records are read."""

from collections.abc import Callable, Sequence
from typing import Protocol

from shared.records import Change


class Files(Protocol):
    """How one kind of export is written, as its document says."""

    @property
    def separator(self) -> str: ...
    @property
    def encoding(self) -> str: ...
    @property
    def stable_seconds(self) -> float: ...
    @property
    def afterwards(self) -> str: ...


class Format(Protocol):
    """Which files are of one kind of export, and what their records say."""

    @property
    def files(self) -> Files: ...
    def takes(self, name: str) -> bool: ...
    @property
    def watched_seconds(self) -> float:
        """For how long a file must not change after it was read, before it is put away."""

    def key_column(self, name: str) -> str:
        """The column whose number tells a row from all others, "" where there is none."""

    def reader(self, name: str, header: Sequence[str], now: Callable[[], float]) -> "ReadCells":
        """Reads the records below a header; BadHeader if it cannot serve."""


ReadCells = Callable[[list[str]], Change | None]
