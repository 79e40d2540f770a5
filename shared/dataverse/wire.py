"""The Dataverse Web API's forms: rows, versions, deleted items, metadata; read once here, our own
types from here on.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared import exact_json
from shared.errors import Refusal, Rejected, Retryable
from shared.http.understanding import named, whole
from shared.identifiers import record_id
from shared.mapping import SourceColumn, SourceTable
from shared.records import Change, Kind

ETAG = re.compile(r'W/"(\d{1,19})"')
LOOKUP_TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})


def guid(text: str) -> str:
    """An id in the form that may stand in a URL; Rejected `bad_key` for what is none."""
    if not (found := record_id(text)):
        raise Rejected(Refusal("", "bad_key", "The record's id is no GUID. No call was made."))
    return found


def version(row: Mapping[str, Any]) -> int:
    """The row's version number, from its etag; 0 for one that is no 64-bit number.

    Source: Microsoft Learn, "Perform conditional operations using the Web API".
    """
    match = ETAG.fullmatch(str(row.get("@odata.etag", "")))
    return int(match[1]) if match and int(match[1]) < 2**63 else 0


def change(
    item: Mapping[str, Any], primary_id: str, seen_at: float, replay: bool = False
) -> Change:
    """One item of a tracked read: a row, or a deleted item (`reason`: "deleted" and a bare id)."""
    deleted = item.get("reason") == "deleted" or str(item.get("@odata.context", "")).endswith(
        "/$deletedEntity"
    )
    found = record_id(item.get("id" if deleted else primary_id))
    if not found:
        raise Retryable(
            "Dataverse's answer to a read of changes holds an item without its id; the page is read"
            " again."
        )
    if deleted:
        return Change(found, Kind.DELETED, first_seen=seen_at)
    columns = {name: value for name, value in item.items() if "@" not in name}
    return Change(found, Kind.ROW, version(item), columns, seen_at, replay=replay)


def lookup_table(row: Mapping[str, Any], lookup: str) -> str:
    """The logical name of the table that a lookup leads to, "" where it is empty or was not asked
    for.
    """
    return str(row.get(f"{lookup}@{LOOKUP_TABLE}", ""))


def table(
    definition: Mapping[str, Any],
    details: Iterable[Mapping[str, Any]],
    base_language: Callable[[], int] = lambda: 0,
) -> SourceTable:
    """A table from its EntityDefinitions answer and the typed answers on its columns, which fill
    lengths, labels and targets.

    `base_language` is asked only where an option has no label in the caller's language.
    """
    merged: dict[str, dict[str, Any]] = {}
    for attribute in [*definition["Attributes"], *details]:
        merged.setdefault(named(attribute["LogicalName"]), {}).update(attribute)
    columns = (
        column(attribute, base_language)
        for attribute in merged.values()
        if attribute.get("IsValidForRead", True)
    )
    return SourceTable(
        logical_name=named(definition["LogicalName"]),
        entity_set=named(definition["EntitySetName"]),
        primary_id=named(definition["PrimaryIdAttribute"]),
        columns={item.name: item for item in columns},
        change_tracking=bool(definition.get("ChangeTrackingEnabled")),
        label=shown_label(definition.get("DisplayName")),
    )


def column(
    attribute: Mapping[str, Any], base_language: Callable[[], int] = lambda: 0
) -> SourceColumn:
    kind = str(
        (attribute.get("AttributeTypeName") or {}).get("Value", attribute.get("AttributeType", ""))
    ).removesuffix("Type")
    behavior = (attribute.get("DateTimeBehavior") or {}).get("Value", "")
    return SourceColumn(
        name=attribute["LogicalName"],
        type="DateOnly" if behavior == "DateOnly" else kind,
        max_length=None if attribute.get("MaxLength") is None else whole(attribute["MaxLength"]),
        options=options(attribute, base_language),
        targets=tuple(map(named, attribute.get("Targets") or ())),
        user_local=behavior == "UserLocal",
        date_only=behavior == "UserLocal" and attribute.get("Format") == "DateOnly",
        label=shown_label(attribute.get("DisplayName")),
    )


def shown_label(names: object) -> str:
    """What people call a table or a column: in the caller's language, else in any; "" if it has no
    name. Only shown, so nothing unforeseen in it is an error.
    """
    found = names if isinstance(names, dict) else {}
    localized = found.get("LocalizedLabels")
    candidates = [
        found.get("UserLocalizedLabel"),
        *(localized if isinstance(localized, list) else ()),
    ]
    texts = (text_of(one) for one in candidates if isinstance(one, dict))
    return next((text for text in texts if text), "")


def whole_row(
    rows: Iterable[dict[str, Any]], primary_id: str, record_id: str, columns: Sequence[str]
) -> dict[str, Any] | None:
    """The record's row, if it is there with all columns."""
    return next(
        (
            row
            for row in rows
            if str(row.get(primary_id, "")).lower() == record_id.lower()
            and all(name in row for name in columns)
        ),
        None,
    )


def options(
    attribute: Mapping[str, Any], base_language: Callable[[], int] = lambda: 0
) -> dict[int, str]:
    """The labels of a choice: {value: label}.

    A global choice has its options beside the column's own, which are then none.
    """
    found = [
        option
        for name in ("GlobalOptionSet", "OptionSet")
        for option in listed(attribute.get(name) or {})
    ]
    return {whole(option["Value"]): label(option, base_language) for option in found}


def listed(chosen: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return chosen.get("Options") or [
        chosen[key] for key in ("FalseOption", "TrueOption") if chosen.get(key)
    ]


def label(option: Mapping[str, Any], base_language: Callable[[], int]) -> str:
    """In the caller's language, else in the organization's, else in the first that has one; ""
    where none has.
    """
    labels = option.get("Label") or {}
    if own := text_of(labels.get("UserLocalizedLabel")):
        return own
    texts = {
        whole(item["LanguageCode"]): text
        for item in labels.get("LocalizedLabels") or ()
        if (text := text_of(item))
    }
    return (texts.get(base_language()) or texts[min(texts)]) if texts else ""


def text_of(label: Mapping[str, Any] | None) -> str:
    """A label's text; one of blanks alone is none."""
    text = str((label or {}).get("Label") or "")
    return text if text.strip() else ""


@dataclass(frozen=True, slots=True)
class Reference:
    """What is believed of a webhook: the record, who changed it and in which organization, "" where
    it does not tell.
    """

    table: str
    record_id: str
    user: str
    organization: str


class Malformed(Exception):
    """A webhook's body is not what Dataverse sends."""


def webhook_reference(body: bytes) -> Reference:
    """All that is believed of a webhook's body (Microsoft Learn: Use webhooks)."""
    try:
        context = exact_json.read(body)
        table, given, message = (
            context[name] for name in ("PrimaryEntityName", "PrimaryEntityId", "MessageName")
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        raise Malformed("The body is not the JSON of a Dataverse webhook.") from None
    found = record_id(given)
    if not isinstance(table, str) or not isinstance(message, str) or not found:
        raise Malformed(
            "PrimaryEntityName, PrimaryEntityId and MessageName must be texts, the id a GUID."
        )
    return Reference(
        table,
        found,
        record_id(context.get("InitiatingUserId")),
        record_id(context.get("OrganizationId")),
    )
