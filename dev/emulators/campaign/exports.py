"""The export workflows: scheduler, incremental query, extract file, transfer file, all at one
order.

A file stands under its final name from the first byte on, as Campaign's transfer leaves it.
"""

import csv
import gzip
import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, Literal

from dev.emulators.campaign.errors import NotDone
from dev.emulators.campaign.extracts import Extract, Line, Style, extracts
from dev.emulators.campaign.marketing import Marketing
from dev.emulators.campaign.orders import Export

BLOCK_BYTES = 1024 * 1024
LINE_ENDS = (b"\n", b"\r")


@dataclass(slots=True)
class Unfinished:
    path: Path
    rows: int
    rest: IO[bytes]


class Exports:
    """Writes into `folder`, which the SFTP server serves.

    Remembers each log's last run, as Campaign's incremental query does.
    """

    def __init__(self, marketing: Marketing, folder: Path | None) -> None:
        self.marketing, self.folder, self.extracts = marketing, folder, extracts(marketing)
        self.last_run: dict[str, float] = {}
        self.names: set[str] = set()
        self.unfinished: list[Unfinished] = []

    def reset(self) -> None:
        """Removes the files that it wrote; their names are not given again."""
        for half in self.unfinished:
            half.rest.close()
        if self.folder:
            for name in self.names:
                (self.folder / name).unlink(missing_ok=True)
        self.last_run, self.unfinished = {}, []

    def run(self, order: Export) -> dict[str, Any]:
        if self.folder is None:
            raise NotDone("This emulator was started without --exports, the folder to write to.")
        if order.more and order.log == "optOut":
            raise NotDone("The emulator adds columns to the exports of logs only.")
        self.folder.mkdir(parents=True, exist_ok=True)
        until = self.marketing.now()
        logs = ("delivery", "tracking") if order.log == "both" else (order.log,)
        files = [file for log in logs for file in self.export(log, order, until)]
        time.sleep(
            0.001
        )  # rows know milliseconds: none written from now on may look as old as this run
        return {"files": files}

    def export(self, log: str, order: Export, until: float) -> Iterator[dict[str, Any]]:
        after = self.last_run.get(log, 0.0) if order.since is None else order.since
        self.last_run[log] = until
        lines = self.extracts[log].rows(after, until, Style.of(order))
        first = next(lines, None)
        if first is not None or order.when_empty:
            path = self.new_path(self.extracts[log], order)
            rows = self.write(
                path,
                self.extracts[log].columns(order),
                itertools.chain([] if first is None else [first], lines),
                order,
            )
            yield {"name": path.name, "rows": rows}

    def new_path(self, extract: Extract, order: Export) -> Path:
        """Named after the second it is written in, or the next that is free: names tell the order
        of files.
        """
        assert self.folder
        now = self.marketing.engine.clock.now()
        for later in itertools.count():
            stem = f"{extract.file}_{now + timedelta(seconds=later):%Y%m%d_%H%M%S}.txt"
            if not {stem, f"{stem}.gz"} & self.names and not list(self.folder.glob(f"{stem}*")):
                break
        name = f"{stem}.gz" if order.gzip else stem
        self.names.add(name)
        return self.folder / name

    def write(
        self, path: Path, columns: Sequence[str], lines: Iterator[Line], order: Export
    ) -> int:
        if order.finish:
            with path.open("xb") as file:
                return write_lines(file, columns, lines, order)
        spool = tempfile.TemporaryFile()  # noqa: SIM115
        rows = write_lines(spool, columns, lines, order)
        with path.open("xb") as file:
            copy(spool, file, within_a_line(spool))
        self.unfinished.append(Unfinished(path, rows, spool))
        return rows

    def finish(self) -> dict[str, Any]:
        """Completes what was left half written."""
        done, self.unfinished = self.unfinished, []
        for half in done:
            with half.path.open("ab") as file, half.rest:
                copy(half.rest, file)
        return {"files": [{"name": half.path.name, "rows": half.rows} for half in done]}


def write_lines(
    file: IO[bytes], columns: Sequence[str], lines: Iterator[Line], order: Export
) -> int:
    """Row by row; what the encoding does not have becomes a question mark.

    Returns the number of rows.
    """
    rows = 0
    with ExitStack() as stack:
        inner: Any = (
            stack.enter_context(gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6))
            if order.gzip
            else file
        )
        text = TextIOWrapper(inner, order.encoding, errors="replace", newline="")
        quoting: Literal[0, 1] = csv.QUOTE_ALL if order.qualifier else csv.QUOTE_MINIMAL
        writer = csv.writer(text, delimiter=order.separator, lineterminator="\n", quoting=quoting)
        if order.header:
            writer.writerow(columns)
        for rows, line in enumerate(lines, 1):  # noqa: B007
            writer.writerow(line)
        text.flush()
        text.detach()
    return rows


def within_a_line(spool: IO[bytes]) -> int:
    """A place near the middle with characters of one line on both sides."""
    place = spool.seek(0, os.SEEK_END) // 2
    while place > 1:
        spool.seek(place - 1)
        if not any(end in spool.read(2) for end in LINE_ENDS):
            break
        place -= 1
    spool.seek(0)
    return place


def copy(source: IO[bytes], target: IO[bytes], size: int | None = None) -> None:
    """`size` bytes, or all that are left, in blocks."""
    while block := source.read(BLOCK_BYTES if size is None else min(BLOCK_BYTES, size)):
        target.write(block)
        size = size if size is None else size - len(block)
