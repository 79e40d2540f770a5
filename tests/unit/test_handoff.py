"""Envelopes: what goes in comes out, one partition each, and every message fits a Storage queue."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Rejected
from shared.handoff import MESSAGE_BYTES, envelopes, read_envelope
from shared.records import Change, Kind
from shared.state.ledger import ROWS_PER_TRANSACTION, bucket

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.text(), st.floats(allow_nan=False, allow_infinity=False)
)
CHANGES = st.builds(
    Change,
    record_id=st.uuids().map(str),
    kind=st.sampled_from(Kind),
    version=st.integers(0, 2**62),
    row=st.one_of(st.none(), st.dictionaries(st.text(), VALUES, max_size=5)),
    first_seen=st.floats(0, 2e9),
    attempts=st.integers(0, 100),
    replay=st.booleans(),
    uncertain=st.booleans(),
)


def read_all(changes: list[Change]) -> list[Change]:
    messages = [text for text, _ in envelopes("contacts", "contact", 3, changes)]
    read = [read_envelope(text.encode()) for text in messages]
    for envelope in read:
        assert {bucket(change.record_id) for change in envelope.changes} == {envelope.bucket}
        assert len(envelope.changes) <= ROWS_PER_TRANSACTION
    return [change for envelope in read for change in envelope.changes]


@given(st.lists(CHANGES, max_size=30, unique_by=lambda change: change.record_id))
def test_what_goes_in_comes_out(changes: list[Change]) -> None:
    assert {change.record_id: change for change in read_all(changes)} == {change.record_id: change for change in changes}


def test_of_two_changes_of_a_record_the_later_one_travels() -> None:
    first, second = (Change("00000000-0000-0000-0000-000000000001", Kind.ROW, version, {}) for version in (1, 2))
    assert read_all([first, second]) == [second]


def test_rows_that_do_not_fit_one_message_are_spread_and_one_that_fits_none_becomes_a_reference() -> None:
    noise = base64.b64encode(bytes(range(256)) * 40).decode()
    many = [Change(f"{n:08x}-0000-0000-0000-000000000000", Kind.ROW, 1, {"note": f"{n}{noise[n:]}"}) for n in range(300)]
    huge = Change("ffffffff-0000-0000-0000-000000000000", Kind.ROW, 7, {"note": json.dumps([hash(str(n)) for n in range(9000)])})
    messages = list(envelopes("contacts", "contact", 1, [*many, huge]))
    assert all(len(text) <= MESSAGE_BYTES for text, _ in messages)
    read = {change.record_id: change for change in read_all([*many, huge])}
    assert read[huge.record_id] == huge.as_reference()
    assert len(read) == 301


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"{}",
        b'{"v":2,"flow":"contacts","table":"contact","bucket":1,"mapping_version":1,"changes":""}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_envelope_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(Rejected):
        read_envelope(body)


def test_a_field_that_nobody_declared_is_refused() -> None:
    text, _ = next(envelopes("contacts", "contact", 1, [Change("00000000-0000-0000-0000-000000000001", Kind.DELETED)]))
    with pytest.raises(Rejected):
        read_envelope(json.dumps({**json.loads(text), "extra": 1}).encode())
