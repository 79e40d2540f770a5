"""The security role of the function app: the privileges of its use cases, at organization depth,
and no others.

Source: Microsoft Learn, "Security roles and privileges", "ReplacePrivilegesRole action",
"RetrieveRolePrivilegesRole function".
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

from admin.setup.making import Making
from shared.checks.rights import ASSOCIATION
from shared.checks.wanted import DEPTH, Need
from shared.dataverse.client import API
from shared.identifiers import record_id

ROLE = "Adobe Campaign bridge"


class Role(Making):
    def run(self, needs: Sequence[Need], client_id: str) -> None:
        role_id = self.role()
        self.privileges(role_id, needs)
        self.assignment(role_id, client_id)

    def remove(self, client_id: str) -> None:
        """Takes the role from the application user, then away; a user's other roles stay."""
        role_id, user = self.role_id(), self.user(client_id)
        if not role_id:
            return
        if user and role_id in self.roles_of(user["systemuserid"]):
            path = f"systemusers({user['systemuserid']})/{ASSOCIATION}({role_id})/$ref"
            self.make(
                "removed",
                f"role {ROLE} from the application user",
                lambda: self.dataverse.delete(path, "an assignment"),
            )
        self.make(
            "removed",
            f"role {ROLE}",
            lambda: self.dataverse.delete(f"roles({role_id})", f"role {ROLE}"),
        )

    def role(self) -> str:
        """Its id; "" if it is only planned."""
        if found := self.role_id():
            self.found(f"role {ROLE}")
            return found
        body = {"name": ROLE, "businessunitid@odata.bind": f"/businessunits({self.root_unit()})"}
        ids: list[str] = []
        self.make("created", f"role {ROLE}", lambda: ids.append(self.created(body)))
        return ids[0] if ids else ""

    def created(self, body: dict[str, Any]) -> str:
        return self.dataverse.created(self.dataverse.post("roles", f"role {ROLE}", body))

    def role_id(self) -> str:
        row = self.dataverse.row(
            "roles", f"name eq '{ROLE}' and _businessunitid_value eq {self.root_unit()}", "roleid"
        )
        return str(row["roleid"]) if row else ""

    def root_unit(self) -> str:
        row = self.dataverse.row(
            "businessunits", "_parentbusinessunitid_value eq null", "businessunitid"
        )
        return str(row["businessunitid"]) if row else ""

    def privileges(self, role_id: str, needs: Sequence[Need]) -> None:
        wanted = {need.privilege_id: DEPTH for need in needs}
        granted = self.granted(role_id) if role_id else {}
        if granted == wanted:
            self.found(f"{len(wanted)} privileges of role {ROLE}")
            return
        listed = [
            {"PrivilegeId": privilege_id, "Depth": depth} for privilege_id, depth in wanted.items()
        ]
        action = f"roles({role_id})/Microsoft.Dynamics.CRM.ReplacePrivilegesRole"
        given, taken = (
            len(one.items() - other.items())
            for one, other in ((wanted, granted), (granted, wanted))
        )
        what = f"privileges of role {ROLE}: {given} given, {taken} taken away"
        self.make(
            "updated",
            what,
            lambda: self.dataverse.post(
                action, f"the privileges of role {ROLE}", {"Privileges": listed}
            ),
        )

    def granted(self, role_id: str) -> dict[str, str]:
        client = self.dataverse.client
        url = f"{client.url}{API}RetrieveRolePrivilegesRole(RoleId={role_id})"
        return {
            item["PrivilegeId"].lower(): item["Depth"]
            for item in client.get(url, "privileges of a role")["RolePrivileges"]
        }

    def user(self, client_id: str) -> dict[str, Any] | None:
        columns = "systemuserid,isdisabled,_businessunitid_value"
        found = record_id(client_id)
        return (
            self.dataverse.row("systemusers", f"applicationid eq {found}", columns)
            if found
            else None
        )

    def assignment(self, role_id: str, client_id: str) -> None:
        user = self.user(client_id)
        if user is None:
            self.problem(
                f"there is no application user for client id {client_id or '(none is given)'}:"
                " create it in the Power Platform admin center (environment, Settings, Users +"
                " permissions, Application users), then run this again",
                "missing",
            )
        elif user["isdisabled"]:
            self.problem(
                f"the application user of client id {client_id} is disabled: enable it", "unfit"
            )
        elif ROLE in self.roles_of(user["systemuserid"]).values():
            self.found(f"role {ROLE} with the application user")
        else:
            self.make(
                "assigned",
                f"role {ROLE} to the application user",
                partial(self.assign, role_id, user),
            )

    def roles_of(self, user_id: str) -> dict[str, str]:
        """Names by id."""
        return {
            row["roleid"]: row["name"]
            for row in self.dataverse.rows(f"systemusers({user_id})/{ASSOCIATION}", "roleid,name")
        }

    def assign(self, role_id: str, user: dict[str, Any]) -> None:
        """A user takes roles of its own business unit only: Dataverse keeps a copy of each role in
        every unit.
        """
        condition = f"name eq '{ROLE}' and _businessunitid_value eq {user['_businessunitid_value']}"
        own = self.dataverse.row("roles", condition, "roleid")
        reference = {
            "@odata.id": (
                f"{self.dataverse.client.url}{API}roles({own['roleid'] if own else role_id})"
            )
        }
        self.dataverse.post(
            f"systemusers({user['systemuserid']})/{ASSOCIATION}/$ref",
            f"the assignment of role {ROLE}",
            reference,
        )
