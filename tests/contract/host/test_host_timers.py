"""Timer triggers of the local host: the schedule, one run at a time over all instances, and what a crash leaves."""

import contextlib
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import BlobClient, BlobServiceClient

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
    orphaned, pair = new_app(STUCK, SCHEDULE=EVERY_SECOND), new_app(THREE_TIMERS, SCHEDULE=EVERY_SECOND)
    hosts = [launch(orphaned), launch(orphaned)]
    victim = orphaned.diary.wait("start")[0]["pid"]
    next(host for host in hosts if host.ready["pid"] == victim).kill()
    killed_at = time.time()
    for host in (launch(pair), launch(pair)):
        host.fire("slow")
    return Scene(pair, orphaned, victim, killed_at)


def test_a_timer_fires_on_the_seconds_of_its_schedule(scene: Scene) -> None:
    ticks = scene.pair.diary.wait("even", 3)
    seconds = [int(tick["at"]) for tick in ticks]
    assert [later - earlier for earlier, later in itertools.pairwise(seconds)] == [2] * (len(seconds) - 1)
    assert {second % 2 for second in seconds} == {0}
    assert not any(tick["past_due"] for tick in ticks)


def test_two_instances_fire_each_occurrence_once(scene: Scene) -> None:
    seconds = [int(tick["at"]) for tick in scene.pair.diary.wait("tick", 6)]
    assert seconds == list(range(seconds[0], seconds[0] + len(seconds)))


def test_runs_of_one_timer_never_overlap_over_two_instances_and_runs_by_hand(scene: Scene) -> None:
    scene.pair.diary.wait("slow end", 4)
    runs = [entry for entry in scene.pair.diary.entries() if entry["kind"].startswith("slow")]
    assert [run["kind"] for run in runs] == [("slow start", "slow end")[place % 2] for place in range(len(runs))]
    assert all(start["pid"] == end["pid"] for start, end in zip(runs[::2], runs[1::2], strict=False))


def test_a_timer_is_fired_by_hand_on_any_instance(new_app: Callable[..., Any], launch: Callable[..., Any]) -> None:
    app = new_app(NOTES, SCHEDULE=NEW_YEAR)
    for host in (launch(app), launch(app)):
        assert host.fire("tick").status_code == 202
    assert len(app.diary.wait("tick", 2)) == 2


def test_a_failed_run_is_retried_as_its_policy_says(new_app: Callable[..., Any], launch: Callable[..., Any]) -> None:
    app = new_app(
        """
@app.timer_trigger("timer", schedule="%SCHEDULE%")
@app.retry(strategy="fixed_delay", max_retry_count="2", delay_interval="00:00:01")
def tick(timer: func.TimerRequest, context: func.Context) -> None:
    note("attempt", number=context.retry_context.retry_count, most=context.retry_context.max_retry_count)
    raise RuntimeError("again")
""",
        SCHEDULE=NEW_YEAR,
    )
    launch(app).fire("tick")
    attempts = app.diary.wait("attempt", 3)
    assert [(attempt["number"], attempt["most"]) for attempt in attempts] == [(0, 2), (1, 2), (2, 2)]
    assert attempts[2]["at"] - attempts[0]["at"] >= 2


def test_an_occurrence_missed_while_nothing_ran_is_made_up_for_and_marked_past_due(
    new_app: Callable[..., Any], launch: Callable[..., Any], storage: str, unique: str
) -> None:
    app = new_app(NOTES, SCHEDULE="0 0 * * * *", AzureFunctionsWebHost__hostid=unique)
    hour_ago = datetime.now(UTC) - timedelta(hours=1, minutes=5)
    status = {name: hour_ago.isoformat() for name in ("Last", "Next", "LastUpdated")}
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
    new_app: Callable[..., Any], launch: Callable[..., Any], storage: str, unique: str, until: Any
) -> None:
    app = new_app(NOTES, SCHEDULE=EVERY_SECOND, AzureFunctionsWebHost__hostid=unique)
    launch(app)
    app.diary.wait("tick")
    with BlobServiceClient.from_connection_string(storage) as service:
        blob = service.get_blob_client("azure-webjobs-hosts", f"timers/{unique}/Host.Functions.tick/status")
        until(lambda: deleted(blob))
    app.diary.wait("tick", len(app.diary.entries()) + 2)


def deleted(blob: BlobClient) -> bool:
    """False while a run holds the lease."""
    with contextlib.suppress(HttpResponseError):
        blob.delete_blob()
        return True
    return False


def test_run_on_startup_fires_at_every_start(new_app: Callable[..., Any], launch: Callable[..., Any]) -> None:
    source = NOTES.replace('schedule="%SCHEDULE%"', 'schedule="%SCHEDULE%", run_on_startup=True')
    app = new_app(source, SCHEDULE=NEW_YEAR)
    launch(app)
    app.diary.wait("tick")
    launch(app)
    app.diary.wait("tick", 2)


def test_a_disabled_timer_is_silent_until_it_is_fired_by_hand(new_app: Callable[..., Any], launch: Callable[..., Any]) -> None:
    other = NOTES.replace("def tick", "def tock").replace('note("tick"', 'note("tock"')
    app = new_app(NOTES + other, SCHEDULE=EVERY_SECOND, **{"AzureWebJobs.tick.Disabled": "1"})
    host = launch(app)
    app.diary.wait("tock", 2)
    assert not app.diary.entries("tick")
    host.fire("tick")
    app.diary.wait("tick")


def test_when_an_instance_is_killed_in_a_run_another_goes_on_within_the_lease(scene: Scene) -> None:
    after = scene.orphaned.diary.wait("start", 2, seconds=30)[1]
    assert after["pid"] != scene.victim
    assert after["at"] - scene.killed_at < 18
