"""A next link of Campaign that it no longer takes: the read begins again where it began."""

from collections.abc import Callable

from shared.errors import BridgeError, Cause, Misconfigured, Retryable, TokenExpired


def followed[Result](read: Callable[[], Result], begin: str) -> Result:
    """What is read behind a next link of an earlier page.

    TokenExpired with `begin` where Campaign refuses the link; "": no link is followed.
    """
    try:
        return read()
    except BridgeError as error:
        if not begin or not refuses(error):
            raise
        raise TokenExpired(begin) from None


def refuses(error: BridgeError) -> bool:
    """Whether an answer may be about the link itself; neither throttling nor a right is."""
    if isinstance(error, Misconfigured):
        return error.setting in ("mapping", "filter")
    return not isinstance(error, Retryable) or error.cause is Cause.ANSWER
