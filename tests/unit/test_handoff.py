"""Envelopes: what goes in comes out, one partition each, and every message fits a Storage queue."""

import base64
import json
import zlib
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact_json
from shared.errors import Rejected
from shared.records import Change, Kind
from shared.state.envelope import (
    MESSAGE_BYTES,
    envelopes,
    pack,
    read_changes,
    read_envelope,
    references_only,
)
from shared.state.ledger_rows import ROWS_PER_TRANSACTION, bucket

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.text(st.characters()),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.sampled_from([float("inf"), float("-inf")]),
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
    origin=st.sampled_from(["", "deliveryLogs_1.txt:3"]),
    sample=st.sampled_from(["", "a sample"]),
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
    assert {change.record_id: change for change in read_all(changes)} == {
        change.record_id: change for change in changes
    }


@pytest.mark.parametrize(
    "digits",
    ["922337203685477.5807", "99999999999.9999999999", "0.00001", "20000.0000", "1E+999999"],
)
def test_a_decimal_travels_with_its_own_digits(digits: str) -> None:
    (change,) = read_all(
        [Change("00000000-0000-0000-0000-000000000001", Kind.ROW, 1, {"amount": Decimal(digits)})]
    )
    assert change.row
    assert str(change.row["amount"]) == digits


@given(st.lists(CHANGES, min_size=1, max_size=5, unique_by=lambda change: change.record_id))
def test_a_message_without_rows_tells_of_the_same_records(changes: list[Change]) -> None:
    for text, _ in envelopes("contacts", "contact", 3, changes):
        before = read_envelope(text.encode())
        after = read_envelope(references_only(text.encode()).encode())
        assert after.changes == tuple(change.as_reference() for change in before.changes)
        assert (after.flow, after.bucket, after.mapping_version) == (
            before.flow,
            before.bucket,
            before.mapping_version,
        )


@pytest.mark.parametrize("body", [b"", b"no envelope", b'{"v": 2}'])
def test_a_message_that_is_no_envelope_stays_as_it_is(body: bytes) -> None:
    assert references_only(body) == body.decode()


def test_bytes_that_are_no_text_are_told_apart_without_an_error() -> None:
    assert references_only(b"\xff{}") == "\ufffd{}"


@pytest.mark.parametrize(
    "named",
    [
        {"attempts": 2**63},
        {"attempts": -1},
        {"version": 2**64},
        {"first_seen": 1e12},
        {"first_seen": -1.0},
    ],
)
def test_a_number_that_no_table_takes_is_no_envelope(named: dict[str, float]) -> None:
    with pytest.raises(Rejected):
        read_envelope(packed({"record_id": "1", "kind": "deleted", **named}))


def test_a_document_version_that_no_table_takes_is_no_envelope() -> None:
    with pytest.raises(Rejected):
        read_envelope(packed({"record_id": "1", "kind": "deleted"}, mapping_version=2**40))


def packed(change: dict[str, object], mapping_version: int = 1) -> bytes:
    changes = base64.b64encode(zlib.compress(json.dumps([change]).encode())).decode()
    named = {
        "v": 1,
        "flow": "t",
        "table": "t",
        "bucket": 1,
        "mapping_version": mapping_version,
        "changes": changes,
    }
    return json.dumps(named).encode()


def test_what_is_empty_takes_no_room() -> None:
    assert exact_json.read(
        zlib.decompress(base64.b64decode(pack([Change("1", Kind.REFERENCE)])))
    ) == [{"record_id": "1", "kind": "reference"}]


@pytest.mark.parametrize("row", ["a text", 5, True, ["a list"]], ids=repr)
def test_a_row_that_is_no_object_is_refused(row: object) -> None:
    with pytest.raises(ValueError):
        read_changes(exact_json.carried([{"record_id": "1", "kind": "row", "row": row}]))


