"""What is in doubt, and what is not: a doubt costs one write more, and no opt-out is safe in it."""

from collections import Counter
from collections.abc import Iterator
from itertools import count, islice

import pytest

from shared import calls
from shared.console.status import status
from shared.errors import Cause, Retryable
from shared.pipeline import running
from shared.pipeline.deliver import try_later
from shared.pipeline.poison import keep_records
from shared.pipeline.settle import GIVEN_UP
from shared.records import Change, Kind
from shared.state.envelope import Envelope
from shared.state.ledger import Ledger
from shared.state.ledger_rows import View, bucket, partition_name
from tests.unit.memory import Memory, played

HOUR = 3600.0
ENVELOPE = 99
"""Of one transaction, which has the header too."""


def test_a_record_that_was_not_written_is_in_no_doubt() -> None:
    """Others settle in its partition between the look at it and its own settlement, for which
    nothing had to be written and so nothing was claimed.
    """

    def body(world: Memory) -> None:
        contact = world.contact()
        assert world.sync("contact") == ["created"]
        world.change("contact", contact, description="Maps to nothing")
        world.poll("contact")
        settle_before(world, partition_name("contacts", bucket(contact)))
        assert [s.outcome.value for s in world.deliver("contacts")] == []
        world.later(10)
        settled = world.deliver("contacts")
        assert [(s.outcome.value, s.written) for s in settled] == [("unchanged", False)]
        assert not world.row("contact", contact).in_doubt

    played(body)


def settle_before(world: Memory, partition: str) -> None:
    """Another instance counts in the partition just before the next settlement there."""
    ledger = world.wiring.bridge.ledger
    settle = ledger.settle

    def once(view: View, changed: object) -> None:
        ledger.settle = settle  # type: ignore[method-assign]
        Ledger(ledger.table).count(partition, Counter(updated=1), {})
        settle(view, changed)  # type: ignore[arg-type]

    ledger.settle = once  # type: ignore[method-assign]


@pytest.mark.parametrize("number", [1, ENVELOPE])
@pytest.mark.parametrize("settled_as", ["given up", "poison"])
def test_what_settles_without_a_claim_forgets_nothing_of_one_that_has_ended(
    settled_as: str, number: int
) -> None:
    """Campaign holds what a claim wrote and could not settle; Dynamics was set back since.

    A full message beside it is one transaction by itself.
    """

    def body(world: Memory) -> None:
        contact = world.contact(lastname="One")
        assert world.sync("contact") == ["created"]
        world.change("contact", contact, lastname="Two")
        world.poll("contact")
        cut_off_settlement(world)
        assert world.deliver("contacts") == []
        world.change("contact", contact, lastname="One")
        world.later(world.wiring.settings.claim_lease_seconds + 1)
        flow, bridge = world.flow("contact"), world.wiring.bridge
        long_ago = world.now - 200_000
        others = tuple(
            Change(one, Kind.REFERENCE, first_seen=long_ago, failing_since=long_ago)
            for one in islice(neighbours(contact), number)
        )
        envelope = Envelope(
            flow="contacts",
            table="contact",
            bucket=bucket(contact),
            mapping_version=1,
            changes=others,
        )
        if settled_as == "poison":
            keep_records(flow, bridge, envelope)
        else:
            try_later(flow, bridge, envelope, others, Retryable("no answer", cause=Cause.OUTAGE))
        assert world.row("contact", contact).in_doubt
        world.run(3000)
        assert [profile["lastName"] for profile in world.held("contact")] == ["One"]
        assert not world.row("contact", contact).in_doubt

    played(body)


def neighbours(record_id: str) -> Iterator[str]:
    """Other ids of the same partition."""
    ids = (f"{number:08x}-0000-4000-8000-000000000000" for number in count())
    return (one for one in ids if bucket(one) == bucket(record_id))


def cut_off_settlement(world: Memory) -> None:
    """The next settlement has no answer from the storage account, and was not done."""
    ledger = world.wiring.bridge.ledger
    settle = ledger.settle

    def once(view: View, changed: object) -> None:
        ledger.settle = settle  # type: ignore[method-assign]
        raise Retryable("no answer", uncertain=True, cause=Cause.PAUSE)

    ledger.settle = once  # type: ignore[method-assign]


def test_a_record_whose_writes_never_have_an_answer_becomes_a_dead_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each of them begins a doubt, whose end brings one more reference to the record."""

    def body(world: Memory) -> None:
        world.settings["RETRY_HOURS"] = "2"
        contact = world.contact()
        tried = silent_writes(monkeypatch, world)
        run_for(world, 2 * HOUR)
        assert world.letters("contact") == []
        run_for(world, HOUR)
        assert world.letters("contact") == [GIVEN_UP]
        tried.clear()
        run_for(world, HOUR)
        assert len(tried) <= HOUR / (world.wiring.settings.campaign_doubt_seconds / 2)
        monkeypatch.undo()
        run_for(world, HOUR)
        assert world.letters("contact") == []
        assert world.row("contact", contact).outcome in ("created", "updated")

    played(body)


def test_a_reference_that_confirms_what_is_written_is_no_unwritten_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def body(world: Memory) -> None:
        contact = world.contact()
        silent_writes(monkeypatch, world)
        run_for(world, 60)
        assert oldest_unwritten(world) > 0
        monkeypatch.undo()
        run_for(world, 300)
        assert world.row("contact", contact).in_doubt
        assert oldest_unwritten(world) == 0
        running.stop("contacts", world.wiring.bridge, "a person")
        world.later(2)
        world.change("contact", contact, lastname="Two")
        world.wiring.bridge.handoff.put(
            "contacts", "contacts", "contact", 0, [Change(contact, Kind.REFERENCE, first_seen=1.0)]
        )
        world.deliver("contacts")
        assert oldest_unwritten(world) > world.now - 10.0

    played(body)


def oldest_unwritten(world: Memory) -> float:
    flows = {"contacts": world.flow("contact")}
    seconds: float = status(flows, world.wiring.bridge)["flows"]["contacts"][
        "oldest_unwritten_seconds"
    ]
    return seconds


def silent_writes(monkeypatch: pytest.MonkeyPatch, world: Memory) -> list[float]:
    """When each write was tried that Campaign gives no answer to."""
    tried: list[float] = []

    def write(flow: object, decisions: object) -> None:
        calls.called("POST")
        calls.unanswered()
        tried.append(world.now)
        raise Retryable("no answer", uncertain=True, cause=Cause.OUTAGE)

    monkeypatch.setattr(type(world.flow("contact")), "write", write)
    return tried


def run_for(world: Memory, seconds: float) -> None:
    ends = world.now + seconds
    while world.now < ends:
        world.sync("contact")
        world.later(15)
