"""A row's links: to which parent a lookup leads."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from shared.mapping.documents import Link

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parent:
    """A record that this one is linked to, and the target field that links it.

    `required`: as the document says; None where it says nothing.
    """

    table: str
    record_id: str
    target: str
    required: bool | None = None


def table_of(lookup: str) -> str:
    """Where a row says which table a lookup leads to: Dataverse tells it beside the column, not in
    it.
    """
    return f"{lookup}@table"


def leads(link: Link, polymorphic_lookups: Collection[str]) -> Callable[[Row], bool]:
    """Whether a row's lookup leads to a parent of the link: it is set, and to one of the link's
    tables.
    """
    if link.source not in polymorphic_lookups:
        return lambda row: bool(row[link.source])
    return lambda row: bool(row[link.source]) and row.get(table_of(link.source)) in link.parents


def parent_table(link: Link, polymorphic_lookups: Collection[str], row: Row) -> str:
    return (
        str(row[table_of(link.source)]) if link.source in polymorphic_lookups else link.parents[0]
    )
