"""Text of a queue message <-> the function's bytes (host.json:
extensions.queues.messageEncoding).
"""

import base64
import json
from collections.abc import Iterator
from typing import Any


def encode(body: str | bytes, as_base64: bool) -> str:
    raw = body.encode() if isinstance(body, str) else body
    return base64.b64encode(raw).decode() if as_base64 else raw.decode()


def decode(text: str, as_base64: bool) -> bytes:
    """Raises ValueError when the text is not base64 although it should be."""
    return base64.b64decode(text, validate=True) if as_base64 else text.encode()


def bodies(data: Any) -> Iterator[str | bytes]:
    """The messages in one output value (TypedData): a list becomes one message per item, objects
    become JSON.
    """
    kind = data.WhichOneof("data")
    value = json.loads(data.json) if kind == "json" else getattr(data, kind)
    for item in value if isinstance(value, list) else [value]:
        yield item if isinstance(item, str | bytes) else json.dumps(item)
