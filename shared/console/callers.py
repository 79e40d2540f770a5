"""Who called: the name within the value of the key that opened the function.

The host checks the whole value and does not tell the app which key it was (Microsoft Learn, "Work
with access keys in Azure Functions"). So a value begins with the name of its owner and a dot:
`anna.3f9c...` (docs/operating.md, "Keys").
"""

import re
from collections.abc import Mapping

HEADER, QUERY = "x-functions-key", "code"
NAMED = re.compile(r"([A-Za-z0-9_-]{1,64})\.[^,]")
NAMELESS = "a key without a name"


def caller(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """`key <name>`, or NAMELESS.

    Looks where the host does: a header that is there wins, even an empty one.

    Headers and parameters that are repeated arrive joined with commas; the host checks the first
    one, which stands first.
    """
    value = first(headers, HEADER)
    named = NAMED.match(first(query, QUERY) or "" if value is None else value)
    return f"key {named[1]}" if named else NAMELESS


def first(values: Mapping[str, str], name: str) -> str | None:
    """The first value whose name is this one in any case; None if there is none."""
    return next((value for key, value in values.items() if key.lower() == name), None)
