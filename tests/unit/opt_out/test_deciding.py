"""The truth table of docs/opt-out.md, row by row, and what must hold for every combination there
is.
"""

from itertools import product

import pytest

from shared.opt_out.deciding import Agreed, Mode, Rule, Seen, decide

T0, T1 = "2026-01-01 00:00:00.000Z", "2026-01-02 00:00:00.000Z"
NO, YES = True, False
EVERY = [
    (mode, Seen(dynamics, campaign, time, held, edited, later, empty), agreed, allow)
    for mode in (Mode.BOTH, Mode.TO_CAMPAIGN, Mode.FROM_CAMPAIGN)
    for dynamics, campaign, held, edited, allow in product((NO, YES), repeat=5)
    for time, later in product((T0, T1), (None, True, False))
    for agreed in (None, Agreed(NO, T0), Agreed(YES, T0))
    for empty in ((False,) if dynamics else (False, True))
    if dynamics or not held
]


@pytest.mark.parametrize(
    ("agreed", "seen", "value", "rule"),
    [
        pytest.param(None, Seen(NO, NO, T0), NO, Rule.FIRST_ALIKE, id="first, both no"),
        pytest.param(None, Seen(YES, YES, T0), YES, Rule.FIRST_ALIKE, id="first, both yes"),
        pytest.param(None, Seen(NO, YES, T0), NO, Rule.FIRST_OPT_OUT, id="first, Dynamics no"),
        pytest.param(
            None, Seen(YES, NO, T0, later=False), NO, Rule.FIRST_OPT_OUT, id="first, Campaign no"
        ),
        pytest.param(NO, Seen(NO, NO, T0), NO, Rule.NOTHING_CHANGED, id="nothing changed"),
        pytest.param(YES, Seen(NO, NO, T1), NO, Rule.ALIKE, id="both alike"),
        pytest.param(YES, Seen(NO, YES, T0), NO, Rule.DYNAMICS_CHANGED, id="opt-out in Dynamics"),
        pytest.param(NO, Seen(YES, NO, T0), YES, Rule.DYNAMICS_CHANGED, id="opt-in in Dynamics"),
        pytest.param(YES, Seen(YES, NO, T1), NO, Rule.CAMPAIGN_CHANGED, id="opt-out in Campaign"),
        pytest.param(
            NO, Seen(NO, YES, T1, edited=False), YES, Rule.CAMPAIGN_CHANGED, id="opt-in in Campaign"
        ),
        pytest.param(
            NO,
            Seen(NO, YES, T1, later=True),
            YES,
            Rule.CAMPAIGN_LATER,
            id="opt-in in Campaign after an edit",
        ),
        pytest.param(
            NO,
            Seen(NO, YES, T1, later=False),
            NO,
            Rule.EDITED_SINCE,
            id="opt-in in Campaign before an edit",
        ),
        pytest.param(
            NO, Seen(NO, YES, T1), NO, Rule.EDITED_SINCE, id="opt-in in Campaign, times unknown"
        ),
        pytest.param(
            NO,
            Seen(YES, NO, T1, later=False),
            NO,
            Rule.OPT_OUT_WINS,
            id="opt-in against a no given again",
        ),
        pytest.param(
            YES,
            Seen(NO, YES, T1, later=True),
            YES,
            Rule.CAMPAIGN_LATER,
            id="conflict, Campaign later",
        ),
        pytest.param(
            YES,
            Seen(NO, YES, T1, later=False),
            NO,
            Rule.OPT_OUT_WINS,
            id="conflict, Dynamics later",
        ),
        pytest.param(YES, Seen(NO, YES, T1), NO, Rule.OPT_OUT_WINS, id="conflict, times unknown"),
    ],
)
def test_both_ways(agreed: bool | None, seen: Seen, value: bool, rule: Rule) -> None:
    flag_decision = decide(
        Mode.BOTH, seen, None if agreed is None else Agreed(agreed, T0), allow_opt_in=True
    )
    assert (
        flag_decision.dynamics,
        flag_decision.campaign,
        flag_decision.agreed,
        flag_decision.rule,
    ) == (
        value,
        value,
        value,
        rule,
    )


def test_an_opt_in_from_dynamics_may_be_ignored_and_is_undone() -> None:
    flag_decision = decide(Mode.BOTH, Seen(YES, NO, T0), Agreed(NO, T0), allow_opt_in=False)
    assert (flag_decision.dynamics, flag_decision.campaign, flag_decision.rule) == (
        NO,
        NO,
        Rule.OPT_IN_IGNORED,
    )


@pytest.mark.parametrize(
    ("mode", "agreed", "campaign", "dynamics", "rule"),
    [
        (Mode.BOTH, NO, NO, NO, Rule.EMPTY),
        (Mode.TO_CAMPAIGN, NO, NO, YES, Rule.NOTHING_CHANGED),
        (Mode.BOTH, YES, YES, YES, Rule.NOTHING_CHANGED),
        (Mode.BOTH, None, YES, YES, Rule.FIRST_ALIKE),
        (Mode.BOTH, None, NO, NO, Rule.FIRST_OPT_OUT),
    ],
)
def test_an_empty_column_takes_no_opt_out_back(
    mode: Mode, agreed: bool | None, campaign: bool, dynamics: bool, rule: Rule
) -> None:
    seen = Seen(YES, campaign, T0, empty=True)
    flag_decision = decide(
        mode, seen, None if agreed is None else Agreed(agreed, T0), allow_opt_in=True
    )
    assert (flag_decision.dynamics, flag_decision.campaign, flag_decision.rule) == (
        dynamics,
        campaign,
        rule,
    )
    assert flag_decision.agreed == campaign


