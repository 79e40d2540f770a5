"""Nothing is asked of a system under a lock that others need: who waits for it, waits alone."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from azure.data.tables import TableEntity

from shared.dataverse.batch import BatchWriter, WritableTable
from shared.locked_property import locked_cached_property
from shared.state.flows import Flows
from shared.threads import ThreadPool

PATIENCE = 20.0


class Slow:
    """Holds up who asks for "slow", until it is let go."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()
        self.count = 0

    def answer(self, name: str) -> str:
        self.count += 1
        if name == "slow":
            self.asked.set()
            assert self.go.wait(PATIENCE)
        return name


def writer(slow: Slow) -> Callable[[str], object]:
    class Defined(BatchWriter):
        def defined(self, name: str) -> WritableTable:
            return WritableTable(slow.answer(name), "", frozenset(), {}, False)

    return Defined(None).table  # type: ignore[arg-type]


def flows(slow: Slow) -> Callable[[str], object]:
    class Table:
        def get_entity(self, _: str, name: str) -> dict[str, Any]:
            found = TableEntity(RowKey=slow.answer(name))
            found._metadata = {"etag": "1"}
            return found

    return Flows(Table(), lambda: 1000.0).state  # type: ignore[arg-type]


def properties(slow: Slow) -> Callable[[str], object]:
    class Owner:
        @locked_cached_property
        def slow(self) -> str:
            return slow.answer("slow")

        @locked_cached_property
        def fast(self) -> str:
            return slow.answer("fast")

    owner = Owner()
    return lambda name: getattr(owner, name)


@pytest.mark.parametrize("kind", [writer, flows, properties])
def test_who_asks_for_something_else_does_not_wait(
    kind: Callable[[Slow], Callable[[str], object]],
) -> None:
    slow = Slow()
    ask = kind(slow)
    with ThreadPool(2, "asks") as pool:
        waiting = pool.submit(ask, "slow")
        assert slow.asked.wait(PATIENCE)
        try:
            assert pool.submit(ask, "fast").result(PATIENCE) is not None
        finally:
            slow.go.set()
        assert waiting.result(PATIENCE) is not None


@pytest.mark.parametrize("kind", [writer, flows, properties])
def test_many_who_ask_for_the_same_ask_once(
    kind: Callable[[Slow], Callable[[str], object]],
) -> None:
    slow = Slow()
    ask = kind(slow)
    with ThreadPool(4, "asks") as pool:
        first = pool.submit(ask, "slow")
        assert slow.asked.wait(PATIENCE)
        others = [pool.submit(ask, "slow") for _ in range(3)]
        slow.go.set()
        assert {id(one.result(PATIENCE)) for one in (first, *others)} == {id(first.result())}
    assert slow.count == 1


def test_a_definition_that_was_asked_for_before_forget_is_not_kept() -> None:
    slow = Slow()
    table = writer(slow)
    owner: BatchWriter = table.__self__  # type: ignore[attr-defined]
    with ThreadPool(1, "asks") as pool:
        waiting = pool.submit(table, "slow")
        assert slow.asked.wait(PATIENCE)
        owner.forget()
        slow.go.set()
        waiting.result(PATIENCE)
    assert owner.tables == {}
