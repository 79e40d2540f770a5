"""The opt-out flow where its document changes between two of its steps."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.opt_out.deciding import Mode
from shared.opt_out.documents import OptOutDocument
from shared.opt_out.flow import OptOutFlow
from shared.pipeline.decision import Act
from shared.records import Change, Kind

ID = "00000000-0000-0000-0000-000000000001"
NEWER = OptOutDocument.model_validate(
    {
        "pairs": [
            {"column": "donotemail", "flag": "blackListEmail"},
            {"column": "donotfax", "flag": "blackListFax"},
        ]
    }
)


def flow() -> OptOutFlow:
    catalog = SimpleNamespace(active=lambda: SimpleNamespace(document=NEWER))
    reconciler = SimpleNamespace(mode=Mode.BOTH, now=lambda: 0.0)
    made = [cast(Any, one) for one in (None, catalog, reconciler, None)]
    return OptOutFlow("opt_out", "contact", *made)


@pytest.mark.parametrize("row", [{"donotemail": True}, {"donotfax": False}], ids=str)
def test_columns_that_were_read_for_an_older_document_are_read_again(row: dict[str, Any]) -> None:
    """They passed `incomplete` under the older one, which did not name the other column."""
    assert flow().decide(Change(ID, Kind.ROW, 5, row), None).act is Act.LOOK


def test_columns_that_are_all_there_are_not_read_again() -> None:
    row = {"contactid": ID, "donotemail": False, "donotfax": False}
    assert flow().decide(Change(ID, Kind.ROW, 5, row), None).act is Act.NOTHING
