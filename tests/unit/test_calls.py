"""Calls are counted by whoever asked for the work, exactly, however it ends."""

from threading import Barrier

import pytest

from shared.calls import called, counting
from shared.threads import ThreadPool


def test_calls_are_counted_by_name() -> None:
    with counting() as calls:
        called("PATCH")
        called("POST")
        called("PATCH")
    called("PATCH")
    assert calls == {"PATCH": 2, "POST": 1}


def test_what_fails_has_been_counted() -> None:
    with pytest.raises(ValueError, match="refused"), counting() as calls:
        called("PATCH")
        raise ValueError("refused")
    assert calls == {"PATCH": 1}


def test_a_block_within_keeps_its_calls_to_itself() -> None:
    with counting() as outer:
        called("PATCH")
        with counting() as inner:
            called("GET")
        called("PATCH")
    assert (outer, inner) == ({"PATCH": 2}, {"GET": 1})


def test_works_side_by_side_count_their_own() -> None:
    together = Barrier(4, timeout=10)

    def work(number: int) -> int:
        with counting() as calls:
            for _ in range(number):
                together.wait()
                called("PATCH")
        return calls["PATCH"]

    with ThreadPool(4, "work") as pool:
        assert list(pool.map(work, [3] * 4)) == [3] * 4
