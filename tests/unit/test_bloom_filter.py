"""The Bloom filter never says of an id that was written that it was not, whatever else it holds and
however often it is stored.
"""

import uuid

from hypothesis import given
from hypothesis import strategies as st

from shared.state.bloom_filter import FEWEST, MOST, BloomFilter

IDS = st.sets(st.uuids().map(str), max_size=300)


@given(IDS, IDS)
def test_what_was_written_is_perhaps_there(first: set[str], second: set[str]) -> None:
    bloom_filter = BloomFilter.of(len(first), first)
    again = BloomFilter.read(bloom_filter.written())
    again.add(second)
    assert all(record_id in again for record_id in first | second)


def test_of_what_was_not_written_one_in_a_hundred_seems_to_be_there() -> None:
    bloom_filter = BloomFilter.of(0, (str(uuid.UUID(int=number)) for number in range(FEWEST)))
    wrong = sum(str(uuid.UUID(int=number)) in bloom_filter for number in range(10_000, 20_000))
    assert 0 < wrong < 200


def test_it_is_too_small_when_it_holds_more_than_it_was_made_for_and_fits_a_property_of_a_row() -> (
    None
):
    assert BloomFilter.of(0, ()).has_capacity(FEWEST)
    assert not BloomFilter.of(0, ()).has_capacity(FEWEST + 10)
    assert BloomFilter.of(FEWEST, ()).has_capacity(2 * FEWEST)
    assert BloomFilter.of(10 * MOST, ()).has_capacity(10 * MOST)
    assert len(BloomFilter.of(10 * MOST, ()).written()) < 64 * 1024
