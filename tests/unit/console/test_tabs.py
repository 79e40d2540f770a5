"""Tabs of one browser that sign in at once: each has a cookie of its own, and there are few."""

from typing import cast

import pytest

from shared.console.front import SIGNING_IN, Front
from shared.console.incoming import Incoming
from shared.console.outgoing import Cookie
from shared.console.sign_in import TABS, SignIn, tab_of
from shared.console.visit import Services
from tests.unit.console.test_front import NOW, SETTINGS, FakeSignIn, NoFigures


def begun(names: list[str]) -> Cookie:
    """The cookie of a tab that begins, beside those that the browser has."""
    sign_in, services = cast("SignIn", FakeSignIn()), cast("Services", NoFigures())
    front = Front(SETTINGS, services, sign_in, (), lambda: NOW)
    cookie = "; ".join(f"{name}=x" for name in names)
    (made,) = front.answer(Incoming("GET", "/sign-in", headers={"cookie": cookie})).cookies
    return made


def test_a_tab_takes_no_cookie_of_another_tab() -> None:
    names: list[str] = []
    for _ in range(TABS):
        made = begun(names)
        assert made.value.startswith(f"sealed {SIGNING_IN.index(made.name)} ")
        names.append(made.name)
    assert sorted(names) == SIGNING_IN


def test_there_are_no_more_cookies_than_a_header_holds() -> None:
    assert begun(SIGNING_IN).name in SIGNING_IN


def test_tabs_that_begin_at_the_same_moment_seldom_take_the_same_cookie() -> None:
    assert len({begun([]).name for _ in range(100)}) > 1


@pytest.mark.parametrize(
    ("state", "tab"),
    [("0.x", 0), ("5.x.y", 5), ("6.x", 0), ("-1.x", 0), ("\u0663.x", 0), ("x", 0), ("", 0)],
)
def test_a_state_names_its_cookie(state: str, tab: int) -> None:
    assert tab_of(state) == tab
