"""Timer triggers of the local host: the schedule, one run at a time over all instances, and what a
crash leaves.
"""

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.storage.blob import BlobServiceClient

from dev.host.schedule import Schedule
from dev.host.timer_state import Status
from dev.host.timers import TimerListener

SHORT_LOCK = ("--timer-lock", "15", "--timer-ask", "15")
EVERY_SECOND = "* * * * * *"
NEW_YEAR = "0 0 0 1 1 *"
NOTES = """
@app.timer_trigger("timer", schedule="%SCHEDULE%")
def tick(timer: func.TimerRequest) -> None:
    note("tick", past_due=timer.past_due, status=timer.schedule_status)
"""
THREE_TIMERS = (
    NOTES
    + """
@app.timer_trigger("timer", schedule="*/2 * * * * *")
def even(timer: func.TimerRequest) -> None:
    note("even", past_due=timer.past_due)

@app.timer_trigger("timer", schedule="%SCHEDULE%")
def slow(timer: func.TimerRequest) -> None:
    note("slow start")
    time.sleep(1.3)
    note("slow end")
"""
)
STUCK = """
@app.timer_trigger("timer", schedule="%SCHEDULE%")
def tick(timer: func.TimerRequest) -> None:
    first = not Path(os.environ["DIARY"]).exists()
    note("start")
    if first:
        wait_for_file("/nonexistent")
"""


@dataclass
class Scene:
    """What the tests below look at while the seconds go by."""

    pair: Any
    """Two instances with three timers."""
    orphaned: Any
    """An app of two instances, one of which was killed in its timer's run."""
    victim: int
    killed_at: float


@pytest.fixture(scope="module")
def scene(new_app: Callable[..., Any], launch: Callable[..., Any]) -> Scene:
    orphaned = new_app(STUCK, SCHEDULE=EVERY_SECOND)
    pair = new_app(THREE_TIMERS, SCHEDULE=EVERY_SECOND)
    hosts = [launch(orphaned, *SHORT_LOCK), launch(orphaned, *SHORT_LOCK)]
    victim = orphaned.diary.wait("start")[0]["pid"]
    next(host for host in hosts if host.ready["worker"] == victim).kill()
    killed_at = time.time()
    for _ in range(2):
        launch(pair, *SHORT_LOCK)
    return Scene(pair, orphaned, victim, killed_at)


def test_a_timer_fires_on_the_seconds_of_its_schedule(scene: Scene) -> None:
    ticks = scene.pair.diary.wait("even", 3)
    seconds = [int(tick["at"]) for tick in ticks]
    assert [later - earlier for earlier, later in itertools.pairwise(seconds)] == [2] * (
        len(seconds) - 1
    )
    assert {second % 2 for second in seconds} == {0}
    assert not any(tick["past_due"] for tick in ticks)


def test_two_instances_fire_each_occurrence_once(scene: Scene) -> None:
    seconds = [int(tick["at"]) for tick in scene.pair.diary.wait("tick", 6)]
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))


def test_occurrences_that_pass_in_a_run_are_one_run_that_follows_at_once(scene: Scene) -> None:
    scene.pair.diary.wait("slow end", 4)
    runs = [entry for entry in scene.pair.diary.entries() if entry["kind"].startswith("slow")]
    assert [run["kind"] for run in runs] == [
        ("slow start", "slow end")[place % 2] for place in range(len(runs))
    ]
    assert len({run["pid"] for run in runs}) == 1
    pauses = [start["at"] - end["at"] for end, start in zip(runs[1::2], runs[2::2], strict=False)]
    assert max(pauses) < 1


