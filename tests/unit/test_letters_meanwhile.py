"""Dead letters of two deliveries of one record, of which the second begins as soon as the claim of
the first is free.
"""

from contextlib import suppress
from typing import Any

import pytest

from shared.errors import Cause, Retryable
from shared.pipeline import dead_letters
from shared.state.deadletters import DeadLetters
from shared.state.ledger import Ledger
from tests.unit.memory import Memory, played

HIDDEN_SECONDS = 601.0
"""A message that nobody has completed comes back then."""

DOCUMENT = """\
table: contact
resource: profile
api: profileAndServicesExt
key: {source: contactid, target: externalId, lookup: uri}
fields:
  - {source: lastname, target: lastName}
  - {source: emailaddress1, target: email}
"""


def test_the_letter_of_the_next_delivery_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is put between the end of the claim and the look for letters of what has arrived."""

    def body(world: Memory) -> None:
        record_id = world.contact(emailaddress1="no address")
        assert world.sync("contact") == ["rejected"]
        world.change("contact", record_id, emailaddress1="ana@example.org")
        after_settling(monkeypatch, lambda: refuse(world, record_id))
        world.sync("contact")
        assert world.row("contact", record_id).rejected
        assert len(world.letters("contact")) == 1

    played(body, {"contact": DOCUMENT})


def refuse(world: Memory, record_id: str) -> None:
    world.change("contact", record_id, emailaddress1="no address again")
    world.later(2)
    assert "rejected" in world.sync("contact")


def after_settling(monkeypatch: pytest.MonkeyPatch, deed: Any) -> None:
    """Once, when the ledger has been settled."""
    settle, deeds = Ledger.settle, [deed]

    def settled(*given: Any) -> Any:
        result = settle(*given)
        while deeds:
            deeds.pop()()
        return result

    monkeypatch.setattr(Ledger, "settle", settled)


@pytest.mark.parametrize(
    "ends_with",
    [
        pytest.param(KeyboardInterrupt(), id="the process ends"),
        pytest.param(Retryable("busy", 1.0), id="the storage account throttles"),
        pytest.param(Retryable("no answer", cause=Cause.OUTAGE), id="it has no answer"),
    ],
)
def test_a_run_that_ends_before_the_letter_is_taken_away_leaves_none(
    ends_with: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ledger says by then that the record has arrived."""

    def body(world: Memory) -> None:
        record_id = world.contact(emailaddress1="no address")
        assert world.sync("contact") == ["rejected"]
        world.change("contact", record_id, emailaddress1="ana@example.org")
        once_at_discard(monkeypatch, ends_with)
        with suppress(KeyboardInterrupt):
            assert world.sync("contact") == ["created"]
        assert not world.row("contact", record_id).rejected
        assert len(world.letters("contact")) == 1
        world.later(HIDDEN_SECONDS)
        world.run(HIDDEN_SECONDS)
        assert world.letters("contact") == []

    played(body, {"contact": DOCUMENT})


def test_a_letter_is_looked_for_though_its_record_could_not_be_sent_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The tables fail, and the queue just after them."""

    def body(world: Memory) -> None:
        record_id = world.contact(emailaddress1="no address")
        assert world.sync("contact") == ["rejected"]
        world.change("contact", record_id, emailaddress1="ana@example.org")
        once_at_discard(monkeypatch, Retryable("busy", 1.0))
        resend, failed = dead_letters.resend, list[str]()

        def failing(*given: Any) -> None:
            if failed:
                return resend(*given)
            failed.append("once")
            raise Retryable("busy", 1.0)

        monkeypatch.setattr(dead_letters, "resend", failing)
        world.sync("contact")
        assert failed
        world.run(HIDDEN_SECONDS)
        assert world.letters("contact") == []

    played(body, {"contact": DOCUMENT})


def once_at_discard(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    discard, errors = DeadLetters.discard, [error]

    def raising(*given: Any) -> Any:
        if errors:
            raise errors.pop()
        return discard(*given)

    monkeypatch.setattr(DeadLetters, "discard", raising)
