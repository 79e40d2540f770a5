"""Numbers, exact: no value goes through a float, and none is written with an exponent."""

import re
from decimal import Decimal
from typing import Any

from shared.mapping.refusal import Refuse

WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,6})?", re.ASCII)
INTEGER_RANGE = range(-(2**31), 2**31)
MOST_EXACT = 2**53
MOST_DIGITS = (
    400  # before or behind the point; the widest number that a column can hold, a Double, has 308
)


def integer(value: Any) -> int:
    if isinstance(value, str) and WHOLE.fullmatch(value.strip()):
        value = int(value)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float | Decimal):
        value = whole(value)
    if not isinstance(value, int):
        raise Refuse("not_a_number", "a value that is no whole number")
    if value not in INTEGER_RANGE:
        raise Refuse("out_of_range", "a number outside the 32 bits of the field")
    return value


def whole(value: float | Decimal) -> int | None:
    """The whole number that a decimal is; None if it is none."""
    found = bounded(value)
    return int(found) if found == found.to_integral_value() else None


def number(value: Any) -> Decimal | int:
    """A number with the value's own digits.

    A decimal has a point, `1.0`, so that it looks the same however it was written.
    """
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        if abs(value) > MOST_EXACT:
            raise Refuse("out_of_range", "a number too large to be exact")
        return value
    return decimal(value)


def decimal(value: Any) -> Decimal:
    """The same for a column of decimals, where 1 and 1.00 are one number."""
    text = digits(value if isinstance(value, float | Decimal) else read(value))
    return Decimal(text if "." in text else f"{text}.0")


def read(value: Any) -> Decimal:
    """A text or a whole number as a decimal."""
    if isinstance(value, str):
        stripped = value.strip()
        if len(stripped) > 2 * MOST_DIGITS or not NUMBER.fullmatch(stripped):
            raise Refuse("not_a_number", "a text that is no number")
        return Decimal(stripped)
    if isinstance(value, int):
        return Decimal(value)
    raise Refuse("not_a_number", "a value that is no number")


def digits(value: float | Decimal) -> str:
    """Plain digits without zeros at their end: 0.00001 for 1e-05, 20000 for 20000.0000."""
    found = bounded(value)
    if not found:
        return "0"
    text = format(found, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def bounded(value: float | Decimal) -> Decimal:
    """The value as a decimal, short enough to be written out."""
    found = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not found.is_finite():
        raise Refuse("not_a_number", "a number that is none")
    if found and abs(found.adjusted()) > MOST_DIGITS:
        raise Refuse("out_of_range", "a number with hundreds of digits")
    return found if found else Decimal(0)
