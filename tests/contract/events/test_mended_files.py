"""A file that is mended takes its dead letters away, others can be given up, and one source fails
without the other.
"""

import pytest

from shared.pipeline.letters import Left
from shared.pipeline.replay import discard, replay
from shared.state.flows import FAILED, RUNNING
from tests.contract.battery.kit import outcomes
from tests.contract.events.kit import World
from tests.contract.events.test_bad_files import HEADER, line, put

FILE = "deliveryLogs_1.txt"


def reasons(world: World) -> list[str]:
    return sorted(reason for reason, _ in world.letters())


def test_a_mended_file_takes_its_letters_away_and_what_is_still_bad_has_a_new_one(
    world: World,
) -> None:
    ana = world.contact("Ana")
    put(world, FILE, HEADER, line(10, ana), "1\tonly", line(11, ana, status="banana"))
    put(world, "deliveryLogs_2.txt", HEADER, "another\tfile")
    world.files.sync()
    assert reasons(world) == ["broken_line", "broken_line", "unknown_status"]
    put(world, FILE, HEADER, line(10, ana), line(12, ana), line(11, ana, status="banana"))
    assert sorted(outcomes(world.files.sync())) == ["created", "rejected", "unchanged"]
    assert reasons(world) == ["broken_line", "unknown_status"]
    put(world, FILE, HEADER, line(10, ana), line(12, ana), line(11, ana))
    world.files.sync()
    ((_, sentence),) = world.letters()
    assert "deliveryLogs_2.txt" in sentence


def test_the_letter_of_a_whole_file_goes_when_it_is_read_to_its_end(world: World) -> None:
    ana = world.contact("Ana")
    put(world, FILE, HEADER.replace("logId", "LogId"), line(1, ana))
    world.files.sync()
    assert reasons(world) == ["unreadable_file"]
    put(world, FILE, HEADER, line(1, ana), line(2, ana))
    assert outcomes(world.files.sync()) == ["created", "created"]
    assert (reasons(world), world.names("processed"), world.names("rejected")) == (
        [],
        [FILE],
        [FILE],
    )


def test_the_letter_of_an_event_that_dynamics_refused_goes_when_its_file_is_read_again(
    world: World,
) -> None:
    ana = world.contact("Ana")
    put(world, FILE, HEADER, line(1, ana))
    refusal = {"error": {"code": "0x80040265", "message": "A plug-in says no."}}
    world.dynamics.faults({"match": {"route": "batch"}, "action": {"status": 400, "body": refusal}})
    world.files.sync()
    (letter,) = world.wiring.bridge.deadletters.page("email_events")
    assert letter.origin == FILE
    assert replay(world.files.flow, world.files.bridge, "dead_letters").count == 1
    world.files.drain()
    (letter,) = world.wiring.bridge.deadletters.page("email_events")
    assert letter.origin == FILE
    world.dynamics.faults()
    put(world, FILE, HEADER, line(1, ana))
    assert outcomes(world.files.sync()) == ["created"]
    assert world.letters() == []


@pytest.mark.parametrize("again", [5, 12], ids=["as many rows", "more"])
def test_another_file_of_its_name_takes_no_letter_away(world: World, again: int) -> None:
    """Some workflows write the same name each day.

    Yesterday's event is kept, and can still be replayed.
    """
    ana = world.contact("Ana")
    refusal = {"error": {"code": "0x80040265", "message": "A plug-in says no."}}
    world.dynamics.faults({"match": {"route": "batch"}, "action": {"status": 400, "body": refusal}})
    put(
        world,
        FILE,
        HEADER,
        line(1, ana),
        "2\tonly",
        line(3, ana, status="banana"),
        "only",
        line(4, ana),
    )
    world.files.sync()
    world.dynamics.faults()
    before = {letter.record_id for letter in world.wiring.bridge.deadletters.page("email_events")}
    assert len(before) == 5
    put(
        world,
        FILE,
        HEADER,
        "21\tonly",
        *(line(number + 20, ana) for number in range(2, again)),
        "only",
    )
    world.files.sync()
    world.files.sync()
    after = {letter.record_id for letter in world.wiring.bridge.deadletters.page("email_events")}
    assert (after > before, len(after)) == (True, 7)
    assert all(world.wiring.bridge.deadletters.row("email_events", letter) for letter in before)
    assert replay(world.files.flow, world.files.bridge, "dead_letters").count == 2
    assert outcomes(world.files.drain()).count("created") == 2
    assert len(world.letters()) == 5


