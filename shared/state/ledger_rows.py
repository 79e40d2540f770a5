"""What the table `ledger` holds: a row for each record, and a header for each partition."""

import json
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from hashlib import blake2b
from typing import Any

from azure.data.tables import EdmType, EntityProperty

from shared.records import Outcome
from shared.state.bloom_filter import BloomFilter
from shared.state.cut_offs import NONE, CutOffs, read_cut_offs, written_cut_offs
from shared.state.selected import known
from shared.waits import Transient, Wait, read_wait

BUCKETS = 64
ROWS_PER_TRANSACTION = 99  # a transaction takes 100 operations; one is the header's
HEADER = "!"  # sorts before every record id
HISTORY_ENTRIES = 10
EARLIER = 16
"""Writes of a header that it names besides its last one: others make some before the client has
repeated a write, which takes seconds.
"""
SEPARATOR = "\n"  # stands in no record id (shared/state/envelope.py)


def bucket(record_id: str) -> int:
    """The bucket of a record: spread evenly whatever the ids look like, and the same for ever."""
    return int.from_bytes(blake2b(record_id.encode(), digest_size=4).digest()) % BUCKETS


LedgerKey = tuple[str, str]
"""A partition, and a record's id."""


def partition_name(flow: str, number: int) -> str:
    return f"{flow}-{number:02d}"


@dataclass(slots=True)
class LedgerRow:
    """What we last wrote of a record.

    `exists`: it is in the target. `deleted`: a tombstone. `rejected`: it has a
    dead letter. Times in seconds since 1970. `doubt_until`: until when the target may still carry
    out a write that had no answer; 0 when the record is not in doubt. A later write that succeeds
    ends the doubt, its time alone does not.

    `history`: the last things that happened, oldest first, each [time, outcome, version, reason,
    attempts]. `agreed`: what the opt-out flow remembers of both sides (shared/opt_out/flow.py).
    `altered`: the fields that the target lacks or has cut, each [field, "omitted" or "cut", rule].
    `filled`: short hashes of the names of fields that hold a value there; b"": not known.
    `parents`: whom it is linked to in the target, each [table, id]. `cut_offs`: how often its
    delivery was cut off of late.
    """

    record_id: str
    version: int = 0
    fingerprint: str = field(default="", repr=False)
    outcome: str = ""
    reason: str = ""
    attempts: int = 0
    first_seen: float = 0.0
    settled_at: float = 0.0
    exists: bool = False
    deleted: bool = False
    rejected: bool = False
    history: list[list[Any]] = field(default_factory=list)
    agreed: dict[str, Any] = field(default_factory=dict, repr=False)
    altered: list[list[str]] = field(default_factory=list)
    filled: bytes = field(default=b"", repr=False)
    parents: list[list[str]] = field(default_factory=list)
    doubt_until: float = 0.0
    cut_offs: CutOffs = NONE

    @property
    def in_doubt(self) -> bool:
        """Whether the target may hold, or come to hold, something else than the row says."""
        return self.doubt_until > 0

    @property
    def wait(self) -> Wait | None:
        """What the record waits for, if it waits."""
        return read_wait(self.reason) if self.outcome == Outcome.WAITING else None

    def add_history(
        self, now: float, outcome: Outcome, version: int, reason: str, attempts: int
    ) -> None:
        self.outcome, self.reason, self.attempts, self.settled_at = (
            outcome.value,
            reason,
            attempts,
            now,
        )
        self.history = [*self.history, [round(now, 3), outcome.value, version, reason, attempts]][
            -HISTORY_ENTRIES:
        ]


SELECTED = ["RowKey", *(item.name for item in fields(LedgerRow) if item.name != "record_id")]


Waits = dict[str, list[float]]
"""How many records wait and since when the oldest does (seconds since 1970), by code of their wait.

The time may be earlier than the true value, never later.
"""


@dataclass(slots=True)
class Header:
    """A partition's claim and counts.

    `waits`: None in a header of an earlier version. `counts`: records by last outcome; `totals`:
    outcomes so far, and writes with fields `omitted` or `cut`; `calls`: by verb. `writing`: the ids
    of the records that are written under the claim. `stamp`: names the last write of the header, so
    that who made it can tell; `earlier`: the writes before, newest first. `restored_at`: when a row
    was last read whose version is below the one that was settled.
    """

    owner: str = ""
    until: float = 0.0
    rows: int = 0
    waiting_since: float = 0.0
    counts: Counter[str] = field(default_factory=Counter)
    totals: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    waits: Waits | None = field(default_factory=dict)
    bloom_filter: BloomFilter | None = None
    writing: tuple[str, ...] = ()
    stamp: str = ""
    earlier: tuple[str, ...] = ()
    restored_at: float = 0.0
    etag: str = ""

    def begin_write(self) -> None:
        """Names the write that comes now."""
        self.earlier = (self.stamp, *self.earlier)[:EARLIER]
        self.stamp = uuid.uuid4().hex

    def may_contain(self, ids: Collection[str]) -> set[str]:
        """Those of the ids that the partition may hold.

        One in a hundred of the others is among them.
        """
        if self.bloom_filter is None:  # an older version's
            return set(ids) if self.rows else set()
        return {record_id for record_id in ids if record_id in self.bloom_filter}


