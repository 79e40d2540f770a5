"""A record whose write ends the process, again and again: played by a run that ends like that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from shared.pipeline import deliver
from shared.pipeline.decision import Act
from shared.pipeline.receipts import Receipt, deliver_records
from shared.pipeline.settle import GIVEN_UP
from shared.records import Change, Kind
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
