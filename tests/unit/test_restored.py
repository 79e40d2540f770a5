"""A source that was restored, and what was read of it before that."""

import pytest

from shared.errors import Contended
from shared.pipeline.deliver import DELAYED_SECONDS, check_still_true
from shared.pipeline.replay import order_all
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
