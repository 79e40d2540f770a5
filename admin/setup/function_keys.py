"""The keys that webhooks are registered with: one of each function that is an endpoint, and no
other.

A key comes from a file or a pipe, never as an argument: arguments are seen by every process of the
machine.
"""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from admin.setup.customizing import Refused
from shared.checks.registered import CUSTOM_ENTITIES, ENDPOINTS

FUNCTIONS = (*ENDPOINTS.values(), CUSTOM_ENTITIES)
FORM = (
    'The function keys must be JSON such as {"contacts_webhook": "<its key>"}: one object, or'
    " several in a row."
)
ONE_KEY_FOR_ALL = (
    "--function-key-file gave one key to all webhooks, and that key opened the commands too. "
    "Each webhook now has a key of its own function. "
    'Make the keys as docs/deploy.md, "Dataverse", shows, and give them with --function-keys.'
)


def given_keys(file: Path) -> dict[str, str]:
    """Function -> key, from a file or, for -, from standard input; Refused with a sentence that has
    no key in it.
    """
    given = sys.stdin.read() if str(file) == "-" else decoded(file.read_bytes())
    keys: dict[str, str] = {}
    for part in objects(given):
        keys |= {checked_name(name): checked_key(name, value) for name, value in part.items()}
    if len(set(keys.values())) < len(keys):
        same = Counter(keys.values())
        twice = " and ".join(name for name, value in keys.items() if same[value] > 1)
        raise Refused(
            f"{twice} have the same key: make a key of its own for each, so that it opens nothing"
            " else."
        )
    return keys


def stack_keys(facts: Mapping[str, Any]) -> dict[str, str]:
    """Those that the local stack has made."""
    return {name: key for name, key in facts.get("keys", {}).items() if name in FUNCTIONS}


def decoded(content: bytes) -> str:
    """In UTF-8, or as PowerShell redirects: UTF-16 with a byte order mark."""
    try:
        return content.decode(json.detect_encoding(content))
    except ValueError:
        raise Refused(FORM) from None


def objects(given: str) -> Iterator[dict[str, Any]]:
    """JSON objects that follow each other, as several commands print them."""
    decoder, rest = json.JSONDecoder(), given.strip()
    while rest:
        try:
            part, end = decoder.raw_decode(rest)
        except (ValueError, RecursionError):
            raise Refused(FORM) from None
        if not isinstance(part, dict):
            raise Refused(FORM)
        yield part
        rest = rest[end:].strip()


def checked_name(name: str) -> str:
    if name not in FUNCTIONS:
        raise Refused(f"The function keys may have {', '.join(FUNCTIONS)}, and no other function.")
    return name


def checked_key(name: str, value: Any) -> str:
    """Azure CLI prints null for a key that is not there."""
    if not isinstance(value, str) or not value.strip():
        raise Refused(
            f'{name} has no key in the function keys: make it as docs/deploy.md, "Dataverse",'
            " shows."
        )
    if not value.strip().isascii() or not value.strip().isprintable():
        raise Refused(
            f"The key of {name} has characters that no header can carry: make another one."
        )
    return value.strip()
