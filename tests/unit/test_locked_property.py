"""Parts that are built at first use: one that asks a slow system holds up no other."""

import threading
from concurrent.futures import ThreadPoolExecutor

from shared.locked_property import locked_cached_property

SECONDS = 10.0


class Parts:
    def __init__(self) -> None:
        self.built, self.asked, self.answered = list[str](), threading.Event(), threading.Event()

    @locked_cached_property
    def slow(self) -> str:
        self.built.append("slow")
        self.asked.set()
        assert self.answered.wait(SECONDS)
        return "slow"

    @locked_cached_property
    def quick(self) -> str:
        self.built.append("quick")
        return "quick"


def test_a_slow_part_holds_up_no_other_and_is_built_once() -> None:
    parts = Parts()
    with ThreadPoolExecutor(3) as pool:
        slow = [pool.submit(lambda: parts.slow) for _ in range(2)]
        assert parts.asked.wait(SECONDS)
        assert pool.submit(lambda: parts.quick).result(SECONDS) == "quick"
        parts.answered.set()
        assert [one.result(SECONDS) for one in slow] == ["slow", "slow"]
    assert parts.built == ["slow", "quick"]
