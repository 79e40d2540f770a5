"""What to do with one change: pure, from the change, the ledger's row and what the mapping made of
it.

| the change              | the ledger's row            | decision                                 |
|-------------------------|-----------------------------|------------------------------------------|
| an older row            | any                         | look again (shared/entities/flow.py)     |
| a row, any version      | a tombstone                 | look again: save, or deleted if gone     |
| a row filtered out      | in the target, or in doubt  | filtered; `filtered_out: delete`: delete |
| a row filtered out      | not in the target           | filtered                                 |
| a row, same fingerprint | in the target, not in doubt | unchanged                                |
| a row                   | the version, another print  | look again, if it was read before        |
| a row                   | lower, but seen later       | look again: the source was restored      |
| a row                   | any                         | update if in the target, else create     |
| a deletion              | in the target, or in doubt  | delete, tombstone (`ignore`: filtered)   |
| a deletion, replayed    | any                         | delete, tombstone (`ignore`: filtered)   |
| a deletion              | not in the target           | tombstone, no call                       |

*In doubt* is a record of which the target may hold something else than the ledger says: a write had
no answer (shared/pipeline/doubt.py), or an earlier delivery of the change was cut off (it is
*uncertain*).
"""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

from shared import exact_json
from shared.entities.filled import cleared, filled_in
from shared.mapping import Altered, Filtered, Mapped
from shared.pipeline.decision import Act, Decision
from shared.records import Change, Kind, Outcome
from shared.state.ledger_rows import LedgerRow


def decide_row(
    change: Change,
    mapped: Mapped | Filtered,
    row: LedgerRow | None,
    delete_filtered: bool,
    key: bytes,
) -> Decision:
    """The decision on a row that came from the source."""
    if row and row.deleted and change.kind is Kind.ROW:
        return Decision(change, Act.LOOK)
    if isinstance(mapped, Filtered):
        return decide_filtered(change, mapped, row, delete_filtered)
    missing = never_given(mapped, row)
    fingerprint = fingerprint_of(sent(mapped, missing), key)
    if row and contradicts(change, row, fingerprint):
        return Decision(change, Act.LOOK)
    trusted = row is not None and row.exists and not in_doubt(change, row)
    same = trusted and row is not None and row.fingerprint == fingerprint and not change.replay
    if row and same and not row_pending(row):
        newer = change.version not in (0, row.version)
        return Decision(
            change,
            Act.NOTHING,
            Outcome.UNCHANGED,
            mapped=mapped,
            fingerprint=fingerprint,
            note=newer,
            never_given=missing,
            filled=filled_in(mapped.record),
        )
    return Decision(
        change,
        Act.SAVE,
        known=known(change, row),
        mapped=mapped,
        fingerprint=fingerprint,
        never_given=missing,
        cleared=cleared(mapped.update, row.filled) if row and row.exists else (),
        filled=filled_in(mapped.record),
    )


def contradicts(change: Change, row: LedgerRow, fingerprint: str) -> bool:
    """Whether another content with this very version was settled after the change was read, or one
    with a lower version that was not seen earlier.

    A restored environment gives versions out again. Of two such rows the source tells the newer.
    """
    if change.kind is not Kind.ROW or not change.version or row.fingerprint == fingerprint:
        return False
    if change.version == row.version:
        return row.settled_at > change.first_seen
    return change.version > row.version > 0 and change.first_seen <= row.first_seen


def never_given(mapped: Mapped, row: LedgerRow | None) -> tuple[Altered, ...]:
    """Fields that only a creation sends, and which it left out or cut.

    Their value fits now, but Campaign may have its own.
    """
    if row is None or not row.exists or not row.altered:
        return ()
    again, left = (
        {entry.field for entry in mapped.altered},
        [Altered(*entry) for entry in row.altered],
    )
    return tuple(
        one
        for one in left
        if one.field not in again
        and holds(mapped.record, one.field)
        and not holds(mapped.update, one.field)
    )


def holds(record: Mapping[str, Any], name: str) -> bool:
    outer, _, inner = name.rpartition(".")
    return inner in (record.get(outer, {}) if outer else record)


def decide_filtered(
    change: Change, mapped: Filtered, row: LedgerRow | None, delete_filtered: bool
) -> Decision:
    if row and delete_filtered and (row.exists or row.in_doubt):
        there = row.exists or None
        return Decision(change, Act.DELETE, Outcome.FILTERED, mapped.reason, known=there)
    settled = row is not None and row.outcome == Outcome.FILTERED and row.version == change.version
    return Decision(change, Act.NOTHING, Outcome.FILTERED, mapped.reason, note=not settled)


def decide_deletion(change: Change, row: LedgerRow | None, apply_deletes: bool) -> Decision:
    """The decision on a record that the source no longer has."""
    sure = not change.replay and not in_doubt(change, row)
    if row and row.deleted and not row_pending(row) and sure:
        return Decision(change, Act.NOTHING, Outcome.DELETED, "was deleted before", note=False)
    if not apply_deletes:
        return Decision(change, Act.NOTHING, Outcome.FILTERED, "the mapping ignores deletions")
    maybe_there = row is not None and (row.exists or row_pending(row))
    if not maybe_there and sure:
        return Decision(change, Act.NOTHING, Outcome.DELETED, "was never written")
    return Decision(change, Act.DELETE, Outcome.DELETED, known=None)


def in_doubt(change: Change, row: LedgerRow | None) -> bool:
    """Whether more may have been done to the record, or may still be, than the row says."""
    return change.uncertain or (row is not None and row.in_doubt)


def row_pending(row: LedgerRow) -> bool:
    """The last attempt did not end well, so the target may differ from what the row says."""
    return row.outcome in (Outcome.WAITING, Outcome.REJECTED)


def known(change: Change, row: LedgerRow | None) -> bool | None:
    if row and row.exists:
        return True
    never_tried = row is None or not row_pending(row)
    return False if never_tried and not in_doubt(change, row) and not change.attempts else None


def sent(mapped: Mapped, missing: tuple[Altered, ...]) -> dict[str, Any]:
    """What an update sends, and what it leaves out or cuts: a field that is left out differs from
    one that was never mapped.
    """
    altered = [entry._asdict() for entry in mapped.altered + missing]
    return {**mapped.update, "": altered} if altered else mapped.update


def fingerprint_of(record: dict[str, Any], key: bytes) -> str:
    """A keyed hash of what an update would send: equal means that no call is needed.

    It does not give the values away.
    """
    return blake2b(exact_json.in_order(record), digest_size=16, key=key).hexdigest()
