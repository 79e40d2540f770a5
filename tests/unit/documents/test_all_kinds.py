"""Mappings, opt-outs and events asked for at once by many threads, while other processes activate
versions and flows forget.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import yaml

from shared.dataverse.batch import WritableTable
from shared.documents.keeper import Kept
from shared.entities.catalog import Catalog
from shared.entities.compiling import MappingCompiler
from shared.events.catalog import EventsCompiler
from shared.events.documents import (
    EMAIL_EVENTS,
    KINDS,
    default_events_document,
    read_events_document,
)
from shared.mapping import Mapped, SourceTable, TargetResource
from shared.opt_out.catalog import OptOutCatalog, OptOutCompiler
from shared.opt_out.documents import default_opt_out_document
from shared.opt_out.owned import OptOutFlags
from shared.state.documents import Listing
from tests.unit.documents.kit import MemoryLibrary
from tests.unit.documents.test_keeper import WatchedKeeper
from tests.unit.mapping.metadata import CONTACT, PROFILE, row

OPT_OUTS = yaml.safe_load(default_opt_out_document())
THREADS, ROUNDS, VERSIONS = 12, 15, len(OPT_OUTS["pairs"])
PATIENCE_SECONDS = 60
EVENTS = read_events_document(default_events_document())


def mapping(table: str, version: int) -> str:
    """Names its version in the filter by which records are found."""
    resource = "profile" if table == "contact" else "cusThing"
    key = (
        f"{{source: contactid, target: externalId, lookup: filter, filter: by{version}, parameter:"
        " id}"
    )
    return (
        f"table: {table}\nresource: {resource}\nkey: {key}\nfields: [{{source: firstname, target:"
        " firstName}]"
    )


def opt_outs(version: int) -> str:
    """Has as many pairs as its version says."""
    return yaml.safe_dump(OPT_OUTS | {"pairs": OPT_OUTS["pairs"][:version]}, sort_keys=False)


class Listings(MemoryLibrary):
    """Remembers which versions of the mapping of contact and of the opt-out document were ever
    listed together.
    """

    def __init__(self) -> None:
        super().__init__()
        self.moments = set[tuple[int, int]]()

    def listing(self) -> Listing:
        found = super().listing()
        self.moments.add(
            (found.version("mappings", "contact"), found.version("opt-out", "opt_out"))
        )
        return found


class Systems:
    """Both systems' metadata, and Dataverse's activity tables."""

    def table(self, name: str) -> SourceTable:
        return replace(CONTACT, logical_name=name)

    def resource(self, api: str, name: str) -> TargetResource:
        return replace(PROFILE, name=name)


class Activities:
    def forget(self) -> None:
        """Nothing is kept."""

    def table(self, name: str) -> WritableTable:
        columns = next(rule.columns for kind in KINDS if (rule := EVENTS.rule(kind)).table == name)
        return WritableTable(
            name, name + "s", frozenset({*columns.values(), "subject", "description"}), {}, True
        )


class Everything:
    """All three kinds on one keeper, whose listing is never older than one of its calls."""

    def __init__(self) -> None:
        self.library = Listings()
        self.library.activate("mappings", "contact", mapping("contact", 1))
        self.library.activate("mappings", "acs_thing", mapping("acs_thing", 1))
        self.library.put("mappings", "acs_thing", mapping("acs_thing", 1))
        self.library.activate("opt-out", "opt_out", opt_outs(1))
        keeper, both, batch = (
            WatchedKeeper(self.library, 0, lambda: 1000.0),
            self.both(),
            self.batch(),
        )
        self.catalog = Catalog(
            keeper, MappingCompiler(self.library.folder("mappings"), both, both, OptOutFlags())
        )
        self.opt_outs = OptOutCatalog(keeper, OptOutCompiler(both, both))
        self.events = Kept(keeper, EventsCompiler(batch), EMAIL_EVENTS.name)

    def both(self) -> Any:
        return Systems()

    def batch(self) -> Any:
        return Activities()

    def ask_contacts(self) -> None:
        active = self.catalog.mapping("contact")
        mapped = active.mapping.map(row(firstname="Ana", **dict.fromkeys(columns(), True)))
        assert isinstance(mapped, Mapped)
        assert active.address.filter == f"by{active.version}"
        assert (active.version, len(mapped.create_only)) in self.library.moments

    def ask_things(self) -> None:
        active = self.catalog.mapping("acs_thing")
        assert active.address.filter == f"by{active.version}"
        assert self.catalog.reread("acs_thing", active) is None or active.version < VERSIONS
        assert self.catalog.children("contact") == []

    def ask_opt_outs(self) -> None:
        active = self.opt_outs.active()
        assert len(active.document.pairs) == active.version
        assert (
            int(active.profile.filter.removeprefix("by")),
            active.version,
        ) in self.library.moments

    def ask_events(self) -> None:
        assert self.events.active().version == self.events.number() == 1

    def change(self) -> None:
        """Other processes activate versions; probes of failed flows forget."""
        for version in range(2, VERSIONS + 1):
            self.library.activate("mappings", "contact", mapping("contact", version))
            self.catalog.forget("contact")
            self.library.activate("opt-out", "opt_out", opt_outs(version))
            self.opt_outs.forget()
            self.library.activate("mappings", "acs_thing", mapping("acs_thing", version))
            assert (
                self.catalog.activate("contact")
                == self.opt_outs.activate()
                == self.events.activate()
                == ""
            )
            self.events.forget()


def columns() -> list[str]:
    pairs = OPT_OUTS["pairs"]
    return sorted(
        {name for pair in pairs for name in pair.get("columns", [pair.get("column")]) if name}
    )


def test_all_kinds_may_be_asked_for_at_once() -> None:
    everything, begin = Everything(), threading.Barrier(THREADS + 1)
    asks = [
        everything.ask_contacts,
        everything.ask_opt_outs,
        everything.ask_things,
        everything.ask_events,
    ]

    def ask(turn: int) -> None:
        begin.wait(PATIENCE_SECONDS)
        for number in range(turn, turn + ROUNDS):
            asks[number % len(asks)]()

    def change() -> None:
        begin.wait(PATIENCE_SECONDS)
        everything.change()

    with ThreadPoolExecutor(THREADS + 1) as threads:
        for done in [
            threads.submit(change),
            *(threads.submit(ask, turn) for turn in range(THREADS)),
        ]:
            done.result(PATIENCE_SECONDS)
    assert (
        everything.catalog.mapping("contact").version
        == everything.opt_outs.active().version
        == VERSIONS
    )
