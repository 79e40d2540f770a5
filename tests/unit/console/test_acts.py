"""Acts over their plans: what the plan says is what is done, and who did it is noted."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from shared.console.cells import FORMULA
from shared.console.plan_kinds import KINDS
from shared.errors import Retryable
from shared.pipeline.brake import DELETE_BRAKE
from shared.pipeline.flow import Policy
from shared.sftp.client import RemoteFile
from shared.state.activity import DONE, Act
from shared.state.brakes import BrakeState
from shared.state.flows import FAILED, RUNNING, STOPPED
from shared.waits import Braked
from tests.unit.console.kit import Console, guid

ASKING = BrakeState(version=8, asking=("deleted", "filtered"), asked_at=1.0, total=400)


def texts(console: Console, plan: str, label: str) -> list[str]:
    lines = console.data(plan)["lines"]
    return [line["text"] for line in lines if line["label"] == label]


def test_a_replay_of_ticked_letters_replays_these_alone() -> None:
    console = Console()
    console.letters(5)
    plan = console.plan("replay_letters", flow="contacts", what="ticked", id=guid(1))
    assert (console.data(plan)["count"], console.queue.ids) == (1, [])
    to = console.carry(plan)
    assert console.queue.ids == [guid(1)]
    job = console.data(to)
    assert (job["state"], job["counts"], job["who"]) == ("done", {"handed_off": 1}, "Otto")
    act = console.acts()[0]
    assert (act.act, act.on, act.result, act.count) == ("replay_letters", "contacts", job["id"], 1)


def test_the_end_of_a_job_is_in_the_activity_list() -> None:
    console = Console()
    console.letters(3)
    to = console.carry(console.plan("replay_letters", flow="contacts"))
    ended = [one for one in console.data("/activity")["acts"] if one["act"] == "job_ended"]
    assert [(one["page"], one["who"], one["result"], one["count"]) for one in ended] == [
        (to, "bridge", "done", 3)
    ]
    assert b"job ended" in console.ask("/activity").body


def test_a_replay_of_all_that_match_leaves_the_others() -> None:
    console = Console()
    console.letters(3)
    console.letters(4, reason="not_an_email", first=10)
    plan = console.plan("replay_letters", flow="contacts", reason="not_an_email")
    console.carry(plan)
    assert console.queue.ids == [guid(number) for number in range(10, 14)]


def test_letters_that_were_refused_after_the_plan_was_shown_are_not_meant() -> None:
    console = Console()
    console.letters(2)
    plan = console.plan("replay_letters", flow="contacts")
    console.clock += 5
    console.letters(2, first=50)
    console.carry(plan)
    assert console.queue.ids == [guid(0), guid(1)]


def test_a_double_click_hands_off_once() -> None:
    console = Console()
    console.letters(37 - 20)
    plan = console.plan("replay_letters", flow="contacts")
    first, second = console.carry(plan), console.carry(plan)
    assert first == second
    assert len(console.queue.ids) == 17


def test_a_plan_tries_up_to_twenty_records_and_writes_nothing() -> None:
    console = Console()
    console.letters(30)
    for number in range(20):
        console.flow.rows[guid(number)] = {"name": "x"}
    console.flow.rows[guid(3)]["refuse"] = "yes"
    del console.flow.rows[guid(4)]
    before = {name: dict(rows) for name, rows in console.tables.tables.items() if name != "plans"}
    plan = console.plan("replay_letters", flow="contacts")
    after = {name: dict(rows) for name, rows in console.tables.tables.items() if name != "plans"}
    assert before == after
    lines = [line for line in console.data(plan)["lines"] if line["label"] == "label_tried"]
    assert {line["text"]: line["arguments"]["count"] for line in lines} == {
        "would_updated": 18,
        "would_refused": 1,
        "would_deleted": 1,
    }
    assert texts(console, plan, "label_costs") == ["cost_calls"]


def test_above_the_brakes_number_it_is_typed() -> None:
    console = Console()
    console.letters(21)
    plan = console.plan("replay_letters", flow="contacts")
    assert console.data(plan)["must_type"] == 21
    assert console.ask(plan, form={"number": "20"}).status == 400
    assert console.queue.ids == []
    console.carry(plan, number="21")
    assert len(console.queue.ids) == 21


def test_the_same_replay_ordered_twice_is_one_job_and_another_one_is_its_own() -> None:
    console = Console()
    console.letters(3)
    plans = [
        console.plan("replay_letters", flow="contacts", id=guid(number), what="ticked")
        for number in (0, 0, 1)
    ]
    console.bridge.flows.observe("contacts", status=STOPPED)  # they wait
    first, again, other = (console.carry(plan) for plan in plans)
    assert first == again != other
    assert console.data(first)["waits_for"] == "flow_stopped"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({}, "no_flow"),
        ({"flow": "nowhere"}, "no_flow"),
        ({"flow": "contacts", "what": "ticked"}, "none_ticked"),
        ({"flow": "contacts", "version": "x"}, "no_filter"),
        ({"flow": "contacts", "since": "yesterday"}, "no_filter"),
        ({"flow": "contacts", "reason": "jane@example.org"}, "no_filter"),
        ({"flow": "contacts", "field": "+49 151 1234567@"}, "no_filter"),
        ({"flow": "contacts", "what": "ticked", "id": "a/b"}, "no_filter"),
        ({"flow": "contacts", "reason": "other"}, "no_letters"),
    ],
)
@pytest.mark.parametrize("kind", ["replay_letters", "discard_letters"])
def test_what_cannot_be_meant_makes_no_plan(kind: str, form: dict[str, str], code: str) -> None:
    console = Console()
    console.letters(1)
    sent = console.ask("/plans", form={"kind": kind, **form}, accept="application/json")
    assert json.loads(sent.body)["error"] == code


def test_too_many_ticks_make_no_plan() -> None:
    console = Console()
    ids = [("id", guid(number)) for number in range(501)]
    form = [("kind", "replay_letters"), ("flow", "contacts"), ("what", "ticked"), *ids]
    assert console.ask("/plans", form=form).status == 400


def test_a_discard_gives_up_what_matches() -> None:
    console = Console()
    console.letters(3)
    console.letters(2, reason="broken_line", first=9)
    plan = console.plan("discard_letters", flow="contacts", reason="broken_line")
    to = console.carry(plan)
    assert console.data(to)["counts"] == {"discarded": 2}
    assert console.bridge.deadletters.count("contacts") == 3
    rows = list(csv.reader(io.StringIO(console.ask(f"{to}/download").body.decode())))
    assert rows[1:] == [
        [guid(number), "broken_line", "mobilePhone", "discarded"] for number in (9, 10)
    ]


def test_an_opt_out_of_a_contact_is_never_discarded() -> None:
    console = Console()
    kept: Any = object()
    console.flow.policy = Policy(kept_rows=kept)  # type: ignore[misc]
    console.letters(1)
    form = {"kind": "discard_letters", "flow": "contacts", "checked": "1"}
    sent = console.ask("/plans", form=form, accept="application/json")
    assert (sent.status, json.loads(sent.body)["error"]) == (409, "stays_OPT_OUT")
    assert console.bridge.deadletters.count("contacts") == 1


def test_unreadable_opt_outs_are_discarded_when_somebody_says_they_are_checked() -> None:
    console = Console()
    kept: Any = object()
    console.flow.policy = Policy(kept_rows=kept)  # type: ignore[misc]
    console.letters(1)
    console.letters(2, reason="broken_line", first=5, origin="optOut_1.txt:3")
    form = {"kind": "discard_letters", "flow": "contacts"}
    refused = console.ask("/plans", form=form, accept="application/json")
    assert json.loads(refused.body)["error"].startswith("stays_")
    plan = console.plan("discard_letters", flow="contacts", checked="1")
    assert texts(console, plan, "label_stay") == ["left_OPT_OUT"]
    console.carry(plan)
    assert console.bridge.deadletters.count("contacts") == 1


def asks(console: Console) -> None:
    console.bridge.brakes.change("contacts", lambda _: ASKING)
    console.bridge.flows.observe("contacts", status=FAILED, setting=DELETE_BRAKE, reason="asks")


def test_a_flow_that_asks_is_not_started_without_an_answer() -> None:
    console = Console()
    asks(console)
    sent = console.ask("/plans", form={"kind": "start", "flow": "contacts"})
    assert sent.status == 409
    assert b"The flow has stopped to ask" in console.ask("/flows/contacts").body


@pytest.mark.parametrize(("answer", "run"), [("confirm", "confirm"), ("discard", "refuse")])
def test_the_answer_goes_with_the_start(answer: str, run: str) -> None:
    console = Console()
    asks(console)
    plan = console.plan("start", flow="contacts", deletes=answer)
    assert texts(console, plan, "label_question") == ["question_deleted_filtered"]
    console.carry(plan)
    assert console.bridge.flows.read("contacts").status == RUNNING
    assert not console.bridge.brakes.read("contacts").asking
    (job,) = console.bridge.jobs.of("contacts", 5)
    assert (job.kind, job.run, job.who) == ("held", run, "Otto")


def test_a_question_that_somebody_else_has_answered_is_not_answered_again() -> None:
    """Else whoever confirmed would read that it was done."""
    console = Console()
    asks(console)
    plan = console.plan("start", flow="contacts", deletes="confirm")
    console.carry(console.plan("start", "olga", flow="contacts", deletes="discard"), "olga")
    sent = console.ask(plan, form={}, accept="application/json")
    assert (sent.status, json.loads(sent.body)["error"]) == (409, "question_changed")
    assert {act.who: act.result for act in console.acts()} == {"Otto": "failed", "Olga": "done"}


def test_a_question_is_not_answered_on_a_flow_that_was_stopped_since() -> None:
    console = Console()
    asks(console)
    plan = console.plan("start", flow="contacts", deletes="confirm")
    stop(console, "olga", "wait with the deletions")
    sent = console.ask(plan, form={}, accept="application/json")
    assert json.loads(sent.body)["error"] == "flow_changed"
    assert console.bridge.brakes.read("contacts").asking


def test_a_question_that_has_grown_is_shown_again() -> None:
    console = Console()
    asks(console)
    plan = console.plan("start", flow="contacts", deletes="confirm")
    due = [guid(1), guid(2)]
    console.bridge.waiting.park_until(
        200_000_000_001.0, "contacts", "contacts", "contact", due, Braked.code
    )
    sent = console.ask(plan, form={}, accept="application/json")
    assert json.loads(sent.body)["error"] == "question_changed"
    assert console.bridge.flows.read("contacts").status == FAILED
    assert console.acts()[0].result == "failed"


def test_a_flow_that_runs_is_not_started() -> None:
    console = Console()
    assert console.ask("/plans", form={"kind": "start", "flow": "contacts"}).status == 409


def test_a_flow_that_somebody_else_has_stopped_since_is_not_started() -> None:
    """Their reason was not shown to whoever starts it."""
    console = Console()
    stop(console, "otto", "maintenance")
    plan = console.plan("start", flow="contacts")
    console.carry(console.plan("start", "olga", flow="contacts"), "olga")
    stop(console, "olga", "Campaign loses what it is sent")
    sent = console.ask(plan, form={}, accept="application/json")
    assert (sent.status, json.loads(sent.body)["error"]) == (409, "flow_changed")
    assert console.bridge.flows.read("contacts").status == STOPPED
    console.carry(console.plan("start", flow="contacts"))


def stop(console: Console, who: str, why: str) -> None:
    console.carry(console.plan("stop", who, flow="contacts"), who, why=why)


def test_a_flow_that_somebody_else_has_started_since_goes_on() -> None:
    console = Console()
    stop(console, "otto", "maintenance")
    plans = [console.plan("start", who, flow="contacts") for who in ("otto", "olga")]
    for plan, who in zip(plans, ("otto", "olga"), strict=True):
        console.carry(plan, who)
    assert console.bridge.flows.read("contacts").by == "Olga"


def test_a_stopped_flow_is_started() -> None:
    console = Console()
    console.carry(console.plan("stop", flow="contacts"), why="a test")
    console.clock += 1
    console.carry(console.plan("start", flow="contacts"))
    assert console.bridge.flows.read("contacts").by == "Otto"
    assert [act.act for act in console.acts()] == ["start", "stop"]


def test_a_poll_is_done_at_once() -> None:
    console = Console()
    to = console.carry(console.plan("poll", flow="contacts"))
    assert console.flow.polled == 1
    job = console.data(to)
    assert (job["state"], job["counts"]) == ("done", {"polls": 1})


@pytest.mark.parametrize("kind", ["poll", "replay_all", "send_again"])
def test_nothing_is_read_or_sent_of_a_flow_that_does_not_run(kind: str) -> None:
    console = Console()
    console.bridge.flows.observe("contacts", status=STOPPED)
    form = {"kind": kind, "flow": "contacts", "id": guid(1)}
    sent = console.ask("/plans", form=form, accept="application/json")
    assert json.loads(sent.body)["error"] == "must_run"


def test_one_record_is_sent_again() -> None:
    console = Console()
    console.flow.rows[guid(1)] = {"name": "x"}
    plan = console.plan("send_again", flow="contacts", id=guid(1).upper())
    assert texts(console, plan, "label_tried") == ["would_updated"]
    assert console.carry(plan) == f"/records/contacts/{guid(1)}"
    assert console.queue.ids == [guid(1)]
    act = console.acts()[0]
    assert (act.act, act.on, act.result) == ("send_again", f"contacts/{guid(1)}", DONE)


def test_a_replay_of_all_is_a_job_that_waits_for_the_polls_and_can_be_cancelled() -> None:
    console = Console()
    to = console.carry(console.plan("replay_all", flow="contacts"))
    assert console.data(to)["waits_for"] == "polls"
    assert console.bridge.checkpoints.load("contacts", "contact").replay
    job_id = to.removeprefix("/jobs/")
    console.clock += 1
    assert console.carry(console.plan("cancel_job", job=job_id)) == to
    assert console.data(to)["state"] == "cancelled"
    assert not console.bridge.checkpoints.load("contacts", "contact").replay
    sent = console.ask("/plans", form={"kind": "cancel_job", "job": job_id})
    assert sent.status == 409


def test_while_a_system_is_down_the_plan_says_it_could_not_be_tried() -> None:
    console = Console()
    console.letters(1)

    def down(changes: Any) -> Any:
        raise Retryable("Dynamics does not answer.")

    console.flow.look = down  # type: ignore[method-assign]
    plan = console.plan("replay_letters", flow="contacts")
    assert b"Dynamics does not answer." in console.ask(plan).body


@pytest.mark.parametrize("path", ["/jobs/none", "/jobs/a-b-1", "/jobs/a%2Fb", "/jobs/%00/download"])
def test_a_job_that_there_is_not(path: str) -> None:
    assert Console().ask(path).status == 404


@pytest.mark.parametrize("who", ["vera", "mia"])
@pytest.mark.parametrize("kind", KINDS)
def test_who_is_no_operator_orders_nothing(kind: str, who: str) -> None:
    console = Console()
    console.letters(1)
    sent = console.ask("/plans", who, {"kind": kind, "flow": "contacts", "id": guid(0)})
    wanted = 400 if KINDS[kind].least.value == "mapper" and who == "mia" else 403
    assert sent.status >= wanted
    assert (console.queue.ids, console.acts()) == ([], [])


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("path", ["/dead-letters", "/activity", "/flows/contacts"])
def test_pages_show_hostile_codes_as_text(path: str, language: str) -> None:
    console = Console()
    hostile = "<script>alert(1)</script>"
    console.letters(2, reason=hostile, field=hostile, sentence=hostile)
    with console.activity.noted(replace(act(), on=hostile, why=hostile)):
        pass
    query = {"flow": "contacts"} if path == "/dead-letters" else {}
    page = console.ask(path, query=query, language=language).body.decode()
    assert "<script>alert" not in page


def act() -> Act:
    return Act("<b>Otto</b>", "<i>", "<u>", "contacts")


@pytest.mark.parametrize("first", FORMULA)
def test_no_cell_of_a_file_is_a_formula(first: str) -> None:
    console = Console()
    console.letters(1, reason=f"{first}1+1", field=f"{first}x")
    console.activity.note(replace(act(), why=f'{first}HYPERLINK("x")'))
    for path in ("/dead-letters/download", "/activity/download"):
        rows = list(csv.reader(io.StringIO(console.ask(path).body.decode())))
        assert len(rows) == 2
        assert not [cell for row in rows for cell in row if cell.startswith(FORMULA)]
        assert [cell for row in rows for cell in row if cell.startswith(f"'{first}")]


def test_letters_are_filtered_and_paged() -> None:
    console = Console()
    console.letters(120)
    console.letters(3, reason="not_an_email", first=500, mapping_version=6)
    page = console.data("/dead-letters", flow="contacts")
    seen = [letter["record_id"] for letter in page["letters"]]
    while page["next"]:
        page = console.data("/dead-letters", flow="contacts", after=page["next"])
        seen += [letter["record_id"] for letter in page["letters"]]
    assert len(seen) == len(set(seen)) == 123
    for query in ({"reason": "not_an_email"}, {"version": "6"}):
        page = console.data("/dead-letters", flow="contacts", **query)
        assert len(page["letters"]) == 3
        assert page["next"] == ""


def test_letters_of_a_span_of_the_readers_clock() -> None:
    console = Console()
    console.letters(1)  # 2023-11-14T22:13:20Z
    for since, count in (("2023-11-14T22:13", 1), ("2023-11-14T22:14", 0)):
        page = console.data("/dead-letters", flow="contacts", since=since)
        assert len(page["letters"]) == count
    assert console.ask("/dead-letters", query={"flow": "contacts", "since": "x"}).status == 400
    for query in ({}, {"flow": "contacts", "reason": "x"}):
        assert b"Choose a flow" not in console.ask("/dead-letters", query=query).body
    assert b"Choose a flow" in console.ask("/dead-letters", query={"reason": "x"}).body


def test_groups_are_counted_now() -> None:
    console = Console()
    console.letters(3)
    console.letters(5, reason="not_an_email", first=10)
    groups = console.data("/dead-letters")["groups"]
    assert [(group["reason"], group["count"]) for group in groups] == [
        ("not_an_email", 5),
        ("too_long", 3),
    ]


def test_the_activity_list_goes_on_page_by_page() -> None:
    console = Console()
    for number in range(60):
        console.clock += 1
        console.activity.note(replace(act(), count=number))
    first = console.data("/activity")
    rest = console.data("/activity", before=first["next"])
    counts = [one["count"] for one in first["acts"] + rest["acts"]]
    assert counts == list(range(59, -1, -1))
    assert rest["next"] == ""
    assert console.ask("/activity", query={"before": "a/b"}).status == 400


def test_a_get_writes_nothing() -> None:
    console = Console()
    console.letters(2)
    plan = console.plan("replay_letters", flow="contacts")
    job = console.carry(console.plan("poll", flow="contacts"))
    before = {name: dict(rows) for name, rows in console.tables.tables.items()}
    for path in (plan, job, f"{job}/download", "/activity", "/dead-letters", "/flows/contacts"):
        assert console.ask(path).status == 200
    assert {name: dict(rows) for name, rows in console.tables.tables.items()} == before


def test_a_source_that_is_being_read_is_not_read_twice_at_once() -> None:
    console = Console()
    with console.bridge.flows.reading("contacts contact") as alone:
        assert alone
        job = console.data(console.carry(console.plan("poll", flow="contacts")))
    assert (console.flow.polled, job["place"]) == (0, "is read already")
    console.clock += 1
    console.carry(console.plan("poll", flow="contacts"))
    assert console.flow.polled == 1


@pytest.mark.parametrize(
    ("code", "on", "page"),
    [
        ("stop", "contacts", "/flows/contacts"),
        ("look_at_values", f"contacts/{guid(1)}", f"/records/contacts/{guid(1)}"),
        ("cancel_job", "contacts-all-1700000000000", "/jobs/contacts-all-1700000000000"),
        ("mapping_in_force", "contact", "/mappings/contact"),
        ("mapping_in_force", "../x", ""),
        ("stop", "gone", ""),
        ("run_checks", "setup", ""),
    ],
)
def test_an_act_leads_to_what_it_was_done_on(code: str, on: str, page: str) -> None:
    console = Console()
    console.activity.note(Act("Otto", "", code, on))
    assert console.data("/activity")["acts"][0]["page"] == page


class ExportFolder:
    """An SFTP server's folder; what was moved out of it."""

    def __init__(self) -> None:
        self.there = {"/exports/rejected/trackingLogs_7.txt": 91}
        self.moved: list[tuple[str, str]] = []

    def file(self, path: str) -> RemoteFile | None:
        size = self.there.get(path)
        return None if size is None else RemoteFile(path.rpartition("/")[2], size, 5.0)

    def move(self, path: str, folder: str) -> None:
        del self.there[path]
        self.moved.append((path, folder))


