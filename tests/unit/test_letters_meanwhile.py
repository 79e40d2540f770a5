"""Dead letters of two deliveries of one record, of which the second begins as soon as the claim of
the first is free.
"""

from typing import Any

import pytest

from shared.state.ledger import Ledger
from tests.unit.memory import Memory, played

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
