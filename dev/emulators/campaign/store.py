"""The rows of one resource in memory, found by number and by identification key, in the order of
any attribute.
"""

import json
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from dev.emulators.campaign.model import Resource

Row = dict[str, Any]


class Rows:
    """Rows are flat: a sub-node's attributes are dotted. A number is given once and never again."""

    def __init__(self, resource: Resource) -> None:
        self.resource = resource
        self.rows: dict[int, Row] = {}
        self.keys: list[dict[tuple[Any, ...], int]] = [{} for _ in resource.keys]
        self.following = 1
        self.changed: dict[int, None] = {}  # numbers in the order of their rows' last change
        self.in_order, self.newest = True, ""

    def key_of(self, row: Row, index: int) -> tuple[Any, ...] | None:
        """The identification key of a row; None while it is empty, for empty keys are not
        compared.
        """
        values = tuple(row.get(name, "") for name in self.resource.keys[index])
        return values if any(value not in ("", 0) for value in values) else None

    def clash(self, row: Row, number: int = 0) -> tuple[str, str] | None:
        """(attribute, value) of an identification key that another row has."""
        for index, names in enumerate(self.resource.keys):
            key = self.key_of(row, index)
            if key is not None and self.keys[index].get(key, number) != number:
                return names[0], str(key[0])
        return None

    def by_key(self, value: str) -> int | None:
        """The row whose first identification key is this one value."""
        return self.keys[0].get((value,)) if self.keys and len(self.resource.keys[0]) == 1 else None

    def touched(self, number: int, row: Row) -> None:
        """Keeps the order of last changes; a clock that was set back ends it."""
        at = str(row.get("lastModified", ""))
        self.in_order, self.newest = self.in_order and at >= self.newest, max(at, self.newest)
        self.changed.pop(number, None)
        self.changed[number] = None

    def since(self, moment: str) -> Iterator[tuple[int, Row]] | None:
        """The rows that changed at a moment or later, newest first; None where their order is not
        known.
        """
        if not self.in_order:
            return None
        newest_first = ((number, self.rows[number]) for number in reversed(self.changed))
        return takewhile(lambda entry: str(entry[1]["lastModified"]) >= moment, newest_first)

    def add(self, row: Row) -> int:
        number, self.following = self.following, self.following + 1
        self.rows[number] = row
        self.touched(number, row)
        self.index(number, row)
        return number

    def index(self, number: int, row: Row) -> None:
        for position in range(len(self.keys)):
            if (key := self.key_of(row, position)) is not None:
                self.keys[position][key] = number

    def replace(self, number: int, row: Row) -> None:
        self.unindex(self.rows[number])
        self.rows[number] = row
        self.touched(number, row)
        self.index(number, row)

    def remove(self, number: int) -> None:
        self.unindex(self.rows.pop(number))
        self.changed.pop(number, None)

    def unindex(self, row: Row) -> None:
        for position in range(len(self.keys)):
            if (key := self.key_of(row, position)) is not None:
                self.keys[position].pop(key, None)

    def save(self, path: Path) -> None:
        with path.open("w") as file:
            for number, row in self.rows.items():
                file.write(json.dumps([number, row]) + "\n")

    def load(self, path: Path) -> None:
        for number, row in read_lines(path):
            self.rows[number] = row
            self.touched(number, row)
            self.index(number, row)
            self.following = max(self.following, number + 1)


def read_lines(path: Path) -> Iterator[Any]:
    if path.exists():
        with path.open() as file:
            yield from map(json.loads, file)