def test_a_run_by_hand_needs_no_lock_and_overlaps(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    app = new_app(STUCK.replace("if first", "if True"), SCHEDULE=NEW_YEAR)
    host = launch(app)
    host.fire("tick")
    app.diary.wait("start")
    host.fire("tick")
    app.diary.wait("start", 2)


def test_a_timer_is_fired_by_hand_on_any_instance(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    app = new_app(NOTES, SCHEDULE=NEW_YEAR)
    for host in (launch(app), launch(app)):
        assert host.fire("tick").status_code == 202
    assert len(app.diary.wait("tick", 2)) == 2


def test_a_failed_run_is_retried_as_its_policy_says(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    app = new_app(
        """
@app.timer_trigger("timer", schedule="%SCHEDULE%")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
def tick(timer: func.TimerRequest, context: func.Context) -> None:
    retry = context.retry_context
    note("attempt", number=retry.retry_count, most=retry.max_retry_count)
    raise RuntimeError("again")
""",
        SCHEDULE=NEW_YEAR,
    )
    launch(app).fire("tick")
    attempts = app.diary.wait("attempt", 3)
    assert [(attempt["number"], attempt["most"]) for attempt in attempts] == [
        (0, 2),
        (1, 2),
        (2, 2),
    ]
    assert attempts[2]["at"] - attempts[0]["at"] >= 2


def test_an_occurrence_missed_while_nothing_ran_is_made_up_for_and_marked_past_due(
    new_app: Callable[..., Any], launch: Callable[..., Any], storage: str, unique: str
) -> None:
    app = new_app(NOTES, SCHEDULE="0 0 * * * *", AzureFunctionsWebHost__hostid=unique)
    last = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    moments = {"Last": last, "Next": last + timedelta(hours=1), "LastUpdated": last}
    status = {name: moment.isoformat() for name, moment in moments.items()}
    with BlobServiceClient.from_connection_string(storage) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        if not container.exists():
            container.create_container()
        blob = container.get_blob_client(f"timers/{unique}/Host.Functions.tick/status")
        blob.upload_blob(json.dumps(status))
        host = launch(app)
        tick = app.diary.wait("tick")[0]
        assert host.stop() == 0
        kept = json.loads(blob.download_blob().readall())
    assert tick["past_due"] is True
    assert tick["status"]["Last"] == status["Last"]
    assert datetime.fromisoformat(kept["Next"]) > datetime.now(UTC)


def test_a_timer_goes_on_when_its_status_was_deleted(
    new_app: Callable[..., Any], launch: Callable[..., Any], storage: str, unique: str
) -> None:
    app = new_app(NOTES, SCHEDULE="*/2 * * * 1-12 *", AzureFunctionsWebHost__hostid=unique)
    launch(app)
    app.diary.wait("tick")
    with BlobServiceClient.from_connection_string(storage) as service:
        service.get_blob_client(
            "azure-webjobs-hosts", f"timers/{unique}/Host.Functions.tick/status"
        ).delete_blob()
    app.diary.wait("tick", len(app.diary.entries()) + 2)


def test_run_on_startup_fires_where_the_lock_is_got(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    source = NOTES.replace('schedule="%SCHEDULE%"', 'schedule="%SCHEDULE%", run_on_startup=True')
    app = new_app(source, SCHEDULE=NEW_YEAR)
    first = launch(app)
    app.diary.wait("tick")
    assert first.stop() == 0
    launch(app)
    assert len(app.diary.wait("tick", 2)) == 2


def test_a_stop_ends_the_retries_and_the_occurrence_counts_as_run(
    new_app: Callable[..., Any], launch: Callable[..., Any], storage: str, unique: str
) -> None:
    app = new_app(
        """
@app.timer_trigger("timer", schedule="%SCHEDULE%", run_on_startup=True)
@app.retry(strategy="fixed_delay", max_retry_count="5", delay_interval="00:01:00")
def tick(timer: func.TimerRequest) -> None:
    note("attempt")
    raise RuntimeError("again")
""",
        SCHEDULE=NEW_YEAR,
        AzureFunctionsWebHost__hostid=unique,
    )
    host = launch(app)
    app.diary.wait("attempt")
    assert host.stop() == 0
    assert len(app.diary.entries("attempt")) == 1
    with BlobServiceClient.from_connection_string(storage) as service:
        blob = service.get_blob_client(
            "azure-webjobs-hosts", f"timers/{unique}/Host.Functions.tick/status"
        )
        kept = json.loads(blob.download_blob().readall())
    assert datetime.fromisoformat(kept["Last"]).year > 1


@pytest.mark.parametrize(
    ("last", "next_run", "schedule", "fires"),
    [
        (-65, -5, "0 0 * * * *", True),
        (-65, 55, "0 0 * * * *", False),
        (-65, -5, "*/20 * * * * *", False),
    ],
    ids=["missed", "changed since, and its new time is past", "several a minute are not monitored"],
)
def test_what_is_past_due_at_the_first_run_after_a_start(
    last: int, next_run: int, schedule: str, fires: bool
) -> None:
    now = datetime(2026, 5, 4, 12, 5, tzinfo=UTC)
    moments = [now + timedelta(minutes=minutes) for minutes in (last, next_run, last)]
    before = Status(*moments)
    listener = TimerListener.__new__(TimerListener)
    listener._schedule = Schedule(schedule)
    due = now > listener._reviewed(before, now).next
    assert (due and not listener._schedule.is_frequent) == fires


def test_a_disabled_timer_is_silent_until_it_is_fired_by_hand(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    other = NOTES.replace("def tick", "def tock").replace('note("tick"', 'note("tock"')
    app = new_app(NOTES + other, SCHEDULE=EVERY_SECOND, **{"AzureWebJobs.tick.Disabled": "1"})
    host = launch(app)
    app.diary.wait("tock", 2)
    assert not app.diary.entries("tick")
    host.fire("tick")
    app.diary.wait("tick")


def test_after_a_kill_another_instance_goes_on_once_the_lock_has_ended_and_it_has_asked(
    scene: Scene,
) -> None:
    after = scene.orphaned.diary.wait("start", 2, seconds=45)[1]
    assert after["pid"] != scene.victim
    assert after["at"] - scene.killed_at < 33
