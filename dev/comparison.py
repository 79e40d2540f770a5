"""Do both systems agree? Every contact against its profile, field by field, by the mapping in force."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dev.verbs import Campaign, Dynamics
from shared.campaign.wire import resource
from shared.dataverse.client import DataverseClient
from shared.errors import Rejected
from shared.mapping import CompiledMapping, Mapped, compile_mapping, default_document, read_document
from shared.transport import AdaptiveConcurrency, Transport, pooled

SHOWN = 5


@dataclass(slots=True)
class Comparison:
    """Counts, and a few examples by id and field name. `duplicates` are profiles beyond the first of one contact."""

    source: int = 0
    target: int = 0
    missing: list[str] = field(default_factory=list)
    extra: list[str] = field(default_factory=list)
    different: list[str] = field(default_factory=list)
    duplicates: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    @property
    def agree(self) -> bool:
        return not (self.missing or self.extra or self.different or self.duplicates)

    def __str__(self) -> str:
        parts = [f"{self.source} contacts, {self.target} profiles"]
        for name in ("missing", "extra", "different", "duplicates", "refused"):
            if found := getattr(self, name):
                parts.append(f"{len(found)} {name} ({', '.join(found[:SHOWN])})")
        return "; ".join(parts)


class FixedToken:
    def __init__(self, value: str) -> None:
        self.value = value

    def token(self, refused: str = "") -> str:
        return self.value


def mapping_in_force(facts: Mapping[str, Any], text: str = "") -> CompiledMapping:
    """The default document (or `text`), compiled against the metadata of both running systems."""
    document = read_document(text or default_document("contact"))
    transport = Transport("Dataverse", pooled("Dataverse", 30, 2), AdaptiveConcurrency(2))
    source = DataverseClient(facts["dataverse"], FixedToken(facts["dataverse_token"]), transport).table(document.table)
    metadata = Campaign(facts).http.told("GET", f"/{document.api}/resourceType/{document.resource}")
    return compile_mapping(document, source, resource(document.resource, metadata))


def compare(facts: Mapping[str, Any], mapping: CompiledMapping | None = None, ignore: Iterable[str] = ()) -> Comparison:
    """Reads both systems whole. Contacts that the mapping refuses or filters out must have no profile of their own making."""
    mapping = mapping or mapping_in_force(facts)
    found, ignored = Comparison(), set(ignore)
    profiles: dict[str, dict[str, Any]] = {}
    for profile in Campaign(facts).profiles():
        if not profile["externalId"]:
            continue
        found.target += 1
        if profile["externalId"] in profiles:
            found.duplicates.append(profile["externalId"])
        profiles[profile["externalId"]] = profile
    for row in Dynamics(facts).contacts(",".join(mapping.columns)):
        found.source += 1
        compare_one(mapping, row, profiles.pop(row["contactid"], None), found, ignored)
    found.extra = [key for key in profiles if key not in ignored]
    return found


def compare_one(
    mapping: CompiledMapping, row: dict[str, Any], profile: dict[str, Any] | None, found: Comparison, ignored: set[str]
) -> None:
    contact_id = row["contactid"]
    if contact_id in ignored:
        return
    try:
        mapped = mapping.map(row)
    except Rejected:
        found.refused.append(contact_id)
        return
    if not isinstance(mapped, Mapped):
        return
    if profile is None:
        found.missing.append(contact_id)
    elif names := differences(mapped.record, profile):
        found.different.append(f"{contact_id}: {', '.join(names)}")


def differences(expected: Mapping[str, Any], profile: Mapping[str, Any], prefix: str = "") -> list[str]:
    """The names of the fields that differ; a field that the profile lacks differs."""
    names: list[str] = []
    for name, value in expected.items():
        held = profile.get(name)
        if isinstance(value, dict) and isinstance(held, dict):
            names += differences(value, held, f"{prefix}{name}.")
        elif held != value:
            names.append(prefix + name)
    return names
