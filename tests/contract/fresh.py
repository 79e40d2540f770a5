"""What a test of the bridge's own code begins with, on a stack that runs already."""

import pytest

from dev.commands.stack import Stack
from dev.verbs import Campaign, Dynamics
from shared.settings import load_settings
from shared.state.storage import CONTAINERS, TABLES
from shared.wiring import Wiring


def take_identity(stack: Stack, patch: pytest.MonkeyPatch) -> None:
    """The app's own identity: Azure's library takes it from the environment."""
    for name, value in stack.environment.items():
        if name.startswith("IDENTITY_"):
            patch.setenv(name, value)


def empty_storage(stack: Stack, *queues: str) -> None:
    """No table, no container, and nothing on these queues."""
    first = Wiring(load_settings(stack.environment))
    tables, blobs = first.storage.tables, first.storage.blobs
    for table in {found.name for found in tables.list_tables()} & {*TABLES}:
        tables.delete_table(table)
    for container in {found.name for found in blobs.list_containers()} & {*CONTAINERS}:
        blobs.delete_container(container)
    for queue in queues:
        if first.handoff.length(queue):
            first.handoff.clients(queue).clear_messages()


def empty_systems(stack: Stack) -> None:
    """Both systems and what Campaign has exported."""
    for system in (Dynamics(stack.facts), Campaign(stack.facts)):
        system.emulator.json("POST", "/reset", {})
    for place in (stack.sftp_root / stack.facts["sftp"]["exports"].strip("/")).glob("**/*"):
        if place.is_file():
            place.unlink()