COUNTED = [
    item.name for item in fields(Header) if item.name not in ("bloom_filter", "writing", "etag")
]


@dataclass(slots=True)
class View:
    """A partition as it was read: the claim succeeds only if nobody has settled since.

    `owner` holds the claim, "" before it is taken.
    """

    partition: str
    header: Header
    rows: dict[str, LedgerRow]
    owner: str = ""


def read_row(found: Mapping[str, Any]) -> LedgerRow:
    entity = known(found)
    version = entity["version"]
    return LedgerRow(
        record_id=entity["RowKey"],
        version=int(getattr(version, "value", version)),
        fingerprint=entity["fingerprint"],
        outcome=entity["outcome"],
        reason=entity["reason"],
        attempts=entity["attempts"],
        first_seen=entity["first_seen"],
        settled_at=entity["settled_at"],
        exists=entity["exists"],
        deleted=entity["deleted"],
        rejected=entity["rejected"],
        history=json.loads(entity["history"]),
        agreed=json.loads(entity.get("agreed") or "{}"),
        altered=json.loads(entity.get("altered") or "[]"),
        filled=entity.get("filled", b""),
        parents=json.loads(entity.get("parents") or "[]"),
        doubt_until=entity["doubt_until"] if "doubt_until" in entity else doubt_before(entity),
        cut_offs=read_cut_offs(entity.get("cut_offs", "")),
    )


def doubt_before(entity: Mapping[str, Any]) -> float:
    """The doubt of a row of an earlier version, which noted none: its last attempt may have had no
    answer.
    """
    failed = entity["outcome"] == Outcome.WAITING and entity["reason"] == Transient().text
    return float(entity["settled_at"]) if failed else 0.0


def row_entity(partition: str, row: LedgerRow) -> dict[str, Any]:
    return {
        "PartitionKey": partition,
        "RowKey": row.record_id,
        "version": EntityProperty(row.version, EdmType.INT64),
        "fingerprint": row.fingerprint,
        "outcome": row.outcome,
        "reason": row.reason,
        "attempts": row.attempts,
        "first_seen": float(row.first_seen),
        "settled_at": float(row.settled_at),
        "exists": row.exists,
        "deleted": row.deleted,
        "rejected": row.rejected,
        "doubt_until": float(row.doubt_until),
        "history": json.dumps(row.history, separators=(",", ":")),
        **({"agreed": json.dumps(row.agreed, separators=(",", ":"))} if row.agreed else {}),
        **({"filled": row.filled} if row.filled else {}),
        **({"altered": json.dumps(row.altered, separators=(",", ":"))} if row.altered else {}),
        **({"parents": json.dumps(row.parents, separators=(",", ":"))} if row.parents else {}),
        **({"cut_offs": written_cut_offs(row.cut_offs)} if row.cut_offs.number else {}),
    }


def read_header(found: Any) -> Header:
    entity = known(found)
    return Header(
        owner=entity["owner"],
        until=entity["until"],
        rows=entity["rows"],
        waiting_since=entity["waiting_since"],
        counts=Counter(json.loads(entity["counts"])),
        totals=Counter(json.loads(entity["totals"])),
        calls=Counter(json.loads(entity["calls"])),
        waits=read_waits(entity),
        bloom_filter=BloomFilter.read(entity),
        writing=tuple(filter(None, entity.get("writing", "").split(SEPARATOR))),
        stamp=entity.get("stamp", ""),
        earlier=tuple(entity.get("earlier", "").split()),
        restored_at=entity.get("restored_at", 0.0),
        etag=found.metadata["etag"],
    )


def header_entity(partition: str, header: Header) -> dict[str, Any]:
    return {
        "PartitionKey": partition,
        "RowKey": HEADER,
        "owner": header.owner,
        "until": float(header.until),
        "rows": header.rows,
        "waiting_since": float(header.waiting_since),
        "counts": json.dumps(header.counts),
        "totals": json.dumps(header.totals),
        "calls": json.dumps(header.calls),
        **({} if header.waits is None else {"waits": json.dumps(header.waits)}),
        "writing": SEPARATOR.join(header.writing),
        "stamp": header.stamp,
        "earlier": " ".join(header.earlier),
        "restored_at": float(header.restored_at),
    }


def read_waits(entity: Mapping[str, Any]) -> Waits | None:
    """None where an earlier version has counted who waits, but not for what."""
    if "waits" in entity:
        waits: Waits = json.loads(entity["waits"])
        return waits
    return None if json.loads(entity["counts"]).get(Outcome.WAITING) else {}


def waits_begin(waits: Waits, code: str, since: float) -> None:
    number, oldest = waits.get(code, (0, since))
    waits[code] = [number + 1, min(oldest, since)]


def waits_end(waits: Waits, code: str) -> None:
    if code in waits:
        waits[code][0] -= 1
        if waits[code][0] <= 0:
            del waits[code]