def test_a_message_that_names_a_record_twice_is_read_as_its_later_change() -> None:
    """None of ours does; no transaction takes a row twice, so it would be poison with all its
    neighbours.
    """
    changes = [
        Change("1", Kind.ROW, 1, {"a": 1}),
        Change("2", Kind.DELETED),
        Change("1", Kind.ROW, 2, {"a": 2}),
    ]
    listed = [
        {"record_id": c.record_id, "kind": c.kind, "version": c.version, "row": c.row}
        for c in changes
    ]
    body = {
        "v": 1,
        "flow": "contacts",
        "table": "contact",
        "bucket": 1,
        "mapping_version": 1,
        "changes": listed,
    }
    read = read_envelope(exact_json.carried(body)).changes
    assert [(change.record_id, change.version) for change in read] == [("1", 2), ("2", 0)]


def test_of_two_changes_of_a_record_the_later_one_travels() -> None:
    first, second = (
        Change("00000000-0000-0000-0000-000000000001", Kind.ROW, version, {}) for version in (1, 2)
    )
    assert read_all([first, second]) == [second]


def test_rows_too_many_for_a_message_are_spread_and_one_too_large_becomes_a_reference() -> None:
    noise = base64.b64encode(bytes(range(256)) * 40).decode()
    many = [
        Change(f"{n:08x}-0000-0000-0000-000000000000", Kind.ROW, 1, {"note": f"{n}{noise[n:]}"})
        for n in range(300)
    ]
    huge = Change(
        "ffffffff-0000-0000-0000-000000000000",
        Kind.ROW,
        7,
        {"note": json.dumps([hash(str(n)) for n in range(9000)])},
    )
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
    text, _ = next(
        envelopes(
            "contacts", "contact", 1, [Change("00000000-0000-0000-0000-000000000001", Kind.DELETED)]
        )
    )
    with pytest.raises(Rejected):
        read_envelope(json.dumps({**json.loads(text), "extra": 1}).encode())


def change_with(value: object, number: int = 1) -> Change:
    return Change(f"{number:08x}-0000-0000-0000-000000000000", Kind.ROW, 3, {"firstname": value})


DEEP: list[object] = []
for _ in range(100_000):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param("Jane \ud83d", id="a high surrogate alone"),
        pytest.param("\ude00 Jane", id="a low surrogate alone"),
        pytest.param("Jane \x00", id="NUL"),
        pytest.param("\U0001f600", id="a whole pair"),
        pytest.param(float("inf"), id="infinity"),
        pytest.param(10**400, id="a number of 400 digits"),
        pytest.param([[["a"]]], id="nested"),
    ],
)
def test_a_value_of_any_form_travels_and_harms_no_neighbour(value: object) -> None:
    changes = [change_with(value), *(change_with("Ana", number) for number in range(2, 50))]
    assert {change.record_id: change for change in read_all(changes)} == {
        change.record_id: change for change in changes
    }


@pytest.mark.parametrize(
    "value", [pytest.param(10**5000, id="5,000 digits"), pytest.param(DEEP, id="100,000 levels")]
)
def test_a_row_that_no_message_can_carry_becomes_a_reference(value: object) -> None:
    changes = [change_with(value), *(change_with("Ana", number) for number in range(2, 50))]
    read = {change.record_id: change for change in read_all(changes)}
    assert read[changes[0].record_id] == changes[0].as_reference()
    assert [read[change.record_id] for change in changes[1:]] == changes[1:]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(10**5000, id="no form"),
        pytest.param([hash(str(n)) for n in range(9000)], id="size"),
    ],
)
def test_an_event_that_no_message_can_carry_becomes_a_fault(value: object) -> None:
    changes = [change_with(value), change_with("Ana", 2)]
    messages = [text for text, _ in envelopes("email_events", "files", 1, changes, together=400)]
    read = {
        change.record_id: change
        for text in messages
        for change in read_envelope(text.encode()).changes
    }
    assert (read[changes[0].record_id].row or {})["fault"]["rule"] == "too_large"
    assert read[changes[1].record_id] == changes[1]
