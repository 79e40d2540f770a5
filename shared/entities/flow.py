"""A Dataverse table kept in a Campaign resource: what the steps need to know of it.

Shared by contacts and custom entities.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shared.campaign.client import Address, CampaignClient
from shared.dataverse import wire
from shared.dataverse.changed import changed_ids
from shared.dataverse.client import DataverseClient
from shared.entities import deciding
from shared.entities.catalog import FIRM, HARD, Catalog
from shared.entities.compiling import Active
from shared.entities.families import flow_of
from shared.entities.leaving import forget_links, hold_leaving, parents_that_leave, revise
from shared.entities.parents import hold, release
from shared.errors import Rejected
from shared.mapping import METADATA_RULES, CompiledMapping, table_of
from shared.pipeline.decision import Act, Decision
from shared.pipeline.flow import Bridge, Delivery, PlainFlow, Policy, Results
from shared.records import Change, Kind, Outcome, Page, Settlement, WriteResult
from shared.state.checkpoints import Checkpoint
from shared.state.ledger_rows import LedgerRow

POLICY = Policy(detects_missed_deletes=True)


@dataclass(frozen=True, slots=True)
class TableFlow(PlainFlow):
    """`key` names the flow in state and console, `table` is the Dataverse logical name, `queue` its
    Storage queue.
    """

    key: str
    queue: str
    table: str
    catalog: Catalog
    dataverse: DataverseClient
    campaign: CampaignClient
    fingerprint_key: bytes = field(repr=False)
    now: Callable[[], float]
    policy: Policy = POLICY
    tell: Callable[[Sequence[Settlement]], None] | None = None
    notes: Callable[[], list[str]] | None = None  # what a person must know of the active documents
    leaves: Callable[[Address, str], None] | None = None  # told of who stays in Dynamics alone

    @property
    def feed(self) -> str:
        return self.key

    @property
    def letters(self) -> str:
        return self.key

    def active(self) -> Active:
        return self.catalog.mapping(self.table)

    def read(self, checkpoint: Checkpoint) -> Page:
        """The next page from where the checkpoint stands.

        Other columns than it was begun with mean that all is read again.
        """
        active = self.active()
        columns = ",".join(active.mapping.columns)
        if checkpoint.link and checkpoint.columns != columns:
            checkpoint.restart()
        if not checkpoint.link:
            checkpoint.links = "reading" if checkpoint.etag else "new"
        checkpoint.columns, checkpoint.mapping_version = columns, active.version
        items, link, complete = self.dataverse.tracked(
            active.source, active.mapping.columns, checkpoint.link
        )
        seen_at = self.now()
        changes = (
            wire.change(item, active.source.primary_id, seen_at, checkpoint.replay)
            for item in items
        )
        return Page(tuple(changes), link, complete)

    def look(self, changes: Sequence[Change]) -> list[Change]:
        """The same changes with what the source holds of them now: a row, or a deletion where it
        holds none.
        """
        active = self.active()
        mapping, ids = active.mapping, [change.record_id for change in changes]
        rows = self.dataverse.rows(
            active.source, mapping.columns, ids, lookup_tables=bool(mapping.polymorphic_lookups)
        )
        found = {str(row[active.source.primary_id]).lower(): row for row in rows}
        return [
            seen(change, found.get(change.record_id), mapping.polymorphic_lookups)
            for change in changes
        ]

    def existing(self, ids: Collection[str]) -> set[str]:
        return self.dataverse.existing(self.active().source, ids)

    @property
    def tells_changed(self) -> bool:
        return True

    def changed(self, since: float, link: str) -> tuple[list[str], str]:
        return changed_ids(self.dataverse, self.active().source, since, link)

    def incomplete(self, changes: Iterable[Change]) -> list[Change]:
        """Rows that lack a column of the active mapping, or do not say which table a lookup leads
        to: a tracked read never
        does (its answers are not to be asked for annotations), nor does a row that was read for an
        older mapping.
        """
        mapping = self.active().mapping
        return [
            change for change in changes if change.row is not None and lacks(change.row, mapping)
        ]

    def decide(self, change: Change, row: LedgerRow | None) -> Decision:
        """What to do; raises Rejected if the mapping refuses the row.

        What metadata refuses is judged once more with metadata that is read now.
        """
        active = self.active()
        if change.row is not None and lacks(
            change.row, active.mapping
        ):  # a newer mapping came since `incomplete` was asked
            return Decision(change, Act.LOOK)
        result = narrow(self, active, change, row)
        if isinstance(result, Decision) and not (result.mapped and result.mapped.altered):
            return result
        if by_metadata(result) and (
            newer := self.catalog.reread(self.table, active, change.replay)
        ):
            if change.row is not None and lacks(change.row, newer.mapping):
                return Decision(change, Act.LOOK)
            active, result = newer, narrow(self, newer, change, row)
        if isinstance(result, Rejected):
            raise Rejected(
                *result.refusals, metadata=active.metadata if by_metadata(result) else ""
            )
        return result

    def decided(self, active: Active, change: Change, row: LedgerRow | None) -> Decision:
        if change.kind is Kind.DELETED or change.row is None:
            return deciding.decide_deletion(change, row, active.document.deletes == "apply")
        # A version orders what was queued. A row that was just read is the truth, whatever its
        # version.
        if row and change.kind is Kind.ROW and 0 < change.version < row.version:
            return Decision(change, Act.LOOK)
        mapped = active.mapping.map(change.row)
        return deciding.decide_row(
            change, mapped, row, active.document.filtered_out == "delete", self.fingerprint_key
        )

    def write(self, decisions: Sequence[Decision]) -> Results:
        return {decision.change.record_id: self.carry_out(decision) for decision in decisions}

    def carry_out(self, decision: Decision) -> WriteResult:
        """At Campaign."""
        address, mapped = self.active().address, decision.mapped
        if decision.act is Act.DELETE:
            if self.leaves and decision.outcome is Outcome.FILTERED:
                self.leaves(address, self.key_of(decision))
            return replace(
                self.campaign.delete(address, self.key_of(decision)), outcome=decision.outcome
            )
        if mapped is None:
            return WriteResult(Outcome.UNCHANGED)
        return self.campaign.save(
            address,
            mapped.key,
            {**mapped.record, **mapped.create_only},
            mapped.update,
            decision.known,
        )

    def key_of(self, decision: Decision) -> str:
        """The business key of a record to delete: a deletion carries its id alone, which is what
        the key is made of.
        """
        return decision.change.record_id

    def activate(self) -> str:
        """Takes a person's changed document into force; what stands in the way or must be known as
        one message.
        """
        problem = self.catalog.activate(self.table)
        return " ".join(filter(None, [problem, *(self.notes() if self.notes else ())]))

    def must_wait(self, delivery: Delivery, decisions: Sequence[Decision]) -> list[Settlement]:
        """A child waits for its parent, and a parent that leaves for its children."""
        bridge, view = delivery.bridge, delivery.view
        leaving = parents_that_leave(self, bridge, view, decisions)
        held = hold(self, bridge, view, decisions, leaving)
        return held + hold_leaving(self, delivery, decisions)

    def revise(self, delivery: Delivery, decisions: Sequence[Decision]) -> Sequence[Decision]:
        """A child goes before its parent, and the room knows each parent's children."""
        return revise(self, delivery, decisions)

    def on_settled(self, delivery: Delivery, settlements: Sequence[Settlement]) -> None:
        """Releases the children; `tell` is whoever else waits for records of this table: told of
        each that was processed for the first time, or is in Campaign now and was not before.
        """
        release(self, delivery, settlements)
        forget_links(self, delivery, settlements)
        if not self.tell:
            return
        arrived = [*delivery.first_settled(settlements), *delivery.arrived(settlements)]
        if arrived:
            self.tell(list({s.change.record_id: s for s in arrived}.values()))

    def at_rest(self, change: Change) -> Change:
        """A reference: no value of a record waits, and what is delivered in the end is what the
        source holds then.
        """
        return change.as_reference()

    def children(self) -> Collection[str]:
        """The tables whose records are linked to this one's, and wait for them."""
        return self.catalog.children(self.table)

    def may_circle(self, parent: str) -> bool:
        return self.catalog.reaches(parent, self.table)

    def outlives(self, parent: str) -> bool:
        return self.catalog.reaches(parent, self.table, HARD)

    def is_firm(self, parent: str) -> bool:
        return self.catalog.reaches(parent, self.table, FIRM)

    def children_that_go_first(self) -> Collection[str]:
        return [n for n in self.children() if not self.catalog.reaches(self.table, n, HARD)]

    def links_complete(self, bridge: Bridge, table: str) -> bool:
        checkpoint = bridge.checkpoints.load(flow_of(table).key, table)
        read = checkpoint.links == "reading" and checkpoint.phase == "delta"
        return read or checkpoint.links == "new"

    def mapping_version(self) -> int:
        return self.active().version

    def read_documents(self) -> None:
        self.catalog.keeper.newest_listing()

    def metadata(self, reread: bool) -> str:
        """`reread` reads it, unless that was done a moment ago."""
        active = self.active()
        return ((reread and self.catalog.reread(self.table, active)) or active).metadata

    def probe(self, key: str) -> None:
        """Raises Misconfigured while the cause of a failure is still there."""
        self.catalog.forget(self.table)
        self.dataverse.who_am_i()
        self.active()


