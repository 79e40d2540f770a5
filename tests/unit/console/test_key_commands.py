"""Commands with a key: the same acts as the pages', and in the same list."""

import json
from typing import Any, cast

import pytest

from shared.console.key_commands import Answered, Call, run_command
from shared.console.refusals import Refusal
from shared.state.activity import Act
from shared.state.flows import STOPPED
from shared.state.jobs import Job
from tests.unit.console.kit import Console, guid


def command(console: Console, name: str, by: str = "key anna", **body: Any) -> Answered:
    call = Call("contacts", cast("Any", console.flow), cast("Any", console.services), by)
    return run_command(name, call, json.dumps(body).encode())


def noted(console: Console) -> list[tuple[str, str, str, str, str]]:
    return [(one.who, one.role, one.act, one.on, one.result) for one in console.acts()]


def test_a_stop_is_noted_with_its_reason() -> None:
    console = Console()
    assert command(console, "stop", why="maintenance").status == 200
    assert console.acts() == [Act("key anna", "key", "stop", "contacts", "maintenance", "done")]


@pytest.mark.parametrize(
    ("name", "body", "act", "on"),
    [
        ("replay", {"what": "dead_letters"}, "replay_letters", "contacts"),
        ("replay", {"what": "all"}, "replay_all", "contacts"),
        ("replay", {"what": "record", "id": guid(1)}, "send_again", f"contacts/{guid(1)}"),
        ("discard", {"what": "dead_letters"}, "discard_letters", "contacts"),
        ("start", {}, "start", "contacts"),
    ],
)
def test_every_command_is_an_act_of_the_list(
    name: str, body: dict[str, Any], act: str, on: str
) -> None:
    console = Console()
    console.letters(2)
    answered = command(console, name, **body)
    assert answered.status < 400
    assert noted(console) == [("key anna", "key", act, on, answered.result)]


def test_what_is_refused_is_noted_as_failed() -> None:
    console = Console()
    assert command(console, "cancel", job="contacts-all-1").status == 404
    assert noted(console) == [("key anna", "key", "cancel_job", "contacts-all-1", "failed")]


def test_a_plan_is_shown_and_carried_out_once_by_whoever_made_it() -> None:
    console = Console()
    console.letters(37)
    plan = command(console, "plan", kind="replay_letters", reason="too_long").body
    assert (plan["count"], plan["must_type"], noted(console)) == (37, 37, [])
    assert plan["question"] == "Replay dead letters of Contacts: 37?"
    order = {"plan": plan["plan"], "number": 37}
    assert command(console, "carry_out", by="key bert", **order).status == 403
    assert command(console, "carry_out", plan=plan["plan"], number=36).status == 400
    done = command(console, "carry_out", **order)
    assert len(console.queue.ids) == 37
    assert noted(console) == [
        ("key anna", "key", "replay_letters", "contacts", done.body["result"])
    ]
    again = command(console, "carry_out", **order)
    assert (again.status, again.body["code"]) == (409, "plan_taken"), "the answer may get lost"
    assert command(console, "carry_out", by="key bert", **order).body["code"] == "plan_over"


def test_a_refused_order_is_refused_with_the_same_words_again() -> None:
    console = Console()
    plan = command(console, "plan", kind="replay_all").body["plan"]

    def refuse(job: Job) -> Job:
        raise Refusal(409, "reads_nothing", {"name": "Contacts"})

    console.bridge.jobs.order = refuse
    first, second = (command(console, "carry_out", plan=plan) for _ in range(2))
    assert (first.status, first.body["code"]) == (409, "reads_nothing")
    assert second == first


def test_a_stop_by_plan_needs_its_reason() -> None:
    console = Console()
    plan = command(console, "plan", kind="stop").body["plan"]
    assert command(console, "carry_out", plan=plan).body["code"] == "say_why"
    assert command(console, "carry_out", plan=plan, why="maintenance").status == 200
    assert console.bridge.flows.read("contacts").status == STOPPED


@pytest.mark.parametrize("kind", ["", "mapping_in_force", "__class__"])
def test_an_act_that_is_no_operators_has_no_plan(kind: str) -> None:
    assert command(Console(), "plan", kind=kind).status in (400, 403)
