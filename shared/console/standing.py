"""How a record stands, and why: judged from the ledger and from both systems as they are now.

| what is known                               | it is             | why                         |
|---------------------------------------------|-------------------|-----------------------------|
| it has a dead letter                        | refused           | the dead letter             |
| it waits                                    | waiting           | what it waits for           |
| a system does not answer                    | unknown           | which one                   |
| gone from Dynamics, not in Campaign         | as it should be   |                             |
| gone from Dynamics, in Campaign             | differs           | or the mapping ignores it   |
| the filters leave it out, not in Campaign   | as it should be   | the condition               |
| the filters leave it out, in Campaign       | differs           | or `filtered_out: keep`     |
| the mapping refuses it now                  | refused           | each rule broken            |
| not in Campaign, never seen by the bridge   | unknown           | why it may not be read yet  |
| not in Campaign, newer than what was settled| waiting           | it is on its way            |
| not in Campaign                             | differs           |                             |
| fields differ, newer than what was settled  | waiting           | it is on its way            |
| fields differ                               | differs           | how many                    |
| all fields are the same                     | as it should be   |                             |
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from shared.console.patience import Missing
from shared.entities.both_sides import DIFFERS, FieldPair, field_pairs
from shared.errors import Rejected
from shared.mapping import Filtered, Mapped
from shared.state.checkpoints import Checkpoint
from shared.state.deadletters import DeadLetter
from shared.state.flows import FAILED, RUNNING, FlowState
from shared.state.ledger_rows import LedgerRow
from shared.waits import ParentMissing

AS_IT_SHOULD, DIFFERENT, REFUSED, WAITING, UNKNOWN = (
    "as_it_should",
    "differs",
    "refused",
    "waiting",
    "unknown",
)


@dataclass(frozen=True, slots=True)
class Why:
    """One sentence, by its code and arguments: ids, codes, names of fields and counts."""

    code: str
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Noted:
    """What the bridge itself knows of a record. `row` is None where it has never seen it."""

    row: LedgerRow | None = field(repr=False)
    letter: DeadLetter | None
    flow: FlowState
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class InDynamics:
    """The row as it is now, mapped by the active mapping; `version` 0 and no row where it is
    gone.
    """

    row: Mapping[str, Any] | None = field(repr=False)
    version: int = 0
    mapped: Mapped | Filtered | Rejected | None = field(default=None, repr=False)
    deletes: str = "apply"
    """The document's word on deletions, as is `filtered_out`."""
    filtered_out: str = "keep"


NOT_READ_YET = frozenset({"why_never_seen", "why_on_its_way"})
NOT_RUNNING = frozenset({"why_flow_failed", "why_flow_stopped"})
InCampaign = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Standing:
    """`code` is one of the five above; `why` says the reason first."""

    code: str
    why: tuple[Why, ...]
    pairs: tuple[FieldPair, ...] = field(default=(), repr=False)

    @property
    def different(self) -> int:
        return sum(1 for pair in self.pairs if pair.state == DIFFERS)


def judge(
    noted: Noted | Missing, source: InDynamics | Missing, target: InCampaign | Missing
) -> Standing:
    pairs = pairs_of(source, target)
    code, why = standing_of(noted, source, target, pairs)
    more = () if isinstance(noted, Missing) else tuple(besides(noted, code))
    return Standing(code, in_order([*why, *more]), pairs)


def in_order(why: Sequence[Why]) -> tuple[Why, ...]:
    """What has not been read because its flow does not run says that first."""
    if NOT_READ_YET.isdisjoint(one.code for one in why):
        return tuple(why)
    return tuple(sorted(why, key=lambda one: one.code not in NOT_RUNNING))


def pairs_of(source: InDynamics | Missing, target: InCampaign | Missing) -> tuple[FieldPair, ...]:
    if isinstance(source, Missing) or isinstance(target, Missing) or target is None:
        return ()
    return tuple(field_pairs(source.mapped, target)) if isinstance(source.mapped, Mapped) else ()


