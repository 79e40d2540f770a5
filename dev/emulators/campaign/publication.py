"""What a publication file may say, checked before the emulator takes it: resources, fields, keys,
filters and links.

The forms follow Adobe Campaign Standard documentation, "Creating or extending the resource",
"Configuring the resource's data structure", "Configuring filter definition", "Defining links with
other resources".
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from dev.emulators.campaign.model import HERE, load_model
from dev.emulators.yaml_files import read_yaml
from shared.mapping.reading import content_of
from shared.mapping.syntax import InvalidDocument


class InvalidPublication(Exception):
    """Says which file, which place in it, and what is wrong there."""


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class PublishedField(Part):
    type: Literal["string", "integer", "float", "double", "boolean", "date", "datetime"] = "string"
    length: int = Field(255, ge=1, le=100_000)
    values: list[str | int] | dict[str, str] = Field(default_factory=list)
    readOnly: bool = False  # noqa: N815  # as the file writes it
    policy: str = ""
    sortable: bool = True


class Condition(Part):
    field: str
    operator: Literal["eq", "ge", "gt", "le", "lt"] = "eq"
    parameter: str = ""


class PublishedFilter(Part):
    conditions: list[Condition] = Field(min_length=1)
    caseSensitive: bool = True  # noqa: N815


class PublishedLink(Part):
    target: str
    join: dict[str, str] = Field(min_length=1, max_length=1)
    cardinality: Literal["one", "zeroOrOne"] = "zeroOrOne"
    onDelete: Literal["cascade", "keep"] = "keep"  # noqa: N815


class PublishedResource(Part):
    label: str = ""
    apis: list[Literal["profileAndServices", "profileAndServicesExt", "customResources"]] = Field(
        default_factory=list
    )
    fields: dict[str, PublishedField | None] = Field(default_factory=dict)
    keys: list[list[str]] = Field(default_factory=list)
    keyInUrl: bool = False  # noqa: N815
    filters: dict[str, PublishedFilter] = Field(default_factory=dict)
    links: dict[str, PublishedLink] = Field(default_factory=dict)


Publication = TypeAdapter(dict[str, PublishedResource])
SYSTEM_FIELDS = ("acsId", "created", "lastModified")
MERGED = ("fields", "filters", "links")


def extended_publication(path: Path) -> dict[str, Any]:
    """The local stack's own publication with what a file adds to it or replaces in it;
    InvalidPublication if it is not sound.
    """
    added = read_publication(path)
    merged: dict[str, Any] = dict(read_yaml(HERE / "default_publication.yaml"))
    for name, resource in added.items():
        merged[name] = joined(merged.get(name) or {}, resource or {})
    if problems := loose_ends(merged):
        raise InvalidPublication(f"The publication {path} does not fit: {' '.join(problems)}")
    return merged


def read_publication(path: Path) -> Mapping[str, Any]:
    try:
        return content_of(
            path.read_bytes().decode("utf-8", "surrogateescape"),
            Publication.validate_python,
            PublishedResource,
        )
    except OSError as error:
        raise InvalidPublication(
            f"The publication {path} cannot be read: {error.strerror}. Correct its path."
        ) from None
    except InvalidDocument as error:
        raise InvalidPublication(
            f"The publication {path} does not have the form of one. {error}"
        ) from None


def joined(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    parts = {
        name: {**(base.get(name) or {}), **(more.get(name) or {})}
        for name in MERGED
        if base.get(name) or more.get(name)
    }
    keys = [
        *(base.get("keys") or []),
        *(key for key in more.get("keys") or [] if key not in (base.get("keys") or [])),
    ]
    return {**base, **more, **parts, **({"keys": keys} if keys else {})}


def loose_ends(publication: dict[str, Any]) -> list[str]:
    """Keys, filters and links that name a field or a resource which is not there."""
    known = {
        name: set(resource.attributes) for name, resource in load_model(None, "standard").items()
    }
    for name, resource in publication.items():
        known[name] = known.get(name, set(SYSTEM_FIELDS)) | set(resource.get("fields") or {})
    return [
        problem
        for name, resource in publication.items()
        for problem in problems_of(name, resource, known)
    ]


def problems_of(name: str, resource: dict[str, Any], known: dict[str, set[str]]) -> list[str]:
    links = list((resource.get("links") or {}).values())
    conditions = [
        one for item in (resource.get("filters") or {}).values() for one in item["conditions"]
    ]
    used = {field for key in resource.get("keys") or [] for field in key} | {
        one["field"] for one in conditions
    }
    used |= {own for link in links for own in link["join"]}
    found = [
        f"Resource {name} has no field {field}: add it to `fields`."
        for field in sorted(used - known[name])
    ]
    for link in links:
        target, (field,) = link["target"], link["join"].values()
        if target not in known:
            found.append(
                f"Resource {name} links to {target}, which is not there: add it, or correct its"
                " name."
            )
        elif field not in known[target]:
            found.append(f"Resource {target} has no field {field}, which a link of {name} joins.")
    return found
