"""The Bloom filter never says of an id that was written that it was not, whatever else it holds and
however often it is stored.
"""

import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.state.bloom_filter import FEWEST, MOST, BloomFilter

IDS = st.sets(st.uuids().map(str), max_size=300)


def stored(bloom_filter: BloomFilter) -> BloomFilter:
    found = BloomFilter.read({"PartitionKey": "p", **bloom_filter.properties()})
    assert found
    return found


@given(IDS, IDS)
def test_what_was_written_is_perhaps_there(first: set[str], second: set[str]) -> None:
    bloom_filter = BloomFilter.of(len(first), first)
    again = stored(bloom_filter)
    again.add(second)
    assert all(record_id in again for record_id in first | second)


def test_of_what_was_not_written_one_in_a_hundred_seems_to_be_there() -> None:
    bloom_filter = BloomFilter.of(0, (str(uuid.UUID(int=number)) for number in range(FEWEST)))
    wrong = sum(str(uuid.UUID(int=number)) in bloom_filter for number in range(10_000, 20_000))
    assert 0 < wrong < 200


def test_it_is_too_small_when_it_holds_more_than_it_was_made_for() -> None:
    assert BloomFilter.of(0, ()).has_capacity(FEWEST)
    assert not BloomFilter.of(0, ()).has_capacity(FEWEST + 10)
    assert BloomFilter.of(FEWEST, ()).has_capacity(2 * FEWEST)
    assert BloomFilter.of(10 * MOST, ()).has_capacity(10 * MOST)


@pytest.mark.parametrize("rows", [0, 24_000, 26_000, 100_000, 10 * MOST])
def test_it_fits_into_properties_of_a_row_whatever_it_holds(rows: int) -> None:
    properties = BloomFilter.of(rows, ()).properties()
    assert max(map(len, properties.values())) < 64 * 1024
    assert sum(map(len, properties.values())) < 512 * 1024
    assert ("sieve" in properties) == (len(properties) == 1)


@pytest.mark.parametrize("rows", [1_000, 100_000, MOST])
def test_of_millions_of_records_too_one_in_a_hundred_seems_to_be_there(rows: int) -> None:
    filled = BloomFilter.of(rows // 2, map(str, range(rows)))
    assert filled.has_capacity(rows)
    again = stored(filled)
    assert all(str(number) in again for number in range(0, rows, 97))
    wrong = sum(str(number) in again for number in range(rows, rows + 10_000))
    assert 0 < wrong < 200


def test_a_header_without_one_has_none() -> None:
    assert BloomFilter.read({"PartitionKey": "p", "sieve": b""}) is None
