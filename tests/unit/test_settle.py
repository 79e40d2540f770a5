"""How long a change waits for its next attempt."""

from typing import cast

import pytest

from shared.pipeline.flow import Bridge
from shared.pipeline.settle import delay
from shared.records import Change, Kind, Outcome, Settlement
from shared.settings import load_settings
from tests.unit.test_settings import COMPLETE


class Set:
    settings = load_settings(
        {**COMPLETE, "RETRY_DELAY_SECONDS": "5", "RETRY_DELAY_MAX_SECONDS": "900"}
    )


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(0, 5), (1, 10), (7, 640), (8, 900), (33, 900), (100_000, 900)]
)
def test_the_wait_doubles_up_to_its_end_however_often_it_was_tried(
    attempts: int, seconds: float
) -> None:
    waiting = Settlement(Change("1", Kind.REFERENCE, attempts=attempts), Outcome.WAITING)
    assert delay(waiting, cast(Bridge, Set())) == seconds
