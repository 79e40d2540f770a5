"""Opt-outs that are ahead of the contacts flow, and wait for it.

The contacts flow creates the profile with its contact's opt-outs.

What waits is called for when that flow has settled the contact (OptOut.wake); where its word was
lost, `left_behind` finds it.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from itertools import islice

from shared.pipeline.flow import Bridge
from shared.records import Change, Kind
from shared.state.flows import RUNNING, Flows
from shared.state.ledger import Ledger
from shared.state.ledger_rows import bucket, partition_name
from shared.waits import ContactsFirst

POLLED_SECONDS = 600.0
LEFT_BEHIND_SECONDS, LEFT_BEHIND_RECORDS = 600.0, 500


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
        return set(ids) - header.perhaps(ids)


def left_behind(bridge: Bridge, flow: str, contacts_flow: ContactsFlow) -> list[Change]:
    """Some of the opt-outs that have waited long although the contacts flow has come to their
    contacts, or runs no more.
    """
    before, found = bridge.now() - LEFT_BEHIND_SECONDS, []
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