def test_an_empty_column_does_not_stand_against_an_opt_in_in_campaign() -> None:
    flag_decision = decide(
        Mode.BOTH, Seen(YES, YES, T1, empty=True, later=True), Agreed(NO, T0), allow_opt_in=True
    )
    assert (flag_decision.dynamics, flag_decision.campaign, flag_decision.agreed) == (YES, YES, YES)


def test_a_no_by_another_column_is_not_taken_back_by_campaign() -> None:
    seen = Seen(NO, YES, T1, held=True, edited=False)
    flag_decision = decide(Mode.BOTH, seen, Agreed(NO, T0), allow_opt_in=True)
    assert (flag_decision.dynamics, flag_decision.campaign, flag_decision.rule) == (
        NO,
        NO,
        Rule.HELD,
    )


@pytest.mark.parametrize(
    ("mode", "seen", "agreed", "dynamics", "campaign"),
    [
        (Mode.TO_CAMPAIGN, Seen(NO, YES, T0), None, NO, NO),
        (Mode.TO_CAMPAIGN, Seen(YES, NO, T0), None, YES, NO),
        (Mode.TO_CAMPAIGN, Seen(YES, NO, T0), Agreed(NO, T0), YES, YES),
        (Mode.TO_CAMPAIGN, Seen(YES, NO, T1), Agreed(NO, T0), YES, NO),
        (Mode.TO_CAMPAIGN, Seen(YES, NO, T1), Agreed(YES, T0), YES, NO),
        (Mode.FROM_CAMPAIGN, Seen(YES, NO, T0), None, NO, NO),
        (Mode.FROM_CAMPAIGN, Seen(NO, YES, T0), None, NO, YES),
        (Mode.FROM_CAMPAIGN, Seen(NO, YES, T1, edited=False), Agreed(NO, T0), YES, YES),
        (Mode.FROM_CAMPAIGN, Seen(NO, YES, T1, later=True), Agreed(NO, T0), YES, YES),
        (Mode.FROM_CAMPAIGN, Seen(NO, YES, T1), Agreed(NO, T0), NO, YES),
        (Mode.FROM_CAMPAIGN, Seen(NO, YES, T0), Agreed(YES, T0), NO, YES),
    ],
)
def test_one_way(
    mode: Mode, seen: Seen, agreed: Agreed | None, dynamics: bool, campaign: bool
) -> None:
    flag_decision = decide(mode, seen, agreed, allow_opt_in=True)
    assert (flag_decision.dynamics, flag_decision.campaign) == (dynamics, campaign)


def test_both_ways_ends_with_both_sides_equal() -> None:
    flag_decisions = [
        (seen, decide(mode, seen, agreed, allow))
        for mode, seen, agreed, allow in EVERY
        if mode is Mode.BOTH
    ]
    assert len(flag_decisions) > 400
    assert all(
        flag_decision.dynamics == flag_decision.campaign == flag_decision.agreed
        for _, flag_decision in flag_decisions
    )
    assert all(
        flag_decision.agreed
        for seen, flag_decision in flag_decisions
        if seen.dynamics and seen.campaign
    )


def test_one_way_never_writes_the_side_that_is_read() -> None:
    for mode, seen, agreed, allow in EVERY:
        flag_decision = decide(mode, seen, agreed, allow)
        assert flag_decision.dynamics == seen.dynamics or mode is not Mode.TO_CAMPAIGN
        assert flag_decision.campaign == seen.campaign or mode is not Mode.FROM_CAMPAIGN


def test_where_it_cannot_be_told_no_opt_out_is_taken_back() -> None:
    """A no of either side ends as yes only if the other alone has changed, or Campaign is known to
    be later.
    """
    for mode, seen, agreed, allow in EVERY:
        flag_decision = decide(mode, seen, agreed, allow)
        if (seen.dynamics and not flag_decision.dynamics) or (
            seen.campaign and not flag_decision.campaign
        ):
            touched = agreed is None or seen.campaign_time != agreed.campaign_time
            assert agreed is not None
            by_dynamics = (
                not seen.dynamics and not seen.empty and agreed.value and not touched and allow
            )
            by_campaign = (
                not seen.campaign
                and (seen.later or (agreed.value and not seen.edited))
                and not seen.held
            )
            assert by_dynamics or by_campaign, (mode, seen, agreed, flag_decision)


def test_deciding_again_on_what_was_decided_changes_nothing() -> None:
    for mode, seen, agreed, allow in EVERY:
        flag_decision = decide(mode, seen, agreed, allow)
        held = seen.held and flag_decision.dynamics
        empty = seen.empty and not flag_decision.dynamics
        after = Seen(
            flag_decision.dynamics,
            flag_decision.campaign,
            T1,
            held,
            edited=False,
            later=seen.later,
            empty=empty,
        )
        again = decide(mode, after, Agreed(flag_decision.agreed, T1), allow)
        assert (again.dynamics, again.campaign) == (
            flag_decision.dynamics,
            flag_decision.campaign,
        ), (
            mode,
            seen,
            agreed,
        )
