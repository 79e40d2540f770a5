"""A new version reads what every released version has left on the queues (docs/upgrade.md)."""

import json
from pathlib import Path

import pytest

from shared.records import Change, Kind
from shared.state.envelope import Envelope, envelopes, read_envelope

RECORDED = Path(__file__).parents[1] / "fixtures" / "upgrade"
VERSIONS = sorted(RECORDED.glob("envelopes-v*.jsonl"))
IDS = [f"00000000-0000-4000-8000-{number:012d}" for number in range(1, 7)]


@pytest.mark.parametrize("file", VERSIONS, ids=lambda file: file.stem)
def test_every_message_of_a_released_version_is_read(file: Path) -> None:
    read = [read_envelope(line.encode()) for line in file.read_text("utf-8").splitlines()]
    assert {change.record_id for envelope in read for change in envelope.changes} == set(IDS)


def test_nothing_of_version_1_is_lost() -> None:
    lines = (RECORDED / "envelopes-v1.jsonl").read_text("utf-8").splitlines()
    read = [read_envelope(line.encode()) for line in lines]
    changes = {change.record_id: change for envelope in read for change in envelope.changes}
    assert [(e.flow, e.table, e.mapping_version) for e in read] == [
        *[("contacts", "contact", 3)] * 4,
        ("custom_entities-acs_vehicle", "acs_vehicle", 1),
        ("email_events", "", 0),
    ]
    first = changes[IDS[0]]
    assert (first.kind, first.version, first.first_seen) == (Kind.ROW, 1234567, 1760000000.5)
    assert first.row
    assert (
        first.row["firstname"],
        first.row["gendercode"],
        first.row["donotphone"],
        first.row["fax"],
    ) == ("Ana", 2, True, None)
    assert changes[IDS[1]] == Change(IDS[1], Kind.DELETED, first_seen=1760000001.0, attempts=3)
    assert changes[IDS[2]] == Change(IDS[2], Kind.REFERENCE, first_seen=1760000002.25, replay=True)
    assert changes[IDS[3]] == Change(
        IDS[3], Kind.ROW, 99, changes[IDS[3]].row, 1760000003.0, 2, False, True
    )


def test_the_version_that_is_written_now_has_been_recorded() -> None:
    """Who changes the envelope records it: else nothing would hold the next version to reading
    it.
    """
    text, _ = next(envelopes("contacts", "contact", 1, [Change(IDS[0], Kind.DELETED)]))
    assert f"envelopes-v{json.loads(text)['v']}" in {file.stem for file in VERSIONS}
    recorded = json.loads(VERSIONS[-1].read_text("utf-8").splitlines()[0])
    assert set(recorded) == set(Envelope.model_fields)
