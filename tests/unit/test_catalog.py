"""Who waits for whom while mappings are compiled, and how often metadata is read."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from shared.documents.keeper import Keeper
from shared.entities.catalog import Catalog
from shared.entities.compiling import Active, MappingCompiler
from shared.entities.mappings import MAPPINGS
from shared.errors import Rejected
from shared.mapping import SourceTable, TargetResource
from shared.opt_out.documents import default_opt_out_document
from shared.opt_out.owned import OptOutFlags
from tests.unit.documents.kit import MemoryLibrary
from tests.unit.mapping.metadata import CONTACT, ID, PROFILE, row


def document(table: str) -> str:
    """Like the packaged document of contact, for any table."""
    key = "key: {source: contactid, target: externalId}"
    resource = "profile" if table == "contact" else f"cus{table}"
    return (
        f"table: {table}\nresource: {resource}\n{key}\nfields: [{{source: gendercode, target:"
        " cusText}]"
    )


class Systems:
    """Both systems' metadata; `reads` counts, `gate` holds the table `slow` up until it is
    opened.
    """

    def __init__(self) -> None:
        self.options, self.reads, self.gate = {1: "Male"}, 0, threading.Event()

    def table(self, name: str) -> SourceTable:
        if name == "slow":
            assert self.gate.wait(30)
        self.reads += 1
        gender = replace(CONTACT.columns["gendercode"], options=dict(self.options))
        return replace(
            CONTACT, logical_name=name, columns={**CONTACT.columns, "gendercode": gender}
        )

    def resource(self, api: str, name: str) -> TargetResource:
        return replace(PROFILE, name=name)


def catalog_of(systems: Any, now: Callable[[], float] = lambda: 1000.0) -> Catalog:
    library = MemoryLibrary()
    for table in ("contact", "slow"):
        library.activate("mappings", table, document(table))
    return Catalog(
        Keeper(library, 60, now),
        MappingCompiler(library.folder("mappings"), systems, systems, OptOutFlags()),
    )


def current(catalog: Catalog) -> Active:
    """What was compiled last."""
    return catalog.keeper.compiled[MAPPINGS.id("contact")].active


def test_the_pairs_are_asked_for_while_the_catalog_is_free() -> None:
    """Else two threads that begin at both ends stand still for ever, contacts and opt-outs with
    them.
    """
    catalog = catalog_of(Systems())
    library, free = catalog.keeper.library, list[bool]()
    assert isinstance(library, MemoryLibrary)
    library.activate("opt-out", "opt_out", default_opt_out_document())
    library.before = lambda request: free.append(
        not catalog.keeper.lock("compile", MAPPINGS.id("contact")).locked()
    )
    catalog.mapping("contact")
    assert library.requests["text"] == 2
    assert set(free) == {True}


def test_a_slow_table_holds_no_other_table_up() -> None:
    systems = Systems()
    catalog = catalog_of(systems)
    with ThreadPoolExecutor(2) as threads:
        slow = threads.submit(catalog.mapping, "slow")
        assert threads.submit(catalog.mapping, "contact").result(30).mapping.table == "contact"
        assert not slow.done()
        systems.gate.set()
        assert slow.result(30).mapping.table == "slow"


def test_metadata_is_read_anew_for_many_who_ask_at_once_and_not_for_each() -> None:
    systems = Systems()
    catalog = catalog_of(systems)
    judged = catalog.mapping("contact")
    systems.options = {1: "Male", 2: "Female"}
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: catalog.reread("contact", judged), range(50)))
    assert systems.reads == 2
    assert {one.metadata if one else "" for one in found} == {catalog.mapping("contact").metadata}


def test_metadata_that_has_not_changed_is_asked_for_less_and_less_often() -> None:
    systems, clock = Systems(), [1000.0]
    catalog = catalog_of(systems, lambda: clock[0])
    catalog.mapping("contact")
    asked = []
    for second in range(300):
        clock[0] = 1000.0 + second
        before = systems.reads
        assert catalog.reread("contact", current(catalog)) is None
        asked += [second] if systems.reads > before else []
    assert asked == [0, 10, 30, 70, 130, 190, 250]


def test_who_replays_waits_for_new_metadata_only_a_moment() -> None:
    systems, clock = Systems(), [1000.0]
    catalog = catalog_of(systems, lambda: clock[0])
    catalog.reread("contact", catalog.mapping("contact"))
    systems.options = {1: "Male", 2: "Female"}
    clock[0] += 1
    assert catalog.reread("contact", current(catalog), replay=True) is None
    clock[0] += 1
    assert catalog.reread("contact", current(catalog), replay=True) is not None


def test_a_mapping_is_named_by_what_it_depends_on() -> None:
    systems = Systems()
    first = catalog_of(systems).mapping("contact").metadata
    assert catalog_of(systems).mapping("contact").metadata == first
    systems.options = {1: "Mister"}
    assert catalog_of(systems).mapping("contact").metadata != first


def test_a_choice_without_a_label_keeps_a_new_document_out_and_does_not_stop_one_in_force() -> None:
    systems = Systems()
    systems.options = {1: "Male", 2: ""}
    catalog = catalog_of(systems)
    (problem,) = catalog.draft_problems("contact", document("contact"), 1)
    assert "option 2 of column gendercode has no label" in problem
    mapping = catalog.mapping("contact").mapping
    assert mapping.map(row(gendercode=1)).key == ID
    with pytest.raises(Rejected) as caught:
        mapping.map(row(gendercode=2))
    assert caught.value.reason == "no_label"
