"""A record whose write ends the process, again and again: played by a run that ends like that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from shared.deadlines import within
from shared.errors import Cause, Retryable
from shared.mapping import default_document
from shared.pipeline import deliver
from shared.pipeline.decision import Act
from shared.pipeline.receipts import Receipt, deliver_records
from shared.pipeline.settle import GIVEN_UP
from shared.pipeline.suspects import one_by_one
from shared.records import Change, Kind
from shared.state.cut_offs import read_cut_offs
from shared.state.deadletters import DeadLetter
from shared.state.ledger_rows import bucket
from tests.unit.memory import Memory, played

HOUR = 3600.0
RETRY_HOURS = 48


class Killed(BaseException):
    """The process has ended: nothing after it is done."""


@contextmanager
def lethal(
    world: Memory, is_lethal: Callable[[str], bool], act: Act = Act.SAVE
) -> Iterator[list[float]]:
    """When a process ended because it wrote one of these records."""
    kills: list[float] = []
    write = deliver.write

    def killing(flow: Any, bridge: Any, view: Any, decisions: Any) -> Any:
        if any(one.act is act and is_lethal(one.change.record_id) for one in decisions):
            kills.append(world.now)
            raise Killed
        return write(flow, bridge, view, decisions)

    deliver.write = killing  # type: ignore[assignment]
    try:
        yield kills
    finally:
        deliver.write = write


def run(world: Memory, seconds: float, shown_again_seconds: float) -> None:
    """Timer and queue of contacts; a message whose process ended is shown again after a time."""
    bridge, flow, put_at = world.wiring.bridge, world.flow("contact"), dict[str, float]()
    end = world.now + seconds
    while world.now < end:
        world.poll("contact")
        while message := bridge.handoff.receive("contacts", shown_again_seconds):
            age = world.now - put_at.setdefault(message.id, world.now)
            body = message.content.encode()
            try:
                deliver_records(flow, bridge, Receipt("contacts", body, message.receipts, age))
            except Killed:
                continue
            bridge.handoff.complete("contacts", message)
        world.later(60)


def replay(world: Memory, contact: str) -> None:
    change = Change(contact, Kind.REFERENCE, first_seen=world.now, replay=True)
    world.wiring.bridge.handoff.put("contacts", "contacts", "contact", 0, [change])


def family(world: Memory) -> tuple[str, list[str]]:
    """A contact, and two of the same partition, which travel in one message with it."""
    first = world.contact(lastname="Lethal")
    ids = (f"{number:08x}-0000-4000-8000-000000000000" for number in count())
    near = (one for one in ids if bucket(one) == bucket(first))
    return first, [world.contact(contactid=next(near), lastname="Harmless") for _ in range(2)]


@pytest.mark.parametrize("shown_again_seconds", [30.0, 600.0], ids=["worker", "instance"])
def test_who_ends_the_process_waits_longer_each_time_and_is_exhausted_as_any_other_failure(
    shown_again_seconds: float,
) -> None:
    def body(world: Memory) -> None:
        first, others = family(world)
        with lethal(world, lambda id_: id_ == first) as kills:
            run(world, HOUR, shown_again_seconds)
            assert {str(row["externalId"]) for row in world.held("contact")} == set(others)
            assert [world.row("contact", one).cut_offs.number for one in others] == [0, 0]
            assert world.letters("contact") == []
            run(world, RETRY_HOURS * HOUR, shown_again_seconds)
            assert world.letters("contact") == [GIVEN_UP]
            before = len(kills)
            assert RETRY_HOURS / 2 < before < RETRY_HOURS * 1.5
            run(world, 4 * HOUR, shown_again_seconds)
            assert len(kills) == before
        assert not world.wiring.bridge.waiting.waiting_counts("contacts").counts

    played(body)


@pytest.mark.parametrize("is_edited", [False, True], ids=["replayed", "edited"])
@pytest.mark.parametrize("is_mended", [False, True], ids=["still lethal", "mended"])
def test_who_is_exhausted_is_tried_again_after_an_edit_or_a_replay(
    is_edited: bool, is_mended: bool
) -> None:
    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "2"
        contact = world.contact(lastname="Lethal")
        with lethal(world, lambda id_: id_ == contact) as kills:
            run(world, 5 * HOUR, 30.0)
            assert world.letters("contact") == [GIVEN_UP]
            before = len(kills)
            if is_edited:
                world.change("contact", contact, lastname="Edited")
            else:
                replay(world, contact)
            if not is_mended:
                run(world, 6 * HOUR, 30.0)
                assert before < len(kills) < before + 5
                assert world.letters("contact") == [GIVEN_UP]
        if is_mended:
            run(world, 600, 30.0)
            assert world.letters("contact") == []
            assert len(world.held("contact")) == 1
            assert not world.row("contact", contact).cut_offs.number

    played(body)


@pytest.mark.parametrize("is_exhausted", [False, True], ids=["waiting", "exhausted"])
def test_the_deletion_of_a_suspect_is_carried_out(is_exhausted: bool) -> None:
    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "2"
        contact = world.contact(lastname="Good")
        run(world, 60, 30.0)
        with lethal(world, lambda id_: id_ == contact) as kills:
            world.change("contact", contact, lastname="Lethal")
            run(world, (5 if is_exhausted else 1) * HOUR, 30.0)
            assert world.letters("contact") == [GIVEN_UP] * is_exhausted
            world.delete("contact", contact)
            run(world, HOUR, 30.0)
            assert kills
        assert world.held("contact") == []
        assert world.letters("contact") == []

    played(body)


def test_a_deletion_that_ends_the_process_has_its_own_time() -> None:
    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "4"
        contact = world.contact(lastname="Good")
        run(world, 60, 30.0)
        with (
            lethal(world, lambda id_: id_ == contact),
            lethal(world, lambda id_: id_ == contact, Act.DELETE) as deletions,
        ):
            world.change("contact", contact, lastname="Lethal")
            run(world, 3 * HOUR, 30.0)
            world.delete("contact", contact)
            run(world, 2.5 * HOUR, 30.0)
            assert deletions
            assert world.letters("contact") == []
            run(world, 5 * HOUR, 30.0)
            assert world.letters("contact") == [GIVEN_UP]

    played(body)


@pytest.mark.parametrize("is_replay", [False, True], ids=["edited", "replayed"])
@pytest.mark.parametrize("hours", [3, 4])
def test_what_is_mended_at_any_moment_is_tried(hours: int, is_replay: bool) -> None:
    """Also in the hour in which its time ends while it waits for its next attempt."""

    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = str(hours)
        contact = world.contact(lastname="Lethal")
        with lethal(world, lambda id_: id_ == contact):
            run(world, hours * HOUR + 300, 30.0)
        if is_replay:
            replay(world, contact)
        else:
            world.change("contact", contact, lastname="Mended")
        run(world, 300 if is_replay else 2 * HOUR, 30.0)
        assert world.letters("contact") == []
        assert len(world.held("contact")) == 1

    played(body)


@pytest.mark.parametrize("hours", [2.4, 72])
@pytest.mark.parametrize("number", [2, 3])
@pytest.mark.parametrize("is_deleted", [False, True], ids=["save", "deletion"])
def test_a_flow_that_is_stopped_uses_up_no_record(
    number: int, is_deleted: bool, hours: float
) -> None:
    """Nor does anything else between two attempts that are hours or days apart."""

    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "2"
        contact = world.contact(lastname="One")
        run(world, 120, 30.0)
        world.change("contact", contact, lastname="Two")
        cut_off(world, contact, number)
        command(world, "paused")
        run(world, hours * HOUR, 30.0)
        if is_deleted:
            world.delete("contact", contact)
        command(world, "running")
        cut_off(world, contact, 1, Act.DELETE if is_deleted else Act.SAVE)
        run(world, HOUR, 30.0)
        assert world.letters("contact") == []
        held = [] if is_deleted else ["Two"]
        assert [row["lastName"] for row in world.held("contact")] == held

    played(body)


def cut_off(world: Memory, contact: str, number: int, act: Act = Act.SAVE) -> None:
    """Until so many deliveries of the contact were cut off."""
    with lethal(world, lambda id_: id_ == contact, act) as kills:
        for _ in range(100):
            if len(kills) < number:
                run(world, 60, 30.0)
    assert len(kills) >= number


def command(world: Memory, status: str) -> None:
    said = {"status": status, "reason": "", "setting": "", "by": "ann", "since": world.now}
    world.wiring.bridge.flows.change("contacts", lambda _: said)


def test_a_document_that_mends_what_ended_the_process_has_it_tried_by_a_full_read() -> None:
    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "2"
        contact = world.contact(lastname="Lethal", firstname="Ann")
        with lethal(world, lambda id_: id_ == contact):
            run(world, 5 * HOUR, 30.0)
        assert world.letters("contact") == [GIVEN_UP]
        before = rejected(world)
        reread(world, contact)
        run(world, 300, 30.0)
        assert world.held("contact") == []
        assert (world.letters("contact"), rejected(world)) == ([GIVEN_UP], before)
        text = default_document("contact")
        line = next(line for line in text.splitlines() if "source: firstname" in line)
        world.document("contact", text.replace(f"{line}\n", ""))
        reread(world, contact)
        run(world, 300, 30.0)
        assert len(world.held("contact")) == 1
        assert world.letters("contact") == []

    played(body)


def test_who_is_exhausted_has_a_dead_letter_though_it_could_not_be_put_at_first() -> None:
    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "2"
        contact, letters = world.contact(), world.wiring.bridge.deadletters
        put, failed = letters.put, list[str]()

        def ended_first(letter: DeadLetter, row: Any = None) -> None:
            if not failed:
                failed.append(letter.reason)
                raise Killed
            put(letter, row)

        letters.put = ended_first  # type: ignore[method-assign]
        with lethal(world, lambda id_: id_ == contact):
            run(world, 6 * HOUR, 30.0)
        assert (failed, world.letters("contact")) == ([GIVEN_UP], [GIVEN_UP])

    played(body)


def test_a_letter_that_the_storage_account_took_late_begins_no_new_attempts() -> None:
    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "2"
        contact, letters = world.contact(), world.wiring.bridge.deadletters
        put, failed = letters.put, list[str]()

        def throttled_first(letter: DeadLetter, row: Any = None) -> None:
            if not failed:
                failed.append(letter.reason)
                raise Retryable("busy", 1.0)
            put(letter, row)

        letters.put = throttled_first  # type: ignore[method-assign]
        with lethal(world, lambda id_: id_ == contact) as kills:
            run(world, 5 * HOUR, 30.0)
            before = len(kills)
            run(world, 5 * HOUR, 30.0)
        assert (failed, world.letters("contact")) == ([GIVEN_UP], [GIVEN_UP])
        assert len(kills) == before

    played(body)


def test_a_replay_is_tried_once_though_neighbours_end_its_claim() -> None:
    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "2"
        first, others = family(world)
        with lethal(world, lambda id_: id_ == first) as kills:
            run(world, 5 * HOUR, 90.0)
            before = len(kills)
            replay(world, first)
            for number in range(120):
                for one in others:
                    world.change("contact", one, lastname=f"Edited {number}")
                run(world, 60, 90.0)
            assert before < len(kills) <= before + 4

    played(body)


def reference(world: Memory, contact: str) -> Change:
    return Change(contact, Kind.REFERENCE, first_seen=world.now)


def reread(world: Memory, contact: str) -> None:
    change = reference(world, contact)
    world.wiring.bridge.handoff.put("contacts", "contacts", "contact", 0, [change])


def rejected(world: Memory) -> int:
    return sum(one.totals["rejected"] for one in world.wiring.bridge.ledger.headers("contacts"))


def test_a_run_whose_time_is_up_begins_with_no_other_record() -> None:
    done: list[list[Change]] = []
    with within(0.0), pytest.raises(Retryable) as raised:
        one_by_one([[Change("1", Kind.REFERENCE)]], lambda part: done.append(part) or [])
    assert (done, raised.value.cause) == ([], Cause.PAUSE)


@pytest.mark.parametrize("more", ["", ', "more"'])
def test_what_a_later_version_adds_is_passed_over(more: str) -> None:
    assert read_cut_offs(f'[2, 5.0, 7.0, "f", "save", false{more}]').number == 2


@pytest.mark.parametrize("number", range(1, 7))
def test_who_is_cut_off_a_few_times_arrives(number: int) -> None:
    def body(world: Memory) -> None:
        contact = world.contact()
        with lethal(world, lambda _: len(kills) < number) as kills:
            run(world, 3 * HOUR, 30.0)
        assert len(kills) == number
        assert world.letters("contact") == []
        assert [str(row["externalId"]) for row in world.held("contact")] == [contact]
        assert not world.row("contact", contact).cut_offs.number
        assert not world.row("contact", contact).in_doubt

    played(body)
