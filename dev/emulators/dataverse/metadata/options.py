"""New options of a choice: inserted first, in metadata and in rows once they are published.

Source: Microsoft Learn, "InsertOptionValue action", "PublishXml action", "PublishAllXml action".
"""

import copy
import re
from typing import Any

from dev.emulators.dataverse.metadata.writes import labels_of
from dev.emulators.dataverse.model import CHOICE_KINDS, Column, Table
from dev.emulators.dataverse.problems import ApiError, not_emulated
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.wire import Request, Response, json_response

FIRST_VALUE = (
    100_000_000  # the least that the platform gives by itself, less the publisher's prefix
)
KINDS = CHOICE_KINDS | {"MultiSelectPicklist"}


class ChoiceOptions:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry

    def insert(self, request: Request) -> Response:
        """Answers with the option's value, which is chosen where none is given."""
        body = request.json()
        if body.get("OptionSetName"):
            raise not_emulated("options of global choices")
        table = self.registry.named(str(body.get("EntityLogicalName", "")).lower())
        column = table.columns.get(str(body.get("AttributeLogicalName", "")).lower())
        if column is None or column.kind not in KINDS:
            raise ApiError(
                400, "0x80048d19", "AttributeLogicalName must name a choice column of the table."
            )
        waiting = table.document.get("unpublished", {}).get(column.schema, {})
        value = given_value(body, column, waiting)
        document = copy.deepcopy(table.document)
        inserted = document.setdefault("unpublished", {}).setdefault(column.schema, {})
        inserted[str(value)] = labels_of(body, str(value))
        with self.registry.store.transaction():
            self.registry.change_options(table, document)
        context = f"{request.api}/$metadata#Microsoft.Dynamics.CRM.InsertOptionValueResponse"
        return json_response({"@odata.context": context, "NewOptionValue": value})

    def publish(self, request: Request) -> None:
        """PublishXml names tables; PublishAllXml means all."""
        named = None
        if request.path.startswith("PublishXml"):
            named = set(
                re.findall(
                    r"<entity>\s*(\w+)\s*</entity>", str(request.json().get("ParameterXml", ""))
                )
            )
        for table in list(self.registry):
            if table.document.get("unpublished") and (named is None or table.logical in named):
                self.publish_table(table)

    def publish_table(self, table: Table) -> None:
        document = copy.deepcopy(table.document)
        for schema, options in document.pop("unpublished").items():
            document["columns"][schema].setdefault("choices", {}).update(options)
        with self.registry.store.transaction():
            self.registry.change_options(table, document)


def given_value(body: dict[str, Any], column: Column, waiting: dict[str, Any]) -> int:
    """ApiError 400 for a value that is taken."""
    taken = {*column.choices, *map(int, waiting)}
    value = body.get("Value")
    if value is None:
        return max([FIRST_VALUE - 1, *taken]) + 1
    if not isinstance(value, int) or value in taken:
        raise ApiError(
            400,
            "0x80048403",
            f"The option value {value} of attribute {column.name} is already in use or not valid.",
        )
    return value
