"""Do both systems agree?

Every row of a table against its record, field by field, by the active mapping.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from dev.verbs import Campaign, Dynamics
from shared.campaign.wire import resource
from shared.dataverse.client import DataverseClient
from shared.errors import Rejected
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Transport, pooled
from shared.mapping import CompiledMapping, Mapped, compile_mapping, default_document, read_document

SHOWN = 5


@dataclass(slots=True)
class Comparison:
    """Counts, and a few examples by id and field name.

    `duplicates` are records beyond the first of one row.
    """

    table: str = "contact"
    resource: str = "profile"
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
        parts = [f"{self.source} of {self.table}, {self.target} of {self.resource}"]
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
    source = DataverseClient(
        facts["dataverse"], FixedToken(facts["dataverse_token"]), transport
    ).table(document.table)
    metadata = Campaign(facts).http.json("GET", f"/{document.api}/resourceType/{document.resource}")
    return compile_mapping(document, source, resource(document.resource, metadata))


def compare(
    facts: Mapping[str, Any], mapping: CompiledMapping | None = None, ignore: Iterable[str] = ()
) -> Comparison:
    """Reads both systems whole.

    Rows that the mapping refuses or filters out must have no record of their own making.
    """
    mapping = mapping or mapping_in_force(facts)
    key, ignored = mapping.document.key, set(ignore)
    found = Comparison(mapping.table, mapping.document.resource)
    records: dict[str, dict[str, Any]] = {}
    for record in Campaign(facts).records(mapping.document.resource):
        if not record[key.target]:
            continue
        found.target += 1
        if record[key.target] in records:
            found.duplicates.append(record[key.target])
        records[record[key.target]] = record
    for row in Dynamics(facts).rows(f"{mapping.table}s", ",".join(mapping.columns)):
        found.source += 1
        if row[key.source] not in ignored:
            compare_one(mapping, row, records.pop(row[key.source], None), found)
    found.extra = [record_id for record_id in records if record_id not in ignored]
    return found


def compare_one(
    mapping: CompiledMapping, row: dict[str, Any], record: dict[str, Any] | None, found: Comparison
) -> None:
    record_id = row[mapping.document.key.source]
    try:
        mapped = mapping.map(row)
    except Rejected:
        found.refused.append(record_id)
        return
    if not isinstance(mapped, Mapped):
        return
    if record is None:
        found.missing.append(record_id)
    elif names := differences(mapped.record, record):
        found.different.append(f"{record_id}: {', '.join(names)}")


def differences(
    expected: Mapping[str, Any], profile: Mapping[str, Any], prefix: str = ""
) -> list[str]:
    """The names of the fields that differ; a field that the profile lacks differs.

    Campaign holds decimals as doubles.
    """
    names: list[str] = []
    for name, value in expected.items():
        held = profile.get(name)
        if isinstance(value, dict) and isinstance(held, dict):
            names += differences(value, held, f"{prefix}{name}.")
        elif held != (
            float(value) if isinstance(held, float) and isinstance(value, Decimal) else value
        ):
            names.append(prefix + name)
    return names
