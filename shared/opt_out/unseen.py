"""Which changes tell something: what the ledger knows already is not put on the queue, and makes no
delivery unsafe.

It is what a delivery would do first, without the message: a look at the ledger while nobody writes
there, and the same decision.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable

from shared.errors import Contended, Rejected
from shared.pipeline.decision import Act, Decision
from shared.records import Change
from shared.state.ledger import Ledger
from shared.state.ledger_rows import LedgerRow, bucket, partition_name
from shared.threads import ThreadPool

Decide = Callable[[Change, LedgerRow | None], Decision]
AT_ONCE = 2  # what is delivered meanwhile needs the same storage, and is in more of a hurry
# a claim that is held at the first look is often given back when the others have been looked at
LOOKS = 3


def news(
    key: str, ledger: Ledger, decide: Decide, clock: Callable[[], float], changes: Iterable[Change]
) -> list[tuple[Change, Act]]:
    """Those that a delivery would not pass over, each with what it would do; LOOK where that cannot
    be decided now.
    """
    groups: defaultdict[int, list[Change]] = defaultdict(list)
    for change in changes:
        groups[bucket(change.record_id)].append(change)

    def of(number: int) -> list[tuple[Change, Act]] | None:
        try:
            view = ledger.view(
                partition_name(key, number),
                [change.record_id for change in groups[number]],
                clock(),
            )
        except Contended:
            return None
        acts = (
            (change, act(decide, change, view.rows.get(change.record_id)))
            for change in groups[number]
        )
        return [(change, found) for change, found in acts if found]

    found_news, left = list[tuple[Change, Act]](), list(groups)
    with ThreadPool(AT_ONCE, "news") as pool:
        for _ in range(LOOKS):
            parts = dict(zip(left, pool.map(of, left), strict=True))
            found_news += [one for part in parts.values() for one in part or ()]
            left = [number for number, part in parts.items() if part is None]
    return found_news + [(change, Act.LOOK) for number in left for change in groups[number]]


def act(decide: Decide, change: Change, row: LedgerRow | None) -> Act | None:
    """None if there is nothing to do and nothing to remember."""
    try:
        decision = decide(change, row)
    except Rejected:
        return Act.LOOK
    return decision.act if decision.act is not Act.NOTHING or decision.note else None
