"""Parts of a page, worked on side by side, and waited for no longer than a reader waits.

A part that fails, or comes too late, is missing: the page is shown without it and says so. Its work
ends soon after by its own limits, and what it has learned by then serves the next page.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from math import inf

from shared.console.refusals import Refusal
from shared.deadlines import within
from shared.errors import BridgeError
from shared.threads import ThreadPool

PAGE_SECONDS = 2.9
"""A page answers within three."""

PART_SECONDS = 2.4
"""Less where the page that asks has less left."""

DRAWING_SECONDS = 0.2
"""Between the last part and the end of its page."""

WORK_END_SECONDS = 5.0
"""How long work that comes too late may last beyond its limit."""

LATE = "part_late"
_UNTIL: ContextVar[float] = ContextVar("until", default=inf)
"""Until when the page that a thread works for waits, on the monotonic clock."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that is not shown. `code` names a sentence (shared/console/sentences.py), which is
    given `cause`; `part` names what is missing.
    """

    part: str
    code: str
    cause: str = ""


@cache
def pool(name: str) -> ThreadPool:
    """Of this process, one for pages and one for parts: pages that wait keep no part waiting.

    A system that does not answer holds a thread for seconds, not for ever.
    """
    return ThreadPool(24, f"console-{name}")


def page_in_time[T](work: Callable[[], T], seconds: float, late: str = "page_late") -> T:
    """A page as a whole, or what it cannot be without. Refusal 503 where it is late, with the
    sentence `late`: for a page it is the storage account, which all pages need.
    """
    until = time.monotonic() + seconds

    def bounded() -> T:
        _UNTIL.set(until - DRAWING_SECONDS)
        with within(seconds, end_seconds=seconds + WORK_END_SECONDS):
            return work()

    future = pool("pages").submit(bounded)
    try:
        return future.result(seconds)
    except TimeoutError:
        future.cancel()
        raise Refusal(503, late) from None


class Asked[T]:
    """One part under way."""

    def __init__(self, part: str, future: "Future[T]", until: float) -> None:
        self.part, self.future, self.until = part, future, until

    def result(self) -> T | Missing:
        """What the part found, within its time; a bug is raised as it is."""
        try:
            return self.future.result(max(0.0, self.until - time.monotonic()))
        except TimeoutError:
            self.future.cancel()
            return Missing(self.part, LATE)
        except BridgeError as error:
            return Missing(self.part, "part_failed", str(error))


def ask[T](part: str, work: Callable[[], T], seconds: float | None = None) -> Asked[T]:
    """Begins a part. `part` is shown: it names a system or what is looked at.

    `seconds`: how long it is waited for; None: PART_SECONDS.
    """
    limit = PART_SECONDS if seconds is None else seconds

    def bounded() -> T:
        with within(limit, end_seconds=limit + WORK_END_SECONDS):
            return work()

    until = min(time.monotonic() + limit, _UNTIL.get())
    return Asked(part, pool("parts").submit(bounded), until)
