"""Rows of the ledger that an earlier version wrote lack properties. Who selects them gets null from
the table service, as the simulation answers; Azurite leaves them out (tests/contract/state).
"""

import pytest

from shared.state.ledger_rows import HEADER, bucket, partition_name
from tests.unit.memory import Memory, played


@pytest.mark.parametrize(
    ("row", "lacking"),
    [
        *(
            ("header", one)
            for one in ("waits", "writing", "stamp", "earlier", "restored_at", "sieve")
        ),
        *(
            ("record", one)
            for one in ("doubt_until", "filled", "agreed", "altered", "parents", "cut_offs")
        ),
    ],
)
def test_what_an_earlier_version_wrote_is_read(row: str, lacking: str) -> None:
    def body(world: Memory) -> None:
        contact = world.contact()
        assert world.sync("contact") == ["created"]
        partition = partition_name("contacts", bucket(contact))
        stored = world.account.table.tables["ledger"]
        stored[partition, contact if row == "record" else HEADER].values.pop(lacking, None)
        headers = world.wiring.bridge.ledger.headers("contacts")
        assert sum(header.counts["created"] for header in headers) == 1
        assert not world.row("contact", contact).in_doubt
        world.change("contact", contact, lastname="Two")
        assert world.sync("contact") == ["updated"]
        assert [profile["lastName"] for profile in world.held("contact")] == ["Two"]

    played(body)
