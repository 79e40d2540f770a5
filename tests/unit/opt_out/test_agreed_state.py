"""What the ledger remembers of both sides, and when it counts."""

from dataclasses import replace

import pytest

from shared.opt_out.agreed_state import UNDONE, AgreedState, Scope, same, scope_of, to_stored
from shared.opt_out.agreeing import is_edited
from shared.opt_out.deciding import Agreed, Mode
from shared.opt_out.documents import Pair, default_opt_out_document, read_opt_out_document
from shared.opt_out.systems import Contact, Profile

PAIRS = read_opt_out_document(default_opt_out_document()).pairs[:2]
FIRST, SECOND = (pair.flag for pair in PAIRS)
TIME, LATER = "2026-01-31 08:00:00.250Z", "2026-01-31 08:00:01.000Z"
SCOPE = scope_of(Mode.BOTH, PAIRS)
CONTACT = Contact(
    "0f8fad5b-d9cb-469f-a165-70867728950e",
    'W/"7"',
    "",
    "",
    {FIRST: True, SECOND: False},
    frozenset(),
)
PROFILE = Profile({FIRST: True, SECOND: False}, {FIRST: TIME, SECOND: ""})
FLAGS = {FIRST: {"value": True, "time": TIME}}
OTHER_MODE = replace(SCOPE, mode=Mode.TO_CAMPAIGN.value)
OTHER_PAIR = replace(SCOPE, pairs={**SCOPE.pairs, FIRST: "another"})


def state(
    contact: Contact | None = CONTACT,
    profile: Profile | None = PROFILE,
    scope: Scope = SCOPE,
    master: str = "",
) -> AgreedState:
    """Written under the usual scope, looked at under these."""
    return AgreedState(to_stored(SCOPE, FLAGS, contact, profile, master), scope)


@pytest.mark.parametrize(
    ("seen", "agreed"),
    [
        pytest.param(state(), True, id="the same scope"),
        pytest.param(state(profile=None), True, id="no profile"),
        pytest.param(state(scope=OTHER_MODE), True, id="another mode, both sides alike"),
        pytest.param(
            state(replace(CONTACT, values={FIRST: False}), scope=OTHER_MODE),
            False,
            id="another mode, not alike",
        ),
        pytest.param(
            state(profile=None, scope=OTHER_MODE), False, id="another mode, one side alone"
        ),
        pytest.param(
            state(contact=None, scope=OTHER_MODE),
            False,
            id="another mode, the other side alone",
        ),
        pytest.param(state(scope=OTHER_PAIR), False, id="another column"),
        pytest.param(
            state(scope=replace(SCOPE, pairs={**SCOPE.pairs, SECOND: "x"})),
            True,
            id="another column elsewhere",
        ),
        pytest.param(AgreedState({}, SCOPE), False, id="nothing remembered"),
    ],
)
def test_an_agreement_counts_under_its_terms(seen: AgreedState, agreed: bool) -> None:
    assert seen.agreed(FIRST) == (Agreed(True, TIME) if agreed else None)
    assert seen.agreed(SECOND) is None


@pytest.mark.parametrize(
    ("pair", "changed"),
    [
        pytest.param({}, False, id="the same"),
        pytest.param({"inverted": not PAIRS[0].inverted}, True, id="turned round"),
        pytest.param({"column": "donotphone"}, True, id="another column"),
    ],
)
def test_terms_tell_columns_and_their_direction(pair: dict[str, object], changed: bool) -> None:
    other = Pair.model_validate({**PAIRS[0].model_dump(), **pair})
    assert (scope_of(Mode.BOTH, [other]) != scope_of(Mode.BOTH, PAIRS[:1])) == changed


