"""A fixed part of `manage.py bench fuzz`: hostile input is refused with a sentence, or taken, and
nothing else.
"""

import logging
from collections.abc import Iterator

import pytest

from dev.bench.fuzz.surfaces import SURFACES, fuzz
from functions import triggers
from shared import wiring

INPUTS, INPUTS_OF_YAML = 60, 15


@pytest.fixture(autouse=True, scope="module")
def an_app_of_its_own() -> Iterator[None]:
    """The composition root is the process's: it is given back."""
    before = list(wiring._wiring), triggers.postpone, logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    wiring._wiring[:], triggers.postpone, logging.root.manager.disable = before


@pytest.mark.parametrize("surface", SURFACES)
def test_nothing_from_outside_raises_what_is_not_ours(surface: str) -> None:
    reported: list[str] = []
    figures = fuzz(
        surface,
        INPUTS_OF_YAML if "document" in surface else INPUTS,
        20261126,
        reported.append,
        timed=False,
    )
    assert not reported
    assert figures.refused > 0
    assert figures.accepted > 0
