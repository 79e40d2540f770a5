"""Tables and columns as data: what metadata answers, what values are checked against, what storage
is made from.

A table is one document (see `tables/*.yaml`), kept in storage, so that a table or column made over
the metadata API is no different from one that was there at the start.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any

NAMESPACE = uuid.UUID("5b2f5a4e-6f0c-5c57-9c55-0a6c7f3f1f11")
LOOKUP_KINDS = {"Lookup", "Customer", "Owner"}
CHOICE_KINDS = {"Picklist", "State", "Status"}
TEXT_KINDS = {"String", "Memo", "EntityName"}
DECIMAL_KINDS = {"Decimal", "Money"}
NUMBER_KINDS = {"Integer", "BigInt", "Decimal", "Double", "Money"}


ENGLISH = 1033  # the language of every user


def shown(label: Any) -> str:
    """The text of a label that a user sees: in English, else in the first language that it has, ""
    where it has none.
    """
    if not isinstance(label, dict):
        return str(label)
    return str(label.get(str(ENGLISH)) or next(iter(label.values()), ""))


@cache
def stable_id(*names: str) -> str:
    """The same id at every start for the same names: metadata ids must outlive a restart."""
    return str(uuid.uuid5(NAMESPACE, "/".join(names)))


@dataclass(frozen=True)
class Column:
    """One column.

    `document` holds what was declared: kind, label, max, choices, targets and so on.
    """

    table: str
    schema: str
    document: dict[str, Any]

    @cached_property
    def name(self) -> str:
        return self.schema.lower()

    @cached_property
    def kind(self) -> str:
        return str(self.document["kind"])

    @property
    def label(self) -> str:
        return str(self.document.get("label", self.schema))

    @cached_property
    def metadata_id(self) -> str:
        return str(self.document.get("metadata_id") or stable_id("column", self.table, self.name))

    @cached_property
    def is_lookup(self) -> bool:
        return self.kind in LOOKUP_KINDS

    @cached_property
    def date_only(self) -> bool:
        return self.document.get("behavior") == "DateOnly"

    @cached_property
    def wire_name(self) -> str:
        """The property's name in a row: lookups are read as `_<column>_value`."""
        return f"_{self.name}_value" if self.is_lookup else self.name

    @cached_property
    def choices(self) -> dict[int, str]:
        """Values and labels of a choice column, empty for any other."""
        return {
            int(value): shown(label) for value, label in self.document.get("choices", {}).items()
        }

    @cached_property
    def choice_labels(self) -> dict[int, Any]:
        """The labels as they were declared: a text, or texts by language."""
        return {int(value): label for value, label in self.document.get("choices", {}).items()}

    @cached_property
    def flag_labels(self) -> list[Any]:
        """Of a yes/no column: the labels of no and of yes, as they were declared."""
        return list(self.document.get("labels", ["No", "Yes"]))

    @property
    def digits(self) -> int:
        """Behind the point, of a decimal; money is answered with four."""
        return 4 if self.kind == "Money" else int(self.document.get("precision", 2))

    @cached_property
    def states(self) -> dict[int, int]:
        """Of a status column: status reason -> state."""
        return {
            int(status): int(state) for status, state in self.document.get("states", {}).items()
        }

    @cached_property
    def targets(self) -> dict[str, list[str]]:
        """Navigation property -> tables it may point to."""
        declared = self.document.get("targets", {})
        return {nav: [t] if isinstance(t, str) else list(t) for nav, t in declared.items()}

    @cached_property
    def target_tables(self) -> list[str]:
        return [table for tables in self.targets.values() for table in tables]

    @cached_property
    def polymorphic(self) -> bool:
        return len(self.target_tables) > 1

    @property
    def default(self) -> Any:
        return self.document.get("default")

    def allows(self, verb: str) -> bool:
        """`verb` is create, update or read."""
        return bool(self.document.get(verb, True))


@dataclass(frozen=True)
class Key:
    """An alternate key: a unique combination of columns that addresses a row."""

    schema: str
    columns: tuple[str, ...]
    label: str
    metadata_id: str

    @property
    def name(self) -> str:
        return self.schema.lower()


@dataclass
class Table:
    """One table. `metadata_version` is the global version at which its definition last changed."""

    document: dict[str, Any]
    metadata_version: int = 0
    columns: dict[str, Column] = field(init=False)

    def __post_init__(self) -> None:
        declared = self.document["columns"]
        self.columns = {
            schema.lower(): Column(self.logical, schema, body) for schema, body in declared.items()
        }
        self.by_wire_name = {column.wire_name: column for column in self.columns.values()}
        self.navigation = {
            nav: column for column in self.columns.values() for nav in column.targets
        }

    def __getattr__(self, name: str) -> Any:
        """`schema`, `set`, `code`, `label` and the like stand in the document under those names."""
        try:
            return self.__dict__["document"][name]
        except KeyError:
            raise AttributeError(name) from None

    @property
    def logical(self) -> str:
        return str(self.document["logical"])

    @property
    def id_column(self) -> str:
        return str(self.document["id"])

    @property
    def name_column(self) -> str:
        return str(self.document["name"])

    @property
    def metadata_id(self) -> str:
        return str(self.document.get("metadata_id") or stable_id("table", self.logical))

    @property
    def abstract(self) -> bool:
        """Whether its rows are those of other tables."""
        return bool(self.document.get("abstract", False))

    @property
    def tracked(self) -> bool:
        return bool(self.document.get("change_tracking", False))

    @property
    def privilege(self) -> str:
        """The word that the table's privileges are named with: prvRead<word>."""
        return str(self.document.get("privilege", self.document["schema"]))

    @property
    def keys(self) -> list[Key]:
        return [
            Key(schema, tuple(body["columns"]), body.get("label", schema), body["metadata_id"])
            for schema, body in self.document.get("keys", {}).items()
        ]

    def first_status(self, state: int) -> int:
        """The status reason that a state begins with."""
        return next(
            status
            for status, of_state in self.columns["statuscode"].states.items()
            if of_state == state
        )

    def readable(self) -> Iterator[Column]:
        return (column for column in self.columns.values() if column.allows("read"))
