"""Either side's schema changes while the flow runs: no record is lost, and what cannot go on says
why.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.commands.stack import Stack
from dev.seed.tables import Table, add_column, write_publication
from dev.verbs import Dynamics
from shared.settings import load_settings
from shared.wiring import Wiring
from tests.contract.fresh import empty_storage, empty_systems, take_identity
from tests.contract.parents.kit import PACE, World

TABLE = Table(
    "acs_thing", columns={"acs_first": {"MaxLength": 100}, "acs_second": {"MaxLength": 100}}
)
PUBLISHED = Table("acs_thing", columns={**TABLE.columns, "acs_third": {"MaxLength": 100}})


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory: Path = tmp_path_factory.mktemp("schema")
    publication = write_publication(directory / "publication.yaml", [PUBLISHED])
    with Stack(directory=directory, host=False, settings=PACE, publication=publication) as running:
        yield running


@pytest.fixture
def world(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> World:
    take_identity(stack, monkeypatch)
    empty_storage(stack, "contacts", "custom-entities")
    empty_systems(stack)
    TABLE.create(Dynamics(stack.facts))
    clock = Later()
    wiring = Wiring(load_settings(stack.environment), now=clock)
    put(wiring, TABLE.document())
    made = World(stack, wiring, [TABLE.name])
    made.clock = clock  # type: ignore[attr-defined]
    return made


class Later:
    """The real clock, moved on where a test has no patience for the time between two tries of a
    failed flow.
    """

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


def put(wiring: Wiring, document: dict[str, Any]) -> None:
    wiring.storage.container("config").upload_blob(
        f"mappings/{TABLE.name}.yaml", yaml.safe_dump(document), overwrite=True
    )


def mapped(**columns: str) -> dict[str, Any]:
    """The table's document with these columns: source=target."""
    document = TABLE.document()
    named = {"acs_thing_name": "name", **columns}
    return {
        **document,
        "fields": [{"source": source, "target": target} for source, target in named.items()],
    }


def drop_column(world: World, name: str) -> None:
    path = f"/EntityDefinitions(LogicalName='{TABLE.name}')/Attributes(LogicalName='{name}')"
    world.dynamics.http.json("DELETE", path)


def held(world: World) -> list[tuple[str, str]]:
    return sorted(
        (row["name"], row["acs_second"]) for row in world.campaign.records(TABLE.resource)
    )


def later(world: World) -> None:
    world.clock.ahead += 120  # type: ignore[attr-defined]


def test_a_column_that_is_added_and_mapped_reaches_every_record(world: World) -> None:
    world.create(TABLE.name, acs_thing_name="old", acs_second="kept")
    world.drain()
    add_column(world.dynamics, TABLE.name, "acs_third", {"MaxLength": 100})
    put(world.wiring, mapped(acs_first="acs_first", acs_second="acs_second", acs_third="acs_third"))
    world.create(TABLE.name, acs_thing_name="new", acs_second="kept", acs_third="third")
    world.drain()
    assert held(world) == [("new", "kept"), ("old", "kept")]
    assert sorted(row["acs_third"] for row in world.campaign.records(TABLE.resource)) == [
        "",
        "third",
    ]


def test_a_column_that_goes_pauses_the_table_with_its_name_and_a_corrected_document_goes_on(
    world: World,
) -> None:
    record = world.create(TABLE.name, acs_thing_name="one", acs_second="before")
    world.drain()
    drop_column(world, "acs_first")
    world.change(TABLE.name, record, acs_second="after")
    world.create(TABLE.name, acs_thing_name="two", acs_second="new")
    worker = world.workers[TABLE.name]
    assert worker.poll() == "failed"
    later(world)
    worker.poll()
    assert "table acs_thing has no column acs_first: correct its name." in world.reason(TABLE.name)
    put(world.wiring, mapped(acs_second="acs_second"))
    later(world)
    world.drain()
    assert held(world) == [("one", "after"), ("two", "new")]
    assert world.reason(TABLE.name) == ""


def test_a_column_that_is_renamed_loses_nothing(world: World) -> None:
    record = world.create(TABLE.name, acs_thing_name="one", acs_first="before", acs_second="x")
    world.drain()
    add_column(world.dynamics, TABLE.name, "acs_renamed", {"MaxLength": 100})
    world.change(TABLE.name, record, acs_renamed="carried over")
    drop_column(world, "acs_first")
    put(world.wiring, mapped(acs_renamed="acs_first", acs_second="acs_second"))
    world.drain()
    assert [row["acs_first"] for row in world.campaign.records(TABLE.resource)] == ["carried over"]


def test_a_field_that_campaign_no_longer_publishes_pauses_the_table_and_its_records_wait(
    world: World,
) -> None:
    record = world.create(TABLE.name, acs_thing_name="one", acs_second="before")
    world.drain()
    world.campaign.emulator.json(
        "POST", "/unpublish", {"resource": TABLE.resource, "field": "acs_first"}
    )
    world.change(TABLE.name, record, acs_second="after", acs_first="lost?")
    worker = world.workers[TABLE.name]
    worker.poll()
    for message in worker.messages():
        worker.deliver(message)
    assert "target field" in world.reason(TABLE.name)
    later(world)
    worker.poll()
    assert f"resource {TABLE.resource} has no field acs_first" in world.reason(TABLE.name)
    put(world.wiring, mapped(acs_second="acs_second"))
    later(world)
    world.drain()
    assert held(world) == [("one", "after")]
    assert not world.wiring.bridge.deadletters.page(worker.flow.key)
