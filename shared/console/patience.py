"""Parts of a page, worked on side by side, and waited for no longer than a reader waits.

A part that fails, or comes too late, is missing: the page is shown without it and says so. Its work
ends soon after by its own limits, and what it has learned by then serves the next page.
"""

import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cache

from shared.deadlines import within
from shared.errors import BridgeError
from shared.threads import ThreadPool

PART_SECONDS = 2.4
"""Within the three seconds in which a page answers."""

WORK_END_SECONDS = 5.0
"""How long work that comes too late may last beyond its limit."""

LATE = "part_late"


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that is not shown. `code` names a sentence (shared/console/sentences.py), which is
    given `cause`; `part` names what is missing.
    """

    part: str
    code: str
    cause: str = ""


@cache
def pool() -> ThreadPool:
    """Of this process. A system that does not answer holds a thread for seconds, not for ever."""
    return ThreadPool(24, "console")


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


def ask[T](part: str, work: Callable[[], T], seconds: float = PART_SECONDS) -> Asked[T]:
    """Begins a part. `part` is shown: it names a system or what is looked at."""

    def bounded() -> T:
        with within(seconds, end_seconds=seconds + WORK_END_SECONDS):
            return work()

    return Asked(part, pool().submit(bounded), time.monotonic() + seconds)
