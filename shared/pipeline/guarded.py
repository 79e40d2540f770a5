"""The only broad except of the flows and of the console: what no error of ours names is a bug, and
becomes a Bug.
"""

from collections.abc import Callable

from shared.errors import BridgeError, Bug, TokenExpired


def guarded[Result](work: Callable[[], Result], *expected: type[Exception]) -> Result:
    """The result of the work. Raises a Bug, without its words, for whatever no caller expects:
    `expected` are errors beside our own.
    """
    known: tuple[type[Exception], ...] = (BridgeError, TokenExpired, Bug, *expected)
    try:
        return work()
    except known:
        raise
    except Exception as error:  # noqa: BLE001  # our bug: who calls decides whom it may harm
        raise Bug(error) from None