def standing_of(
    noted: Noted | Missing,
    source: InDynamics | Missing,
    target: InCampaign | Missing,
    pairs: Sequence[FieldPair],
) -> tuple[str, Sequence[Why]]:
    row = None if isinstance(noted, Missing) else noted.row
    if not isinstance(noted, Missing) and noted.letter:
        return REFUSED, [Why("why_letter", {"reason": noted.letter.reason})]
    if row and (wait := row.wait):
        arguments = {"table": "", "id": ""}
        if isinstance(wait, ParentMissing):
            arguments = {"table": wait.table, "id": wait.record_id}
        return WAITING, [Why(f"wait_{wait.code}", arguments)]
    if isinstance(noted, Missing) or isinstance(source, Missing) or isinstance(target, Missing):
        unasked = [one for one in (noted, source, target) if isinstance(one, Missing)]
        return UNKNOWN, [Why("why_unasked", {"part": one.part}) for one in unasked]
    return compared(noted, source, target, pairs)


def compared(
    noted: Noted, source: InDynamics, target: InCampaign, pairs: Sequence[FieldPair]
) -> tuple[str, Sequence[Why]]:
    """Where the ledger holds neither a dead letter nor a wait, and both systems have answered."""
    if source.row is None:
        return gone(source, target, noted.row)
    if isinstance(source.mapped, Filtered):
        return filtered(source, source.mapped, target)
    if isinstance(source.mapped, Rejected):
        refusals = source.mapped.refusals
        return REFUSED, [
            Why("why_refused_now", {"field": one.field, "reason": one.rule}) for one in refusals
        ]
    is_newer = noted.row is not None and source.version > noted.row.version > 0
    different = [pair for pair in pairs if pair.state == DIFFERS]
    if target is not None and not different:
        return AS_IT_SHOULD, [Why("why_same", {"count": len(pairs)})]
    if noted.row is None and target is None:
        return UNKNOWN, [Why("why_never_seen")]
    if is_newer:
        return WAITING, [Why("why_on_its_way")]
    if target is None:
        return DIFFERENT, [Why("why_lost")]
    return DIFFERENT, [Why("why_fields_differ", {"count": len(different)})]


def gone(
    source: InDynamics, target: InCampaign, row: LedgerRow | None
) -> tuple[str, Sequence[Why]]:
    if target is None:
        known = row is not None
        return (AS_IT_SHOULD, [Why("why_gone")]) if known else (UNKNOWN, [Why("why_nowhere")])
    if source.deletes != "apply":
        return AS_IT_SHOULD, [Why("why_deletes_ignored")]
    return DIFFERENT, [Why("why_not_deleted")]


def filtered(
    source: InDynamics, condition: Filtered, target: InCampaign
) -> tuple[str, Sequence[Why]]:
    why = [Why("why_filtered", {"reason": condition.reason})]
    if target is None:
        return AS_IT_SHOULD, why
    if source.filtered_out == "keep":
        return AS_IT_SHOULD, [*why, Why("why_filtered_kept")]
    return DIFFERENT, [*why, Why("why_not_taken_out")]


def besides(noted: Noted, code: str) -> Iterator[Why]:
    """What else may be the reason that it is not as it should be."""
    if code == AS_IT_SHOULD:
        return
    if noted.flow.status == FAILED:
        yield Why("why_flow_failed", {"reason": noted.flow.reason})
    elif noted.flow.status != RUNNING:
        yield Why("why_flow_stopped", {"by": noted.flow.by or "?"})
    if noted.row is None and noted.checkpoint.phase == "full":
        yield Why("why_first_read", {"rows": noted.checkpoint.rows})
    if noted.flow.trouble:
        yield Why("why_trouble", {"reason": noted.flow.trouble})
    if noted.row and noted.row.in_doubt and code != REFUSED:
        yield Why("why_doubt")
