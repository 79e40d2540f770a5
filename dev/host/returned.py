"""What a function returned without an HttpResponse: the host reads it as JSON if it can, and writes
it again.

An object with `body` becomes the response, with its `status` and `headers`. Source:
tests/fixtures/conformance/answers.tsv.
"""

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

ISO_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?")


@dataclass(frozen=True, slots=True)
class Plain:
    text: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


def read_plain(text: str) -> Plain:
    if text.strip().startswith("//"):  # a comment and nothing else
        return Plain("")
    try:
        value = json.loads(text)
    except ValueError:
        return Plain(text)
    if isinstance(value, dict) and any(name.lower() == "body" for name in value):
        return _response({name.lower(): part for name, part in value.items()})
    return Plain(_written(value))


def _response(parts: dict[str, Any]) -> Plain:
    body, status = parts["body"], parts.get("status", parts.get("statuscode", 200))
    text = (
        json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        if isinstance(body, dict | list)
        else _written(body)
    )
    return Plain(
        text,
        int(status),
        {name: str(value) for name, value in (parts.get("headers") or {}).items()},
    )


def _written(value: Any) -> str:
    """As .NET writes it: True, a moment in the order of months, objects over several lines."""
    if isinstance(value, dict | list):
        return json.dumps(value, indent=2, ensure_ascii=False)
    if isinstance(value, str) and ISO_MOMENT.fullmatch(value):
        moment = datetime.fromisoformat(value)
        return f"{moment.astimezone(UTC) if moment.tzinfo else moment:%m/%d/%Y %H:%M:%S}"
    return "" if value is None else "NaN" if value != value else str(value)
