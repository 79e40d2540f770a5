"""What both systems say of their fields, in the mapping's own words."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Self

LOOKUP_TYPES = frozenset({"Lookup", "Customer", "Owner"})


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A Dataverse column.

    `type` as in AttributeTypeName without its ending (String, Memo, Boolean, Integer, BigInt,
    Decimal, Double, Money, DateTime, DateOnly, Picklist, MultiSelectPicklist, State, Status,
    Lookup, Customer, Owner, Uniqueidentifier, Virtual); `options` are the labels of a choice, ""
    where it has none in any language; `targets` the tables that a lookup leads to. `user_local`:
    its times are shown in each user's zone; `date_only`: it shows days alone. `zone`: whose days
    they are.
    """

    name: str
    type: str
    max_length: int | None = None
    options: Mapping[int, str] = field(default_factory=dict)
    targets: tuple[str, ...] = ()
    user_local: bool = False
    date_only: bool = False
    zone: tzinfo | None = None
    label: str = field(default="", repr=False, compare=False)
    """What people call it, "" where it has no name in any language. No mapping depends on it."""

    @property
    def local_days(self) -> bool:
        """Whether its values stand for days of a zone that is known."""
        return self.date_only and self.zone is not None


@dataclass(frozen=True, slots=True)
class SourceTable:
    """A Dataverse table; `columns` by logical name."""

    logical_name: str
    entity_set: str
    primary_id: str
    columns: Mapping[str, SourceColumn]
    change_tracking: bool = True
    label: str = field(default="", repr=False, compare=False)
    """What people call it."""

    def in_zone(self, zone: tzinfo | None) -> Self:
        """The table as users of the zone see it.

        Columns of another behavior are the same everywhere.
        """
        if zone is None:
            return self
        shown = {
            name: replace(column, zone=zone)
            for name, column in self.columns.items()
            if column.user_local
        }
        return replace(self, columns={**self.columns, **shown})

    def names(self) -> dict[str, SourceColumn]:
        """The columns by the names that rows have them under."""
        return {
            f"_{name}_value" if column.type in LOOKUP_TYPES else name: column
            for name, column in self.columns.items()
        }

    def column(self, name: str) -> SourceColumn | None:
        """The column of a name as rows have it: a lookup stands there as `_<name>_value` (Web API
        navigation properties).
        """
        if name.startswith("_") and name.endswith("_value"):
            found = self.columns.get(name[1:-6])
            return found if found and found.type in LOOKUP_TYPES else None
        found = self.columns.get(name)
        return None if found and found.type in LOOKUP_TYPES else found


@dataclass(frozen=True, slots=True)
class TargetField:
    """A Campaign field; `name` is dotted inside a sub-node: "location.city".

    `type`: string, boolean, integer, float, double, date, datetime or enumeration, whose names are
    the keys of `values`. `policy` is Campaign's dataPolicy, such as "email"; `sortable` whether a
    list may be asked for in its order.
    """

    name: str
    type: str
    length: int | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    read_only: bool = False
    policy: str = ""
    sortable: bool = True
    label: str = field(default="", repr=False, compare=False)
    """What people call it. No mapping depends on it."""


@dataclass(frozen=True, slots=True)
class TargetResource:
    """A Campaign resource; `fields` by dotted name.

    `filters`: the parameters of each published filter, None if not known.
    """

    name: str
    fields: Mapping[str, TargetField]
    filters: Mapping[str, tuple[str, ...]] | None = None
    label: str = field(default="", repr=False, compare=False)
    """What people call it."""
