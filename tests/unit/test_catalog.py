"""Who waits for whom while mappings are compiled, and how often metadata is read."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from shared.entities.catalog import Catalog
from shared.errors import Rejected
from shared.mapping import SourceTable, TargetResource
from tests.unit.mapping.metadata import CONTACT, ID, PROFILE, row


class Asked(Exception):
    """The pairs were asked for; no more is needed."""


def test_the_pairs_are_asked_for_while_the_catalog_is_free() -> None:
    """Else two threads that begin at both ends stand still for ever, contacts and opt-outs with them."""
    free = []

    def pairs() -> Any:
        free.append(not catalog.lock.locked())
        raise Asked

    systems: Any = None
    catalog = Catalog(systems, systems, systems, 0, pairs=pairs)
    with suppress(Asked):
        catalog.mapping("contact")
    assert free == [True]


class Documents:
    """One packaged document for contact, and a like one for any other table."""

    def activated(self) -> dict[str, Any]:
        return {}

    def tables(self) -> list[str]:
        return []

    def newest(self, table: str) -> tuple[int, str]:
        return 1, ""

    def text(self, table: str, version: int) -> str:
        key = "key: {source: contactid, target: externalId}"
        resource = "profile" if table == "contact" else f"cus{table}"
        return f"table: {table}\nresource: {resource}\n{key}\nfields: [{{source: gendercode, target: cusText}}]"


class Systems:
    """Both systems' metadata; `reads` counts, `gate` holds the table `slow` up until it is opened."""

    def __init__(self) -> None:
        self.options, self.reads, self.gate = {1: "Male"}, 0, threading.Event()

    def table(self, name: str) -> SourceTable:
        if name == "slow":
            assert self.gate.wait(30)
        self.reads += 1
        gender = replace(CONTACT.columns["gendercode"], options=dict(self.options))
        return replace(CONTACT, logical_name=name, columns={**CONTACT.columns, "gendercode": gender})

    def resource(self, api: str, name: str) -> TargetResource:
        return replace(PROFILE, name=name)


def catalog_of(systems: Any, now: Callable[[], float] = lambda: 1000.0) -> Catalog:
    documents: Any = Documents()
    return Catalog(documents, systems, systems, 60, now)


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
    judged = catalog.mapping("contact")
    asked = []
    for second in range(300):
        clock[0] = 1000.0 + second
        before = systems.reads
        assert catalog.reread("contact", catalog.active.get("contact", judged)) is None
        asked += [second] if systems.reads > before else []
    assert asked == [0, 10, 30, 70, 130, 190, 250]


def test_who_replays_waits_for_new_metadata_only_a_moment() -> None:
    systems, clock = Systems(), [1000.0]
    catalog = catalog_of(systems, lambda: clock[0])
    catalog.reread("contact", catalog.mapping("contact"))
    systems.options = {1: "Male", 2: "Female"}
    clock[0] += 1
    assert catalog.reread("contact", catalog.active["contact"], replay=True) is None
    clock[0] += 1
    assert catalog.reread("contact", catalog.active["contact"], replay=True) is not None


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
    (problem,) = catalog.draft_problems("contact", Documents().text("contact", 1), 1)
    assert "option 2 of column gendercode has no label" in problem
    mapping = catalog.mapping("contact").mapping
    assert mapping.map(row(gendercode=1)).key == ID
    with pytest.raises(Rejected) as caught:
        mapping.map(row(gendercode=2))
    assert caught.value.reason == "no_label"
