"""Sessions: only what this console sealed, for this purpose and not long ago, signs in."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.console.roles import Role
from shared.console.session import (
    CLOCKS_APART_SECONDS,
    LONGEST_SECONDS,
    RENEW_SECONDS,
    Seal,
    Session,
)
from shared.console.sign_in import MOST_NAME_LETTERS, shown_name

KEY, OTHER = b"k" * 32, b"o" * 32
SEAL = Seal([KEY])
SESSION = Session("Otto", "otto@example.org", "1", (Role.OPERATOR,), 1000.0, 1000.0)


def test_what_was_sealed_is_opened() -> None:
    assert Session.opened(SEAL, SESSION.sealed(SEAL), 1001.0) == SESSION


@pytest.mark.parametrize(
    "text",
    ["", "x", "AAAA", "é", "=" * 8, "A" * 10_000, SEAL.seal("sign-in", {"flow": {}}), "\n"],
    ids=["none", "a letter", "short", "no ascii", "padding", "long", "of the sign-in", "a break"],
)
def test_nothing_else_is_a_session(text: str) -> None:
    assert Session.opened(SEAL, text, 1001.0) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_session_with_a_changed_byte_is_none(place: int, change: int) -> None:
    text = SESSION.sealed(SEAL)
    raw = bytearray(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    raw[place % len(raw)] ^= change
    assert Session.opened(SEAL, urlsafe_b64encode(raw).rstrip(b"=").decode(), 1001.0) is None


def test_a_session_under_another_key_is_none_and_under_the_key_before_it_is_one() -> None:
    text = SESSION.sealed(Seal([OTHER]))
    assert Session.opened(SEAL, text, 1001.0) is None
    assert Session.opened(Seal([KEY, OTHER]), text, 1001.0) == SESSION


@pytest.mark.parametrize(
    ("now", "there"),
    [
        (999.9 - CLOCKS_APART_SECONDS, False),
        (999.9, True),
        (1000.0, True),
        (999.9 + LONGEST_SECONDS, True),
        (1000.0 + LONGEST_SECONDS, False),
    ],
    ids=["before it began", "by another instance's clock", "at once", "at its end", "over"],
)
def test_a_session_ends(now: float, there: bool) -> None:
    assert (Session.opened(SEAL, SESSION.sealed(SEAL), now) is not None) is there


def test_roles_are_asked_anew_after_an_hour() -> None:
    assert not SESSION.must_renew(999.0 + RENEW_SECONDS)
    assert SESSION.must_renew(1000.0 + RENEW_SECONDS)


def test_a_session_of_a_version_with_other_members_is_none() -> None:
    assert Session.opened(SEAL, SEAL.seal("session", {"name": "Otto"}), 1001.0) is None


def test_roles_that_the_bridge_does_not_have_are_left_out() -> None:
    text = SEAL.seal(
        "session",
        {**dict(zip(Session.__slots__, ["n", "u", "p", ["Bridge.King"], 1, 1], strict=True))},
    )
    opened = Session.opened(SEAL, text, 2.0)
    assert opened is not None
    assert opened.roles == ()


@pytest.mark.parametrize(
    ("claim", "name"),
    [
        ("Otto Operator", "Otto Operator"),
        ("作業 太郎", "作業 太郎"),
        ('Otto\r\n{"event": "acted"}', 'Otto{"event": "acted"}'),
        ("Otto\u2028\x85\x1b[2J", "Otto[2J"),
        ("\u202eotto\u2066", "otto"),
        ("x" * 500, "x" * MOST_NAME_LETTERS),
        (" ", ""),
        (None, ""),
        (["Otto"], ""),
    ],
)
def test_a_name_is_one_short_line(claim: object, name: str) -> None:
    assert shown_name(claim) == name
