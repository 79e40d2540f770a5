"""Rows in SQLite, and the one counter that stamps them.

Every write takes the next number of a counter that only grows; it is the row's `versionnumber`, its
ETag, and what change tokens compare with. It is also the row's place in its table (SQLite's integer
primary key), so that reading what changed since a token is reading on in one direction.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

FIRST_VERSION = 1_000_000
Row = dict[str, Any]


def ordered(left: str, right: str) -> int:
    """The collation of decimals, which are stored as texts: their order as numbers."""
    a, b = Decimal(left), Decimal(right)
    return (a > b) - (a < b)


class Store:
    """One connection.

    All writes happen inside `transaction`, which joins one that is already open.
    """

    def __init__(self, database: str = ":memory:") -> None:
        self.database = database
        self.after_commit: list[Callable[[], None]] = []
        self._depth = 0
        self._open()

    def _open(self) -> None:
        self.db = sqlite3.connect(
            self.database, isolation_level=None, check_same_thread=False, cached_statements=512
        )
        self.db.create_collation("dv_decimal", ordered)
        for pragma in (
            "journal_mode = WAL",
            "synchronous = OFF",
            "cache_size = -200000",
            "temp_store = MEMORY",
        ):
            self.db.execute(f"PRAGMA {pragma}")
        self.db.execute("CREATE TABLE IF NOT EXISTS _facts (name TEXT PRIMARY KEY, value)")
        self.db.execute(
            "CREATE TABLE IF NOT EXISTS _deleted (version INTEGER PRIMARY KEY, tab TEXT, id TEXT)"
        )
        self.db.execute("CREATE UNIQUE INDEX IF NOT EXISTS _deleted_id ON _deleted (tab, id)")
        self.version = int(self.fact("version", FIRST_VERSION))

    def close(self) -> None:
        self.db.close()

    def clear(self) -> None:
        """Forgets everything but the counter: tokens of the time before must not fit what comes
        after.
        """
        version = self.version
        self.close()
        if self.database != ":memory:":
            for suffix in ("", "-wal", "-shm"):
                Path(self.database + suffix).unlink(missing_ok=True)
        self._open()
        self.version = version
        self.set_fact("tokens_valid_from", self.next_version())

    def fact(self, name: str, default: Any = None) -> Any:
        found = self.db.execute("SELECT value FROM _facts WHERE name = ?", (name,)).fetchone()
        return found[0] if found else default

    def set_fact(self, name: str, value: Any) -> None:
        self.db.execute("INSERT OR REPLACE INTO _facts VALUES (?, ?)", (name, value))

    def next_version(self) -> int:
        self.version += 1
        return self.version

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; what was put into `after_commit` runs when the outermost transaction has
        committed.
        """
        if self._depth:
            yield
            return
        before, self._depth = self.version, 1
        self.db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.set_fact("version", self.version)
            self.db.execute("COMMIT")
        except BaseException:
            self.db.execute("ROLLBACK")
            self.version = before
            self.after_commit.clear()
            raise
        finally:
            self._depth = 0
        waiting, self.after_commit = self.after_commit, []
        for call in waiting:
            call()

    def fetch(self, table: str, column: str, value: Any) -> Row | None:
        """The row whose `column` has `value`, as stored; None if there is none."""
        return next(iter(self.fetch_all(table, column, value)), None)

    def fetch_all(self, table: str, column: str, value: Any) -> list[Row]:
        cursor = self.db.execute(f'SELECT * FROM "{table}" WHERE "{column}" = ?', (value,))
        names = [part[0] for part in cursor.description]
        return [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]

    def insert(self, table: str, id_column: str, row: Mapping[str, Any]) -> int:
        """Writes a new row and returns its version. sqlite3.IntegrityError if an id or key is
        taken.
        """
        version = self.next_version()
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ?" * len(row)
        self.db.execute(
            f'INSERT INTO "{table}" (versionnumber, {names}) VALUES (?{marks})',
            (version, *row.values()),
        )
        self.db.execute("DELETE FROM _deleted WHERE tab = ? AND id = ?", (table, row[id_column]))
        return version

    def insert_many(self, table: str, id_column: str, rows: Sequence[Row]) -> range:
        """Writes new rows and returns their versions, in order. sqlite3.IntegrityError if an id or
        key is taken.
        """
        first = self.version + 1
        names = list(dict.fromkeys(name for row in rows for name in row))
        columns, marks = ", ".join(f'"{name}"' for name in names), ", ?" * len(names)
        written = ((self.next_version(), *map(row.get, names)) for row in rows)
        self.db.executemany(
            f'INSERT INTO "{table}" (versionnumber, {columns}) VALUES (?{marks})', written
        )
        if self.db.execute("SELECT 1 FROM _deleted WHERE tab = ? LIMIT 1", (table,)).fetchone():
            ids = ((table, row[id_column]) for row in rows)
            self.db.executemany("DELETE FROM _deleted WHERE tab = ? AND id = ?", ids)
        return range(first, self.version + 1)

    def update(self, table: str, id_column: str, row_id: str, changes: Mapping[str, Any]) -> int:
        """Writes the given columns of one row and returns its new version. sqlite3.IntegrityError
        if a key is taken.
        """
        version = self.next_version()
        sets = "".join(f', "{name}" = ?' for name in changes)
        self.db.execute(
            f'UPDATE "{table}" SET versionnumber = ?{sets} WHERE "{id_column}" = ?',
            (version, *changes.values(), row_id),
        )
        return version

    def delete(self, table: str, id_column: str, row_id: str) -> None:
        """Removes a row and leaves its tombstone for change tracking."""
        self.db.execute(f'DELETE FROM "{table}" WHERE "{id_column}" = ?', (row_id,))
        self.db.execute(
            "INSERT OR REPLACE INTO _deleted VALUES (?, ?, ?)", (self.next_version(), table, row_id)
        )
