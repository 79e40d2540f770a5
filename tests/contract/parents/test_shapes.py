"""Custom tables of every shape: four levels, fifty-one columns, every type, links to themselves, in
a circle, none at all.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from dev.commands.stack import Stack
from dev.seed.tables import Table, add_column, add_lookup, label, put_documents, write_publication
from dev.verbs import Dynamics
from shared.settings import load_settings
from shared.wiring import Wiring
from tests.contract.fresh import take_identity
from tests.contract.parents.kit import PACE, World

COLOURS = {"Options": [{"Value": 1, "Label": label("Red")}, {"Value": 2, "Label": label("Green")}]}
TYPED: dict[str, dict[str, Any]] = {
    "acs_text": {"MaxLength": 100},
    "acs_memo": {"kind": "Memo", "MaxLength": 2000, "target": {"length": 2000}},
    "acs_whole": {"kind": "Integer", "target": {"type": "integer"}},
    "acs_decimal": {"kind": "Decimal", "Precision": 4, "target": {"type": "double"}},
    "acs_money": {"kind": "Money", "target": {"type": "double"}},
    "acs_flag": {"kind": "Boolean", "target": {"type": "boolean"}},
    "acs_colour": {"kind": "Picklist", "OptionSet": COLOURS},
    "acs_colours": {"kind": "MultiSelectPicklist", "OptionSet": COLOURS},
    "acs_dateonly": {
        "kind": "DateTime",
        "Format": "DateOnly",
        "DateTimeBehavior": {"Value": "DateOnly"},
        "target": {"type": "date"},
    },
    "acs_local": {
        "kind": "DateTime",
        "DateTimeBehavior": {"Value": "UserLocal"},
        "target": {"type": "datetime"},
    },
    "acs_independent": {
        "kind": "DateTime",
        "DateTimeBehavior": {"Value": "TimeZoneIndependent"},
        "target": {"type": "datetime"},
    },
}
POLICY = Table("acs_policy", {"acs_holder": ("contact", "externalId")}, TYPED)
CLAIM = Table("acs_claim", {"acs_policyref": ("acs_policy", "recordId")})
ITEM = Table("acs_item", {"acs_claimref": ("acs_claim", "recordId")})
NODE = Table("acs_node", {"acs_parentref": ("acs_node", "recordId")}, cardinality="zeroOrOne")
LEFT = Table("acs_left", {"acs_rightref": ("acs_right", "recordId")}, cardinality="zeroOrOne")
RIGHT = Table("acs_right", {"acs_leftref": ("acs_left", "recordId")}, cardinality="zeroOrOne")
LOOSE = Table("acs_loose", api="customResources")
WIDE = Table(
    "acs_wide", columns={f"acs_column{number}": {"MaxLength": 100} for number in range(51)}
)
TABLES = [POLICY, CLAIM, ITEM, NODE, LEFT, RIGHT, LOOSE, WIDE]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("shapes")
    publication = write_publication(directory / "publication.yaml", TABLES)
    with Stack(directory=directory, host=False, settings=PACE, publication=publication) as running:
        dynamics = Dynamics(running.facts)
        for table in (POLICY, CLAIM, ITEM, NODE, LOOSE, WIDE):
            table.create(dynamics)
        Table("acs_left").create(dynamics)
        RIGHT.create(dynamics)
        add_lookup(dynamics, "acs_left", "acs_rightref", "acs_right")
        add_column(dynamics, "contact", "acs_score", {"kind": "Integer"})
        yield running


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        take_identity(stack, patch)
        wiring = Wiring(load_settings(stack.environment))
        put_documents(wiring.storage.container("config"), TABLES)
        yield World(stack, wiring, [table.name for table in TABLES])


def named(world: World, table: Table, name: str) -> dict[str, Any]:
    (found,) = [row for row in world.shown(table.resource, table.api) if row["name"] == name]
    return found


def test_four_levels_arrive_in_order_and_are_deleted_child_first(world: World) -> None:
    holder = world.dynamics.create_contact(lastname="Holder")
    ids = [holder]
    for table, parent, lookup in (
        (POLICY, "contacts", "acs_holder"),
        (CLAIM, "acs_policys", "acs_policyref"),
    ):
        bind = {f"{lookup}@odata.bind": f"/{parent}({ids[-1]})"}
        ids.append(world.create(table.name, **{f"{table.name}_name": "level", **bind}))
    ids.append(
        world.create(
            "acs_item",
            acs_item_name="level",
            **{"acs_claimref@odata.bind": f"/acs_claims({ids[-1]})"},
        )
    )
    assert [world.poll(table) for table in ("acs_item", "acs_claim", "acs_policy")] == [
        ["waiting"]
    ] * 3
    world.drain()
    assert named(world, ITEM, "level")["acs_claimref_link"]
    for table, record_id in zip(
        ("contact", "acs_policy", "acs_claim", "acs_item"), ids, strict=True
    ):
        world.delete(table, record_id)
    world.drain()
    assert [list(world.campaign.records(table.resource)) for table in (POLICY, CLAIM, ITEM)] == [
        [],
        [],
        [],
    ]


def test_values_of_every_type_arrive_converted(world: World) -> None:
    values = {
        "acs_text": "O'Hara & Söhne",
        "acs_memo": "two\nlines",
        "acs_whole": -7,
        "acs_decimal": 1.25,
        "acs_money": 99.9,
        "acs_flag": True,
        "acs_colour": 2,
        "acs_colours": "1,2",
        "acs_dateonly": "2024-02-29",
        "acs_local": "2024-02-29T10:00:00Z",
        "acs_independent": "2024-02-29T10:00:00Z",
    }
    holder = world.dynamics.create_contact(lastname="Holder")
    world.create(
        "acs_policy",
        acs_policy_name="typed",
        **values,
        **{"acs_holder@odata.bind": f"/contacts({holder})"},
    )
    world.drain()
    held = named(world, POLICY, "typed")
    assert {name: held[name] for name in values} == {
        **values,
        "acs_colour": "Green",
        "acs_colours": "Red; Green",
        "acs_local": "2024-02-29 10:00:00.000Z",
        "acs_independent": "2024-02-29 10:00:00.000Z",
    }


def test_a_record_that_is_its_own_parent_is_written(world: World) -> None:
    root = world.create("acs_node", acs_node_name="root")
    world.change("acs_node", root, **{"acs_parentref@odata.bind": f"/acs_nodes({root})"})
    world.drain()
    assert named(world, NODE, "root")["acs_parentref_id"] == root


def test_a_tree_of_one_table_arrives_root_first(world: World) -> None:
    top = world.create("acs_node", acs_node_name="top")
    middle = world.create(
        "acs_node", acs_node_name="middle", **{"acs_parentref@odata.bind": f"/acs_nodes({top})"}
    )
    world.create(
        "acs_node", acs_node_name="leaf", **{"acs_parentref@odata.bind": f"/acs_nodes({middle})"}
    )
    world.drain()
    assert (
        named(world, NODE, "leaf")["acs_parentref_id"],
        named(world, NODE, "middle")["acs_parentref_id"],
    ) == (middle, top)


def test_two_tables_that_link_to_each_other_do_not_wait_for_ever(world: World) -> None:
    left = world.create("acs_left", acs_left_name="left")
    right = world.create(
        "acs_right", acs_right_name="right", **{"acs_leftref@odata.bind": f"/acs_lefts({left})"}
    )
    world.change("acs_left", left, **{"acs_rightref@odata.bind": f"/acs_rights({right})"})
    world.drain()
    assert (
        named(world, LEFT, "left")["acs_rightref_id"],
        named(world, RIGHT, "right")["acs_leftref_id"],
    ) == (right, left)


def test_an_unlinked_resource_is_written_through_custom_resources(world: World) -> None:
    loose = world.create("acs_loose", acs_loose_name="alone")
    world.drain()
    assert named(world, LOOSE, "alone")["recordId"] == loose
    world.change("acs_loose", loose, acs_loose_name="changed")
    world.drain()
    assert named(world, LOOSE, "changed")["recordId"] == loose
    world.delete("acs_loose", loose)
    world.drain()
    assert not list(world.campaign.records("cusLoose"))


def test_a_fifty_first_column_is_one_line_more(world: World) -> None:
    world.create(
        "acs_wide",
        acs_wide_name="wide",
        **{f"acs_column{number}": f"value {number}" for number in range(51)},
    )
    world.drain()
    held = named(world, WIDE, "wide")
    assert [held[f"acs_column{number}"] for number in range(51)] == [
        f"value {number}" for number in range(51)
    ]
