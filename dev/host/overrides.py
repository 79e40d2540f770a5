"""Settings AzureFunctionsJobHost__* over host.json, as the host's configuration has them.

`AzureFunctionsJobHost__extensions__queues__batchSize=4` is `batchSize` of `extensions.queues`.
Names are the same in any case, in the file as well. Source: Microsoft Learn, host.json reference,
"Override host.json values".
"""

from collections.abc import Mapping
from typing import Any

PREFIX = "azurefunctionsjobhost"


def with_settings(
    document: Mapping[str, Any], environment: Mapping[str, str], known: Mapping[str, set[str]]
) -> dict[str, Any]:
    """The document with the settings in it; names of `known` (path -> names) get their usual
    spelling.
    """
    merged = spelled(document, known)
    for setting, value in environment.items():
        head, *path = setting.replace("__", ":").split(":")
        if head.lower() == PREFIX and path:
            put(merged, path, value, known)
    return merged


def spelled(
    section: Mapping[str, Any], known: Mapping[str, set[str]], path: str = ""
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in section.items():
        usual = spelling(name, known.get(path, ()))
        found[usual] = (
            spelled(value, known, f"{path}.{usual}".lstrip("."))
            if isinstance(value, dict)
            else value
        )
    return found


def put(
    section: dict[str, Any], names: list[str], value: str, known: Mapping[str, set[str]]
) -> None:
    """.NET's configuration is flat: a value for a section changes nothing below it, and a value
    below another one changes nothing of that.
    """
    path = ""
    for name in names[:-1]:
        usual = spelling(name, [*known.get(path, ()), *section])
        below = section.setdefault(usual, {})
        if not isinstance(below, dict):
            if f"{path}.{usual}".lstrip(".") not in known:
                return
            below = section[usual] = {}
        section, path = below, f"{path}.{usual}".lstrip(".")
    last = spelling(names[-1], [*known.get(path, ()), *section])
    if not isinstance(section.get(last), dict):
        section[last] = value


def spelling(name: str, usual: Any) -> str:
    return next((known for known in usual if known.lower() == name.lower()), name)
