"""Who calls, and what they may: application users, their roles, and privileges taken away on
purpose.

A user made at first sight is a System Administrator; one that was created has the roles that it is
given. Source: Microsoft Learn, "Use OAuth authentication", "Security roles and privileges".
"""

import uuid
from collections.abc import Mapping
from typing import Any

from dev.emulators.dataverse.keys import as_guid
from dev.emulators.dataverse.model import Table, stable_id
from dev.emulators.dataverse.organization import put
from dev.emulators.dataverse.problems import (
    ApiError,
    missing_platform_privilege,
    missing_privilege,
    no_access_to_row,
)
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.roles import ADMINISTRATOR, DEPTHS, Roles
from dev.emulators.dataverse.store import Row, Store
from dev.emulators.dataverse.wire import Caller


class Access:
    """`strict` refuses tokens of applications that have no user; otherwise the user is made at
    first sight.
    """

    def __init__(self, store: Store, registry: Registry) -> None:
        self.store, self.registry = store, registry
        self.roles = Roles(store)
        self.depths: dict[str, str] = {}
        self.secured: dict[str, str] = {}
        self.strict = False
        self._callers: dict[str, Caller] = {}

    def reset(self) -> None:
        self.depths, self.secured, self.strict = {}, {}, False
        self._callers.clear()

    def forget_callers(self) -> None:
        self._callers.clear()
        self.roles.forget()

    def caller(self, claims: dict[str, Any]) -> Caller:
        """The user of a token's `appid` (or `azp`, `oid`); the administrator for a token that names
        nobody.
        """
        application = str(claims.get("appid") or claims.get("azp") or "")
        person = str(claims.get("oid") or "")
        name = application or person
        if name not in self._callers:
            self._callers[name] = self._found(application, person)
        return self._callers[name]

    def _found(self, application: str, person: str) -> Caller:
        if not application and not person:
            return self._caller(self.store.fact("administrator"), "")
        for column, value in (
            ("applicationid", application),
            ("azureactivedirectoryobjectid", person),
        ):
            wanted = as_guid(value) or value
            if wanted and (row := self.store.fetch("systemuser", column, wanted)):
                if row["isdisabled"]:
                    raise ApiError(
                        403,
                        "0x80040225",
                        "The specified user is either disabled or is not a member of any business"
                        " unit.",
                    )
                return self._caller(row["systemuserid"], application)
        if self.strict:
            raise ApiError(403, "0x80072560", "The user is not a member of the organization.")
        return self._caller(self._made(application, person), application)

    def _made(self, application: str, person: str) -> str:
        user_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"systemuser:{application or person}"))
        with self.store.transaction():
            put(
                self.store,
                self.registry,
                "systemuser",
                systemuserid=user_id,
                fullname=f"# application {application or person}",
                applicationid=as_guid(application) or application or None,
                azureactivedirectoryobjectid=as_guid(person) or person or None,
                businessunitid=self.store.fact("business_unit"),
                isdisabled=0,
            )
            self.roles.assign(user_id, ADMINISTRATOR)
        return user_id

    def _caller(self, user_id: str, application: str) -> Caller:
        return Caller(
            user_id,
            application,
            str(self.store.fact("business_unit")),
            str(self.store.fact("organization")),
        )

    def configure(self, order: dict[str, Any]) -> None:
        """{"strict": bool, "privileges": {"prvReadContact": "Basic"}, "secured": {"<row id>":
        "record" | "privilege"}}.

        A secured row is written by nobody; the word chooses between the two texts of the refusal.
        ValueError for a depth or a word that does not exist.
        """
        depths, secured = order.get("privileges", {}), order.get("secured", {})
        if wrong := set(secured.values()) - {"record", "privilege"}:
            raise ValueError(
                f"no such wording: {', '.join(sorted(wrong))}; known are record, privilege"
            )
        if unknown := set(depths.values()) - set(DEPTHS):
            raise ValueError(
                f"no such depth: {', '.join(sorted(unknown))}; known are {', '.join(DEPTHS)}"
            )
        self.depths, self.strict = dict(depths), bool(order.get("strict", False))
        self.secured = {row_id.lower(): word for row_id, word in secured.items()}
        self._callers.clear()

    def require(self, caller: Caller, action: str, table: Table, everywhere: bool = False) -> None:
        """`action` is Create, Read, Write or Delete; `everywhere` needs it at organization depth.

        ApiError 403 without it.
        """
        name = f"prv{action}{table.privilege}"
        depth = self.depth(caller, name)
        if depth == "None" or (everywhere and depth != "Global"):
            raise missing_privilege(
                caller.user_id, name, stable_id("privilege", name), table.logical, table.code
            )

    def require_row(self, caller: Caller, action: str, table: Table, row: Row | None) -> None:
        """A row of somebody else is refused below organization depth, although its table may be
        written.
        """
        if row is None:
            return
        name, row_id = f"prv{action}{table.privilege}", str(row[table.id_column])
        if self.secured.get(row_id) == "privilege":
            raise missing_privilege(
                caller.user_id, name, stable_id("privilege", name), table.logical, table.code
            )
        owned = {"Basic": row.get("ownerid") == caller.user_id, "Global": True}
        own_unit = row.get("owningbusinessunit") == caller.business_unit_id
        reachable = "owningbusinessunit" not in row or owned.get(self.depth(caller, name), own_unit)
        if row_id in self.secured or not reachable:
            raise no_access_to_row(caller.user_id, action, row_id, table.logical)

    def everywhere(self, caller: Caller, action: str, table: Table) -> bool:
        """Whether no single row of the table can be refused, so that none needs to be looked at."""
        return not self.secured and self.depth(caller, f"prv{action}{table.privilege}") == "Global"

    def reach(self, caller: Caller, table: Table) -> tuple[str, list[str]]:
        """The SQL condition, of a table called t, that leaves out of a list what the caller may not
        read.
        """
        depth = self.depth(caller, f"prvRead{table.privilege}")
        if depth == "Global" or "owningbusinessunit" not in table.columns:
            return "1", []
        column = "ownerid" if depth == "Basic" else "owningbusinessunit"
        return f't."{column}" = ?', [
            caller.user_id if depth == "Basic" else caller.business_unit_id
        ]

    def depth(self, caller: Caller, privilege: str) -> str:
        own = self.roles.depth(caller.user_id, privilege)
        return self.depths.get(privilege, own)

    def require_platform(self, caller: Caller, *names: str) -> None:
        """Privileges that belong to no table of rows, such as prvReadEntity."""
        for name in names:
            if self.depth(caller, name) == "None":
                raise missing_platform_privilege(caller.user_id, name, stable_id("privilege", name))

    def require_links(self, caller: Caller, table: Table, body: Mapping[str, Any]) -> None:
        """A lookup takes Append on the row that gets it, AppendTo on the row that it leads to.

        Another owner takes Assign, and that user or team must be one that the caller may read and
        append to.
        """
        for key, value in body.items():
            if not key.endswith("@odata.bind") or not isinstance(value, str):
                continue
            column = table.navigation.get(key.removesuffix("@odata.bind"))
            target = self.registry.sets.get(value.rpartition("/")[2].partition("(")[0])
            if column is None or target is None:
                continue
            if column.name == "ownerid":
                if caller.user_id not in value:
                    self.require(caller, "Assign", table)
                    self.require(caller, "Read", target)
                    self.require(caller, "AppendTo", target)
                continue
            self.require(caller, "Append", table)
            self.require(caller, "AppendTo", target)
            if self.everywhere(caller, "AppendTo", target):
                continue
            row_id = as_guid(value.rpartition("(")[2].rstrip(")"))
            self.require_row(
                caller,
                "AppendTo",
                target,
                self.store.fetch(target.logical, target.id_column, row_id or ""),
            )
