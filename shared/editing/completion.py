"""What the editor offers while somebody types: the keys of a document with their values, and both
systems' names.
"""

from typing import Any

from shared.editing.systems import Glance
from shared.mapping import MappingDocument, SourceTable, TargetResource


def words(glance: Glance) -> dict[str, Any]:
    """JSON-ready. `schema` is the JSON schema of a document."""
    return {
        "schema": MappingDocument.model_json_schema(by_alias=True),
        "columns": columns(glance.source),
        "fields": fields(glance.target),
        "missing": dict(glance.missing),
    }


def columns(source: SourceTable | None) -> list[dict[str, str]]:
    """By the names that documents use: a lookup is `_<column>_value`."""
    found = source.names() if source else {}
    return [
        {"name": name, "label": column.label, "type": column.type}
        for name, column in sorted(found.items())
    ]


def fields(target: TargetResource | None) -> list[dict[str, str]]:
    """Those that may be written."""
    found = target.fields if target else {}
    return [
        {"name": name, "label": one.label, "type": one.type}
        for name, one in sorted(found.items())
        if not one.read_only
    ]
