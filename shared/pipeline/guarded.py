"""The only broad except of the flows: what no error of ours names is a bug, and becomes a Bug."""

from collections.abc import Callable

from shared.errors import BridgeError, Bug, TokenExpired


def guarded[Result](work: Callable[[], Result]) -> Result:
    """The result of the work. Raises a Bug, without its words, for whatever no caller expects."""
    try:
        return work()
    except (BridgeError, TokenExpired, Bug):
        raise
    except Exception as error:  # noqa: BLE001  # our bug: who calls decides whom it may harm
        raise Bug(error) from None
