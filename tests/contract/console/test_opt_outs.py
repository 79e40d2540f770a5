"""May a delivery start? Asked now; each reason with age and next step; both feeds stand beside."""

from typing import Any

import pytest

from shared.console.opt_out import safe_for_the_watch
from shared.console.pages import opt_outs
from shared.console.patience import LATE, Missing
from shared.console.sentences import SENTENCES
from shared.pipeline.poll import poll
from shared.pipeline.running import stop
from tests.contract.console.kit import World


def read_both(world: World) -> None:
    for flow in world.wiring.opt_out.polls():
        flow.activate()
        poll(flow, world.wiring.bridge)


def asked(world: World) -> dict[str, Any]:
    opt_outs.LAST.clear()
    return world.data("/opt-outs")


def test_before_both_are_read_the_answer_is_no(world: World) -> None:
    page = asked(world)
    assert page["safe"] is False
    assert {one["code"] for one in page["reasons"]} == {"unsafe_whole"}
    assert {one["side"] for one in page["feeds"] if one["is_whole"]} == {"Dynamics", "Campaign"}


def test_the_watch_keeps_what_the_start_page_says_in_any_language(world: World) -> None:
    kept = safe_for_the_watch(world.wiring.opt_out, world.wiring.bridge)
    world.wiring.figures.save_latest(world.wiring.now(), {"flows": {}, "safe": kept})
    said = [one["sentence"] for one in asked(world)["reasons"]]
    assert world.data("")["safe"] == {"safe": False, "reasons": said}


def test_when_both_are_read_the_answer_is_yes(world: World) -> None:
    read_both(world)
    page = asked(world)
    assert (page["safe"], page["reasons"], page["missing"]) == (True, [], [])
    assert [one["is_late"] for one in page["feeds"]] == [False, False]
    assert b"YES: a delivery may start" in world.ask("/opt-outs", accept="text/html").body


def test_a_reason_has_its_age_and_its_flow(world: World) -> None:
    read_both(world)
    stop("opt_out", world.wiring.bridge, by="Otto")
    (reason,) = asked(world)["reasons"]
    assert (reason["code"], reason["flow"]) == ("unsafe_stopped", "opt_out")
    assert 0 <= reason["age_seconds"] < 60
    assert "Flow Opt-outs was stopped" in reason["sentence"]


def test_an_opt_out_that_is_not_read_is_named_with_its_side(world: World) -> None:
    read_both(world)
    world.dynamics.create_contact(quietly=True, lastname="Reader", donotbulkemail=True)
    (reason,) = asked(world)["reasons"]
    assert (reason["code"], reason["side"], reason["count"]) == ("unsafe_unread", "Dynamics", 1)


def test_what_is_not_known_is_no_yes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    read_both(world)
    monkeypatch.setattr(opt_outs, "ask", lambda part, work: Late(part))
    page = asked(world)
    assert page["safe"] is None
    html = world.ask("/opt-outs", accept="text/html").body
    assert b"Not known now: do not start a delivery" in html
    assert b"YES" not in html


class Late:
    """A part that does not come in time."""

    def __init__(self, part: str) -> None:
        self.part = part

    def result(self) -> Missing:
        return Missing(self.part, LATE)


def test_an_answer_that_came_late_serves_the_next_page(world: World) -> None:
    read_both(world)
    asked(world)
    services = world.front.services
    visit: Any = type("V", (), {"services": services, "now": staticmethod(world.wiring.now)})
    late = Missing(opt_outs.SAFE, LATE)
    assert opt_outs.lately(visit, late) == opt_outs.LAST[services]
    visit.now = staticmethod(lambda: world.wiring.now() + opt_outs.GOOD_SECONDS + 1)
    assert opt_outs.lately(visit, late) is late


def test_every_reason_has_a_sentence() -> None:
    codes = {"disabled", "unknown", "expired", "stopped", "failed", "whole", "late", "file"}
    codes |= {"queue", "poison", "letters", "waiting", "resting", "writing", "unread", "many"}
    assert {f"unsafe_{code}" for code in codes} == {
        code for code in SENTENCES if code.startswith("unsafe_")
    }