def with_files(source: str = "files") -> tuple[Console, ExportFolder]:
    console, folder = Console(), ExportFolder()
    console.flows["email_events"] = console.flow
    console.services.looking_sftp = folder
    names = {"email_events_source": source, "sftp_folder": "/exports/"}
    console.services.settings = console.settings.model_copy(update=names)
    return console, folder


def test_a_file_is_put_back_once() -> None:
    console, folder = with_files()
    plan = console.plan("put_back", folder="rejected", file="trackingLogs_7.txt")
    assert texts(console, plan, "label_which") == ["which_file"]
    assert texts(console, plan, "label_how") == ["put_back_rejected"]
    assert folder.moved == []
    assert '<div class="id">trackingLogs_7.txt</div>' in console.ask(plan).body.decode()
    assert console.carry(plan) == console.carry(plan) == "/events"
    assert folder.moved == [("/exports/rejected/trackingLogs_7.txt", "/exports")]
    act = console.acts()[0]
    assert (act.act, act.on, act.result) == ("put_back", "trackingLogs_7.txt", DONE)
    (shown,) = [one for one in console.data("/activity")["acts"] if one["act"] == "put_back"]
    assert shown["page"] == "", "a file is no record, and has no page"


@pytest.mark.parametrize(
    ("folder", "file", "source", "status"),
    [
        ("processed", "trackingLogs_7.txt", "files", 404),
        ("rejected", "gone.txt", "files", 404),
        ("rejected", "../rejected/trackingLogs_7.txt", "files", 404),
        ("..", "trackingLogs_7.txt", "files", 404),
        ("", "trackingLogs_7.txt", "files", 404),
        ("rejected", "", "files", 404),
        ("rejected", "trackingLogs_7.txt", "journal", 409),
    ],
)
def test_no_other_file_is_put_back(folder: str, file: str, source: str, status: int) -> None:
    console, there = with_files(source)
    form = {"kind": "put_back", "folder": folder, "file": file}
    assert console.ask("/plans", form=form).status == status
    assert there.moved == []


