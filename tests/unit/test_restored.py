"""A source that was restored, and what was read of it before that."""

from typing import Any

import pytest

from shared.errors import Contended, Retryable
from shared.opt_out.documents import default_opt_out_document
from shared.pipeline.deliver import DELAYED_SECONDS, check_still_true
from shared.pipeline.replay import order_all
from shared.pipeline.waiting_room import release_due
from shared.records import Change, Kind
from shared.state.ledger_rows import bucket, partition_name
from tests.unit.memory import Memory, played


@pytest.mark.parametrize("valid", [False, True], ids=["tokens are void", "all is replayed"])
def test_a_row_that_was_read_before_all_was_read_again_is_looked_up(valid: bool) -> None:
    """It is on the queue while the source is restored to a time before the row."""

    def body(world: Memory) -> None:
        world.contact()
        assert world.sync("contact") == ["created"]
        earlier = world.systems.dataverse.store.db.serialize()
        undone = world.contact()
        world.poll("contact")
        version = world.systems.dataverse.store.version
        world.systems.dataverse.restore(earlier)
        world.systems.dataverse.store.version = version
        world.later(2)
        if valid:
            order_all("contacts", [world.flow("contact")], world.wiring.bridge, "a test")
        else:
            world.systems.dataverse.api.tracking.expire_all()
        world.poll("contact")
        world.later(2)
        world.deliver("contacts")
        assert len(world.shown("contact")) == 1
        assert world.row("contact", undone).deleted

    played(body)


@pytest.mark.parametrize(
    ("began", "reread", "again"),
    [
        pytest.param(-60, -30, True, id="read again since"),
        pytest.param(-60, -90, False, id="read again before"),
        pytest.param(-60, None, False, id="never read again"),
        pytest.param(-DELAYED_SECONDS / 2, -1, False, id="not delayed"),
    ],
)
def test_a_run_that_stood_still_while_all_was_read_again_begins_again(
    began: float, reread: float | None, again: bool
) -> None:
    def body(world: Memory) -> None:
        flow, bridge = world.flow("contact"), world.wiring.bridge
        if reread is not None:
            bridge.flows.observe(flow.key, reread_at=world.now + reread)
        if not again:
            check_still_true(flow, bridge, world.now + began)
            return
        with pytest.raises(Contended, match="read again"):
            check_still_true(flow, bridge, world.now + began)

    played(body)


@pytest.mark.parametrize("in_between", ["all is read again", "no room to wait"])
def test_an_opt_out_that_was_stopped_under_its_claim_does_not_wait_for_itself(
    in_between: str,
) -> None:
    """It decides under its claim who must wait."""

    def body(world: Memory) -> None:
        world.settings |= {"OPT_OUT_MODE": "both", "OPT_OUT_SOURCE": "filter"}
        container = world.account.blob.get_container_client("config")
        container.upload_blob("opt-out/opt_out.yaml", default_opt_out_document(), overwrite=True)
        contact = world.contact()
        assert world.sync("contact") == ["created"]
        world.change("contact", contact, donotemail=True)
        tell(world, contact)
        slow_claim(world) if in_between == "all is read again" else lost_race(world)
        world.deliver_opt_outs()
        world.later(30)
        release_due(world.wiring.bridge, ["opt_out"])
        world.deliver_opt_outs()
        assert [profile["blackListEmail"] for profile in world.held("contact")] == [True]
        row = world.wiring.bridge.ledger.row(partition_name("opt_out", bucket(contact)), contact)
        assert row is not None
        assert not row.in_doubt

    played(body)


def tell(world: Memory, contact: str) -> None:
    """As a webhook does."""
    change = Change(contact, Kind.REFERENCE, first_seen=world.now)
    world.wiring.bridge.handoff.put("opt-out", "opt_out", "contact", 0, [change])


def slow_claim(world: Memory) -> None:
    """The next claim takes longer than a look into the ledger may be old."""
    bridge = world.wiring.bridge
    claim = bridge.ledger.claim

    def once(*arguments: Any) -> None:
        claim(*arguments)
        bridge.ledger.claim = claim  # type: ignore[method-assign]
        world.later(DELAYED_SECONDS + 1)
        bridge.flows.observe("opt_out", reread_at=world.now)

    bridge.ledger.claim = once  # type: ignore[method-assign]


def lost_race(world: Memory) -> None:
    """Others park so many that this delivery's are not parked."""
    ahead = world.wiring.bridge.waiting.ahead
    park = ahead.park_until

    def once(*_: Any) -> None:
        ahead.park_until = park  # type: ignore[method-assign]
        raise Retryable("Too many instances park records.", 1.0)

    ahead.park_until = once  # type: ignore[method-assign]
