"""`manage.py bench kills` in small: instances die, and in the end both systems agree."""

from pathlib import Path

from dev.bench.kills import contacts_world, families_world, no_child_is_lost, no_contact_is_lost

SEED = 20261123


def test_nothing_is_lost_doubled_or_stale_when_instances_are_killed(tmp_path: Path) -> None:
    with contacts_world(tmp_path) as world:
        no_contact_is_lost(world, contacts=600, kills=4, seed=SEED)


def test_no_child_is_hidden_lost_or_wrongly_linked_when_instances_are_killed(
    tmp_path: Path,
) -> None:
    with families_world(tmp_path) as world:
        no_child_is_lost(world, families=100, kills=3, seed=SEED)
