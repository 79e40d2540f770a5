"""What the active documents and the flows that are on make necessary in Dataverse: privileges,
tracked tables, webhooks.

`setup dataverse` makes it, `check` looks whether it is there. Another use case is one entry in
`use_cases`, another webhook one in `subscriptions`. Source: Microsoft Learn, "Security roles and
privileges", "Custom activities", "Use change tracking", "Register a plug-in" (filtering
attributes).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from shared.dataverse.client import API, DataverseClient
from shared.errors import Misconfigured
from shared.mapping import MappingDocument
from shared.mapping.compiling import columns
from shared.opt_out.deciding import Mode
from shared.opt_out.documents import OptOutDocument
from shared.opt_out.owned import without_flags

MESSAGES = ("Create", "Update", "Delete")
PLATFORM = ("prvReadEntity", "prvReadAttribute", "prvReadRelationship", "prvReadOptionSet")
DEPTH = "Global"
CARRY, OPT_OUT = "carry opt-outs", "contact/opt-out"


@dataclass(frozen=True, slots=True)
class OptOuts:
    """The opt-out flow while it is on: which way, and by which document."""

    mode: Mode
    document: OptOutDocument

    @property
    def reads_dynamics(self) -> bool:
        return self.mode in (Mode.TO_CAMPAIGN, Mode.BOTH)

    @property
    def reads_campaign(self) -> bool:
        return self.mode in (Mode.FROM_CAMPAIGN, Mode.BOTH)


@dataclass(frozen=True, slots=True)
class InUse:
    """The flows that are on, with the documents that they go by; `opt_outs` is None while
    OPT_OUT_MODE is disabled.
    """

    documents: Sequence[MappingDocument]
    email_events: bool = False
    opt_outs: OptOuts | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What Dataverse shall tell at /api/dataverse/<path>: these messages of a table, Update for a
    change of these columns.
    """

    path: str
    table: str
    messages: tuple[str, ...]
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UseCase:
    """`rights`: a table and actions (Create, Read, Write, Delete, Append, AppendTo, Assign);
    `platform`: those of no table.
    """

    name: str
    rights: tuple[tuple[str, tuple[str, ...]], ...]
    platform: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Need:
    """One privilege at organization depth; `use_case` is the first that needs it."""

    use_case: str
    name: str
    privilege_id: str


def use_cases(in_use: InUse) -> list[UseCase]:
    """Everything that the function app does in Dataverse, and what `check` reads."""
    read = [(document.table, ("Read",)) for document in in_use.documents]
    found = [
        UseCase(
            "connect and read definitions",
            (("organization", ("Read",)), ("systemuser", ("Read",))),
            PLATFORM,
        ),
        *(UseCase(f"read {table} and its changes", ((table, actions),)) for table, actions in read),
    ]
    if in_use.opt_outs:
        found.append(
            UseCase(
                CARRY,
                (("contact", ("Read", "Write") if in_use.opt_outs.reads_campaign else ("Read",)),),
            )
        )
    if in_use.email_events:
        found.append(EMAIL_EVENTS)
    return [*found, LOOK]


EMAIL_EVENTS = UseCase(
    "write e-mail events",
    (
        ("activitypointer", ("Create", "Read", "Write", "Append", "Assign")),
        ("contact", ("Read", "AppendTo")),
        ("systemuser", ("AppendTo",)),
        ("team", ("Read", "AppendTo")),
        ("sdkmessage", ("Read",)),
        ("sdkmessagefilter", ("Read",)),
    ),
)
LOOKED_AT = (
    "role",
    "sdkmessage",
    "sdkmessagefilter",
    "sdkmessageprocessingstep",
    "serviceendpoint",
)
LOOK = UseCase("check the set-up", tuple((table, ("Read",)) for table in LOOKED_AT))


def needs(
    client: DataverseClient, cases: Sequence[UseCase], platform: Mapping[str, str]
) -> list[Need]:
    """The privileges by their names in this organization, each once; Misconfigured names tables
    that it does not have.

    `platform` gives the ids of privileges of no table.
    """
    tables = privileges_of(client, sorted({table for case in cases for table, _ in case.rights}))
    found: dict[str, Need] = {}
    for case in cases:
        named = [*platform_of(case, platform), *table_rights(case, tables)]
        for name, privilege_id in named:
            found.setdefault(name, Need(case.name, name, privilege_id))
    return list(found.values())


def platform_of(case: UseCase, platform: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, platform[name]) for name in case.platform if name in platform]


def table_rights(
    case: UseCase, tables: dict[str, dict[str, tuple[str, str]]]
) -> list[tuple[str, str]]:
    """A table of the platform may lack a kind of privilege: then everybody has it."""
    return [
        tables[table][action]
        for table, actions in case.rights
        for action in actions
        if action in tables[table]
    ]


def privileges_of(
    client: DataverseClient, tables: Sequence[str]
) -> dict[str, dict[str, tuple[str, str]]]:
    """Table -> action -> (privilege's name, its id), from the definitions: names do not follow from
    the tables' own.
    """
    condition = quote(" or ".join(f"LogicalName eq '{name}'" for name in tables))
    answer = client.metadata_list(
        f"EntityDefinitions?$select=LogicalName,Privileges&$filter={condition}", "list"
    )
    found = {item["LogicalName"]: dict(map(privilege, item["Privileges"])) for item in answer}
    if missing := [name for name in tables if name not in found]:
        raise Misconfigured(
            "mapping",
            f"Dataverse has no table {', '.join(missing)}: create it, or correct the mapping"
            " document.",
        )
    return found


def privilege(item: dict[str, Any]) -> tuple[str, tuple[str, str]]:
    return item["PrivilegeType"], (item["Name"], item["PrivilegeId"].lower())


def platform_ids(client: DataverseClient) -> dict[str, str]:
    """For who may read the list of privileges: an administrator."""
    condition = quote(" or ".join(f"name eq '{name}'" for name in PLATFORM))
    rows = client.listed(
        f"{client.url}{API}privileges?$select=privilegeid,name&$filter={condition}", "privileges"
    )
    return {row["name"]: row["privilegeid"].lower() for row in rows}


def subscriptions(in_use: InUse) -> dict[str, Subscription]:
    """By path: one for each mapped table, and one for the opt-outs of contacts where Dynamics is
    asked for them.
    """
    found = [of_table(document) for document in in_use.documents]
    if in_use.opt_outs and in_use.opt_outs.reads_dynamics:
        found.append(
            Subscription(
                OPT_OUT, "contact", ("Create", "Update"), tuple(in_use.opt_outs.document.columns)
            )
        )
    return {one.path: one for one in found}


def of_table(document: MappingDocument) -> Subscription:
    """A flag, which belongs to the opt-out flow, is no reason to wake the contacts flow."""
    return Subscription(
        document.table,
        document.table,
        MESSAGES,
        tuple(filtering_attributes(without_flags(document))),
    )


def filtering_attributes(document: MappingDocument) -> list[str]:
    """The columns whose change is worth a webhook: those that an update reads.

    A row names a lookup `_<column>_value`.
    """
    updated = document.model_copy(
        update={"fields": [rule for rule in document.fields if rule.apply_updates]}
    )
    names = columns(updated) - {document.key.source}
    return sorted(
        name[1:-6] if name.startswith("_") and name.endswith("_value") else name for name in names
    )
