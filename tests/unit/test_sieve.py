"""The sieve never says of an id that was written that it was not, whatever else it holds and
however often it is stored.
"""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from shared.state.sieve import FEWEST, MOST, Sieve

IDS = st.sets(st.uuids().map(str), max_size=300)


@given(IDS, IDS)
def test_what_was_written_is_perhaps_there(first: set[str], second: set[str]) -> None:
    sieve = Sieve.of(len(first), first)
    again = Sieve.read(sieve.written())
    again.add(second)
    assert all(record_id in again for record_id in first | second)


def test_of_what_was_not_written_one_in_a_hundred_seems_to_be_there() -> None:
    sieve = Sieve.of(0, (str(uuid.UUID(int=number)) for number in range(FEWEST)))
    wrong = sum(str(uuid.UUID(int=number)) in sieve for number in range(10_000, 20_000))
    assert 0 < wrong < 200


def test_it_is_too_small_when_it_holds_more_than_it_was_made_for_and_fits_a_property_of_a_row() -> (
    None
):
    assert Sieve.of(0, ()).takes(FEWEST)
    assert not Sieve.of(0, ()).takes(FEWEST + 10)
    assert Sieve.of(FEWEST, ()).takes(2 * FEWEST)
    assert Sieve.of(10 * MOST, ()).takes(10 * MOST)
    assert len(Sieve.of(10 * MOST, ()).written()) < 64 * 1024
