"""The body of a webhook: a RemoteExecutionContext in the platform's own JSON.

Dictionaries are lists of key and value, typed objects carry `__type` first, dates are
`\\/Date(ms)\\/`, a slash is escaped.
Source: Microsoft Learn, "Use webhooks to create external handlers for server events" and recorded
bodies.
"""

import uuid
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from dev.emulators.dataverse.events import Event
from dev.emulators.dataverse.model import Column, Table
from dev.emulators.dataverse.steps import Step
from dev.emulators.dataverse.store import Row
from shared import exact_json

CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"
NOBODY = "00000000-0000-0000-0000-000000000000"
LARGEST_BODY_BYTES = 256 * 1024
DROPPED_WHEN_TOO_LARGE = ("ParentContext", "InputParameters", "PreEntityImages", "PostEntityImages")
Json = Any


def milliseconds(moment: float, suffix: str = "") -> str:
    return f"/Date({int(moment) * 1000}{suffix})/"


def date_value(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return milliseconds(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp())


def typed(name: str, body: dict[str, Json]) -> dict[str, Json]:
    return {"__type": f"{name}:{CONTRACTS}", **body}


def reference(
    table: str, row_id: str, name: str | None = None, with_type: bool = True
) -> dict[str, Json]:
    body: dict[str, Json] = {
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": table,
        "Name": name,
        "RowVersion": None,
    }
    return typed("EntityReference", body) if with_type else body


def value_of(column: Column, row: Row) -> Json:
    """A stored value as the platform serializes it."""
    value = row.get(column.name)
    if value is None:
        return None
    if column.is_lookup:
        return reference(row.get(f"{column.name}__type") or column.target_tables[0], value)
    if column.choices and column.kind != "MultiSelectPicklist":
        return typed("OptionSetValue", {"Value": value})
    if column.kind == "MultiSelectPicklist":
        return [typed("OptionSetValue", {"Value": int(part)}) for part in value.split(",")]
    if column.kind == "Money":
        return typed("Money", {"Value": Decimal(value)})
    if column.kind == "Decimal":
        return Decimal(value)
    if column.kind == "DateTime":
        return date_value(value)
    return bool(value) if column.kind == "Boolean" else value


def attributes(table: Table, row: Row, with_nulls: set[str]) -> list[dict[str, Json]]:
    """Key and value of each column of `row`; nulls only where they were meant."""
    return [
        {"key": name, "value": value_of(table.columns[name], row)}
        for name in row
        if name in table.columns and (row[name] is not None or name in with_nulls)
    ]


def entity(
    table: Table, row_id: str, members: list[dict[str, Json]], version: int | None, with_type: bool
) -> dict[str, Json]:
    body = {
        "Attributes": members,
        "EntityState": None,
        "FormattedValues": [],
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": table.logical,
        "RelatedEntities": [],
        "RowVersion": str(version) if version else None,
    }
    return typed("Entity", body) if with_type else body


def target_of(event: Event) -> Json:
    """Create: everything set, defaults included.

    Update: what was sent and what it entailed. Delete: a reference.
    """
    if event.message == "Delete":
        return reference(event.table.logical, event.row_id)
    nulls = set(event.sent) | {"modifiedonbehalfby"}
    values = {name: value for name, value in event.target.items() if not name.endswith("__type")}
    types = {name: value for name, value in event.target.items() if name.endswith("__type")}
    values[event.table.id_column] = event.row_id
    version = event.version if event.message == "Update" else None
    return entity(
        event.table,
        event.row_id,
        attributes(event.table, values | types, nulls),
        version,
        with_type=True,
    )


def parent_target_of(event: Event) -> Json:
    """The target as the caller sent it."""
    if event.message == "Delete":
        return reference(event.table.logical, event.row_id)
    sent = {
        name: event.target.get(name)
        for name in [*event.sent, *(f"{n}__type" for n in event.sent)]
        if name in event.target
    }
    sent[event.table.id_column] = event.row_id
    return entity(
        event.table,
        event.row_id,
        attributes(event.table, sent, set(event.sent)),
        None,
        with_type=True,
    )


def image(alias: str, event: Event, row: Row, columns: tuple[str, ...]) -> dict[str, Json]:
    names = columns or tuple(event.table.columns)
    chosen = {
        n: row.get(n)
        for name in (*names, event.table.id_column)
        for n in (name, f"{name}__type")
        if n in row
    }
    return {
        "key": alias,
        "value": entity(
            event.table, event.row_id, attributes(event.table, chosen, set()), None, with_type=False
        ),
    }


def images(event: Event, step: Step) -> tuple[list[dict[str, Json]], list[dict[str, Json]]]:
    """Pre and post images: the registered ones and the one that every asynchronous step gets
    unasked.
    """
    own = ("AsynchronousStepPrimaryName", event, event.row, (event.table.name_column,))
    pre = [
        image(wish.alias, event, event.before, wish.columns)
        for wish in step.images
        if wish.before and event.before
    ]
    post = [
        image(wish.alias, event, event.row, wish.columns)
        for wish in step.images
        if wish.after and event.message != "Delete"
    ]
    (pre if event.message == "Delete" else post).insert(0, image(*own))
    return pre, post


def shared_variables(event: Event) -> list[dict[str, Json]]:
    found: list[dict[str, Json]] = [
        {"key": "IsAutoTransact", "value": True},
        {"key": "AcceptLang", "value": ""},
    ]
    if event.message == "Create":
        found.append({"key": "DefaultsAddedFlag", "value": True})
    if event.tag is not None:
        found.append({"key": "tag", "value": event.tag})
    return found


def common(event: Event, organization: str) -> dict[str, Json]:
    """The members that the context and its parent share."""
    outputs = [{"key": "id", "value": event.row_id}] if event.message == "Create" else []
    return {
        "BusinessUnitId": event.caller.business_unit_id,
        "CorrelationId": event.request_id,
        "Depth": 1,
        "InitiatingUserAgent": "",
        "InitiatingUserAzureActiveDirectoryObjectId": NOBODY,
        "InitiatingUserId": event.caller.user_id,
        "IsExecutingOffline": False,
        "IsInTransaction": False,
        "IsOfflinePlayback": False,
        "IsolationMode": 1,
        "MessageName": event.message,
        "Mode": 1,
        "OperationCreatedOn": milliseconds(event.time, "+0000"),
        "OperationId": str(uuid.uuid4()),
        "OrganizationId": event.caller.organization_id,
        "OrganizationName": organization,
        "OutputParameters": outputs,
        "PrimaryEntityId": event.row_id,
        "PrimaryEntityName": event.table.logical,
        "RequestId": event.request_id,
        "SecondaryEntityName": "none",
        "SharedVariables": shared_variables(event),
        "UserAzureActiveDirectoryObjectId": NOBODY,
        "UserId": event.caller.user_id,
    }


def context_of(event: Event, step: Step, organization: str) -> dict[str, Json]:
    pre, post = images(event, step)
    extension = reference("sdkmessageprocessingstep", step.step_id, step.name, with_type=False)
    shared = common(event, organization)
    own = {
        "OwningExtension": extension,
        "Stage": 40,
        "PreEntityImages": pre,
        "PostEntityImages": post,
    }
    parent = {
        **shared,
        "InputParameters": [
            {"key": "Target", "value": parent_target_of(event)},
            {"key": "SuppressDuplicateDetection", "value": False},
        ],
        "OwningExtension": extension,
        "ParentContext": None,
        "PostEntityImages": [],
        "PreEntityImages": [],
        "Stage": 30,
    }
    whole = {
        **shared,
        **own,
        "InputParameters": [{"key": "Target", "value": target_of(event)}],
        "ParentContext": in_order(parent),
    }
    return in_order(whole)


def in_order(members: dict[str, Json]) -> dict[str, Json]:
    return {name: members[name] for name in sorted(members)}


def serialized(context: dict[str, Json]) -> tuple[bytes, bool]:
    """The body as sent, and whether it had to be cut because the whole was over 256 KB."""
    body = encoded(context)
    if len(body) <= LARGEST_BODY_BYTES:
        return body, False
    return (
        encoded(
            {name: value for name, value in context.items() if name not in DROPPED_WHEN_TOO_LARGE}
        ),
        True,
    )


def encoded(context: dict[str, Json]) -> bytes:
    return exact_json.written(context).replace(b"/", b"\\/")
