"""Opt-outs that are ahead of the contacts flow, and wait for it.

The contacts flow creates the profile with its contact's opt-outs.

What waits is called for when that flow has settled the contact (OptOut.wake); where its word was
lost, `call_again` finds it in the waiting room.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from itertools import islice

from shared.opt_out.rows import ProfileMade
from shared.pipeline.flow import Bridge
from shared.records import Change, Kind
from shared.state.due import Parked
from shared.state.flows import RUNNING, Flows
from shared.state.ledger import Ledger
from shared.state.ledger_rows import bucket, partition_name
from shared.waits import ContactsFirst

OPT_OUT = "opt_out"
POLLED_SECONDS = 600.0
AHEAD_SECONDS, LEFT_BEHIND_RECORDS = 600.0, 500


@dataclass(frozen=True, slots=True)
class ContactsFlow:
    """The contacts flow, as far as opt-outs wait for it."""

    key: str
    ledger: Ledger
    flows: Flows
    now: Callable[[], float]

    def to_come(self, ids: Collection[str]) -> set[str]:
        """Those of the contacts, all of one bucket, that it has not come to yet.

        Nobody waits for it while it does not run.

        One in a hundred is not seen to be among them; its opt-out finds no profile, and is called
        for when there is one.
        """
        state = self.flows.state(self.key)
        if not ids or state.status != RUNNING or self.now() - state.polled_at > POLLED_SECONDS:
            return set()
        header = self.ledger.header(partition_name(self.key, bucket(next(iter(ids)))))
        return set(ids) - header.may_contain(ids)


def call_again(bridge: Bridge, contacts_flow: ContactsFlow, rows: Iterable[Parked]) -> list[Change]:
    """Calls for opt-outs that have waited long: for those whose contacts the contacts flow has come
    to, or waits for no more. The others wait as long once more.
    """
    called, due_at = list[Change](), bridge.now() + AHEAD_SECONDS
    for row in rows:
        to_come = contacts_flow.to_come([change.record_id for change in row.changes])
        stay = [change for change in row.changes if change.record_id in to_come]
        address = (OPT_OUT, row.queue, row.table)
        bridge.waiting.ahead.park_changes(due_at, *address, stay, row.reason)
        called += [as_called(one, bridge.now()) for one in row.changes if one not in stay]
    return called


def as_called(change: Change, now: float) -> Change:
    """As the contacts flow calls for an opt-out of which it does not know a profile."""
    return replace(change, kind=Kind.ROW, row=ProfileMade(None).as_row(), first_seen=now)


def left_behind(bridge: Bridge, flow: str, contacts_flow: ContactsFlow) -> list[Change]:
    """Some of those whom an earlier version let wait, and did not put into the waiting room."""
    before, found = bridge.now() - AHEAD_SECONDS, []
    for number, header in enumerate(bridge.ledger.headers(flow)):
        if header.waiting_since and header.waiting_since < before:
            listed = bridge.ledger.waiting(
                partition_name(flow, number), ContactsFirst().text, before
            )
            ids = list(islice(listed, LEFT_BEHIND_RECORDS))
            found += [
                Change(one, Kind.REFERENCE, first_seen=bridge.now())
                for one in set(ids) - contacts_flow.to_come(ids)
            ]
    return found
