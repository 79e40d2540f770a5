"""Replay or discard dead letters: those that are ticked, or all that match."""

from collections.abc import Callable
from functools import partial

from shared.console.acts.common import counted, flow_of, number_to_type, planned_flow
from shared.console.acts.trials import trial_lines
from shared.console.letters_asked import asked_filter
from shared.console.plans import Carried, Plan, PlanKind
from shared.console.refusals import Refusal
from shared.console.roles import Least
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.pipeline.flow import Flow
from shared.pipeline.letters import Left, why_kept
from shared.pipeline.replay import begin
from shared.pipeline.selecting import DISCARD, DISCARD_CHECKED, SOME, order_some
from shared.pipeline.trial import MOST_TRIED, Tried, try_letters
from shared.state.deadletters import DeadLetter
from shared.state.letter_filter import LetterFilter, first_of, read_filter
from shared.state.plans import Line, Planned

MOST_COUNTED = 20_000
"""Letters of a flow that are looked at; where it has more, the plan asks for a narrower filter."""
IDS_LISTED = 100


def meant(visit: Visit) -> tuple[str, Flow, LetterFilter, list[DeadLetter]]:
    """The letters that the form means, refused until now. Refusal for none, or too many."""
    key, flow = flow_of(visit)
    bridge, form = visit.services.bridge, visit.incoming.form
    ticked = [] if form.get("what") == "match" else visit.incoming.ticked("id")
    wanted = asked_filter(form, visit.look.tzinfo, ticked)
    if wanted is None or key != flow.letters:
        raise Refusal(400, "no_filter")
    if form.get("what") == "ticked" and not wanted.ids:
        raise Refusal(400, "none_ticked")
    exact = LetterFilter(
        wanted.ids,
        wanted.reason,
        wanted.field,
        wanted.version,
        wanted.since,
        min(wanted.until or visit.now(), visit.now()),
    )
    letters, more = first_of(bridge.deadletters, flow.letters, exact, MOST_COUNTED)
    if more:
        raise Refusal(409, "too_many_letters", {"most": str(MOST_COUNTED)})
    if not letters:
        raise Refusal(409, "no_letters")
    return key, flow, exact, letters


def which(name: str, wanted: LetterFilter, letters: list[DeadLetter]) -> list[Line]:
    """What the filter says, each part on a line of its own."""
    arguments = {"name": name, "count": len(letters)}
    ids = [letter.record_id for letter in letters][:IDS_LISTED]
    code = "which_ticked" if wanted.ids else "which_match"
    parts = {"label_reason": wanted.reason, "label_field": wanted.field}
    parts["label_version"] = f"v{wanted.version}" if wanted.version else ""
    said = [Line(label, "as_it_is", {"text": text}) for label, text in parts.items() if text]
    return [Line("label_which", code, arguments, ids), *said]


def planned(
    key: str, wanted: LetterFilter, lines: list[Line], count: int, must_type: int, **more: str
) -> Planned:
    arguments = {"flow": key, "filter": wanted.as_text(), "count": count, **more}
    back = f"/dead-letters?flow={key}"
    return Planned(key, name_of(key), lines, arguments, back, count, must_type)


def prepare_replay(visit: Visit) -> Planned:
    key, flow, wanted, letters = meant(visit)
    lines = [
        *which(name_of(key), wanted, letters),
        how(flow, letters),
        *trial_lines(trial(visit, flow, letters), len(letters), counted(visit, key)),
        *opt_outs(flow),
    ]
    return planned(key, wanted, lines, len(letters), number_to_type(visit, len(letters)))


def how(flow: Flow, letters: list[DeadLetter]) -> Line:
    versions = sorted({letter.mapping_version for letter in letters} - {0})
    refused = ", ".join(f"v{version}" for version in versions) or "–"
    code = "how_as_kept" if flow.policy.created_once else "how_read_again"
    return Line("label_how", code, {"version": flow.mapping_version(), "refused": refused})


def trial(visit: Visit, flow: Flow, letters: list[DeadLetter]) -> Callable[[], list[Tried]]:
    return partial(try_letters, flow, visit.services.bridge, letters[:MOST_TRIED])


def opt_outs(flow: Flow) -> list[Line]:
    """An opt-out is never decided by a replay of another flow."""
    return [] if flow.policy.kept_rows else [Line("label_opt_outs", "opt_outs_untouched")]


def carry_replay(visit: Visit, plan: Plan, why: str) -> Carried:
    return carried(visit, plan, SOME)


def prepare_discard(visit: Visit) -> Planned:
    key, flow, wanted, letters = meant(visit)
    checked = visit.incoming.form.get("checked") == "1"
    staying = [cause for one in letters if (cause := why_kept(flow, one, checked))]
    count = len(letters) - len(staying)
    if not count:
        raise Refusal(409, f"stays_{staying[0].name}")
    lines = [
        *which(name_of(key), wanted, letters),
        Line("label_what", "discard_what", {"count": count}),
        *(
            Line("label_stay", f"left_{cause.name}", {"count": staying.count(cause)})
            for cause in Left
            if cause in staying
        ),
    ]
    must_type = number_to_type(visit, count)
    return planned(
        key, wanted, lines, count, must_type, kind=DISCARD_CHECKED if checked else DISCARD
    )


def carry_discard(visit: Visit, plan: Plan, why: str) -> Carried:
    return carried(visit, plan, str(plan.planned.arguments["kind"]))


def carried(visit: Visit, plan: Plan, kind: str) -> Carried:
    _, flow = planned_flow(visit, plan)
    bridge, arguments = visit.services.bridge, plan.planned.arguments
    wanted, total = read_filter(str(arguments["filter"])), int(arguments["count"])
    job = begin(flow, bridge, order_some(flow, bridge, kind, wanted, total, visit.who))
    return Carried(f"/jobs/{job.id}", job.id)


REPLAY = PlanKind("replay_letters", Least.OPERATOR, prepare_replay, carry_replay)
DISCARDING = PlanKind("discard_letters", Least.OPERATOR, prepare_discard, carry_discard)
