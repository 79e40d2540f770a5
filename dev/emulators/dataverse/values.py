"""Values on their way in: from JSON to what storage holds, with the refusals of the platform.

Source: Microsoft Learn, "Web API types and operations", "Web service error codes".
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from dev.emulators.dataverse.keys import as_guid
from dev.emulators.dataverse.model import Column, Table
from dev.emulators.dataverse.problems import ApiError, bad_payload

WIDEST, WIDEST_MONEY = 100_000_000_000, Decimal("922337203685477.5807")
SMALLEST, LARGEST = -2147483648, 2147483647
AS_STORED = re.compile(
    r"(1[89]|2\d)\d\d-(0[1-9]|1[0-2])-([01][1-9]|10|2[0-8])T([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
    re.ASCII,
)
LOWEST_DATE = datetime(1753, 1, 1, tzinfo=UTC)
EDM = {
    "Integer": "Edm.Int32",
    "Picklist": "Edm.Int32",
    "State": "Edm.Int32",
    "Status": "Edm.Int32",
    "BigInt": "Edm.Int64",
    "Decimal": "Edm.Decimal",
    "Money": "Edm.Decimal",
    "Double": "Edm.Double",
    "Boolean": "Edm.Boolean",
    "Uniqueidentifier": "Edm.Guid",
}


def stored(table: Table, column: Column, value: Any) -> Any:
    """`value` as storage holds it; ApiError 400 with the platform's code if the column cannot take
    it.
    """
    if value is None:
        return None
    convert = CONVERTERS.get(column.kind)
    if convert is None:
        raise ValueError(f"no values of kind {column.kind} can be written")
    return convert(table, column, value)


def wrong_type(table: Table, column: Column, value: Any) -> ApiError:
    edm = (
        "Edm.Date"
        if column.date_only
        else (
            "Edm.DateTimeOffset"
            if column.kind == "DateTime"
            else EDM.get(column.kind, "Edm.String")
        )
    )
    why = (
        f"Microsoft.Crm.CrmException: Cannot convert the literal '{value}' to the expected type"
        f" '{edm}'. ---> Microsoft.OData.ODataException: Cannot convert the literal '{value}' to"
        f" the expected type '{edm}'."
    )
    return bad_payload(table.set, why)


def invalid(code: str, message: str) -> ApiError:
    return ApiError(400, code, f"A validation error occurred.  {message}")


def outside(table: Table, column: Column, value: Any) -> str:
    return (
        f"The value {value} of '{column.name}' on record of type '{table.logical}' is outside the"
        " valid range"
    )


def text(table: Table, column: Column, value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_type(table, column, value)
    longest = column.document.get("max", 100)
    if utf16_length(value) > longest:
        raise invalid(
            "0x80044331",
            f"The length of the '{column.name}' attribute of the '{table.logical}' entity exceeded"
            f" the maximum allowed length of '{longest}'.",
        )
    return value


def utf16_length(value: str) -> int:
    """Length as the platform counts it: a character beyond the basic plane is two."""
    return (
        len(value) if value.isascii() else len(value) + sum(letter > "\uffff" for letter in value)
    )


def decimal(table: Table, column: Column, value: Any) -> str:
    """As text, with as many digits behind the point as the column has; more are rounded."""
    found = in_range(table, column, value)
    rounded = found.quantize(
        Decimal(1).scaleb(-min(int(column.document.get("precision", 2)), column.digits))
    )
    return f"{rounded:.{column.digits}f}"


def number(table: Table, column: Column, value: Any) -> float:
    return float(in_range(table, column, value))


def in_range(table: Table, column: Column, value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise wrong_type(table, column, value)
    widest = WIDEST_MONEY if column.kind == "Money" else WIDEST
    low, high = column.document.get("min", -widest), column.document.get("max", widest)
    if not low <= value <= high:
        raise invalid(
            "0x80044330",
            f"{outside(table, column, value)} of {low} to {high}.",
        )
    return value if isinstance(value, Decimal) else Decimal(repr(value))


def integer(table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not SMALLEST <= value <= LARGEST:
        raise wrong_type(table, column, value)
    low, high = column.document.get("min", SMALLEST), column.document.get("max", LARGEST)
    if not low <= value <= high:
        raise invalid(
            "0x8004432f",
            f"{outside(table, column, value)} of {low} to {high}.",
        )
    return value


def big_integer(table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**63) <= value < 2**63:
        raise wrong_type(table, column, value)
    return value


def choice(table: Table, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise wrong_type(table, column, value)
    if value not in column.choices:
        accepted = ",".join(str(known) for known in column.choices)
        raise invalid(
            "0x8004431a",
            f"{outside(table, column, value)}. Accepted Values: {accepted}",
        )
    return value


def choices(table: Table, column: Column, value: Any) -> str | None:
    if not isinstance(value, str) or not re.fullmatch(r"(-?\d+(,-?\d+)*)?", value):
        raise wrong_type(table, column, value)
    numbers = sorted({int(part) for part in value.split(",") if part})
    for one in numbers:
        choice(table, column, one)
    return ",".join(str(one) for one in numbers) or None


def flag(table: Table, column: Column, value: Any) -> int:
    if not isinstance(value, bool):
        raise wrong_type(table, column, value)
    return int(value)


def identifier(table: Table, column: Column, value: Any) -> str:
    found = as_guid(value)
    if found is None:
        raise wrong_type(table, column, value)
    return found


def moment(table: Table, column: Column, value: Any) -> str:
    """Dates lose their time of day where the column has none; times are cut to seconds, in UTC."""
    if not isinstance(value, str):
        raise wrong_type(table, column, value)
    if AS_STORED.fullmatch(value) and not column.date_only:
        return value
    try:
        found = exact_date(value) if column.date_only else exact_time(value)
    except (ValueError, OverflowError):
        raise wrong_type(table, column, value) from None
    if found < LOWEST_DATE:
        shown = f"{found:%m/%d}/{found.year:04d} {found:%H:%M:%S}"
        raise ApiError(
            400,
            "0x80040239",
            "DateTime is less than minumum value supported by CrmDateTime. "
            f"Actual value: {shown}, Minimum value supported: 01/01/1753 00:00:00",
        )
    return found.strftime("%Y-%m-%d") if column.date_only else found.strftime("%Y-%m-%dT%H:%M:%SZ")


def exact_date(value: str) -> datetime:
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError(value)
    return datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC)


def exact_time(value: str) -> datetime:
    """Edm.DateTimeOffset; a bare date or a time without zone is taken as UTC."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?", value):
        raise ValueError(value)
    found = datetime.fromisoformat(value)
    return found.replace(tzinfo=found.tzinfo or UTC).astimezone(UTC)


CONVERTERS: dict[str, Callable[[Table, Column, Any], Any]] = {
    "String": text,
    "Memo": text,
    "EntityName": text,
    "Integer": integer,
    "BigInt": big_integer,
    "Decimal": decimal,
    "Double": number,
    "Money": decimal,
    "Boolean": flag,
    "Picklist": choice,
    "State": choice,
    "Status": choice,
    "MultiSelectPicklist": choices,
    "DateTime": moment,
    "Uniqueidentifier": identifier,
}
