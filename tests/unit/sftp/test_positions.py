"""Where the reader of exports is, as a link: it fits a table's column whatever files are called."""

import json

import pytest

from shared.sftp.client import RemoteFile
from shared.sftp.exports.positions import MOST_WAITING, REFUSED, Saved

COLUMN_CHARACTERS = 32_768  # Microsoft Learn: Understanding the Table service data model
SAMPLE = "123456789@1796000000;" + ";".join([",".join(["abcdef01"] * 8)] * 2)
LONG_NAMES = ["x" * 240, "é" * 120, "田" * 80, "\U0001f600" * 60, '"' * 240]


def waiting(name: str, ended: str = "processed") -> Saved:
    """As many files of such names as may wait, and one that is read."""
    saved = Saved()
    for number in range(1000):
        if saved.is_full():
            break
        saved.begin(
            RemoteFile(f"{number:04d}{name}.txt", 123_456_789, 1796000000.0), 1796000000.123456
        )
        saved.position.line, saved.position.ended, saved.position.ended_at = (
            12_345_678,
            ended,
            1796000000.123456,
        )
        saved.position.sample = SAMPLE
        saved.set_aside()
        if ended == REFUSED and number > 2 * MOST_WAITING:
            break
    return saved


@pytest.mark.parametrize(
    "name",
    LONG_NAMES,
    ids=["long", "accents", "letters of three bytes", "emoji", "quotation marks"],
)
def test_a_link_fits_its_column_whatever_files_are_called(name: str) -> None:
    saved = waiting(name)
    assert len(saved.waiting) > 10
    saved.begin(RemoteFile(f"9999{name}.txt", 1, 1.0), 1.0)
    saved.position.sample = SAMPLE
    assert (
        len(json.dumps({"position": saved.text(), "file_at": 1796000000.123456}))
        < COLUMN_CHARACTERS
    )
    assert Saved.read(saved.text()) == saved


def test_files_of_common_names_wait_together() -> None:
    assert len(waiting("deliveryLogs_20260131_080000").waiting) == MOST_WAITING


@pytest.mark.parametrize("name", ["short", *LONG_NAMES])
def test_those_that_were_refused_give_way(name: str) -> None:
    saved = waiting(name, REFUSED)
    assert not saved.is_full()
    assert saved.waiting[-1].file.startswith("0121")


@pytest.mark.parametrize("key", ["reported", "told"])
def test_a_refused_file_of_the_version_before_is_not_reported_twice(key: str) -> None:
    link = json.dumps(
        {"file": "a.txt", "waiting": [{"file": "b.txt", "ended": REFUSED, key: True}]}
    )
    assert Saved.read(link).waiting[0].reported
