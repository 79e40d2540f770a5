"""Plans: what is shown is done, once, by whoever was shown it, within ten minutes."""

import json
import threading
from collections.abc import Iterator
from typing import cast
from urllib.parse import quote

import pytest

from shared.console.acts.mapping import MOST_LINES
from shared.console.incoming import FORM_LIMIT_BYTES
from shared.console.key_commands import Call, run_command
from shared.console.look import LANGUAGES
from shared.console.outgoing import Sent
from shared.console.plan_kinds import KINDS
from shared.console.reasons import why_fault
from shared.console.refusals import Refusal
from shared.console.roles import Least
from shared.console.sentences import SENTENCES
from shared.console.visit import Services
from shared.deadlines import ANSWER_END_SECONDS
from shared.errors import Retryable
from shared.mapping.syntax import MOST_CHARACTERS
from shared.state.activity import BEGUN, FAILED, Act
from shared.state.flows import RUNNING, STOPPED
from shared.state.jobs import Job
from shared.state.plans import GOOD_SECONDS, Line, Planned
from tests.unit.console.kit import Console, guid

WHY = "maintenance in Campaign"


def status(console: Console) -> str:
    return console.bridge.flows.read("contacts").status


def test_a_plan_does_nothing_and_its_button_does_it() -> None:
    console = Console()
    plan = console.plan("stop", flow="contacts")
    assert (status(console), console.acts()) == (RUNNING, [])
    assert b"Stop Contacts?" in console.ask(plan).body
    sent = console.ask(plan, form={"why": WHY})
    assert sent.headers["Location"] == "/console/flows/contacts"
    assert status(console) == STOPPED
    assert console.bridge.flows.read("contacts").reason == WHY
    assert console.acts() == [Act("Otto", "Bridge.Operator", "stop", "contacts", WHY, "done")]


def test_a_second_click_leads_where_the_first_one_led_and_does_nothing() -> None:
    console = Console()
    plan = console.plan("stop", flow="contacts")
    first, second = (console.ask(plan, form={"why": WHY}) for _ in range(2))
    assert first.headers["Location"] == second.headers["Location"]
    assert len(console.acts()) == 1


def clicked_meanwhile(console: Console, plan: str, **headers: str) -> Iterator[Sent]:
    """The answers to the second click and to the page that it leads to, while a job is ordered,
    and to that page behind the end.
    """
    order, seen = console.bridge.jobs.order, list[Sent]()

    def slow_order(job: Job) -> Job:
        seen.extend((console.ask(plan, form={}, **headers), console.ask(plan, **headers)))
        return order(job)

    console.bridge.jobs.order = slow_order
    led_to = console.carry(plan)
    yield from seen
    assert led_to.startswith("/jobs/")
    assert console.ask(plan).headers["Location"] == f"/console{led_to}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_click_before_the_first_has_its_job_is_told_that_the_order_was_taken(
    language: str,
) -> None:
    console = Console()
    console.letters(3)
    plan = console.plan("replay_letters", flow="contacts")
    second, page = clicked_meanwhile(console, plan, language=language)
    assert (second.status, second.headers["Location"]) == (303, f"/console{plan}")
    html = page.body.decode()
    assert (page.status, f'href="/console{plan}"' in html) == (200, True)
    assert ("Your order was taken" in html) == (language == "en")
    assert 'data-refresh="1"' in html
    assert console.queue.ids == [guid(number) for number in range(3)]


def test_the_twin_of_an_order_that_was_taken() -> None:
    console = Console()
    console.letters(3)
    plan = console.plan("replay_letters", flow="contacts")
    _, page = clicked_meanwhile(console, plan, accept="application/json")
    shown = json.loads(page.body)
    assert (shown["state"], shown["kind"], shown["name"]) == ("taken", "replay_letters", "Contacts")
    assert shown["back"].startswith("/dead-letters")