def test_a_file_that_has_gone_since_the_plan_was_shown_is_not_put_back() -> None:
    console, folder = with_files()
    plan = console.plan("put_back", folder="rejected", file="trackingLogs_7.txt")
    folder.there.clear()
    assert console.ask(plan, form={}).status == 404
    assert folder.moved == []


def test_what_was_changed_since_a_moment_is_handed_off_page_by_page() -> None:
    console = Console()
    ids = [guid(number) for number in range(7)]
    console.flow.changed_pages = [ids[:3], ids[3:6], ids[6:]]
    plan = console.plan("replay_changed", flow="contacts", since="2023-11-14T20:00Z")
    assert (console.data(plan)["count"], console.queue.ids) == (3, [])
    assert texts(console, plan, "label_which") == ["which_changed_more"]
    page = console.ask(plan).body.decode()
    assert "records of Contacts that Dynamics has changed since 2023-11-14 20:00 (UTC)" in page
    page = console.ask(plan, language="ja").body.decode()
    assert "取引先担当者" in page
    assert "Contacts" not in page.partition("<main")[2]
    job = console.data(console.carry(plan))
    assert (job["state"], job["counts"]) == ("done", {"handed_off": 7})
    assert console.queue.ids == ids
    assert {asked for asked, _ in console.flow.asked} == {1_699_992_000.0}
    assert console.acts()[0].act == "replay_changed"


@pytest.mark.parametrize(
    ("since", "pages", "status"),
    [
        ("", [[guid(1)]], 400),
        ("yesterday", [[guid(1)]], 400),
        ("2099-01-01T00:00Z", [[guid(1)]], 400),
        ("2023-11-14T20:00Z", [[]], 409),
        ("2023-11-14T20:00Z", [], 409),
    ],
)
def test_nothing_is_replayed_without_a_moment_or_a_change(
    since: str, pages: list[list[str]], status: int
) -> None:
    console = Console()
    console.flow.changed_pages = pages
    form = {"kind": "replay_changed", "flow": "contacts", "since": since}
    assert console.ask("/plans", form=form).status == status


def test_many_changed_records_take_their_number() -> None:
    console = Console()
    console.flow.changed_pages = [[guid(number) for number in range(21)]]
    plan = console.plan("replay_changed", flow="contacts", since="2023-11-14T20:00Z")
    assert console.data(plan)["must_type"] == 21
    assert console.ask(plan, form={}).status == 400
    console.carry(plan, number="21")
    assert len(console.queue.ids) == 21
