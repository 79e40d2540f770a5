"""JSON with exact decimals: a number with a point or an exponent is read as Decimal, and written with its digits.

A float would round what Dataverse and Campaign count exactly: money has 19 digits, decimals 21. The standard library's encoder
writes what holds no decimal, in less time and to the same bytes; simplejson writes the rest.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

import simplejson
from simplejson import RawJSON


def plain(value: Any) -> RawJSON:
    """A decimal without an exponent. Its length follows its exponent: only for values that have been bounded."""
    if isinstance(value, Decimal):
        return RawJSON(format(value, "f"))
    raise TypeError(f"{type(value).__name__} is not JSON")


class Encoder:
    """`without_decimals` and `exact` give the same text wherever the first gives one: it raises TypeError for a decimal."""

    def __init__(self, allow_nan: bool = False, sort_keys: bool = False, **exact: Any) -> None:
        same: dict[str, Any] = {"ensure_ascii": False, "separators": (",", ":"), "allow_nan": allow_nan, "sort_keys": sort_keys}
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
    """ValueError for what is no JSON."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text), "surrogatepass")
    return DECODER.decode(text)


def exact(text: str) -> Decimal | float:
    """No number where the exponent is beyond any: whoever uses the value refuses it then."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return float("nan")


DECODER = json.JSONDecoder(parse_float=exact)


def written(value: Any) -> bytes:
    """For another system: plain digits, never an exponent. Half of a character goes as its escape."""
    return PLAIN.encode(value).encode("utf-8", "backslashreplace")


def in_order(value: Any) -> bytes:
    """As `written`, with sorted keys: equal values give equal texts."""
    return SORTED.encode(value).encode("utf-8", "backslashreplace")


def carried(value: Any) -> bytes:
    """For ourselves: `read` gives the same back, half of a character too.

    An exponent stays one, so that 1e999999 takes no more room than it came in.
    """
    return CARRIED.encode(value).encode("utf-8", "surrogatepass")