REFUSED = Refusal(409, "reads_nothing", {"name": "Contacts"})
BROKEN = Retryable("The storage account does not answer.")
BUG = KeyError("jane@example.org")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (REFUSED, 409, "reads_nothing"),
        (BROKEN, 503, "act_broken_off"),
        (BUG, 500, "act_broken_off"),
    ],
    ids=["refused", "a system is silent", "a bug of ours"],
)
def test_a_second_click_is_told_how_the_first_one_ended(
    error: Exception, status: int, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    console = Console()
    console.letters(3)
    plan = console.plan("replay_letters", flow="contacts")

    def refuse(job: Job) -> Job:
        raise error

    console.bridge.jobs.order = refuse
    clicks = [console.ask(plan, form={}, accept="application/json") for _ in range(2)]
    looked = console.ask(plan, accept="application/json")
    assert [one.status for one in (*clicks, looked)] == [status] * 3
    assert {json.loads(one.body)["error"] for one in (*clicks, looked)} == {code}
    assert len({one.body for one in (*clicks, looked)}) == 1
    assert "jane" not in clicks[0].body.decode() + caplog.text
    assert console.acts()[0].result == FAILED
    html = console.ask(plan).body.decode()  # a page that is open looks for it among the 5xx
    assert status < 500 or " data-over>" in html


def test_the_twin_of_a_bug_by_a_key_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    console = Console()
    console.letters(3)
    call = Call("contacts", console.flow, cast("Services", console.services), "key anna")
    made = run_command("plan", call, b'{"kind": "replay_letters"}')

    def broken(job: Job) -> Job:
        raise BUG

    console.bridge.jobs.order = broken
    order = json.dumps({"plan": made.body["plan"]}).encode()
    answers = [run_command("carry_out", call, order) for _ in range(2)]
    assert [one.status for one in answers] == [500, 500]
    assert [one.body["code"] for one in answers] == ["act_broken_off"] * 2
    assert "jane" not in caplog.text


def test_an_act_that_is_done_is_done_though_its_end_cannot_be_noted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Else somebody would be told that nothing was done, and do it twice."""
    caplog.set_level("INFO")
    console = Console()
    console.letters(3)
    plan = console.plan("replay_letters", flow="contacts")
    perform = console.tables.perform

    def silent(what: str, work: object) -> object:
        if what.startswith("activity update"):
            raise BROKEN
        return perform(what, work)

    console.tables.perform = silent
    led_to = console.carry(plan)
    assert led_to.startswith("/jobs/")
    assert console.carry(plan) == led_to
    assert console.acts()[0].result == BEGUN
    assert '"act": "replay_letters"' in caplog.text


def cut_off(console: Console) -> str:
    """The address of a plan whose act ended with its process."""
    console.letters(3)
    plan = console.plan("replay_letters", flow="contacts")

    def die(job: Job) -> Job:
        raise SystemExit

    console.bridge.jobs.order = die
    with pytest.raises(SystemExit):
        console.ask(plan, form={})
    return plan


def test_an_act_of_which_nothing_is_heard_any_more_was_cut_off() -> None:
    console = Console()
    plan = cut_off(console)
    assert console.data(plan)["state"] == "taken"
    console.clock += ANSWER_END_SECONDS + 1
    assert console.data(plan)["state"] == "cut_off"
    html = console.ask(plan).body.decode()
    assert "It was cut off" in html
    assert "data-refresh" not in html


def test_an_act_that_was_cut_off_is_no_secret() -> None:
    """Nobody knows how it ended: whoever looks is led to the activity list."""
    console = Console()
    plan = cut_off(console)
    assert 'href="/console/activity"' in console.ask(plan).body.decode()


def test_a_plan_that_the_version_before_took_leads_where_that_one_said() -> None:
    console = Console()
    row = {"made_at": console.clock, "person": "otto", "to": "/flows/contacts"}
    console.plans.table.upsert_entity({"PartitionKey": "plans", "RowKey": "!0001", **row})
    assert console.ask("/plans/0001", form={}).headers["Location"] == "/console/flows/contacts"


@pytest.mark.parametrize("letter", ["x", "日", "😀"])
def test_a_plan_of_long_lines_fits_into_a_row(letter: str) -> None:
    """As long as a document and its form may be, in which a letter is up to twelve characters."""
    console = Console()
    letters = min(MOST_CHARACTERS, FORM_LIMIT_BYTES // len(quote(letter)))
    line = letter * (letters // MOST_LINES)
    plan = Planned("contact", "contact", [Line("a", "b", items=[line] * MOST_LINES)], {}, "/")
    kept = console.plans.put("stop", "otto", plan)
    row = console.table("plans").get_entity("plans", kept.id)
    assert sum(len(str(value).encode("utf-16-le")) for value in row.values()) < 1024 * 1024
    found = console.plans.get(kept.id)
    assert found is not None
    assert found.planned == plan


def test_what_became_of_a_plan_is_its_maker_s_alone() -> None:
    console = Console()
    plan = console.plan("stop", flow="contacts")
    console.carry(plan, why=WHY)
    assert console.ask(plan, "olga").status == 404
    assert console.ask(plan, "olga", {"why": WHY}).status == 404


def test_of_many_clicks_at_once_one_acts() -> None:
    console = Console()
    plan = console.plan("stop", flow="contacts")
    lock, tables, waiting = threading.Lock(), console.tables, threading.Barrier(4)
    asked: list[int] = []

    def perform(what: str, work: object) -> object:
        if what.startswith("plans transaction"):
            waiting.wait(30)  # all of them have read the plan
        with lock:
            return work()  # type: ignore[operator]

    tables.perform = perform
    threads = [
        threading.Thread(target=lambda: asked.append(console.ask(plan, form={"why": WHY}).status))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert asked == [303] * 4
    assert len(console.acts()) == 1


@pytest.mark.parametrize(
    ("who", "code"),
    [("olga", "plan_of_another"), ("mia", "plan_of_another"), ("vera", "role_missing")],
)
def test_nobody_else_carries_a_plan_out(who: str, code: str) -> None:
    console = Console()
    plan = console.plan("stop", flow="contacts")
    sent = console.ask(plan, who, {"why": WHY}, accept="application/json")
    assert (sent.status, json.loads(sent.body)["error"]) == (403, code)
    assert status(console) == RUNNING


@pytest.mark.parametrize("who", ["vera", "mia", "nils"])
def test_who_may_not_act_gets_no_plan(who: str) -> None:
    assert Console().ask("/plans", who, {"kind": "stop", "flow": "contacts"}).status == 403


def test_a_plan_is_good_for_ten_minutes() -> None:
    console = Console()
    plan = console.plan("stop", flow="contacts")
    console.clock += GOOD_SECONDS + 1
    assert console.ask(plan, form={"why": WHY}).status == 404
    assert status(console) == RUNNING
    console.plans.forget_old()
    assert not list(console.table("plans").query_entities("PartitionKey eq 'plans'"))


@pytest.mark.parametrize(
    ("why", "code"),
    [
        ("", "say_why"),
        ("   ", "say_why"),
        ("x" * 201, "why_too_long"),
        ("asked by jane@example.org", "why_personal"),
        ("call +49 (151) 234-56789", "why_personal"),
        ("jane＠example.org", "why_personal"),
        ("０９０－１２３４－５６７８", "why_personal"),
        ("090‐1234‐5678", "why_personal"),
        ("090ー1234ー5678", "why_personal"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_done(why: str, code: str) -> None:
    console = Console()
    plan = console.plan("stop", flow="contacts")
    sent = console.ask(plan, form={"why": why}, accept="application/json")
    assert (sent.status, json.loads(sent.body)["problem"]) == (400, code)
    assert status(console) == RUNNING
    assert console.ask(plan, form={"why": WHY}).status == 303


@pytest.mark.parametrize(
    "why", ["", "version 12 is wrong", "ticket INC-20431", "0f8fad5b-d9cb-469f-a165-70867728950e"]
)
def test_a_reason_may_name_tickets_and_ids(why: str) -> None:
    assert why_fault(why) == ""


@pytest.mark.parametrize("form", [{}, {"kind": ""}, {"kind": "__class__"}])
def test_an_act_that_there_is_not_is_refused(form: dict[str, str]) -> None:
    assert Console().ask("/plans", form=form).status == 400


@pytest.mark.parametrize("path", ["/plans/none", "/plans/!0001", "/plans/a%2Fb", "/plans/%00"])
def test_a_plan_that_there_is_not(path: str) -> None:
    console = Console()
    assert console.ask(path).status == 404
    assert console.ask(path, form={}).status == 404


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_has_its_sentences_and_is_no_viewer_s(kind: object) -> None:
    code = kind.code  # type: ignore[attr-defined]
    assert {f"plan_{code}", f"do_{code}", f"act_{code}"} <= {*SENTENCES}
    assert kind.least in (Least.OPERATOR, Least.MAPPER)  # type: ignore[attr-defined]
