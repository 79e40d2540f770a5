"""Every act that goes over a plan page, by its code: what is not named here is not done there."""

from collections.abc import Mapping

from shared.console.acts.cancel import CANCEL
from shared.console.acts.files import PUT_BACK
from shared.console.acts.letters import DISCARDING, REPLAY
from shared.console.acts.mapping import BACK, IN_FORCE
from shared.console.acts.poll import POLL
from shared.console.acts.replay import REPLAY_ALL, REPLAY_CHANGED, SEND_AGAIN
from shared.console.acts.start import START
from shared.console.acts.stop import STOP
from shared.console.plans import PlanKind

ACTS = (
    *(START, STOP, POLL, REPLAY, DISCARDING, SEND_AGAIN, REPLAY_ALL, CANCEL, IN_FORCE, BACK),
    *(PUT_BACK, REPLAY_CHANGED),
)
KINDS: Mapping[str, PlanKind] = {kind.code: kind for kind in ACTS}
