"""The engine's database when it fails in passing: a 500 whose text quotes the SQL, with names of
columns and values.

Sources: Campaign v8 documentation, "Limitations" (PGS-220000, its column for Standard); PostgreSQL
documentation, "Error codes".
"""

from typing import Any

from dev.emulators.campaign.errors import PREFIX, EngineError
from dev.emulators.campaign.model import Resource

CAUSES = {
    "deadlock": (
        "PGS-220000 PostgreSQL error: ERROR:  deadlock detected DETAIL:  Process 47 waits for"
        " ShareLock."
    ),
    "slow": (
        "PGS-220000 PostgreSQL error: ERROR:  canceling statement due to statement timeout. The"
        " query took too long."
    ),
    "lost": (
        "PGS-220000 PostgreSQL error: FATAL:  terminating connection. Connection to database lost."
    ),
    "locked": "PGS-220000 PostgreSQL error: ERROR:  the date partition is locked.",
    "full": "PGS-220000 PostgreSQL error: ERROR:  could not extend file: No space left on device.",
    "unknown": (
        "PGS-220000 PostgreSQL error: ERROR:  an enumeration of the email date length exceeds it."
    ),
}
LETTERS = {bool: "b", int: "i", float: "d"}


class Database:
    """Fails the next `times` writes with a cause of `CAUSES`; -1 is for ever."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.cause, self.times = "", 0

    def order(self, cause: str, times: int = -1) -> None:
        self.cause, self.times = cause, times if cause else 0

    def write(self, verb: str, resource: Resource, body: dict[str, Any]) -> None:
        """An EngineError if this write is to fail."""
        if self.times:
            self.times -= self.times > 0
            raise EngineError(
                500, f"{PREFIX} {CAUSES[self.cause]}\n{statement(verb, resource, body)}"
            )


def statement(verb: str, resource: Resource, body: dict[str, Any]) -> str:
    schema, _, name = resource.schema.partition(":")
    table = schema.capitalize() + name[:1].upper() + name[1:]
    columns = ", ".join(
        f"{LETTERS.get(type(value), 's')}{field[:1].upper()}{field[1:]}='{value}'"
        for field, value in body.items()
    )
    work = {
        "POST": f"INSERT INTO {table} VALUES ({columns})",
        "DELETE": f"DELETE FROM {table} WHERE iRecipientId = 7",
    }
    return (
        f"WDB-200001 SQL statement '{work.get(verb, f'UPDATE {table} SET {columns}')}' could not be"
        " executed."
    )
