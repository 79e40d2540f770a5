"""The opt-out flow: its document changes between two of its steps; what of a change rests."""

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.opt_out.agreed_state import scope_of, to_stored
from shared.opt_out.deciding import Mode
from shared.opt_out.documents import OptOutDocument
from shared.opt_out.flow import OptOutFlow
from shared.opt_out.systems import Profile, contact_of
from shared.pipeline.decision import Act
from shared.records import Change, Kind
from shared.state.ledger_rows import LedgerRow

ID = "00000000-0000-0000-0000-000000000001"
MADE = "2026-05-04T10:00:00Z"
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


def test_columns_of_an_earlier_version_do_not_tell_when_the_contact_was_made() -> None:
    row = {"contactid": ID, "donotemail": False, "donotfax": False}
    change = Change(ID, Kind.ROW, 5, row)
    assert flow().incomplete([change]) == [change]


def test_columns_that_are_all_there_are_not_read_again() -> None:
    row = {"contactid": ID, "donotemail": False, "donotfax": False, "createdon": MADE}
    assert flow().decide(Change(ID, Kind.ROW, 5, row), None).act is Act.NOTHING


AGAIN = "2026-05-05T10:00:00Z"


@pytest.mark.parametrize(
    ("made", "act"),
    [
        pytest.param({"createdon": MADE}, Act.NOTHING, id="the same contact"),
        pytest.param({"createdon": AGAIN}, Act.LOOK, id="another one under its id"),
        pytest.param(
            {"createdon": MADE, "overriddencreatedon": AGAIN}, Act.LOOK, id="another one, migrated"
        ),
    ],
)
def test_a_contact_that_was_made_again_is_new_though_it_says_the_same(
    made: dict[str, str], act: Act
) -> None:
    columns = {"contactid": ID, "donotemail": True, "donotfax": False}
    pairs = NEWER.pairs
    seen = contact_of({**columns, "createdon": MADE, "@odata.etag": 'W/"4"'}, pairs)
    profile = Profile(seen.values, dict.fromkeys(seen.values, ""))
    agreed = to_stored(scope_of(Mode.BOTH, pairs), {}, seen, profile, "")
    ledger = LedgerRow(ID, outcome="unchanged", agreed=agreed, version=4)
    assert flow().decide(Change(ID, Kind.ROW, 5, columns | made), ledger).act is act


OUT, STANDS = {"blackListEmail": True}, {"blackListEmail": False}
CONTACT = {
    "record_id": ID,
    "etag": 'W/"5"',
    "modified_at": "",
    "master": "",
    "values": STANDS,
    "held": [],
    "empty": [],
}


def reported(values: dict[str, bool], **more: Any) -> dict[str, Any]:
    return {"campaign": {"values": values, "times": {"blackListEmail": ""}, **more}}


@pytest.mark.parametrize(
    ("row", "asks_campaign"),
    [
        pytest.param({"contactid": ID, "donotemail": True}, False, id="Dynamics' feed"),
        pytest.param({"dynamics": CONTACT, "feed": True}, False, id="looked at"),
        pytest.param({"settled": None}, False, id="the contacts flow"),
        pytest.param({"settled": {"values": OUT, "times": {}}}, False, id="a profile was made"),
        pytest.param(None, False, id="the webhook"),
        pytest.param(reported(OUT), True, id="Campaign's feed"),
        pytest.param(reported(STANDS), True, id="Campaign's feed, an opt-in"),
        pytest.param({"dynamics": None, **reported(OUT)}, True, id="Campaign's feed, looked at"),
    ],
)
def test_what_both_systems_can_be_asked_for_rests_as_a_reference(
    row: dict[str, Any] | None, asks_campaign: bool
) -> None:
    change = Change(ID, Kind.ROW, 5, row, 1.0, 3)
    rests = flow().at_rest(change)
    assert rests == Change(ID, Kind.REFERENCE, first_seen=1.0, attempts=3, replay=asks_campaign)
    assert rests.row is None


@pytest.mark.parametrize(
    "row",
    [
        pytest.param(reported(OUT, alias="certain"), id="another form of the id"),
        pytest.param(reported(OUT, alias="perhaps"), id="perhaps another form of the id"),
        pytest.param({"fault": {"line": 7}}, id="a line that could not be read"),
    ],
)
def test_what_nobody_can_be_asked_for_again_keeps_its_row(row: dict[str, Any]) -> None:
    change = Change(ID, Kind.ROW, 0, row)
    assert flow().at_rest(change) is change


def test_what_campaign_reported_is_asked_for_again_though_dynamics_tells_no_opt_out() -> None:
    """Nobody has seen the contact before, so Dynamics alone would have nothing to say."""
    rests = flow().at_rest(Change(ID, Kind.ROW, 0, reported(OUT)))
    looked = replace(rests, row={"dynamics": CONTACT})
    assert flow().decide(looked, None).act is Act.SAVE
