"""Events as rows of activity tables: what fits, what is cut, and what a table must have."""

import re
from dataclasses import replace
from typing import Any

import pytest

from shared.dataverse.batch import WritableTable, naming
from shared.documents.kinds import World
from shared.errors import Misconfigured, Refusal, Rejected, recovery
from shared.events.activities import Contact, activity_of, problems, task_of
from shared.events.catalog import EventsCompiler
from shared.events.documents import KINDS, FollowUp, default_events_document, read_events_document
from shared.labels import units
from shared.state.documents import Listing

DOCUMENT = read_events_document(default_events_document())
CONTACT = Contact("0f8fad5b-d9cb-469f-a165-70867728950e", "")
COLUMNS = frozenset({*DOCUMENT.kinds.click.columns.values(), "subject", "description"})
LENGTHS = {"subject": 40, "acs_trackingurl": 30, "acs_campaignname": 5, "acs_eventid": 36}
ID = "4f0c6c4e-3f0b-5f6e-8b7a-0123456789ab"


def table(lengths: dict[str, int], columns: frozenset[str] = COLUMNS) -> WritableTable:
    binds = {("regardingobjectid", "contact"): "regardingobjectid_contact"}
    return WritableTable("acs_emailclick", "acs_emailclicks", columns, binds, True, lengths)


def click(**values: str) -> dict[str, str]:
    return {
        "kind": "click",
        "at": "2026-05-04T10:00:00Z",
        "campaign": "CMP",
        "delivery": "DM1",
        "url": "https://e.example.org",
        **values,
    }


def test_what_fits_is_written_as_it_is_and_nothing_is_said() -> None:
    row = activity_of(DOCUMENT, table(LENGTHS | {"subject": 200}), ID, click(), CONTACT)
    assert (row["acs_trackingurl"], row["subject"]) == (
        "https://e.example.org",
        "Campaign Name: CMP; Delivery Name: DM1",
    )
    assert "description" not in row


@pytest.mark.parametrize(
    ("event", "column", "text", "said"),
    [
        (click(url="https://e.example.org/0123456789"), "acs_trackingurl",
         "https://e.example.org/0123456…", "URL"),
        (click(campaign="CMP-23"), "acs_campaignname", "CMP-…", "campaign name"),
        (click(campaign="春😀😀"), "acs_campaignname", "春😀😀", ""),
        (click(campaign="春春😀😀"), "acs_campaignname", "春春😀…", "campaign name"),
        (click(delivery="DM1-and-more"), "subject", "Campaign Name: CMP; Delivery Name: DM1-…",
         "subject"),
    ],
    ids=["url", "name", "fits in code units", "no half character", "subject"],
)  # fmt: skip
def test_a_text_that_is_too_long_is_cut_and_the_description_says_so(
    event: dict[str, str], column: str, text: str, said: str
) -> None:
    row = activity_of(DOCUMENT, table(LENGTHS), ID, event, CONTACT)
    assert row[column] == text
    assert units(row[column]) <= LENGTHS[column]
    assert said in row.get("description", "")
    assert said == "" or row["description"].startswith(
        "Too long for Dynamics, so the end was cut off: "
    )


def test_what_was_cut_on_its_way_is_told_too() -> None:
    row = activity_of(
        DOCUMENT,
        table({}),
        ID,
        click(url="https://e.example.org/…", shortened="url,agent"),
        CONTACT,
    )
    assert row["description"] == "Too long for Dynamics, so the end was cut off: URL."


def test_an_id_is_never_cut_and_its_column_must_hold_it() -> None:
    short = table({"acs_eventid": 20})
    assert activity_of(DOCUMENT, short, ID, click(), CONTACT)["acs_eventid"] == ID
    (reported,) = problems(DOCUMENT, {"acs_emailclick": short})
    assert re.match(r"Line \d+, kinds\.click\.columns\.event_id \(acs_eventid\): ", reported)
    assert (
        "column acs_eventid of table acs_emailclick holds 20 characters, and 36 are needed:"
        " lengthen it." in reported
    )


