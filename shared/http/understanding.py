"""Where a system's answer is taken apart: what has another form than the vendor documents is asked
for again, never a crash.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal

from shared.errors import Retryable

OTHER_FORM = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
LARGEST = 2**63


@contextmanager
def understood(what: str) -> Iterator[None]:
    """Retryable where the answer to `what` lacks what is read of it, or has it in another form.

    For reading forms only.
    """
    try:
        yield
    except OTHER_FORM:
        raise Retryable(
            f"The answer to {what} has another form than it should have; it is asked for again."
        ) from None


def whole(value: object) -> int:
    """A whole number of 64 bits, as JSON has it; ValueError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("no number")
    if not -LARGEST <= value < LARGEST or value != int(value):
        raise ValueError("no whole number of 64 bits")
    return int(value)


def named(value: object) -> str:
    """A text that is not empty, as names are; ValueError for anything else."""
    if not isinstance(value, str) or not value:
        raise ValueError("no name")
    return value
