"""Whether a refused write concerns one record or the whole table.

Dataverse answers both with 403 and the same code.

A record that belongs to another business unit, or that a rule secures, is refused although the role
has the privilege: then that record is rejected and its neighbours are written. Without the
privilege nothing of the table can be written: the flow pauses.
Sources: Microsoft Learn, "Security roles and privileges", "Column-level security",
"RetrieveUserPrivileges function".
"""

import re
import threading
import time
from collections.abc import Callable, Mapping

from shared.errors import BridgeError, Misconfigured, Refusal, Rejected
from shared.mapping import SourceTable

ONE_RECORD = re.compile(
    r"Access right(\(s\)|s)? for record|AccessCheckEx failed|ObjectID:", re.IGNORECASE
)
ONE_COLUMN = re.compile(
    r"secured field|permissions? for (the|a) .{1,200} (attribute|field)|FieldPermission",
    re.IGNORECASE,
)
PRIVILEGE = re.compile(r"\b(prv[A-Z]\w{2,100})(?: privilege \(Id=([0-9a-fA-F-]{36})\))?")
ROLE, COLUMNS = "security role", "column security profile"
EVERYWHERE = "Global"  # organization level
KEPT_SECONDS = 30.0


class Rights:
    """`read_privileges` gives the caller's privileges by name and by id, in lower case.

    They are kept half a minute.
    """

    def __init__(
        self,
        read_privileges: Callable[[], Mapping[str, str]],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.read_privileges, self.now = read_privileges, now
        self.lock = threading.Lock()
        self.cached: tuple[float, Mapping[str, str]] | None = None

    def with_privilege(
        self, error: BridgeError, status: int, message: str, what: str, privilege: str
    ) -> BridgeError:
        """The error, or what it means where access was denied.

        `privilege`: what the write takes, if the message names none.
        """
        if status != 403 or not isinstance(error, Misconfigured) or error.setting != ROLE:
            return error
        if ONE_COLUMN.search(message):
            return column_denied(what)
        named = PRIVILEGE.search(message)
        name, privilege_id = (named[1], named[2]) if named else (privilege, "")
        if ONE_RECORD.search(message) or self.has(name, privilege_id):
            return denied(what, name)
        return table_denied(what, name) if name else error

    def has(self, *names: str | None) -> bool:
        """Whether the role has it at any depth.

        False where that cannot be read: then the flow pauses and asks.
        """
        return any(name and name.lower() in self.privileges() for name in names)

    def check_reads_all(self, privilege: str, route: str) -> None:
        """Misconfigured where the role reads only some rows: Dataverse leaves the others out
        without a word, and what is left
        out must not count as deleted. Nothing where the depth cannot be read.
        """
        depth = self.privileges().get(privilege.lower(), EVERYWHERE)
        if depth != EVERYWHERE:
            sentence = (
                f"Privilege {privilege} is at depth {depth}, so Dataverse leaves rows out of"
                f" {route}."
            )
            raise Misconfigured(
                ROLE,
                f"{sentence} Give it at organization level, as `manage.py setup dataverse` does.",
            )

    def privileges(self) -> Mapping[str, str]:
        with self.lock:
            cached = self.cached
        if cached and self.now() - cached[0] < KEPT_SECONDS:
            return cached[1]
        try:
            found = self.read_privileges()
        except Misconfigured:
            found = {}
        with self.lock:
            self.cached = self.now(), found
        return found


def named_privilege(error: BridgeError, status: int, message: str, what: str) -> BridgeError:
    """The error of a refused read, with the privilege that Dataverse names; `message` is matched
    only.
    """
    found = PRIVILEGE.search(message)
    is_right = isinstance(error, Misconfigured) and error.setting == ROLE
    return table_denied(what, found[1]) if status == 403 and is_right and found else error


def denied(what: str, privilege: str) -> Rejected:
    at = f" (it takes {privilege} for this row)" if privilege else ""
    sentence = (
        f"Dataverse denied access to this one row for {what}{at}. Give the role the privilege at"
        " organization level, or share the row. Then replay it."
    )
    return Rejected(Refusal("", "access_denied", sentence))


def column_denied(what: str) -> Misconfigured:
    return Misconfigured(
        COLUMNS,
        f"Dataverse refused {what}: a column is secured. Add the application user to a column"
        " security profile that may update it.",
    )


def table_denied(what: str, privilege: str) -> Misconfigured:
    return Misconfigured(
        ROLE,
        f"Dataverse refused {what}, for privilege {privilege} is missing: give it to the"
        " application user's role at organization level, as `manage.py setup dataverse` does.",
    )


def privilege_to(action: str, table: SourceTable) -> str:
    """The privilege's name as a rule: prv, the action, the table's schema name (Microsoft Learn:
    Security roles).
    """
    return f"prv{action}{table.logical_name[:1].upper()}{table.logical_name[1:]}"
