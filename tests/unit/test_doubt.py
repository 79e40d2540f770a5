"""What is in doubt, and what is not: a doubt costs one write more, and no opt-out is safe in it."""

from collections import Counter

from shared.state.ledger import Ledger
from shared.state.ledger_rows import View, bucket, partition_name
from tests.unit.memory import Memory, played


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
