"""A first document for a table that is not mapped: fields of equal names and fitting types."""

import re
from collections.abc import Iterator, Mapping

from shared.mapping import SourceTable, TargetResource
from shared.mapping.documents import FieldRule
from shared.mapping.metadata import SourceColumn, TargetField
from shared.mapping.rule_checks import NOT_READ, fits

CUSTOM = "cus"
NOT_LETTERS = re.compile(r"[^a-z0-9]")
UNMAPPED = frozenset(
    {*NOT_READ, "Virtual", "Uniqueidentifier", "EntityName", "State", "Status", "BigInt"}
)
KEYS = ("externalId", "cusExternalId")


def proposal(source: SourceTable, target: TargetResource, api: str) -> str:
    """The document as text: a person looks at it before it counts."""
    key = key_field(target)
    lines = [
        f"table: {source.logical_name}",
        f"resource: {target.name}",
        f"api: {api}",
        key_line(source, target, key),
        "fields:",
    ]
    found = list(pairs(source, target, key))
    lines += [f"  - {{source: {column}, target: {field}}}" for column, field in found]
    if not found:
        lines.append("  # No column has the name of a field: name both here.")
        lines.append("  - {source: , target: }")
    return "\n".join(lines) + "\n"


def key_line(source: SourceTable, target: TargetResource, key: str) -> str:
    """By the published filter that finds a record by its key, where there is one."""
    found = key_filter(target.filters or {}, key)
    if target.name == "profile" or found is None:
        return f"key: {{source: {source.primary_id}, target: {key}, lookup: uri}}"
    name, parameter = found
    return (
        f"key: {{source: {source.primary_id}, target: {key}, lookup: filter, filter: {name},"
        f" parameter: {parameter}}}"
    )


def key_field(target: TargetResource) -> str:
    """The field that most likely holds the row's id; a person corrects it where it does not."""
    texts = [name for name, one in target.fields.items() if one.type == "string"]
    named = [name for name in texts if name in KEYS]
    filtered = [name for name in texts if key_filter(target.filters or {}, name)]
    return (named or filtered or [KEYS[0]])[0]


def key_filter(filters: Mapping[str, tuple[str, ...]], key: str) -> tuple[str, str] | None:
    """A filter with one parameter that is named after the field."""
    wanted = plain(key)
    for name, parameters in filters.items():
        if len(parameters) == 1 and plain(parameters[0].removesuffix("_parameter")) == wanted:
            return name, parameters[0]
    return None


def pairs(source: SourceTable, target: TargetResource, key: str) -> Iterator[tuple[str, str]]:
    """Column and field of equal names whose types fit; each of both once."""
    by_name: dict[str, str] = {}
    for name, one in target.fields.items():
        if not one.read_only and name != key:
            by_name.setdefault(plain(name.rpartition(".")[2]), name)
    taken: set[str] = set()
    for name, column in sorted(source.names().items()):
        found = (by_name[way] for way in ways(name, source.logical_name) if way in by_name)
        field = next(found, "")
        if field and field not in taken and fitting(column, target.fields[field]):
            taken.add(field)
            yield name, field


def ways(name: str, table: str) -> Iterator[str]:
    """A column's name as a field may have it: whole, without the table's name or the publisher's
    prefix, as a mail address that has a number.
    """
    whole = plain(name)
    yield whole
    if name.startswith(f"{table}_"):
        yield plain(name.removeprefix(f"{table}_"))
    prefix, mark, rest = name.partition("_")
    if mark and prefix:
        yield plain(rest)
    yield re.sub(r"(address)?1$", "", whole)


def plain(name: str) -> str:
    """A name without case, marks and Campaign's `cus`."""
    bare = name.removeprefix(CUSTOM) if name[3:4].isupper() else name
    return NOT_LETTERS.sub("", bare.lower())


def fitting(column: SourceColumn, field: TargetField) -> bool:
    rule = FieldRule(target=field.name, source=column.name)
    return column.type not in UNMAPPED and fits(column, field, rule)
