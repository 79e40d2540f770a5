"""Which records are in the target: asked of the ledger, and remembered for a while, so that
children cost it little.

Only that a record is there is remembered, never that it is not. What is remembered is bounded and
soon forgotten, in one and a half KEEP_SECONDS at most. For longer than that, a record that another
instance deletes is known to have left (shared/state/leaving.py).
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from shared.state.ledger import Ledger
from shared.state.ledger_rows import LedgerKey

SINGLY = 8
MOST, KEEP_SECONDS = 250_000, 300.0


class Presence:
    """Remembers in two generations, of which the older is dropped when the younger is full or has
    been kept long enough.
    """

    def __init__(self, ledger: Ledger, now: Callable[[], float]) -> None:
        self.ledger, self.now, self.lock = ledger, now, threading.Lock()
        self.young: set[int] = set()
        self.old: set[int] = set()
        self.since = now()
        self.waits: dict[str, tuple[float, list[float]]] = {}

    def there(self, keys: Collection[LedgerKey]) -> set[LedgerKey]:
        """Those whose record is in the target; remembered ones are not asked for
        again.
        """
        self.remember(())
        known = {key for key in keys if self.remembers(key)}
        return known | self.look(set(keys) - known)

    def look(self, keys: Collection[LedgerKey]) -> set[LedgerKey]:
        """As `there`, of the ledger as it is now.

        Few are read one by one, many by the page, and a page is remembered whole.
        """
        if len(keys) <= SINGLY:
            found = [
                key
                for key, exists in zip(keys, self.ledger.pool.map(self.exists, keys), strict=True)
                if exists
            ]
        else:
            found = [
                key for part in self.ledger.pool.map(self.page, *grouped(keys)) for key in part
            ]
        self.remember(found)
        return {key for key in keys if self.remembers(key)}

    def exists(self, key: LedgerKey) -> bool:
        row = self.ledger.row(*key)
        return row is not None and row.exists

    def page(self, partition: str, ids: Collection[str]) -> list[LedgerKey]:
        """A page of the partition from the first of these ids on, and those behind its end one by
        one; nothing is read of ids that have no row.
        """
        held = self.ledger.header(partition).may_contain(ids)
        if not held:
            return []
        existing, end = self.ledger.existing_from(partition, min(held))
        beyond = [(partition, record_id) for record_id in held if end and record_id > end]
        return [(partition, record_id) for record_id in existing] + [
            key for key in beyond if self.exists(key)
        ]

    def waiting(self, flow: str, age_seconds: float) -> list[float]:
        """Since when records of a flow wait to be tried again, the oldest of each partition; at
        most `age_seconds` old.
        """
        at, found = self.waits.get(flow, (0.0, []))
        if self.now() - at >= age_seconds:
            found = [
                header.waiting_since for header in self.ledger.headers(flow) if header.waiting_since
            ]
            self.waits[flow] = (self.now(), found)
        return found

    def remembers(self, key: LedgerKey) -> bool:
        number = hash(key)
        return number in self.young or number in self.old

    def remember(self, keys: Iterable[LedgerKey]) -> None:
        with self.lock:
            age = self.now() - self.since
            if len(self.young) > MOST or age > KEEP_SECONDS / 2:
                self.old = self.young if age <= KEEP_SECONDS else set()
                self.young, self.since = set(), self.now()
            self.young.update(map(hash, keys))

    def forget(self, keys: Iterable[LedgerKey]) -> None:
        with self.lock:
            gone = set(map(hash, keys))
            self.young -= gone
            self.old -= gone


def grouped(keys: Iterable[LedgerKey]) -> tuple[list[str], list[list[str]]]:
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for partition, record_id in keys:
        groups[partition].append(record_id)
    return list(groups), list(groups.values())
