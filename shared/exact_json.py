"""JSON with exact decimals: a number with a point or an exponent is read as Decimal, and written with its digits.

A float would round what Dataverse and Campaign count exactly: money has 19 digits, decimals 21.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from simplejson import JSONEncoder, RawJSON


def plain(value: Any) -> RawJSON:
    """A decimal without an exponent. Its length follows its exponent: only for values that have been bounded."""
    if isinstance(value, Decimal):
        return RawJSON(format(value, "f"))
    raise TypeError(f"{type(value).__name__} is not JSON")


COMPACT = (",", ":")
PLAIN = JSONEncoder(ensure_ascii=False, separators=COMPACT, use_decimal=False, default=plain)
SORTED = JSONEncoder(ensure_ascii=False, separators=COMPACT, use_decimal=False, default=plain, sort_keys=True)
CARRIED = JSONEncoder(ensure_ascii=False, separators=COMPACT, use_decimal=True, allow_nan=True)


def read(text: str | bytes) -> Any:
    """ValueError for what is no JSON."""
    return json.loads(text, parse_float=exact)


def exact(text: str) -> Decimal | float:
    """No number where the exponent is beyond any: whoever uses the value refuses it then."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return float("nan")


def written(value: Any) -> bytes:
    """For another system: plain digits, never an exponent. Half of a character goes as its escape."""
    return str(PLAIN.encode(value)).encode("utf-8", "backslashreplace")


def in_order(value: Any) -> bytes:
    """As `written`, with sorted keys: equal values give equal texts."""
    return str(SORTED.encode(value)).encode("utf-8", "backslashreplace")


def carried(value: Any) -> bytes:
    """For ourselves: `read` gives the same back, half of a character too.

    An exponent stays one, so that 1e999999 takes no more room than it came in.
    """
    return str(CARRIED.encode(value)).encode("utf-8", "surrogatepass")
