"""Who may do what: app roles of Entra, and the least role of a route.

Source: Microsoft Learn, "Add app roles to your application and receive them in the token".
"""

from collections.abc import Collection
from enum import Enum, StrEnum


class Role(StrEnum):
    """The app roles of the console's app registration, by their value in a token."""

    VIEWER = "Bridge.Viewer"
    OPERATOR = "Bridge.Operator"
    MAPPER = "Bridge.Mapper"
    PERSONAL_DATA = "Bridge.PersonalData"


class Least(Enum):
    """What a route asks of whoever calls it."""

    NOBODY = "nobody"
    """Also of somebody who is not signed in."""
    SIGNED_IN = "signed in"
    """Also of somebody without a role."""
    VIEWER = "viewer"
    ACTOR = "actor"
    """Who may act at all: the plan's kind says whether this act is theirs."""
    OPERATOR = "operator"
    MAPPER = "mapper"
    PERSONAL_DATA = "personal data"


NEEDED: dict[Least, frozenset[Role]] = {
    Least.VIEWER: frozenset(Role),
    Least.ACTOR: frozenset({Role.OPERATOR, Role.MAPPER}),
    Least.OPERATOR: frozenset({Role.OPERATOR}),
    Least.MAPPER: frozenset({Role.MAPPER}),
    Least.PERSONAL_DATA: frozenset({Role.PERSONAL_DATA}),
}
"""Any of these roles is enough."""


def read_roles(claims: object) -> tuple[Role, ...]:
    """The bridge's roles in the claim `roles`; what is none of them is left out."""
    listed = claims if isinstance(claims, list) else []
    return tuple(role for role in Role if role.value in listed)


def allows(roles: Collection[Role], least: Least) -> bool:
    """Whether somebody who is signed in with these roles may use a route."""
    return least not in NEEDED or bool(NEEDED[least] & set(roles))


def missing_role(least: Least) -> Role:
    """The role that a refused caller lacks: the one to ask for."""
    return next(role for role in Role if role in NEEDED[least])


def allowing_role(roles: Collection[Role], least: Least) -> Role:
    """The role that allows it, as it is noted in the activity log. StopIteration for none."""
    return next(role for role in Role if role in NEEDED[least] and role in roles)
