"""What a function returned without an HttpResponse: the host reads it as JSON if it can, and writes
it again.

An object with `body` becomes the response, with its `status` and `headers`. Sources:
tests/fixtures/conformance/answers.tsv; azure-functions-host, HttpBinding and RawScriptResult. The
host's reader takes more than JSON: of that only comments before the value, NaN, Infinity and whole
numbers in octal (`010` is 8) and hexadecimal form are read here.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

ISO_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")
COMMENTS = re.compile(r"(?:\s*(?://[^\n]*(?:\n|$)|/\*.*?\*/))*", re.S)
OCTAL, HEX = re.compile("0[0-7]+"), re.compile("0[xX][0-9a-fA-F]+")
WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*")
LEAST_STATUS, MOST_STATUS = -(2**31), 2**31 - 1
LIST = "System.Collections.Generic.List`1[System.Object]"
OBJECT = "System.Dynamic.ExpandoObject"


class CannotBeSent(Exception):
    """The host or its server refuses what would be sent: the caller gets 500."""


@dataclass(frozen=True, slots=True)
class Plain:
    text: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def read_plain(text: str) -> Plain:
    """Raises CannotBeSent."""
    rest = text[COMMENTS.match(text).end() :].strip()  # type: ignore[union-attr]  # may be empty
    if not rest:
        return Plain("")
    try:
        value = _value(rest)
    except ValueError:
        return Plain(text)
    if isinstance(value, dict) and any(name.lower() == "body" for name in value):
        return _response(value)
    return Plain(written(value))


def _value(text: str) -> Any:
    if OCTAL.fullmatch(text):
        return int(text, 8)
    return int(text, 16) if HEX.fullmatch(text) else json.loads(text)


def _response(parts: Mapping[str, Any]) -> Plain:
    """`statusCode` goes before `status`; headers that are no object are none."""
    body, headers = _found(parts, "body")[1], _found(parts, "headers")[1]
    has_code, code = _found(parts, "statusCode")
    given = headers if isinstance(headers, dict) else {}
    return Plain(
        json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        if isinstance(body, dict)
        else _text(body),
        status_of(code if has_code else _found(parts, "status")[1]),
        {name: _header(value) for name, value in given.items()},
    )


def _found(parts: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    """Whether there is such a part, and its value: the exact name, or the first that differs in
    case only.
    """
    names = [name] if name in parts else [key for key in parts if key.lower() == name.lower()]
    return bool(names), parts[names[0]] if names else None


def status_of(given: Any) -> int:
    """200 for what is no whole number. Raises CannotBeSent for a number beyond 32 bits."""
    if isinstance(given, str):
        number = int(given) if WHOLE.fullmatch(given) else 200
        return number if LEAST_STATUS <= number <= MOST_STATUS else 200
    if not isinstance(given, int) or isinstance(given, bool):
        return 200
    if not LEAST_STATUS <= given <= MOST_STATUS:
        raise CannotBeSent
    return given


def _header(value: Any) -> str:
    if value is None:
        raise CannotBeSent
    return _text(value)


def _text(value: Any) -> str:
    """As an object of .NET says itself: of a list and an object that is the type."""
    return (
        LIST if isinstance(value, list) else OBJECT if isinstance(value, dict) else written(value)
    )


def written(value: Any) -> str:
    """As .NET writes it: True, a moment in the order of months, objects over several lines."""
    if isinstance(value, dict | list):
        return json.dumps(value, indent=2, ensure_ascii=False)
    if isinstance(value, str) and ISO_MOMENT.fullmatch(value):
        moment = datetime.fromisoformat(value)
        return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%m/%d/%Y %H:%M:%S}"
    if isinstance(value, float):
        return number_text(value)
    return "" if value is None else str(value)


def number_text(value: float) -> str:
    """`1.0` -> 1, `1e15` -> 1E+15, `0.00001` -> 1E-05 (Microsoft Learn, Double.ToString)."""
    if not isfinite(value):
        return {"nan": "NaN", "inf": "Infinity"}.get(str(value), "-Infinity")
    exact = Decimal(repr(value)).normalize()
    if not exact:
        return "-0" if exact.is_signed() else "0"
    if -5 < exact.adjusted() < 15:
        return f"{exact:f}"
    digits = "".join(map(str, exact.as_tuple().digits))
    mantissa = digits[0] + (f".{digits[1:]}" if digits[1:] else "")
    return f"{'-' if value < 0 else ''}{mantissa}E{exact.adjusted():+03d}"
