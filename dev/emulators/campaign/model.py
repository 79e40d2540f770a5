"""Campaign's data model: the out-of-the-box resources, and what a publication file adds to them.

Sources: Adobe Campaign Standard documentation, "Profile data model", "Service data model",
"Configuring the resource's data structure", "Configuring filter definition"; `out_of_the_box.yaml`
and `default_publication.yaml` hold the lists.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dev.emulators.yaml_files import read_yaml

HERE = Path(__file__).parent
UNSET: dict[str, Any] = {"boolean": False, "integer": 0, "long": 0, "float": 0, "double": 0}


@dataclass(frozen=True)
class Attribute:
    """One attribute; `name` is dotted in a sub-node.

    `values` are the names of an enumeration with their labels.
    """

    name: str
    type: str = "string"
    length: int = 0
    values: dict[str, str] = field(default_factory=dict)
    read_only: bool = False
    policy: str = ""
    sortable: bool = True
    custom: bool = False

    @property
    def unset(self) -> Any:
        """What the API shows for "unset"."""
        if self.values:
            return next((name for name in ("unknown", "none") if name in self.values), "")
        return UNSET.get(self.type, "")


@dataclass(frozen=True)
class Filter:
    """A published filter: conditions of (attribute, operator, parameter), all of which must
    hold.
    """

    name: str
    conditions: tuple[tuple[str, str, str], ...]
    case_sensitive: bool = True


@dataclass(frozen=True)
class Link:
    """A simple link by join: `field` of this resource holds the `key` of the target.

    `required` is Campaign's "1 cardinality simple link": a row whose target is missing is hidden,
    and what is written to it is lost with an error; "0 or 1 cardinality" shows it with an empty
    link. `cascade`: it is deleted with its target.
    """

    name: str
    target: str
    field: str
    key: str
    required: bool = False
    cascade: bool = False


@dataclass
class Resource:
    """A resource with its identification keys (each a list of attributes), filters and links."""

    name: str
    schema: str
    label: str
    attributes: dict[str, Attribute]
    apis: tuple[str, ...]
    keys: list[list[str]] = field(default_factory=list)
    filters: dict[str, Filter] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)
    key_in_url: bool = False
    audited: bool = True

    def visible(self, api: str) -> dict[str, Attribute]:
        """What an API shows: profileAndServices only what is out of the box."""
        if api != "profileAndServices":
            return self.attributes
        return {
            name: attribute for name, attribute in self.attributes.items() if not attribute.custom
        }


def load_model(publication: Path | None, flavor: str) -> dict[str, Resource]:
    """The resources by name, after the publication."""
    resources = {
        name: resource_of(name, text)
        for name, text in read_yaml(HERE / "out_of_the_box.yaml").items()
    }
    for name, text in read_yaml(publication or HERE / "default_publication.yaml").items():
        publish(resources, name, text, flavor)
    return resources


def resource_of(name: str, text: dict[str, Any], custom: bool = False) -> Resource:
    attributes = {
        attribute: attribute_of(attribute, facts or {}, custom)
        for attribute, facts in text["attributes"].items()
    }
    return Resource(
        name,
        text.get("schema", f"cus:{name}"),
        text.get("label", name),
        attributes,
        tuple(text["apis"]),
    )


def attribute_of(name: str, facts: dict[str, Any], custom: bool) -> Attribute:
    values = facts.get("values", {})
    listed = (
        {str(value): str(value) for value in values}
        if isinstance(values, list)
        else {str(k): str(v) for k, v in values.items()}
    )
    kind = "enumeration" if listed else facts.get("type", "string")
    return Attribute(
        name,
        kind,
        facts.get("length", 255 if kind == "string" else 0),
        listed,
        facts.get("readOnly", False),
        facts.get("policy", ""),
        facts.get("sortable", True),
        custom,
    )


def publish(resources: dict[str, Resource], name: str, text: dict[str, Any], flavor: str) -> None:
    """Adds fields, keys and filters to a resource, or a custom resource of its own."""
    if name not in resources:
        resources[name] = resource_of(
            name,
            {"attributes": {}, "apis": ["profileAndServicesExt"], **text, "schema": f"cus:{name}"},
        )
    resource = resources[name]
    for attribute, facts in (text.get("fields") or {}).items():
        resource.attributes[attribute] = attribute_of(attribute, facts or {}, custom=True)
    resource.keys += text.get("keys") or []
    resource.key_in_url = text.get("keyInUrl", resource.key_in_url)
    resource.links += [link_of(link, facts) for link, facts in (text.get("links") or {}).items()]
    for filter_name, facts in (text.get("filters") or {}).items():
        published = filter_of(filter_name, facts, flavor)
        resource.filters[published.name] = published


def link_of(name: str, facts: dict[str, Any]) -> Link:
    """In a publication: {target, join: {own field: target's key}, cardinality: one | zeroOrOne,
    onDelete: cascade | keep}.
    """
    ((own, key),) = facts["join"].items()
    return Link(
        name,
        facts["target"],
        own,
        key,
        facts.get("cardinality") == "one",
        facts.get("onDelete") == "cascade",
    )


def filter_of(name: str, facts: dict[str, Any], flavor: str) -> Filter:
    """Standard calls a published filter by<Name>; v8 as it was typed."""
    path = name if flavor == "v8" else f"by{name[0].upper()}{name[1:]}"
    conditions = tuple(
        (c["field"], c.get("operator", "eq"), c.get("parameter", f"{c['field']}_parameter"))
        for c in facts["conditions"]
    )
    return Filter(path, conditions, facts.get("caseSensitive", True))
