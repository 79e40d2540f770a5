"""One record's story, asked for at once and side by side: the ledger, both systems as they are now,
its family, opt-outs and events. What does not answer in time is missing, and the rest is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from shared.console.contact_events import events_of
from shared.console.opt_out import contact
from shared.console.patience import Missing, ask
from shared.console.standing import InCampaign, InDynamics, Noted, Standing, judge
from shared.console.visit import Services
from shared.dataverse.wire import version
from shared.entities.families import flow_of
from shared.entities.flow import TableFlow, seen
from shared.errors import Rejected
from shared.mapping import CompiledMapping, Filtered, Mapped
from shared.opt_out.deciding import Mode
from shared.pipeline.flow import Flow
from shared.records import Change, Kind
from shared.state.deadletters import DeadLetter
from shared.state.ledger_rows import LedgerRow, bucket, partition_name
from shared.state.waiting import Waiter

MOST_CHILDREN = 50
CONTACT = "contact"
LEDGER, DYNAMICS, CAMPAIGN = "part_state", "part_dynamics", "part_campaign"
FAMILY, OPT_OUTS, EVENTS = "part_family", "part_opt_outs", "part_events"


@dataclass(frozen=True, slots=True)
class Relative:
    """A parent or child: `flow` leads to its story. `waits`: the child waits for this record."""

    table: str
    record_id: str
    flow: str
    waits: bool = False


@dataclass(frozen=True, slots=True)
class Family:
    parents: Sequence[Relative]
    children: Sequence[Relative]
    more: bool = False
    """Whether there are more children than are listed."""


@dataclass(frozen=True, slots=True)
class OptOutsSeen:
    """Both sides now with what was decided (shared/console/opt_out.py), None where neither knows
    the contact; and what the opt-out flow itself knows of it.
    """

    now: Mapping[str, Any] | None = field(repr=False)
    row: LedgerRow | None = field(repr=False)
    letter: DeadLetter | None


@dataclass(frozen=True, slots=True)
class Story:
    """What was found; each part may be missing. `opt_outs` and `events` are None where the record
    has none.
    """

    flow: Flow
    record_id: str
    noted: Noted | Missing
    source: InDynamics | Missing
    target: InCampaign | Missing = field(repr=False)
    standing: Standing
    family: Family | Missing
    opt_outs: OptOutsSeen | Missing | None = None
    events: Sequence[Mapping[str, Any]] | Missing | None = field(default=None, repr=False)

    @property
    def missing(self) -> list[Missing]:
        parts = (self.noted, self.source, self.target, self.family, self.opt_outs, self.events)
        return [one for one in parts if isinstance(one, Missing)]

    @property
    def is_known(self) -> bool:
        """Whether anything of it was found, or may yet be: a system was not asked."""
        found = not isinstance(self.noted, Missing) and (self.noted.row or self.noted.letter)
        row = isinstance(self.source, Missing) or self.source.row is not None
        return bool(found) or row or self.target is not None


def tell(
    services: Services, flow: TableFlow, record_id: str, seconds: float | None = None
) -> Story:
    """`seconds`: how long each part is waited for; all begin at once."""
    noted = ask(LEDGER, partial(noted_of, services, flow, record_id), seconds)
    source = ask(DYNAMICS, partial(in_dynamics, flow, record_id), seconds)
    target = ask(CAMPAIGN, partial(in_campaign, flow, record_id), seconds)
    family = ask(FAMILY, partial(family_of, services, flow, record_id), seconds)
    opt_outs = ask(OPT_OUTS, partial(opt_outs_of, services, flow, record_id), seconds)
    events = ask(EVENTS, partial(events_about, services, flow, record_id), seconds)
    known, row, held = noted.result(), source.result(), target.result()
    return Story(
        flow,
        record_id,
        known,
        row,
        held,
        judge(known, row, held),
        family.result(),
        opt_outs.result(),
        events.result(),
    )


def noted_of(services: Services, flow: Flow, record_id: str) -> Noted:
    """Four reads of single rows."""
    bridge = services.bridge
    return Noted(
        bridge.ledger.row(partition_name(flow.key, bucket(record_id)), record_id),
        bridge.deadletters.get(flow.key, record_id),
        bridge.flows.state(flow.key),
        bridge.checkpoints.load(flow.key, flow.table),
    )


def in_dynamics(flow: TableFlow, record_id: str) -> InDynamics:
    """The row as it is now; InDynamics without a row where there is none."""
    active = flow.active()
    mapping, document = active.mapping, active.document
    lookups = mapping.polymorphic_lookups
    found = flow.dataverse.rows(active.source, mapping.columns, [record_id], bool(lookups))
    words = (document.deletes, document.filtered_out)
    if not found:
        return InDynamics(None, 0, None, *words)
    change = seen(Change(record_id, Kind.REFERENCE), found[0], lookups)
    row = cast("Mapping[str, Any]", change.row)
    return InDynamics(row, version(found[0]), mapped_or_why(mapping, row), *words)


def mapped_or_why(mapping: CompiledMapping, row: Mapping[str, Any]) -> Mapped | Filtered | Rejected:
    try:
        return mapping.map(row)
    except Rejected as refusal:
        return refusal


def in_campaign(flow: TableFlow, record_id: str) -> InCampaign:
    """By its key, which is the record's id (shared/entities/flow.py)."""
    return flow.campaign.read(flow.active().address, record_id)


def family_of(services: Services, flow: TableFlow, record_id: str) -> Family:
    """Parents as the ledger has them; children that are linked or wait, as the waiting room has
    them.
    """
    bridge, partition = services.bridge, partition_name(flow.key, bucket(record_id))
    row = bridge.ledger.row(partition, record_id)
    linked_to = row.parents if row else []
    parents = [Relative(table, id_, flow_of(table).key) for table, id_ in linked_to]
    linked = bridge.waiting.linked.of(partition, [record_id], MOST_CHILDREN + 1)
    parked = bridge.waiting.of(partition, [record_id])
    children = {one.child: child_of(one, False) for one in linked}
    children |= {one.child: child_of(one, True) for one in parked}
    listed = list(children.values())
    return Family(parents, listed[:MOST_CHILDREN], len(listed) > MOST_CHILDREN)


def child_of(waiter: Waiter, waits: bool) -> Relative:
    return Relative(waiter.table, waiter.child, waiter.flow, waits)


def opt_outs_of(services: Services, flow: Flow, record_id: str) -> OptOutsSeen | None:
    """None where there are none: of another table, or while opt-outs are not carried."""
    if flow.table != CONTACT or services.opt_out.mode is Mode.DISABLED:
        return None
    bridge, carried = services.bridge, services.opt_out.deliver()
    return OptOutsSeen(
        contact(carried, bridge, record_id),
        bridge.ledger.row(partition_name(carried.key, bucket(record_id)), record_id),
        bridge.deadletters.get(carried.key, record_id),
    )


def events_about(
    services: Services, flow: Flow, record_id: str
) -> Sequence[Mapping[str, Any]] | None:
    off = services.bridge.settings.email_events_source == "none"
    return None if off or flow.table != CONTACT else events_of(services, record_id)
