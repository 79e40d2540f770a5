"""Which files of one name are the same file."""

import pytest

from shared.file_samples import is_same_file, sample

ROWS = [[str(number), "a", "b"] for number in range(50)]
KEYS = [str(number) for number in range(50)]
BEFORE = sample(1000, 5.0, ROWS, KEYS)


@pytest.mark.parametrize(
    ("now", "same"),
    [
        (sample(1000, 5.0, [], []), True),
        (sample(1200, 9.0, [*ROWS, ["50", "a", "b"]], []), True),
        (sample(1200, 9.0, [], [*KEYS, "50"]), True),
        (sample(1000, 6.0, [["x", *row] for row in ROWS], ["9" + key for key in KEYS]), False),
        (sample(1200, 9.0, ROWS[:5], KEYS[:5]), False),
        ("", False),
    ],
    ids=["size and time", "its rows", "its ids", "others", "a few of its rows", "not told"],
)
def test_a_file_is_known_by_what_it_holds(now: str, same: bool) -> None:
    assert is_same_file(BEFORE, now) is same


def test_in_doubt_it_is_another_one() -> None:
    assert not is_same_file(sample(1000, 0.0, [], []), sample(1000, 0.0, [], []))
    assert not is_same_file("", "")
    assert not is_same_file("", BEFORE)
