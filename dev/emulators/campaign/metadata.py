"""Metadata answers (Adobe Campaign Standard documentation: Metadata mechanism)."""

from typing import Any

from dev.emulators.campaign.engine import nest
from dev.emulators.campaign.model import Attribute, Resource


def described(resource: Resource, api: str, root: str) -> dict[str, Any]:
    """One resource: its attributes with their facts, sub-nodes as items of their own."""
    content = nest(
        {
            name: attribute_facts(attribute, resource)
            for name, attribute in resource.visible(api).items()
        }
    )
    for name, inner in content.items():
        if "apiName" not in inner:
            content[name] = {"apiName": name, "type": "item", "metadata": "item", "content": inner}
    if resource.name == "profile":
        content["subscriptions"] = {
            "apiName": "subscriptions",
            "type": "collection",
            "resTarget": "subscription",
            "readOnly": False,
        }
    return {
        "PKey": f"{resource.name}-metadata",
        "apiName": resource.name,
        "compatibleResources": {},
        "content": dict(sorted(content.items())),
        "data": f"/{api}/{resource.name}/",
        "filters": {"href": f"{root}/{api}/resourceType/{resource.name}/filters/"},
        "help": resource.label,
        "href": f"{root}/{api}/{resource.name}/metadata",
        "label": resource.label,
        "mandatory": False,
        "name": resource.name,
        "pkgStatus": "never",
        "readOnly": False,
        "schema": resource.schema,
        "type": "item",
    }


def attribute_facts(attribute: Attribute, resource: Resource) -> dict[str, Any]:
    short = attribute.name.rpartition(".")[2]
    facts: dict[str, Any] = {
        "PKey": f"{resource.name}-{attribute.name}",
        "apiName": short,
        "category": "99_none",
        "dataPolicy": attribute.policy or "none",
        "desc": "",
        "displayFormat": "",
        "help": "",
        "label": short,
        "lazyLoaded": False,
        "length": str(attribute.length),
        "mandatory": False,
        "metadata": "attribute",
        "privacy": "firstParty",
        "queryable": True,
        "readOnly": attribute.read_only,
        "resName": short,
        "resType": attribute.type,
        "sortable": attribute.sortable,
        "type": attribute.type,
    }
    if attribute.values:
        facts["values"] = {
            name: {"name": name, "label": label} for name, label in attribute.values.items()
        }
    return facts


def filters(resource: Resource, api: str) -> dict[str, Any]:
    """The published filters by name, with the template that shows their parameters."""
    listed = {}
    for name, chosen in resource.filters.items():
        template = "&".join(f"{parameter}=$value" for _, _, parameter in chosen.conditions)
        listed[name] = {
            "PKey": f"{resource.name}-{name}",
            "category": "",
            "condition": " and ".join(
                f"{attribute} {comparison}" for attribute, comparison, _ in chosen.conditions
            ),
            "data": f"/{api}/{resource.name}/{name}?{template}",
            "formType": "none",
            "fragmentName": name,
            "label": name,
            "metadata": "fragment",
            "resName": resource.name,
        }
    return listed


def catalogue(resources: dict[str, Resource], api: str, root: str) -> dict[str, Any]:
    """The list of an API's resources."""
    listed: dict[str, Any] = {"apiName": "resourceType"}
    for name, resource in sorted(resources.items()):
        if api in resource.apis:
            listed[name] = {
                "content": {},
                "data": f"/{api}/{name}/",
                "help": resource.label,
                "href": f"{root}/{api}/{name}/metadata",
                "name": name,
                "type": "collection",
            }
    return listed
