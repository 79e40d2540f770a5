"""Security roles: which privileges they hold, who has them, and what a user may therefore do.

A user whom an administrator has created has no role and may do nothing. System Administrator may do
everything. Assignments are the relationship `systemuserroles_association`. Source: Microsoft Learn,
"Security roles and privileges", "ReplacePrivilegesRole action", "RetrieveRolePrivilegesRole
function", "RetrieveUserPrivileges function".
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from dev.emulators.dataverse.keys import Address
from dev.emulators.dataverse.model import stable_id
from dev.emulators.dataverse.problems import (
    ApiError,
    bad_query,
    no_such_path,
    no_such_row,
    not_emulated,
)
from dev.emulators.dataverse.store import Store
from dev.emulators.dataverse.wire import Request, Response, json_response

ADMINISTRATOR = stable_id("row", "system administrator")
ASSOCIATION = "systemuserroles_association"
DEPTHS = ("None", "Basic", "Local", "Deep", "Global")
REFERENCE = re.compile(r"(?:.*/)?roles\(([0-9a-fA-F-]{36})\)")
ROLE_TABLES = {"role", "systemuser"}
Rights = dict[str, str]


class Roles:
    """`rights` None is everything. What was found out is kept until `forget`."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.db.execute(
            "CREATE TABLE IF NOT EXISTS _user_roles (user TEXT, role TEXT, PRIMARY KEY (user,"
            " role))"
        )
        store.db.execute(
            "CREATE TABLE IF NOT EXISTS _role_privileges (role TEXT, id TEXT, depth TEXT, PRIMARY"
            " KEY (role, id))"
        )
        self.known: dict[str, Rights | None] = {}

    def forget(self) -> None:
        self.known.clear()

    def assign(self, user_id: str, role_id: str) -> None:
        self.store.db.execute("INSERT OR IGNORE INTO _user_roles VALUES (?, ?)", (user_id, role_id))
        self.forget()

    def assigned(self, user_id: str) -> list[str]:
        """Roles that are still there: who loses a role that is deleted loses its privileges."""
        sql = (
            "SELECT u.role FROM _user_roles u JOIN role r ON r.roleid = u.role WHERE u.user = ?"
            " ORDER BY u.rowid"
        )
        return [row[0] for row in self.store.db.execute(sql, (user_id,))]

    def rights(self, user_id: str) -> Rights | None:
        """Depth by privilege; ApiError 403 for a user without any role."""
        if user_id not in self.known:
            roles = self.assigned(user_id)
            if not roles:
                raise ApiError(
                    403,
                    "0x80042f09",
                    f"The user with id={user_id} has no roles assigned. A role is needed to"
                    " sign in.",
                )
            self.known[user_id] = None if ADMINISTRATOR in roles else self.of_roles(roles)
        return self.known[user_id]

    def of_roles(self, roles: Iterable[str]) -> Rights:
        found: Rights = {}
        for role in roles:
            for item in self.privileges(role):
                name = item["PrivilegeName"]
                found[name] = max(found.get(name, "None"), item["Depth"], key=DEPTHS.index)
        return found

    def depth(self, user_id: str, privilege: str) -> str:
        rights = self.rights(user_id)
        return "Global" if rights is None else rights.get(privilege, "None")

    def privileges(self, role: str) -> list[dict[str, Any]]:
        """RolePrivilege items; System Administrator holds all there are."""
        unit = self.store.fact("business_unit")
        sql = (
            "SELECT privilegeid, name, depth FROM _role_privileges JOIN privilege ON privilegeid ="
            " id WHERE role = ?"
        )
        values: tuple[str, ...] = (role,)
        if role == ADMINISTRATOR:
            sql, values = "SELECT privilegeid, name, 'Global' FROM privilege", ()
        found = self.store.db.execute(sql + " ORDER BY 2", values).fetchall()
        return [
            {"Depth": d, "PrivilegeId": i, "BusinessUnitId": unit, "PrivilegeName": n}
            for i, n, d in found
        ]

    def of_user(self, request: Request, user_id: str, taken: Mapping[str, str]) -> Response:
        """RetrieveUserPrivileges; `taken` are depths that a test has laid over those of the
        roles.
        """
        merged = {
            item["PrivilegeName"]: item
            for role in self.assigned(user_id)
            for item in self.privileges(role)
        }
        rights = self.rights(user_id)
        depths = {name: taken.get(name, rights[name] if rights else "Global") for name in merged}
        chosen = [
            item | {"Depth": depths[name]}
            for name, item in merged.items()
            if depths[name] != "None"
        ]
        return answered(request, "RetrieveUserPrivilegesResponse", chosen)

    def of_role(self, request: Request) -> Response:
        match = re.fullmatch(
            r"RetrieveRolePrivilegesRole\(RoleId=([0-9a-fA-F-]{36})\)", request.path
        )
        if not match:
            raise bad_query("The function RetrieveRolePrivilegesRole needs the parameter RoleId.")
        return answered(
            request, "RetrieveRolePrivilegesRoleResponse", self.privileges(match[1].lower())
        )

    def replace(self, request: Request, role: Address) -> Response:
        """ReplacePrivilegesRole: from now on the role holds these and no others."""
        row, wanted = role.require(self.store), request.json().get("Privileges") or []
        with self.store.transaction():
            self.store.db.execute("DELETE FROM _role_privileges WHERE role = ?", (row["roleid"],))
            for item in wanted:
                self.add(
                    row["roleid"],
                    str(item.get("PrivilegeId", "")).lower(),
                    str(item.get("Depth", "")),
                )
        self.forget()
        return Response(204)

    def add(self, role: str, privilege_id: str, depth: str) -> None:
        if depth not in DEPTHS[1:]:
            raise ApiError(
                400, "0x80048d19", f"Cannot convert the value '{depth}' to the type PrivilegeDepth."
            )
        if not self.store.fetch("privilege", "privilegeid", privilege_id):
            raise no_such_row("privilege", privilege_id)
        self.store.db.execute(
            "INSERT OR REPLACE INTO _role_privileges VALUES (?, ?, ?)", (role, privilege_id, depth)
        )

    def associate(self, request: Request, user: Address, below: list[str]) -> Response:
        """POST .../$ref with the role as @odata.id; DELETE ...(<role>)/$ref."""
        user_id = user.require(self.store)["systemuserid"]
        match request.method, below:
            case "POST", [_, "$ref"]:
                role = REFERENCE.fullmatch(str(request.json().get("@odata.id", "")))
                if not role or not self.store.fetch("role", "roleid", role[1].lower()):
                    raise no_such_row("role", role[1] if role else "")
                self.assign(user_id, role[1].lower())
            case "DELETE", [head, "$ref"] if "(" in head:
                role_id = head.partition("(")[2].rstrip(")").lower()
                self.store.db.execute(
                    "DELETE FROM _user_roles WHERE user = ? AND role = ?", (user_id, role_id)
                )
                self.forget()
            case "GET", _:
                raise no_such_path(below[-1])
            case _:
                raise not_emulated(f"{request.method} on {ASSOCIATION}")
        return Response(204)

    def listed(self, request: Request, user: Address) -> Response:
        """The roles of a user; `$select` is taken, other options are not."""
        if set(request.query) - {"$select"}:
            raise not_emulated(f"query options but $select on {ASSOCIATION}")
        ids = self.assigned(user.require(self.store)["systemuserid"])
        rows = [self.store.fetch("role", "roleid", role_id) or {} for role_id in ids]
        shown = [
            {"roleid": r["roleid"], "name": r["name"], "_roletemplateid_value": r["roletemplateid"]}
            for r in rows
        ]
        wanted = [
            part.strip() for part in request.query.get("$select", "").split(",") if part.strip()
        ]
        if unknown := set(wanted) - {"roleid", "name", "_roletemplateid_value"}:
            raise not_emulated(f"the column {sorted(unknown)[0]} in {ASSOCIATION}")
        chosen = (
            [{name: row[name] for name in {"roleid", *wanted}} for row in shown]
            if wanted
            else shown
        )
        return json_response({"@odata.context": f"{request.api}/$metadata#roles", "value": chosen})


def answered(request: Request, kind: str, privileges: list[dict[str, Any]]) -> Response:
    return json_response(
        {
            "@odata.context": f"{request.api}/$metadata#Microsoft.Dynamics.CRM.{kind}",
            "RolePrivileges": privileges,
        }
    )
