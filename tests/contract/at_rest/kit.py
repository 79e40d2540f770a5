"""Looks into every queue, table and blob of the storage account for texts that must not rest
there.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict

from azure.storage.queue import QueueServiceClient

from dev.commands.stack import Stack
from dev.verbs import Campaign, Http, wait_until
from shared.errors import Bug, Rejected
from shared.setting_types import text
from shared.state.envelope import read_envelope
from shared.wiring import Wiring
from tests.contract.parents.kit import World

NAME, MAIL, PHONE = "Markwart", "markwart@example.org", "+49301112233"
MARKERS = (NAME, MAIL, PHONE)


def at_rest(wiring: Wiring) -> dict[str, str]:
    """What rests, by its place. Delayed messages are waited for, and envelopes are unpacked."""
    found = {}
    connection = text(wiring.settings.azurewebjobsstorage)
    queues = QueueServiceClient.from_connection_string(connection)
    for queue in queues.list_queues():
        found[f"queue {queue.name}"] = "\n".join(messages(wiring, queue.name))
    for table in wiring.storage.tables.list_tables():
        rows = wiring.storage.tables.get_table_client(table.name).list_entities()
        found[f"table {table.name}"] = "\n".join(str(dict(row)) for row in rows)
    for container in wiring.storage.blobs.list_containers():
        client = wiring.storage.blobs.get_container_client(container.name)
        bodies = (client.download_blob(name).readall() for name in client.list_blob_names())
        found[f"container {container.name}"] = "\n".join(
            body.decode(errors="replace") for body in bodies
        )
    return found


def messages(wiring: Wiring, queue: str) -> Iterator[str]:
    client = wiring.handoff.clients(queue)
    wait_until(
        lambda: len(client.peek_messages(32)) == wiring.handoff.length(queue),
        f"all messages of {queue} are visible",
    )
    for message in client.peek_messages(32):
        yield str(message.content)
        with suppress(Rejected):
            yield repr(
                [asdict(change) for change in read_envelope(message.content.encode()).changes]
            )


def places_of_markers(wiring: Wiring) -> list[str]:
    return [
        place
        for place, held in at_rest(wiring).items()
        if any(marker in held for marker in MARKERS)
    ]


class Marked(World):
    """Contacts and vehicles; whoever is made here has the markers."""

    ids: list[str]

    @staticmethod
    def emulator_of(stack: Stack) -> Http:
        return Campaign(stack.facts).emulator

    def contact(self) -> str:
        columns = {
            "firstname": "Ana",
            "lastname": NAME,
            "emailaddress1": MAIL,
            "mobilephone": PHONE,
        }
        return str(self.dynamics.create_contact(**columns))

    def deliver(self, table: str, count: int = 1, change: Callable[[], None] | None = None) -> None:
        """Delivers what the poll of a table brought, `count` times; `change` happens before."""
        if change:
            change()
        for _ in range(count):
            for message in self.workers[table].messages():
                with suppress(Bug):
                    self.workers[table].deliver(message)

    def failing(self, table: str, *actions: dict[str, object]) -> None:
        route = {"contact": "profile", "acs_vehicle": "cusVehicle"}[table]
        match = {"route": f"^/profileAndServicesExt/{route}"}
        self.campaign.faults(*[{"match": match, "action": action} for action in actions])