def narrow(
    flow: TableFlow, active: Active, change: Change, row: LedgerRow | None
) -> Decision | Rejected:
    """The decision by one mapping, or why that refuses the row."""
    try:
        return flow.decided(active, change, row)
    except Rejected as refusal:
        return refusal


def by_metadata(result: Decision | Rejected) -> bool:
    """Whether newer metadata may make another result of it: it refused the row, or had a field left
    out or cut.
    """
    if isinstance(result, Rejected):
        return any(refusal.rule in METADATA_RULES for refusal in result.refusals)
    return result.mapped is not None and any(
        entry.rule in METADATA_RULES for entry in result.mapped.altered
    )


def seen(
    change: Change, item: Mapping[str, Any] | None, polymorphic_lookups: Iterable[str]
) -> Change:
    """The change with what the source was found to hold."""
    if item is None:
        return replace(change, kind=Kind.DELETED, row=None, version=0)
    columns = {name: value for name, value in item.items() if "@" not in name}
    columns |= {table_of(name): wire.lookup_table(item, name) for name in polymorphic_lookups}
    return replace(change, kind=Kind.REFERENCE, row=columns, version=wire.version(item))


def lacks(row: Mapping[str, Any], mapping: CompiledMapping) -> bool:
    if not mapping.needed <= row.keys():
        return True
    return any(row[name] and table_of(name) not in row for name in mapping.polymorphic_lookups)
