"""Dataverse as every world finds it: the tables of custom entities and of e-mail events.

They are made once in this process, over the emulator's own interface, and copied for each world.
"""

import contextlib
import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any

from admin.connection import GivenToken
from admin.setup.activities import Activities
from admin.setup.customizing import Customizing
from dev.emulators.dataverse.server import Emulator
from dev.seed.tables import Table, add_lookup
from shared.dataverse.client import DataverseClient
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Send, Transport

CAR = Table(
    "acs_car", {"acs_owner": ("contact", "externalId"), "acs_last": ("acs_service", "recordId")}
)
SERVICE = Table("acs_service", {"acs_carref": ("acs_car", "recordId")})
TABLES = (CAR, SERVICE)
DATABASES: list[bytes] = []
Ask = Callable[..., Any]


class Copied(Emulator):
    """An emulator whose rows are a copy: of the database that all worlds begin with, or of an
    earlier state of its own.
    """

    def __init__(self, database: bytes) -> None:
        self.database = database
        super().__init__(":memory:", "unused", None, 5.0)

    def _assemble(self) -> None:
        if self.database:
            with contextlib.closing(sqlite3.connect(":memory:")) as source:
                source.deserialize(self.database)
                source.backup(self.store.db)
            self.store.version = int(self.store.fact("version", self.store.version))
        super()._assemble()

    def restore(self, database: bytes) -> None:
        """What was written since the copy is gone, and versions begin where they stood then."""
        self.database = database
        self._assemble()


def prepare(ask: Ask, send: Send, url: str) -> None:
    """Makes the tables. `ask` is a person's request, `send` the administrator's client's."""
    by_hand: Any = SimpleNamespace(http=SimpleNamespace(json=partial(as_json, ask)))
    for table in (Table("acs_car"), Table("acs_service")):
        table.create(by_hand)
    for table in TABLES:
        for lookup, (parent, _) in table.parents.items():
            add_lookup(by_hand, table.name, lookup, parent)
    transport = Transport("Dataverse", send, AdaptiveConcurrency(1))
    dataverse = DataverseClient(url, GivenToken("simulated"), transport)
    Activities(Customizing(dataverse), lambda _: None).run()


def as_json(ask: Ask, method: str, path: str, body: Any = None, **_: str) -> Any:
    return ask(method, path, body)


def publication(links: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """What Campaign publishes. `links`: of each table's lookup, `cardinality` and `onDelete`."""
    filters = {"lastmodified": {"conditions": [{"field": "lastModified", "operator": "ge"}]}}
    published: dict[str, Any] = {
        "profile": {"keys": [["externalId"]], "keyInUrl": True, "filters": filters}
    }
    for table in TABLES:
        published[table.resource] = table.publication()
        for lookup, rules in links.items():
            if link := published[table.resource]["links"].get(f"{lookup}_link"):
                link |= rules
    return published
