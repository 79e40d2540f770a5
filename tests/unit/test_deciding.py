"""The table of decisions, row by row; and that no order of deliveries leaves an older version
behind.
"""

import json
from dataclasses import replace
from decimal import Decimal
from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.entities.deciding import decide_deletion, decide_row, fingerprint_of
from shared.mapping import Altered, Filtered, Mapped
from shared.pipeline.decision import Act
from shared.records import Change, Kind, Outcome
from shared.state.ledger_rows import LedgerRow

KEY = b"k" * 32
ID = "00000000-0000-0000-0000-000000000001"
MAPPED = Mapped(ID, {"externalId": ID, "firstName": "Ana"}, {"firstName": "Ana"}, ())
PRINT = fingerprint_of(MAPPED.update, KEY)


def change(version: int = 5, kind: Kind = Kind.ROW, **values: object) -> Change:
    """Seen after any row that has no time of its own."""
    values = {"first_seen": 1.0, **values}
    return Change(ID, kind, version, {"firstname": "Ana"}, **values)  # type: ignore[arg-type]


def row(**values: object) -> LedgerRow:
    return LedgerRow(ID, **values)  # type: ignore[arg-type]


WRITTEN = {"version": 5, "exists": True, "fingerprint": PRINT, "outcome": "created"}
DOUBT = {"doubt_until": 1000.0}
TOMBSTONE = {"version": 5, "deleted": True, "outcome": "deleted"}
FILTER_NO = Filtered(ID, "statecode eq 0")


@pytest.mark.parametrize(
    ("the_change", "the_row", "act", "known"),
    [
        pytest.param(change(), None, Act.SAVE, False, id="never seen: create"),
        pytest.param(change(attempts=1), None, Act.SAVE, None, id="tried before: look first"),
        pytest.param(
            change(uncertain=True), None, Act.SAVE, None, id="perhaps written: look first"
        ),
        pytest.param(
            change(6),
            row(version=5, exists=True, fingerprint="x", outcome="created"),
            Act.SAVE,
            True,
            id="changed: update",
        ),
        pytest.param(
            change(6),
            row(**WRITTEN),
            Act.NOTHING,
            None,
            id="newer version of equal content: no call",
        ),
        pytest.param(
            change(uncertain=True),
            row(**WRITTEN),
            Act.SAVE,
            True,
            id="cut off before: written again",
        ),
        pytest.param(
            change(), row(**WRITTEN, **DOUBT), Act.SAVE, True, id="in doubt: written again"
        ),
        pytest.param(
            change(6, Kind.REFERENCE),
            row(**TOMBSTONE, **DOUBT),
            Act.SAVE,
            None,
            id="in doubt after a deletion: look first",
        ),
        pytest.param(
            change(replay=True), row(**WRITTEN), Act.SAVE, True, id="replay writes what is equal"
        ),
        pytest.param(
            change(),
            row(version=5, exists=True, fingerprint=PRINT, outcome="waiting"),
            Act.SAVE,
            True,
            id="unfinished",
        ),
        pytest.param(
            change(),
            row(version=5, outcome="rejected"),
            Act.SAVE,
            None,
            id="rejected before: look first",
        ),
        pytest.param(
            change(6),
            row(**TOMBSTONE),
            Act.LOOK,
            None,
            id="a row on a tombstone: look at the source",
        ),
        pytest.param(
            change(6, Kind.REFERENCE),
            row(**TOMBSTONE),
            Act.SAVE,
            False,
            id="seen alive after its tombstone",
        ),
    ],
)
def test_a_row_is(
    the_change: Change, the_row: LedgerRow | None, act: Act, known: bool | None
) -> None:
    decision = decide_row(the_change, MAPPED, the_row, False, KEY)
    assert (decision.act, decision.known) == (act, known)