def test_a_rejection_names_the_columns_and_nothing_else_of_the_message() -> None:
    refused = Rejected(
        Refusal("", "too_long", "Dataverse refused activities (status 400): a text is longer.")
    )
    message = "The length of the 'acs_trackingurl' attribute exceeded '2000'. Value: Jane Doe"
    named = naming(refused, message, ["acs_tracking", "acs_trackingurl", "subject"])
    assert isinstance(named, Rejected)
    assert (named.field, named.reason) == ("acs_trackingurl", "too_long")
    assert str(named).endswith("Column: acs_trackingurl.")
    assert "Jane" not in str(named)
    other = Misconfigured("security role", "Access is denied.")
    assert naming(other, message, ["acs_trackingurl"]) is other


def test_a_missing_column_is_told_with_its_line() -> None:
    (reported,) = problems(DOCUMENT, {"acs_emailclick": table({}, COLUMNS - {"acs_trackingurl"})})
    assert re.match(
        r"Line \d+, kinds\.click\.columns\.url \(acs_trackingurl\): table acs_emailclick has no"
        r" such column: ",
        reported,
    )


class Tables:
    """Dataverse with some of the tables."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def table(self, name: str) -> WritableTable:
        if name not in self.names:
            raise recovery("dataverse", 404, "0x80060888", f"definition of table {name}")
        wanted = next(rule for kind in KINDS if (rule := DOCUMENT.rule(kind)).table == name)
        return table({}, frozenset({*wanted.columns.values(), "subject"}))


def test_a_missing_table_is_told_with_its_kind_and_is_no_fault_of_a_mapping() -> None:
    batch: Any = Tables("acs_emailsend", "acs_emailopen", "acs_emailclick")
    with pytest.raises(Misconfigured) as caught:
        EventsCompiler(batch).checked(DOCUMENT, 1)
    assert caught.value.setting == "events document"
    for part in (
        "kinds.bounce.table: ",
        "acs_emailbounce",
        "kind bounce",
        "`manage.py setup activities`, or correct kinds.bounce.table",
    ):
        assert part in str(caught.value)


class Remembering(Tables):
    """Keeps a definition until it is told to forget, as the writer does."""

    remembered = False

    def forget(self) -> None:
        self.remembered = False

    def table(self, name: str) -> WritableTable:
        found = super().table(name)
        return replace(found, columns=frozenset()) if self.remembered else found


def test_a_table_that_was_corrected_is_seen_when_a_draft_is_judged_again() -> None:
    batch: Any = Remembering("acs_emailsend", "acs_emailopen", "acs_emailclick", "acs_emailbounce")
    batch.remembered = True
    world = World(Listing({}, frozenset()), {})
    assert EventsCompiler(batch).problems("email_events", default_events_document(), 1, world) == []


def test_what_else_keeps_a_table_from_being_read_is_told_as_it_is() -> None:
    class Refusing(Tables):
        def table(self, name: str) -> WritableTable:
            raise recovery("dataverse", 401, "", "definition")

    batch: Any = Refusing()
    with pytest.raises(Misconfigured) as caught:
        EventsCompiler(batch).checked(DOCUMENT, 1)
    assert caught.value.setting == "DATAVERSE_AUTH"


@pytest.mark.parametrize(
    ("at", "due"),
    [
        ("2026-05-04T10:00:00Z", "2026-05-07T10:00:00Z"),
        ("9999-12-31T23:59:59Z", "9999-12-31T00:00:00Z"),
        ("1753-01-01T00:00:00Z", "1753-01-04T00:00:00Z"),
    ],
)
def test_a_task_is_due_some_days_later_and_no_later_than_the_last_day(at: str, due: str) -> None:
    task = table({})
    assert (
        task_of(FollowUp(subject="Call", due_days=3), task, ID, click(at=at), CONTACT)[
            "scheduledend"
        ]
        == due
    )
