"""Every act that goes over a plan page, by its code: what is not named here is not done there."""

from collections.abc import Mapping

from shared.console.acts.stop import STOP
from shared.console.plans import PlanKind

KINDS: Mapping[str, PlanKind] = {kind.code: kind for kind in (STOP,)}