@pytest.mark.parametrize(
    ("seen", "contact", "known"),
    [
        pytest.param(state(), CONTACT, True, id="as it was"),
        pytest.param(
            state(),
            replace(CONTACT, etag='W/"8"', modified_at="later"),
            True,
            id="edited elsewhere",
        ),
        pytest.param(
            state(),
            replace(CONTACT, values={FIRST: False, SECOND: False}),
            False,
            id="another value",
        ),
        pytest.param(
            state(),
            replace(CONTACT, empty=frozenset({SECOND})),
            False,
            id="a column emptied",
        ),
        pytest.param(
            state(replace(CONTACT, empty=frozenset({SECOND}))),
            CONTACT,
            False,
            id="a column filled",
        ),
        pytest.param(state(), replace(CONTACT, master="another"), False, id="merged"),
        pytest.param(
            state(master="another"),
            replace(CONTACT, master="another"),
            True,
            id="still merged",
        ),
        pytest.param(state(scope=OTHER_MODE), CONTACT, False, id="another mode"),
        pytest.param(state(scope=OTHER_PAIR), CONTACT, False, id="another column"),
        pytest.param(state(contact=None), CONTACT, False, id="never seen"),
    ],
)
def test_a_contact_is_known_while_nothing_of_it_that_counts_changes(
    seen: AgreedState, contact: Contact, known: bool
) -> None:
    assert seen.knows_contact(contact) == known
    assert seen.knows_both(contact) == known


def test_a_contact_without_its_profile_is_not_both() -> None:
    assert state(profile=None).knows_contact(CONTACT)
    assert not state(profile=None).knows_both(CONTACT)


@pytest.mark.parametrize(
    ("seen", "values", "times", "known"),
    [
        pytest.param(state(), PROFILE.values, PROFILE.times, True, id="as it was"),
        pytest.param(
            state(), {FIRST: False, SECOND: False}, PROFILE.times, False, id="another value"
        ),
        pytest.param(state(), PROFILE.values, {FIRST: LATER, SECOND: ""}, False, id="another time"),
        pytest.param(
            state(),
            PROFILE.values,
            {FIRST: "2026/01/31 08:00:00", SECOND: ""},
            True,
            id="as a file tells it",
        ),
        pytest.param(state(), {FIRST: True}, {FIRST: TIME}, False, id="a flag less"),
        pytest.param(state(profile=None), PROFILE.values, PROFILE.times, False, id="never seen"),
        pytest.param(
            state(scope=OTHER_MODE), PROFILE.values, PROFILE.times, False, id="another mode"
        ),
    ],
)
def test_a_profile_is_known_by_its_flags_and_their_times(
    seen: AgreedState, values: dict[str, bool], times: dict[str, str], known: bool
) -> None:
    assert seen.knows_profile(values, times) == known


@pytest.mark.parametrize(
    ("reported", "alike"),
    [
        (TIME, True),
        ("2026/01/31 08:00:00", True),
        ("2026/01/31 08:00:01", False),
        ("2026-01-31 08:00:00.000Z", False),
        ("", False),
        ("2026/02/31 08:00:00", False),
    ],
)
def test_a_file_tells_no_parts_of_a_second(reported: str, alike: bool) -> None:
    assert same(TIME, reported) == alike


def test_a_newer_version_that_touched_no_flag_changes_what_was_seen_alone() -> None:
    seen = state()
    assert seen.version == 7
    newer = AgreedState(seen.seen_at(replace(CONTACT, etag='W/"9"')), SCOPE)
    assert (newer.version, newer.seen, newer.agreed(FIRST), newer.knows_both(CONTACT)) == (
        7,
        9,
        seen.agreed(FIRST),
        True,
    )


MADE = replace(CONTACT, created_at="2026-01-31T08:00:00Z")
AGAIN = replace(CONTACT, created_at="2026-02-28T08:00:00Z")


def test_a_contact_that_was_made_again_has_agreed_on_nothing() -> None:
    seen = state(MADE)
    assert seen.in_life_of(MADE).agreed(FIRST)
    assert seen.in_life_of(AGAIN).agreed(FIRST) is None
    assert not seen.knows_both(AGAIN)


def test_what_other_profiles_told_of_a_contact_outlives_it() -> None:
    aliases = {"aliases": {FIRST: TIME}, "owed": [SECOND]}
    seen = AgreedState({**state(MADE).stored, **aliases}, SCOPE)
    assert seen.in_life_of(AGAIN).stored == aliases


def test_an_earlier_version_did_not_remember_when_a_contact_was_made() -> None:
    seen = state(CONTACT)
    assert seen.knows_both(MADE)
    assert seen.in_life_of(MADE).agreed(FIRST)
    assert not seen.is_as_seen(MADE), "it is remembered from now on"
    known = AgreedState(seen.seen_at(MADE), SCOPE)
    assert known.is_as_seen(MADE)
    assert not known.knows_both(AGAIN)


