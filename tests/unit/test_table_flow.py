"""A table's flow where the mapping changes between two of its steps."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.entities.flow import TableFlow
from shared.pipeline.decision import Act
from shared.records import Change, Kind

ID = "00000000-0000-0000-0000-000000000001"
NEWER = SimpleNamespace(
    mapping=SimpleNamespace(
        columns=["firstname", "statecode"],
        needed=frozenset({"firstname", "statecode"}),
        polymorphic_lookups=["_owner_value"],
    )
)


def flow() -> TableFlow:
    catalog = SimpleNamespace(mapping=lambda _: NEWER)
    return TableFlow(
        "contacts",
        "contacts",
        "contact",
        cast(Any, catalog),
        cast(Any, None),
        cast(Any, None),
        b"key",
        lambda: 0.0,
    )


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"firstname": "Ada", "_owner_value": None}, id="a column"),
        pytest.param(
            {"firstname": "Ada", "statecode": 0, "_owner_value": ID}, id="the table of a lookup"
        ),
    ],
)
def test_a_row_that_was_read_for_an_older_mapping_is_read_again(row: dict[str, Any]) -> None:
    """It passed `incomplete` under the older one; the simulation found the KeyError that came of it
    (seed 459).
    """
    assert flow().decide(Change(ID, Kind.ROW, 5, row), None).act is Act.LOOK
