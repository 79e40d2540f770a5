"""JSON with exact decimals: a number with a point or an exponent is read as Decimal, and written
with its digits.

A float would round what Dataverse and Campaign count exactly: money has 19 digits, decimals 21. The
standard library's encoder writes what holds no decimal, in less time and to the same bytes;
simplejson writes the rest.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import simplejson
from simplejson import RawJSON


def plain(value: Any) -> RawJSON:
    """A decimal without an exponent.

    Its length follows its exponent: only for values that have been bounded.
    """
    if isinstance(value, Decimal):
        return RawJSON(format(value, "f"))
    raise TypeError(f"{type(value).__name__} is not JSON")


DEEPEST = 100
"""Levels within each other.

The deepest text of both systems, a webhook of a plug-in within plug-ins, has about 50.
"""

MOST_DIGITS = 4300
"""Digits of a whole number.

A longer one is read as no number, and whoever uses it refuses its record.
"""

MOST_EXPONENT = 999_999
"""The exponent of a number with a point.

A larger one is read as no number; no column holds more than 308.
"""

NO_NUMBER = float("nan")
NESTED = frozenset((dict, list))


class Encoder:
    """`without_decimals` and `exact` give the same text wherever the first gives one: it raises
    TypeError for a decimal.
    """

    def __init__(self, allow_nan: bool = False, sort_keys: bool = False, **exact: Any) -> None:
        same: dict[str, Any] = {
            "ensure_ascii": False,
            "separators": (",", ":"),
            "allow_nan": allow_nan,
            "sort_keys": sort_keys,
        }
        self.without_decimals = json.JSONEncoder(**same)
        self.exact = simplejson.JSONEncoder(**same, namedtuple_as_object=False, **exact)

    def encode(self, value: Any) -> str:
        try:
            return self.without_decimals.encode(value)
        except TypeError:
            return str(self.exact.encode(value))


PLAIN = Encoder(use_decimal=False, default=plain)
SORTED = Encoder(use_decimal=False, default=plain, sort_keys=True)
CARRIED = Encoder(use_decimal=True, allow_nan=True)


def read(text: str | bytes) -> Any:
    """ValueError for what is no JSON, or is nested deeper than DEEPEST."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    try:
        value = parsed(text)
    except RecursionError:
        raise ValueError(f"nested deeper than {DEEPEST}") from None
    if text.count("[") + text.count("{") > DEEPEST and is_deep(value):  # a short text needs no walk
        raise ValueError(f"nested deeper than {DEEPEST}")
    return value


def parsed(text: str) -> Any:
    """Once with the library's own whole numbers, which are fast and refuse long ones; then with
    ours, which read around them.
    """
    try:
        return DECODER.decode(text)
    except ValueError:
        return PATIENT_DECODER.decode(text)


def is_deep(value: Any) -> bool:
    """Whether the value is nested deeper than DEEPEST.

    Level by level, so that no depth ends in a RecursionError.

    Most rows hold nothing nested, and are passed over without a look at each value.
    """
    level = [value]
    for _ in range(DEEPEST + 1):
        inner: list[Any] = []
        for outer in level:
            values = (
                outer.values()
                if isinstance(outer, dict)
                else outer
                if isinstance(outer, list)
                else ()
            )
            if not NESTED.isdisjoint(map(type, values)):
                inner += [one for one in values if type(one) in NESTED]
        if not inner:
            return False
        level = inner
    return True


def whole(text: str) -> int | float:
    return int(text) if len(text) <= MOST_DIGITS else NO_NUMBER


def exact(text: str) -> Decimal | float:
    """No number where the exponent is beyond any: whoever uses the value refuses it then."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return NO_NUMBER
    return value if not value or abs(value.adjusted()) <= 2 * MOST_EXPONENT else NO_NUMBER


DECODER = json.JSONDecoder(parse_float=exact)
PATIENT_DECODER = json.JSONDecoder(parse_float=exact, parse_int=whole)


def written(value: Any) -> bytes:
    """For another system: plain digits, never an exponent.

    Half of a character goes as its escape.
    """
    return PLAIN.encode(value).encode("utf-8", "backslashreplace")


def in_order(value: Any) -> bytes:
    """As `written`, with sorted keys: equal values give equal texts."""
    return SORTED.encode(value).encode("utf-8", "backslashreplace")


def carried(value: Any) -> bytes:
    """For ourselves: `read` gives the same back, half of a character too.

    An exponent stays one, so that 1e999999 takes no more room than it came in.
    """
    return CARRIED.encode(value).encode("utf-8", "surrogatepass")
