"""The catalog of mappings and that of opt-outs ask each other, and neither may wait for the other."""

from contextlib import suppress
from typing import Any

from shared.catalog import Catalog


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