UNDECIDED = replace(CONTACT, values={FIRST: False, SECOND: False})
SAID = replace(CONTACT, life=2)
"""As read after two replays of all were ordered."""


@pytest.mark.parametrize(
    ("seen", "contact", "undone"),
    [
        pytest.param(state(), CONTACT, False, id="as it was"),
        pytest.param(state(), replace(UNDECIDED, etag='W/"8"'), False, id="edited"),
        pytest.param(state(), replace(CONTACT, etag='W/"6"'), True, id="a lower version"),
        pytest.param(state(), UNDECIDED, True, id="the same version with other values"),
        pytest.param(state(scope=OTHER_PAIR), UNDECIDED, False, id="other columns were read"),
        pytest.param(state(), replace(UNDECIDED, etag=""), False, id="no version was told"),
        pytest.param(state(), replace(SAID, etag='W/"9"'), True, id="all was replayed since"),
        pytest.param(state(SAID), replace(SAID, etag='W/"9"'), False, id="not since they agreed"),
        pytest.param(state(SAID), CONTACT, False, id="a feed does not tell"),
        pytest.param(AgreedState({}, SCOPE), CONTACT, False, id="nothing remembered"),
    ],
)
def test_an_agreement_that_a_restore_may_have_undone_is_told(
    seen: AgreedState, contact: Contact, undone: bool
) -> None:
    assert seen.may_be_undone(contact) == undone


def test_a_contact_that_says_the_same_after_a_replay_of_all_agrees_still() -> None:
    seen = state()
    assert seen.knows_both(SAID)
    assert not seen.is_as_seen(SAID), "it is remembered from now on"
    known = AgreedState(seen.seen_at(SAID), SCOPE)
    assert known.is_as_seen(SAID)
    assert not known.may_be_undone(replace(SAID, etag='W/"9"'))


def test_what_was_undone_stays_so_until_there_is_a_profile_to_agree_with() -> None:
    restored = replace(UNDECIDED, etag='W/"3"', life=2)
    waits = AgreedState(state().without_profile(restored, ""), SCOPE)
    assert (waits.seen, waits.life, waits.flags) == (3, UNDONE, FLAGS)
    assert waits.may_be_undone(replace(restored, etag='W/"4"'))
    again = AgreedState(waits.without_profile(replace(restored, etag='W/"5"'), ""), SCOPE)
    assert again.may_be_undone(restored)


@pytest.mark.parametrize(
    ("seen", "contact", "life"),
    [
        pytest.param(state(SAID), SAID, 2, id="an agreement that stands"),
        pytest.param(AgreedState({}, SCOPE), SAID, 2, id="nothing agreed"),
        pytest.param(state(), None, 0, id="no contact"),
    ],
)
def test_who_has_no_profile_is_remembered_in_its_life(
    seen: AgreedState, contact: Contact | None, life: int
) -> None:
    assert AgreedState(seen.without_profile(contact, ""), SCOPE).life == life


@pytest.mark.parametrize(
    ("version", "is_later", "edited"),
    [
        pytest.param(7, None, False, id="as agreed"),
        pytest.param(7, True, False, id="as agreed, Campaign later"),
        pytest.param(7, False, False, id="as agreed, Campaign not later"),
        pytest.param(9, None, False, id="an edit of no flag, the times tell nothing"),
        pytest.param(9, True, True, id="an edit of no flag, Campaign later"),
        pytest.param(9, False, True, id="an edit of no flag, which may have said no once more"),
        pytest.param(10, None, True, id="an edit that was not seen, the times tell nothing"),
        pytest.param(10, True, True, id="an edit that was not seen, Campaign later"),
        pytest.param(10, False, True, id="an edit that was not seen"),
        pytest.param(8, False, True, id="an edit between both"),
    ],
)
def test_an_edit_counts_unless_it_is_known_to_have_said_nothing(
    version: int, is_later: bool | None, edited: bool
) -> None:
    """Agreed at version 7; version 9 was seen since, and touched no flag."""
    seen = AgreedState(state().seen_at(replace(CONTACT, etag='W/"9"')), SCOPE)
    contact = replace(CONTACT, etag=f'W/"{version}"')
    assert is_edited(contact, seen, is_later) == edited
