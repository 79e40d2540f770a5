"""A record whose write ends the process, again and again: played by a run that ends like that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest

from shared.pipeline import deliver
from shared.pipeline.letters import MOST_CUT_OFFS, POISONED
from shared.pipeline.receipts import Receipt, deliver_records
from shared.records import Change, Kind
from shared.state.ledger_rows import bucket
from tests.unit.memory import Memory, played

MOST_KILLS = MOST_CUT_OFFS + 1
"""One more for a record that was never settled, which counts as edited since."""

HOURS = 5400.0
"""Until the last doubt has ended, and longer."""


class Killed(BaseException):
    """The process has ended: nothing after it is done."""


@contextmanager
def lethal(world: Memory, is_lethal: Callable[[str], bool]) -> Iterator[list[float]]:
    """When a process ended because it wrote one of these records."""
    kills: list[float] = []
    write = deliver.write

    def killing(flow: Any, bridge: Any, view: Any, decisions: Any) -> Any:
        if any(is_lethal(one.change.record_id) for one in decisions):
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
        world.later(20)


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
def test_who_ends_the_process_becomes_a_dead_letter_and_its_neighbours_arrive(
    shown_again_seconds: float,
) -> None:
    def body(world: Memory) -> None:
        first, others = family(world)
        with lethal(world, lambda id_: id_ == first) as kills:
            run(world, HOURS, shown_again_seconds)
        assert 1 < len(kills) <= MOST_KILLS
        assert world.letters("contact") == [POISONED]
        assert {str(row["externalId"]) for row in world.held("contact")} == set(others)
        assert not world.wiring.bridge.waiting.waiting_counts("contacts").counts
        assert [world.row("contact", one).cut_offs for one in others] == [0, 0]

    played(body)


@pytest.mark.parametrize("is_edited", [False, True], ids=["replayed", "edited"])
@pytest.mark.parametrize("is_mended", [False, True], ids=["still lethal", "mended"])
def test_an_edit_or_a_replay_has_it_tried_once_more(is_edited: bool, is_mended: bool) -> None:
    def body(world: Memory) -> None:
        contact = world.contact(lastname="Lethal")
        with lethal(world, lambda id_: id_ == contact) as kills:
            run(world, HOURS, 30.0)
            before = len(kills)
            if is_edited:
                world.change("contact", contact, lastname="Edited")
            else:
                replay(world, contact)
            if not is_mended:
                run(world, HOURS, 30.0)
                assert len(kills) == before + 1
                assert world.letters("contact") == [POISONED]
        if is_mended:
            run(world, 600, 30.0)
            assert world.letters("contact") == []
            assert len(world.held("contact")) == 1
            assert world.row("contact", contact).cut_offs == 0

    played(body)


def test_who_is_cut_off_a_few_times_arrives() -> None:
    def body(world: Memory) -> None:
        contact = world.contact()
        with lethal(world, lambda _: len(kills) < MOST_CUT_OFFS - 1) as kills:
            run(world, HOURS, 30.0)
        assert len(kills) == MOST_CUT_OFFS - 1
        assert world.letters("contact") == []
        assert [str(row["externalId"]) for row in world.held("contact")] == [contact]
        assert world.row("contact", contact).cut_offs == 0

    played(body)