def test_equal_content_of_a_lower_version_is_noted_for_the_source_was_restored() -> None:
    decision = decide_row(change(3, Kind.REFERENCE), MAPPED, row(**WRITTEN), False, KEY)
    assert (decision.act, decision.note) == (Act.NOTHING, True)


@pytest.mark.parametrize(
    ("first_seen", "act"),
    [
        pytest.param(100.0, Act.LOOK, id="read before the other was settled: look at the source"),
        pytest.param(300.0, Act.SAVE, id="read since, such as for another mapping: write"),
    ],
)
def test_another_content_of_the_settled_version_may_be_from_before_a_restore(
    first_seen: float, act: Act
) -> None:
    settled = row(version=5, exists=True, fingerprint="x", outcome="updated", settled_at=200.0)
    assert decide_row(change(5, first_seen=first_seen), MAPPED, settled, False, KEY).act is act


@pytest.mark.parametrize(
    ("first_seen", "act"),
    [
        pytest.param(100.0, Act.LOOK, id="seen before what is settled: ask the source"),
        pytest.param(200.0, Act.LOOK, id="seen in the same moment: ask the source"),
        pytest.param(300.0, Act.SAVE, id="seen afterwards: write"),
    ],
)
def test_a_higher_version_that_was_seen_earlier_may_be_from_before_a_restore(
    first_seen: float, act: Act
) -> None:
    settled = row(version=5, exists=True, fingerprint="x", outcome="updated", first_seen=200.0)
    decision = decide_row(change(7, first_seen=first_seen), MAPPED, settled, False, KEY)
    assert decision.act is act


def test_equal_content_of_a_newer_version_is_noted_so_that_versions_between_are_stale() -> None:
    assert decide_row(change(6), MAPPED, row(**WRITTEN), False, KEY).note
    assert not decide_row(change(5), MAPPED, row(**WRITTEN), False, KEY).note


@pytest.mark.parametrize(
    ("the_row", "delete_filtered", "act"),
    [
        pytest.param(None, True, Act.NOTHING, id="never written"),
        pytest.param(row(**WRITTEN), False, Act.NOTHING, id="kept"),
        pytest.param(row(**WRITTEN), True, Act.DELETE, id="deleted"),
        pytest.param(
            row(version=5, outcome="waiting", **DOUBT), True, Act.DELETE, id="perhaps created"
        ),
        pytest.param(
            row(version=5, outcome="filtered", **DOUBT), True, Act.DELETE, id="perhaps back"
        ),
        pytest.param(row(**WRITTEN, **DOUBT), False, Act.NOTHING, id="in doubt and kept"),
    ],
)
def test_a_filtered_row_is(the_row: LedgerRow | None, delete_filtered: bool, act: Act) -> None:
    decision = decide_row(change(6), FILTER_NO, the_row, delete_filtered, KEY)
    assert (decision.act, decision.outcome, decision.reason) == (
        act,
        Outcome.FILTERED,
        "statecode eq 0",
    )


@pytest.mark.parametrize(
    ("the_row", "apply", "uncertain", "act", "outcome"),
    [
        pytest.param(
            None,
            True,
            False,
            Act.NOTHING,
            Outcome.DELETED,
            id="created and deleted between two polls",
        ),
        pytest.param(None, True, True, Act.DELETE, Outcome.DELETED, id="perhaps written"),
        pytest.param(row(**WRITTEN), True, False, Act.DELETE, Outcome.DELETED, id="written"),
        pytest.param(
            row(version=5, outcome="waiting"),
            True,
            False,
            Act.DELETE,
            Outcome.DELETED,
            id="on its way",
        ),
        pytest.param(
            row(**TOMBSTONE), True, False, Act.NOTHING, Outcome.DELETED, id="deleted twice"
        ),
        pytest.param(
            row(**TOMBSTONE, **DOUBT), True, False, Act.DELETE, Outcome.DELETED, id="perhaps back"
        ),
        pytest.param(
            row(version=5, outcome="filtered", **DOUBT),
            True,
            False,
            Act.DELETE,
            Outcome.DELETED,
            id="perhaps created, then filtered out",
        ),
        pytest.param(
            row(**WRITTEN), False, False, Act.NOTHING, Outcome.FILTERED, id="deletions ignored"
        ),
    ],
)
def test_a_deletion_is(
    the_row: LedgerRow | None, apply: bool, uncertain: bool, act: Act, outcome: Outcome
) -> None:
    decision = decide_deletion(change(0, Kind.DELETED, uncertain=uncertain), the_row, apply)
    assert (decision.act, decision.outcome) == (act, outcome)


