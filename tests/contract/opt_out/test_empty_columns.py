"""A column without a value: cleared by an import, or secured so that the bridge reads it as
empty.
"""

from collections.abc import Callable

import pytest

from shared.pipeline.replay import replay
from tests.contract.opt_out.kit import COLUMN, World


def empties(world: World, person: str) -> None:
    world.dynamics.change_contact(person, quietly=True, **{COLUMN: None})
    world.quiet()


@pytest.mark.parametrize(("mode", "in_dynamics"), [("both", True), ("to-campaign", None)])
def test_an_empty_column_takes_no_opt_out_back(
    new_world: Callable[..., World], mode: str, in_dynamics: bool | None
) -> None:
    world = new_world(mode)
    person = world.person(contact=True, profile=True)
    world.quiet()
    empties(world, person)
    assert world.says(person) == (bool(in_dynamics), True)
    assert world.dynamics.contact(person)[COLUMN] is in_dynamics
    for side in world.sides.values():
        replay(side.poller, side.bridge, "all")
    world.quiet()
    assert world.says(person) == (bool(in_dynamics), True)


@pytest.mark.parametrize("mode", ["both", "to-campaign"])
def test_an_opt_in_after_an_empty_column_counts(new_world: Callable[..., World], mode: str) -> None:
    world = new_world(mode)
    person = world.person(contact=True, profile=True)
    world.quiet()
    empties(world, person)
    world.in_dynamics(person, no=False)
    world.quiet()
    assert world.says(person) == (False, False)
