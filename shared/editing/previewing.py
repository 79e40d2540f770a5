"""What a document would make of real rows: read now from both systems, written nowhere.

Rows hold personal data: nothing of them is kept or logged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.campaign.client import Address, CampaignClient
from shared.dataverse.client import DataverseClient
from shared.dataverse.samples import sample_rows
from shared.dataverse.wire import lookup_table
from shared.errors import Rejected
from shared.mapping import CompiledMapping, Filtered, Mapped, SourceTable, table_of
from shared.threads import ThreadPool

MOST_ROWS, CALLS_AT_ONCE = 20, 4
SAME, CHANGES, NEW, COMES_IN, LEFT_OUT, REFUSED = (
    *("same", "changes", "new", "comes_in", "left_out"),
    "refused",
)
"""What becomes of a row: as by the active version; other values; there is no active version; the
filters keep it out no more; they keep it out; it is refused.
"""


@dataclass(frozen=True, slots=True)
class FieldLine:
    """One field of one row. Values are texts, None where there is none."""

    target: str
    origin: str
    """The column or columns that it comes from."""
    is_changed: bool
    """Whether the draft writes something else than the active version."""
    source_value: str | None = field(repr=False)
    campaign_value: str | None = field(repr=False)
    before: str | None = field(repr=False)
    """What the active version writes."""
    after: str | None = field(repr=False)
    """What the draft writes."""


@dataclass(frozen=True, slots=True)
class RowPreview:
    record_id: str
    outcome: str
    reason: str
    """The condition that keeps the row out, or the fields and rules that refuse it; no value."""
    in_campaign: bool
    fields: Sequence[FieldLine] = field(repr=False)

    @property
    def changed(self) -> list[str]:
        return [line.target for line in self.fields if line.is_changed]


@dataclass(frozen=True, slots=True)
class Compared:
    """The draft beside the active version, None where there is none."""

    source: SourceTable
    address: Address
    draft: CompiledMapping
    active: CompiledMapping | None

    @property
    def columns(self) -> list[str]:
        both = {*self.draft.columns, *(self.active.columns if self.active else ())}
        return sorted(name for name in both if self.source.column(name))


def preview(
    dataverse: DataverseClient, campaign: CampaignClient, pair: Compared, ids: Sequence[str] = ()
) -> list[RowPreview]:
    """The rows with these ids, else those that were changed last; MOST_ROWS at most."""
    if ids:
        wanted = ids[:MOST_ROWS]
        rows = dataverse.rows(pair.source, pair.columns, wanted, lookup_tables=True)
    else:
        rows = sample_rows(dataverse, pair.source, pair.columns, MOST_ROWS)
    with ThreadPool(CALLS_AT_ONCE, "preview") as pool:
        return list(pool.map(lambda row: row_preview(campaign, pair, row), rows))


def row_preview(campaign: CampaignClient, pair: Compared, read: Mapping[str, Any]) -> RowPreview:
    row = with_tables(read, pair)
    after, reason = made(pair.draft, row)
    before, _ = made(pair.active, row) if pair.active else (None, "")
    held = held_by(campaign, pair.address, key_of(pair.draft, row))
    return RowPreview(
        str(row[pair.source.primary_id]).lower(),
        outcome(pair.active is not None, before, after, reason),
        reason,
        held is not None,
        field_lines(pair, row, flat(held or {}), written(before), written(after)),
    )


def with_tables(read: Mapping[str, Any], pair: Compared) -> dict[str, Any]:
    """The row, with the table that each lookup leads to where the mapping reads it."""
    mappings = [one for one in (pair.draft, pair.active) if one]
    lookups = {name for one in mappings for name in one.polymorphic_lookups}
    return {**read, **{table_of(name): lookup_table(read, name) for name in lookups}}


def held_by(campaign: CampaignClient, address: Address, key: str) -> dict[str, Any] | None:
    """The record with this key; None where there is none, or no record can have the key."""
    try:
        return campaign.read(address, key)
    except Rejected:
        return None


def made(mapping: CompiledMapping, row: Mapping[str, Any]) -> tuple[Mapped | Filtered | None, str]:
    """What a mapping makes of a row, and why it makes nothing; None where it refuses the row."""
    try:
        found = mapping.map(row)
    except Rejected as refused:
        named = (f"{one.field or '?'}: {one.rule}" for one in refused.refusals)
        return None, ", ".join(named)
    return found, found.reason if isinstance(found, Filtered) else ""


def key_of(mapping: CompiledMapping, row: Mapping[str, Any]) -> str:
    """The record's key, "" where the row cannot have one."""
    found, _ = made(mapping, row)
    return found.key if found else str(row[mapping.document.key.source])


def outcome(
    has_active: bool, before: Mapped | Filtered | None, after: Mapped | Filtered | None, reason: str
) -> str:
    if after is None:
        return REFUSED
    if isinstance(after, Filtered):
        return LEFT_OUT
    if not has_active:
        return NEW
    if not isinstance(before, Mapped):
        return COMES_IN
    return SAME if written(before) == written(after) else CHANGES


def written(found: Mapped | Filtered | None) -> dict[str, Any]:
    """What a creation would send, by dotted field names."""
    return flat(found.record) if isinstance(found, Mapped) else {}


def flat(record: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, Mapping):
            found |= flat(value, f"{prefix}{name}.")
        else:
            found[prefix + name] = value
    return found


def field_lines(
    pair: Compared,
    row: Mapping[str, Any],
    held: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> list[FieldLine]:
    """Every field that either of both documents writes. None is changed where the draft sends
    nothing: Campaign's record then stays or goes as a whole.
    """
    origins = origins_of(pair.active) | origins_of(pair.draft)
    return [
        FieldLine(
            target,
            ", ".join(names),
            bool(after) and before.get(target, NOTHING) != after.get(target, NOTHING),
            shown_together(row, names),
            shown(held.get(target)),
            shown(before[target]) if target in before else None,
            shown(after[target]) if target in after else None,
        )
        for target, names in origins.items()
    ]


NOTHING = object()


def origins_of(mapping: CompiledMapping | None) -> dict[str, list[str]]:
    """The columns of each field, in the order of the document."""
    if mapping is None:
        return {}
    document = mapping.document
    found = {
        rule.target: [rule.source] if rule.source else rule.template_columns()
        for rule in document.fields
    }
    return found | {link.target: [link.source] for link in document.links}


def shown_together(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    found = [text for name in names if (text := shown(row.get(name))) is not None]
    return " | ".join(found) if found else None


def shown(value: Any) -> str | None:
    """A value as a text; None for an empty one."""
    if value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)