@pytest.mark.parametrize("the_row", [None, row(**TOMBSTONE)], ids=["never written", "deleted"])
def test_a_replayed_deletion_is_done_whatever_the_ledger_says(the_row: LedgerRow | None) -> None:
    decision = decide_deletion(change(0, Kind.DELETED, replay=True), the_row, True)
    assert (decision.act, decision.outcome) == (Act.DELETE, Outcome.DELETED)


@given(
    st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.booleans())),
    st.binary(min_size=1, max_size=63),
)
def test_a_fingerprint_depends_on_content_and_key_and_not_on_order(
    record: dict[str, object], key: bytes
) -> None:
    backwards = dict(reversed(list(record.items())))
    assert fingerprint_of(record, key) == fingerprint_of(backwards, key)
    assert fingerprint_of(record, key) != fingerprint_of({**record, "one more": 1}, key)
    assert fingerprint_of(record, key) != fingerprint_of(record, key + b"\x01")


def test_what_is_left_out_is_part_of_a_fingerprint() -> None:
    """Else a record would be taken for unchanged that has lost a field, or has it back."""
    omitted = replace(MAPPED, altered=(Altered("email", "omitted", "not_an_email"),))
    cut = replace(MAPPED, altered=(Altered("email", "cut", "too_long"),))
    prints = {
        decide_row(change(), mapped, None, False, KEY).fingerprint
        for mapped in (MAPPED, omitted, cut)
    }
    assert len(prints) == 3
    written = row(
        version=5,
        exists=True,
        fingerprint=decide_row(change(), omitted, None, False, KEY).fingerprint,
        outcome="created",
    )
    again = decide_row(change(6), omitted, written, False, KEY)
    assert (again.act, again.mapped) == (Act.NOTHING, omitted)


@given(
    st.dictionaries(
        st.text(),
        st.one_of(
            st.text(),
            st.integers(),
            st.booleans(),
            st.floats(allow_nan=False, allow_infinity=False),
        ),
    )
)
def test_fingerprints_of_the_previous_version_stand(record: dict[str, object]) -> None:
    text = json.dumps(record, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    assert (
        fingerprint_of(record, KEY) == blake2b(text.encode(), digest_size=16, key=KEY).hexdigest()
    )


def test_a_fingerprint_of_what_was_left_out_stands_as_it_was_first_made() -> None:
    mapped = replace(MAPPED, update={"a": 1}, altered=(Altered("email", "cut", "too_long"),))
    text = b'{"":[{"field":"email","rule":"too_long","what":"cut"}],"a":1}'
    made = decide_row(change(), mapped, None, False, KEY).fingerprint
    assert made == blake2b(text, digest_size=16, key=KEY).hexdigest()


def test_fingerprints_of_the_previous_version_stand_where_a_float_was_exact() -> None:
    written = fingerprint_of({"amount": 20000.5, "whole": 20000.0, "count": 3, "text": "Zoë"}, KEY)
    assert (
        fingerprint_of(
            {"amount": Decimal("20000.5"), "whole": Decimal("20000.0"), "count": 3, "text": "Zoë"},
            KEY,
        )
        == written
    )
    plain = blake2b(
        '{"amount":20000.5,"count":3,"text":"Zoë","whole":20000.0}'.encode(),
        digest_size=16,
        key=KEY,
    ).hexdigest()
    assert written == plain
