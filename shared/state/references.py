"""References to records as they wait together: one for each record, with what all that came of it
says of its history.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from itertools import batched

from shared.records import Change
from shared.state.ledger_rows import ROWS_PER_TRANSACTION, bucket


def by_bucket(changes: Iterable[Change]) -> Iterator[tuple[int, tuple[Change, ...]]]:
    """Parts that fit into one message each: of one ledger partition, no record twice."""
    groups: defaultdict[int, list[Change]] = defaultdict(list)
    for change in merged(changes):
        groups[bucket(change.record_id)].append(change)
    for number, group in groups.items():
        for part in batched(group, ROWS_PER_TRANSACTION, strict=False):
            yield number, part


def merged(changes: Iterable[Change]) -> Collection[Change]:
    found: dict[str, Change] = {}
    for change in changes:
        before = found.get(change.record_id)
        found[change.record_id] = both(before, change) if before else change
    return found.values()


def both(one: Change, other: Change) -> Change:
    confirmed, spared = word_on(one, other)
    return replace(
        other,
        uncertain=one.uncertain or other.uncertain,
        replay=one.replay or other.replay,
        attempts=max(one.attempts, other.attempts),
        first_seen=min(one.first_seen, other.first_seen),
        failing_since=min(filter(None, (one.failing_since, other.failing_since)), default=0.0),
        confirmed=confirmed,
        spared=spared,
        parent_leaves=one.parent_leaves or other.parent_leaves,
    )


def word_on(one: Change, other: Change) -> tuple[int, int]:
    """What a person has said of the record, under the newest document; a refusal before a
    permission.
    """
    confirmed, spared = max(one.confirmed, other.confirmed), max(one.spared, other.spared)
    return (0, spared) if spared >= confirmed else (confirmed, 0)
