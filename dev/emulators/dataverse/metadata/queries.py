"""`$select`, `$filter` and `$expand` over definitions, which are documents and not rows."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dev.emulators.dataverse.metadata.shapes import Document
from dev.emulators.dataverse.odata import expressions as tree
from dev.emulators.dataverse.odata.options import names, split_outside
from dev.emulators.dataverse.problems import bad_query, no_such_property, not_emulated

ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": lambda a, b: bool(a == b),
    "ne": lambda a, b: bool(a != b),
    "gt": lambda a, b: bool(a > b),
    "ge": lambda a, b: bool(a >= b),
    "lt": lambda a, b: bool(a < b),
    "le": lambda a, b: bool(a <= b),
}


@dataclass(frozen=True)
class Shape:
    """What a query wants of each document."""

    select: tuple[str, ...]
    filter: tree.Expression | None
    expand: Mapping[str, "Shape"]


def read_shape(query: Mapping[str, str]) -> Shape:
    """Definitions have no paging, order or count."""
    unknown = {name for name in query if name.startswith("$")} - {"$select", "$filter", "$expand"}
    if unknown:
        raise bad_query(f"The query parameter {sorted(unknown)[0]} is not supported")
    aliases = {name: value for name, value in query.items() if name.startswith("@")}
    wanted = tree.parse(query["$filter"], aliases) if query.get("$filter") else None
    return Shape(
        names(query.get("$select", "")),
        wanted,
        dict(map(read_inner, split_outside(query.get("$expand", ""), ","))),
    )


def read_inner(text: str) -> tuple[str, Shape]:
    """Attributes($select=LogicalName;$filter=..)"""
    name, bracket, rest = text.strip().partition("(")
    if bracket and not rest.endswith(")"):
        raise bad_query(f"Syntax error in $expand '{text}'.")
    parts = (part.partition("=") for part in split_outside(rest[:-1], ";"))
    return name, read_shape({key.strip(): value for key, _, value in parts})


def matches(node: tree.Expression | None, document: Document) -> bool:
    match node:
        case None:
            return True
        case tree.Logical("not", operands):
            return not matches(operands[0], document)
        case tree.Logical(operator, operands):
            results = (matches(operand, document) for operand in operands)
            return all(results) if operator == "and" else any(results)
        case tree.Comparison(operator, left, right):
            return compared(operator, value(left, document), value(right, document))
        case tree.Call(function, (target, sought)):
            return text_matches(function, value(target, document), value(sought, document))
        case tree.Name():
            return value(node, document) is True
        case _:
            raise not_emulated("platform functions in queries of definitions")


def compared(operator: str, left: Any, right: Any) -> bool:
    try:
        return ORDERINGS[operator](left, right)
    except TypeError:
        return False


def text_matches(function: str, text: Any, sought: Any) -> bool:
    tests = {"contains": str.__contains__, "startswith": str.startswith, "endswith": str.endswith}
    return isinstance(text, str) and tests[function](text, sought)


def value(operand: tree.Operand, document: Document) -> Any:
    if isinstance(operand, tree.Literal):
        return operand.value
    found: Any = document
    for step in operand.path:
        if not isinstance(found, dict) or step not in found:
            raise no_such_property(step, "EntityMetadata")
        found = found[step]
    return found


def picked(document: Document, shape: Shape, properties: Iterable[str], type_name: str) -> Document:
    """The selected properties; all of `properties` without a selection.

    The id always comes along.
    """
    known = set(properties) | {name for name in document if name.startswith("@")}
    for name in shape.select:
        if name not in known:
            raise no_such_property(name, type_name)
    wanted = set(shape.select) | {"MetadataId", "@odata.type"} if shape.select else known
    return {name: document[name] for name in document if name in wanted}
