"""Literals of a query in the form that storage holds."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dev.emulators.dataverse.model import DECIMAL_KINDS, NUMBER_KINDS, TEXT_KINDS, Column
from dev.emulators.dataverse.odata import expressions as tree
from dev.emulators.dataverse.problems import ApiError, bad_query

REAL_KINDS = {"Decimal", "Double", "Money"}


def fold(text: str | None) -> str | None:
    return text.casefold() if isinstance(text, str) else text


def typed(value: Any) -> tree.Literal:
    """A function's argument as a literal; a string may stand for any type."""
    if isinstance(value, bool):
        return tree.Literal("boolean", value)
    if isinstance(value, int | float | Decimal):
        return tree.Literal("number", value)
    return tree.Literal("null" if value is None else "any", value)


def stored_literal(column: Column, literal: tree.Literal, operator: str) -> Any:
    """The literal in the form that storage holds for `column`; ApiError 400 if the types do not
    fit.
    """
    kind, value = literal.kind, literal.value
    if kind == "null":
        return None
    try:
        return _converted(column, kind, value)
    except (ValueError, TypeError, OverflowError):
        raise incompatible(column, kind, operator) from None


def _converted(column: Column, kind: str, value: Any) -> Any:
    loose = kind == "any"
    if column.kind in TEXT_KINDS | {"MultiSelectPicklist"} and (loose or kind == "string"):
        return str(value)
    if column.kind == "Boolean" and (loose or kind == "boolean"):
        return int(str(value).lower() in {"true", "1"})
    if column.kind == "DateTime" and (loose or kind == "moment"):
        return date_literal(value, column.date_only)
    if (column.is_lookup or column.kind == "Uniqueidentifier") and (loose or kind == "guid"):
        return str(value).strip("{}").lower()
    if column.kind in DECIMAL_KINDS and (loose or kind == "number"):
        return f"{Decimal(str(value)):f}"
    if column.kind in REAL_KINDS and (loose or kind == "number"):
        return float(value)
    if (column.kind in NUMBER_KINDS or column.choices) and (loose or kind == "number"):
        return exact_integer(value)
    raise TypeError(kind)


def exact_integer(value: Any) -> int:
    """ValueError beyond 64 bits."""
    number = int(value)
    if not -(2**63) <= number < 2**63:
        raise ValueError(value)
    return number


def incompatible(column: Column, kind: str, operator: str) -> ApiError:
    names = {
        "string": "Edm.String",
        "number": "Edm.Int32",
        "boolean": "Edm.Boolean",
        "guid": "Edm.Guid",
        "moment": "Edm.DateTimeOffset",
    }
    names_of_columns = {
        "DateTime": "Edm.DateTimeOffset",
        "Boolean": "Edm.Boolean",
        "Uniqueidentifier": "Edm.Guid",
    }
    own = "Edm.Guid" if column.is_lookup else names_of_columns.get(column.kind)
    own = own or (
        "Edm.String"
        if column.kind in TEXT_KINDS
        else "Edm.Decimal"
        if column.kind in REAL_KINDS
        else "Edm.Int32"
    )
    words = {
        "eq": "Equal",
        "ne": "NotEqual",
        "gt": "GreaterThan",
        "ge": "GreaterThanOrEqual",
        "lt": "LessThan",
        "le": "LessThanOrEqual",
    }
    return bad_query(
        f"A binary operator with incompatible types was detected. Found operand types '{own}' and"
        f" '{names.get(kind, 'Edm.String')}' for operator kind '{words[operator]}'."
    )


def date_literal(text: str, date_only: bool) -> str:
    moment = datetime.fromisoformat(text)
    if date_only:
        return moment.date().isoformat()
    moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def day_of(value: Any) -> str:
    try:
        return date.fromisoformat(str(value)[:10]).isoformat()
    except ValueError:
        raise bad_query(f"Unrecognized date '{value}'.") from None
