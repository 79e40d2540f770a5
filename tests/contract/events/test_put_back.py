"""An exported file that was set aside is put back by the console's act, over real SFTP: what it
brings arrives once.
"""

from collections.abc import Callable

import pytest

from shared.console.roles import Role
from shared.pipeline.flow import Flow
from shared.wiring import Wiring
from tests.contract.battery.kit import outcomes
from tests.contract.console.kit import Pages
from tests.contract.events.kit import World
from tests.contract.events.test_bad_files import HEADER, line, put
from tests.contract.events.test_mended_files import reasons

FILE = "deliveryLogs_1.txt"
BROKEN = HEADER.replace("logId", "LogId")


def flows(wiring: Wiring) -> Callable[[], dict[str, Flow]]:
    """Each by its key, and each of its sources."""
    listed = wiring.events_flows()
    return lambda: {listed[0].key: listed[0], **{flow.feed: flow for flow in listed}}


@pytest.fixture
def pages(world: World) -> Pages:
    return Pages(world.wiring, flows(world.wiring))


def put_back(pages: Pages, folder: str, name: str = FILE) -> None:
    plan = pages.plan("put_back", folder=folder, file=name)
    assert pages.led_to(plan) == pages.led_to(plan) == "/events", "a double click"


def places(pages: Pages) -> list[tuple[str, str]]:
    """As the page lists the files."""
    return sorted((one["name"], one["folder"]) for one in pages.data("/events")["files"])


def test_a_file_that_is_mended_where_it_lies_is_put_back_and_arrives_once(
    world: World, pages: Pages
) -> None:
    ana = world.contact("Ana")
    put(world, FILE, BROKEN, line(1, ana), line(2, ana))
    world.files.sync()
    assert (reasons(world), places(pages)) == (["unreadable_file"], [(FILE, "rejected")])
    put(world, f"rejected/{FILE}", HEADER, line(1, ana), line(2, ana))
    put_back(pages, "rejected")
    assert places(pages) == [(FILE, "waiting")]
    assert outcomes(world.files.sync()) == ["created", "created"]
    assert (reasons(world), places(pages)) == ([], [(FILE, "processed")])
    assert (world.files.sync(), world.counts()["send"]) == ([], 2)
    act, *_ = pages.data("/activity")["acts"]
    assert (act["act"], act["on"], act["result"]) == ("put_back", FILE, "done")


def test_a_file_is_put_back_after_its_document_was_mended(world: World, pages: Pages) -> None:
    ana = world.contact("Ana")
    put(world, FILE, BROKEN, line(1, ana))
    world.files.sync()
    assert places(pages) == [(FILE, "rejected")]
    world.document(lambda text: text.replace("logId", "LogId"))
    put_back(pages, "rejected")
    assert outcomes(world.files.sync()) == ["created"]
    assert (reasons(world), places(pages)) == ([], [(FILE, "processed")])


def test_a_file_that_is_still_broken_is_rejected_again_and_its_letter_stays(
    world: World, pages: Pages
) -> None:
    put(world, FILE, BROKEN, line(1, world.contact("Ana")))
    for _ in range(2):
        world.files.sync()
        assert (reasons(world), places(pages)) == (["unreadable_file"], [(FILE, "rejected")])
        put_back(pages, "rejected")


def test_a_file_that_was_read_is_read_again_and_nothing_is_written_twice(
    world: World, pages: Pages
) -> None:
    ana = world.contact("Ana")
    put(world, FILE, HEADER, line(1, ana), line(2, ana))
    world.files.sync()
    before = world.activities("send")
    put_back(pages, "processed")
    assert outcomes(world.files.sync()) == ["unchanged", "unchanged"]
    assert (world.activities("send"), places(pages)) == (before, [(FILE, "processed")])


def test_a_file_takes_no_other_one_s_place(world: World, pages: Pages) -> None:
    """The next export has the same name: both are read."""
    ana = world.contact("Ana")
    put(world, FILE, BROKEN, line(1, ana))
    world.files.sync()
    put(world, f"rejected/{FILE}", HEADER, line(1, ana))
    put(world, FILE, HEADER, line(2, ana))
    put_back(pages, "rejected")
    assert [place for _, place in places(pages)] == ["waiting", "waiting"]
    assert outcomes(world.files.sync()) == ["created", "created"]
    assert world.counts()["send"] == 2
    assert [place for _, place in places(pages)] == ["processed", "processed"]


def test_what_has_been_moved_meanwhile_is_not_put_back(world: World, pages: Pages) -> None:
    put(world, FILE, BROKEN, line(1, world.contact("Ana")))
    world.files.sync()
    plan = pages.plan("put_back", folder="rejected", file=FILE)
    (world.folder / "rejected" / FILE).unlink()
    sent = [pages.ask(plan, Role.OPERATOR, form={}) for _ in range(2)]
    assert [one.status for one in sent] == [404, 404]
    assert sent[0].body == sent[1].body, "a second click hears the same"
