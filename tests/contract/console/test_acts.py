"""Plans, jobs and activity on a real storage account: ETags, transactions, append blobs."""

import csv
import io
import threading
from collections.abc import Iterator

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from dev.commands.azurite import start_azurite
from shared.state.flows import STOPPED
from shared.state.jobs import KEPT_SECONDS
from tests.unit.console.kit import Console, guid


@pytest.fixture
def console() -> Iterator[Console]:
    with start_azurite() as running:
        given = running.connection_string
        with (
            TableServiceClient.from_connection_string(given) as tables,
            BlobServiceClient.from_connection_string(given) as blobs,
        ):
            yield Console(tables, blobs)


def test_of_many_who_press_at_once_one_acts(console: Console) -> None:
    console.letters(9)
    plan, led_to = console.plan("replay_letters", flow="contacts"), list[str]()
    begin = threading.Barrier(8)

    def press() -> None:
        begin.wait(30)
        led_to.append(console.carry(plan))

    threads = [threading.Thread(target=press) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(led_to) == 8
    assert sorted(console.queue.ids) == [guid(number) for number in range(9)]
    assert len(console.acts()) == 1
    assert console.carry(plan).startswith("/jobs/")


def test_a_job_on_more_letters_than_a_page_writes_down_each(console: Console) -> None:
    console.letters(1203)
    plan = console.plan("replay_letters", flow="contacts", reason="too_long")
    to = console.carry(plan, number=str(console.data(plan)["must_type"]))
    assert console.data(to)["counts"] == {"handed_off": 1203}
    rows = list(csv.reader(io.StringIO(console.ask(f"{to}/download").body.decode())))
    assert rows[1:] == [[guid(n), "too_long", "mobilePhone", "handed_off"] for n in range(1203)]
    job_id = to.removeprefix("/jobs/")
    console.clock += KEPT_SECONDS + 1
    assert console.bridge.jobs.forget_old() == [job_id]
    console.bridge.results.remove(job_id)
    assert console.bridge.results.of(job_id) == []


def test_acts_are_listed_newest_first_and_old_plans_and_acts_go(console: Console) -> None:
    console.carry(console.plan("stop", flow="contacts"), why="maintenance")
    console.clock += 1
    left = console.plan("start", flow="contacts")
    assert console.bridge.flows.read("contacts").status == STOPPED
    console.clock += 1
    console.carry(console.plan("start", flow="contacts"))
    assert [act.act for act in console.acts()] == ["start", "stop"]
    console.clock += 601
    assert console.plans.forget_old() == 3
    assert console.ask(left).status == 404
    console.clock += 401 * 86_400
    assert console.activity.forget_old() == 2
    assert console.acts() == []
