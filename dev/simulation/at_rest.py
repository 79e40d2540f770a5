"""No value of a record rests in the storage account: people's values are marked, and looked for."""

from collections.abc import Iterator

from dev.simulation.people import MARK
from dev.simulation.storage import Account
from dev.simulation.world import World


class AtRest:
    """Looks at tables and blobs when all is quiet."""

    def __init__(self, world: World, account: Account) -> None:
        self.world, self.account = world, account

    def check(self) -> None:
        for place, value in (*self.in_tables(), *self.in_blobs()):
            if MARK in value.lower():
                self.world.violated("at rest", f"{place} holds a value of a record")

    def in_tables(self) -> Iterator[tuple[str, str]]:
        for table, rows in self.account.table.tables.items():
            for (partition, key), row in rows.items():
                for name, value in row.values.items():
                    yield f"table {table}, {name} of {partition} {key}", shown(value)

    def in_blobs(self) -> Iterator[tuple[str, str]]:
        for container, blobs in self.account.blob.containers.items():
            for blob in blobs.values():
                yield f"container {container}, {blob.name}", shown(blob.body)
                yield f"container {container}, {blob.name}'s metadata", shown(blob.metadata)


def shown(value: object) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else str(value)
