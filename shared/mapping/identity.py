"""What a mapping document may not change once it is active: which records of Campaign are meant,
and how each is found again.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import yaml

from shared.mapping.documents import MappingDocument

ADVICE = "Put it back, or follow 'Move a table to another resource or key' in docs/mapping.md."


@dataclass(frozen=True, slots=True)
class Identity:
    """The values of the keys of a document that cannot change in place."""

    resource: str
    api: str
    key_source: str
    key_target: str
    key_lookup: str


def identity_of(document: MappingDocument) -> Identity:
    key = document.key
    return Identity(document.resource, document.api, key.source, key.target, key.lookup)


def identity_in(text: str) -> Identity | None:
    """Of a version that was activated earlier, also where today's rules refuse it; None for what is
    no document at all.
    """
    try:
        content: Any = yaml.safe_load(text)
        key = content["key"]
        resource, source, target = content["resource"], key["source"], key["target"]
    except (yaml.YAMLError, TypeError, LookupError, ValueError, RecursionError):
        return None
    api = content.get("api", MappingDocument.model_fields["api"].default)
    return Identity(
        str(resource), str(api), str(source), str(target), str(key.get("lookup", "uri"))
    )


def moved(document: MappingDocument, active: Identity, version: int) -> Iterator[str]:
    """What the document changes of the active version's identity, each with its place."""
    new = identity_of(document)
    for name in (item.name for item in fields(Identity)):
        before, after = getattr(active, name), getattr(new, name)
        if before != after:
            path = name.replace("_", ".")
            what = (
                f"it is {before} in version {version}, which is active, and cannot become {after}"
                " in place."
            )
            yield (
                f"{document.place(path)}: {what} Records already at Campaign would be lost from"
                f" sight. {ADVICE}"
            )