@pytest.mark.parametrize(
    "lines",
    [("7\tonly",), ("7\tonly", "8\tonly"), ("7\tonly", "no number\tonly")],
    ids=["one row", "two", "one of them"],
)
def test_a_file_without_a_good_row_is_known_by_its_log_ids(
    world: World, lines: tuple[str, ...]
) -> None:
    ana = world.contact("Ana")
    put(world, FILE, HEADER, *lines)
    world.files.sync()
    assert len(world.letters()) == len(lines)
    put(world, FILE, HEADER, line(7, ana), line(8, ana))
    world.files.sync()
    assert world.letters() == []


def test_the_letter_of_an_event_goes_when_another_file_brings_it(world: World) -> None:
    ana = world.contact("Ana")
    refusal = {"error": {"code": "0x80040265", "message": "A plug-in says no."}}
    world.dynamics.faults({"match": {"route": "batch"}, "action": {"status": 400, "body": refusal}})
    put(world, FILE, HEADER, line(1, ana))
    world.files.sync()
    assert len(world.letters()) == 1
    world.dynamics.faults()
    put(world, "deliveryLogs_other.txt", HEADER, line(9, ana), line(1, ana))
    world.files.sync()
    assert world.letters() == []


def test_what_nobody_will_mend_is_given_up_with_the_event_that_was_kept(world: World) -> None:
    ana = world.contact("Ana")
    put(
        world,
        FILE,
        HEADER,
        "1\tonly",
        "2\tonly",
        line(1, ana, status="banana"),
        line(2, ana, date="never"),
    )
    world.files.sync()
    flow, bridge = world.files.flow, world.files.bridge
    first, *_ = [
        letter
        for letter in bridge.deadletters.page("email_events")
        if letter.reason == "broken_line"
    ]
    assert bridge.deadletters.row("email_events", first.record_id) is not None
    assert discard(flow, bridge, "record", first.record_id).count == 1
    assert bridge.deadletters.row("email_events", first.record_id) is None
    assert discard(flow, bridge, "record", first.record_id).count == 0
    assert discard(flow, bridge, "reason", "broken_line").count == 1
    assert reasons(world) == ["not_a_date", "unknown_status"]
    assert discard(flow, bridge, "dead_letters", most=1).count == 1
    assert discard(flow, bridge, "dead_letters").count == 1
    assert world.letters() == []


def test_files_and_journal_fail_apart(world: World) -> None:
    ana = world.contact("Ana")
    world.send()
    broken = World(world.stack, SFTP_HOST_KEY="SHA256:uNiVztksCsDhcc0u9e8BrqQkXW2JNhnnZ0eJ/0p3X0k")
    assert broken.files.poll() == "failed"
    flows = world.wiring.bridge.flows
    state = flows.read("email_events-from-files")
    assert (state.status, state.setting) == (FAILED, "SFTP_HOST_KEY")
    assert "SHA256 fingerprint" in state.reason
    assert (flows.read("email_events").status, flows.read("email_events-from-journal").status) == (
        RUNNING,
        RUNNING,
    )
    assert broken.journal.poll() == "up to date"
    assert outcomes(broken.journal.drain()) == ["created"]
    assert [row["_regardingobjectid_value"] for row in world.activities("send")] == [ana]
    broken.ahead = 120
    assert broken.files.poll() == "failed"
    world.ahead = 240
    assert world.files.poll() == "up to date"
    assert flows.read("email_events-from-files").status == RUNNING


def test_a_stop_of_the_flow_stops_both_sources(world: World) -> None:
    from shared.pipeline.running import start, stop

    stop("email_events", world.wiring.bridge, "a person")
    assert (world.files.poll(), world.journal.poll()) == ("stopped", "stopped")
    start("email_events", world.wiring.bridge, "a person")
    assert (world.files.poll(), world.journal.poll()) == ("up to date", "up to date")


def test_what_could_not_be_read_is_not_replayed_and_its_letter_stays(world: World) -> None:
    ana = world.contact("Ana")
    put(world, FILE, HEADER, line(10, ana), "1\tonly")
    put(world, "deliveryLogs_2.txt", HEADER, "another\tfile")
    world.files.sync()
    flow, bridge = world.files.flow, world.files.bridge
    handled = replay(flow, bridge, "dead_letters")
    letter, _ = bridge.deadletters.page("email_events")
    handled += replay(flow, bridge, "record", letter.record_id)
    assert handled.count == 0
    assert (handled.left, reasons(world), world.files.drain()) == (
        {Left.UNREADABLE: 3},
        ["broken_line", "broken_line"],
        [],
    )
