"""References to one record that meet are one, and nothing that was known of them is forgotten."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.records import Change, Kind
from shared.state.references import merged

NUMBERS = st.integers(0, 5)
CHANGES = st.builds(
    Change,
    st.sampled_from("ab"),
    st.just(Kind.REFERENCE),
    first_seen=st.floats(1, 9),
    attempts=NUMBERS,
    replay=st.booleans(),
    uncertain=st.booleans(),
    failing_since=st.sampled_from([0.0, 1.0, 2.0]),
    confirmed=NUMBERS,
    spared=NUMBERS,
    parent_leaves=st.booleans(),
)


@given(st.lists(CHANGES, min_size=1))
def test_what_is_known_of_any_is_known_of_all(changes: list[Change]) -> None:
    for one in merged(changes):
        all_ = [change for change in changes if change.record_id == one.record_id]
        assert one.uncertain == any(change.uncertain for change in all_)
        assert one.replay == any(change.replay for change in all_)
        assert one.parent_leaves == any(change.parent_leaves for change in all_)
        assert one.attempts == max(change.attempts for change in all_)
        assert one.first_seen == min(change.first_seen for change in all_)
        known = [change.failing_since for change in all_ if change.failing_since]
        assert one.failing_since == min(known, default=0.0)


@pytest.mark.parametrize(
    ("confirmed", "spared", "word"),
    [
        ([0, 3], [0, 0], (3, 0)),
        ([3, 0], [0, 0], (3, 0)),
        ([0, 0], [3, 0], (0, 3)),
        ([3, 0], [0, 3], (0, 3)),
        ([4, 0], [0, 3], (4, 0)),
        ([3, 0], [0, 4], (0, 4)),
    ],
)
def test_a_word_on_a_record_meets_what_has_none_or_another(
    confirmed: list[int], spared: list[int], word: tuple[int, int]
) -> None:
    """The newest document's word counts, and under one document the refusal."""
    pairs = zip(confirmed, spared, strict=True)
    [one] = merged(Change("a", Kind.REFERENCE, confirmed=c, spared=s) for c, s in pairs)
    assert (one.confirmed, one.spared) == word
