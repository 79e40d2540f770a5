"""The people of the emulated tenant, and what their ID tokens say.

Source: Microsoft Learn, "ID token claims reference", "Add app roles to your application".
"""

from dataclasses import dataclass, replace
from typing import Any
from uuid import NAMESPACE_URL, uuid5

OTHER_TENANT = "7e57ed00-0000-4000-8000-00000000beef"


@dataclass(frozen=True)
class Account:
    """Somebody who can sign in. `tenant_id` "" is the emulated tenant."""

    name: str
    title: str
    roles: tuple[str, ...]
    tenant_id: str = ""

    @property
    def user_name(self) -> str:
        return f"{self.name}@example.org"

    def claims(self, tenant_id: str) -> dict[str, Any]:
        """Claims of an ID token about the person; `roles` is left out where there are none."""
        person = str(uuid5(NAMESPACE_URL, self.user_name))
        claims = {
            "oid": person,
            "sub": person[::-1],
            "tid": self.tenant_id or tenant_id,
            "name": self.title,
            "preferred_username": self.user_name,
        }
        return {**claims, "roles": list(self.roles)} if self.roles else claims


VIEWER, OPERATOR, MAPPER = "Bridge.Viewer", "Bridge.Operator", "Bridge.Mapper"
PERSONAL = "Bridge.PersonalData"


def everybody() -> dict[str, Account]:
    """One account for each role, one with all of them, one without any, one of another tenant."""
    accounts = (
        Account("vera.viewer", "Vera Viewer", (VIEWER,)),
        Account("otto.operator", "Otto Operator", (VIEWER, OPERATOR)),
        Account("mia.mapper", "Mia Mapper", (VIEWER, MAPPER)),
        Account("paula.privacy", "Paula Privacy", (VIEWER, OPERATOR, PERSONAL)),
        Account("ada.admin", "Ada Admin", (VIEWER, OPERATOR, MAPPER, PERSONAL)),
        Account("nils.norole", "Nils Norole", ()),
        Account("gina.guest", "Gina Guest", (VIEWER, OPERATOR), OTHER_TENANT),
    )
    return {account.name: account for account in accounts}


def with_roles(account: Account, roles: list[str]) -> Account:
    return replace(account, roles=tuple(roles))
