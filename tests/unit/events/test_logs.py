"""Rows of the logs as events: labels and technical values, unknown codes, and who is the same event as whom."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.documents import EventsDocument, default_events_document, read_events_document
from shared.events.logs import LogReader, event_id, identity
from shared.mapping import InvalidDocument
from shared.sftp.faults import BadHeader, ParseError

DEFAULT = default_events_document()
CONTACT = "0f8fad5b-d9cb-469f-a165-70867728950e"
WHEN = "2026/05/04 10:00:00"


def document(*changes: tuple[str, str]) -> EventsDocument:
    text = DEFAULT
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return read_events_document(text)


def read(tracking: bool, values: Mapping[str, str], doc: EventsDocument | None = None) -> dict[str, Any] | None:
    """The event of a row that holds these values under our names of the columns, and nothing else."""
    doc = doc or document()
    columns = (doc.files.tracking_log if tracking else doc.files.delivery_log).columns
    reader = LogReader(doc, tracking, list(columns.values()))
    return reader.read([values.get(field, "") for field in columns])


def message(**values: str) -> dict[str, str]:
    return {"log_id": "7", "contact": CONTACT, "status": "1", "at": WHEN, **values}


def reaction(**values: str) -> dict[str, str]:
    return {"log_id": "9", "broad_log_id": "7", "contact": CONTACT, "type": "2", "at": WHEN, **values}


@pytest.mark.parametrize(
    ("status", "failure", "reason", "expected"),
    [
        ("1", "0", "0", ("send", None, None)),
        ("Sent", "", "", ("send", None, None)),
        ("2", "2", "1", ("bounce", "Hard", "User unknown")),
        ("Failed", "Hard", "User unknown", ("bounce", "Hard", "User unknown")),
        ("2", "1", "8", ("bounce", "Hard", "Address on denylist")),
        ("2", "1", "5", ("bounce", "Soft", "Mailbox full")),
        ("FAILED", "soft", "mailbox_full", ("bounce", "Soft", "Mailbox full")),
        ("2", "0", "0", None),
        ("2", "Ignored", "Duplicate", None),
        ("Pending", "", "", None),
        ("5", "", "", None),
    ],
)
def test_a_delivery_log_row_is_a_send_a_bounce_or_nothing(
    status: str, failure: str, reason: str, expected: tuple[object, ...] | None
) -> None:
    row = message(status=status, failure_type=failure, reason=reason)
    event = read(False, row, document(("bounces: hard ", "bounces: all ")))
    found = event and (event["kind"], event.get("bounce_type"), event.get("bounce_reason"))
    assert found == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("1", "click"),
        ("10", "click"),
        ("11", "click"),
        ("Email click", "click"),
        ("2", "open"),
        ("Open", "open"),
        ("3", None),
        ("6", None),
        ("Mirror page", None),
        ("Opt-out", None),
    ],
)
def test_a_tracking_log_row_is_an_open_a_click_or_nothing(kind: str, expected: str | None) -> None:
    event = read(True, reaction(type=kind, url="https://www.example.org/"))
    assert (event["kind"] if event else None) == expected


@pytest.mark.parametrize(
    ("tracking", "row", "rule"),
    [
        (False, message(status="banana"), "unknown_status"),
        (False, message(status="2", failure_type="banana"), "unknown_failure"),
        (False, message(at="yesterday"), "not_a_date"),
        (False, message(log_id=""), "no_log_id"),
        (True, reaction(type="banana"), "unknown_type"),
        (True, reaction(log_id=""), "no_log_id"),
    ],
    ids=["status", "failure", "date", "id", "type", "tracking id"],
)
def test_a_code_that_is_not_known_is_a_fault_that_shows_no_value(tracking: bool, row: dict[str, str], rule: str) -> None:
    with pytest.raises(ParseError) as caught:
        read(tracking, row)
    assert caught.value.rule == rule
    assert "banana" not in caught.value.sentence


def test_a_bounce_is_dated_when_it_came_and_beside_its_send() -> None:
    sent = read(False, message())
    bounced = read(False, message(status="2", failure_type="2", reason="1", changed="2026/05/08 11:00:00"))
    assert sent and bounced
    assert (sent["at"], bounced["at"]) == ("2026-05-04T10:00:00Z", "2026-05-08T11:00:00Z")
    assert sent["id"] != bounced["id"]


def test_soft_bounces_are_left_out_as_shipped() -> None:
    assert read(False, message(status="2", failure_type="1", reason="5")) is None


def test_who_is_no_contact_of_dynamics_has_no_contact() -> None:
    event = read(False, message(contact="customer-17"))
    assert event and event["contact"] == ""
    upper = read(False, message(contact=CONTACT.upper()))
    assert upper and upper["contact"] == CONTACT


def test_a_header_that_lacks_columns_names_them() -> None:
    with pytest.raises(BadHeader, match="externalId"):
        LogReader(document(), False, ["logId", "status"])


numbers = st.integers(0, 10**12).map(str)


@given(numbers, numbers)
def test_the_id_of_an_event_is_that_of_its_log_row_and_kind(one: str, other: str) -> None:
    assert (event_id("send", one) == event_id("send", other)) == (one == other)
    assert event_id("send", one) != event_id("bounce", one)


@given(numbers, numbers, numbers, st.sampled_from(["https://a.example.org/", "https://b.example.org/"]))
def test_first_makes_all_opens_of_a_message_one_and_all_clicks_on_a_url(first: str, second: str, sent: str, url: str) -> None:
    rows = [{"log_id": log_id, "broad_log_id": sent} for log_id in (first, second)]
    opens = {identity("open", "first", row, "") for row in rows}
    clicks = {identity("click", "first", row, url) for row in rows}
    assert (len(opens), len(clicks)) == (1, 1)
    assert opens != clicks
    assert len({identity("open", "all", row, "") for row in rows}) == len({first, second})
    assert identity("click", "first", rows[0], url + "x") not in clicks


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("log_id: logId, contact", "contact", "log_id"),
        ("status: status, ", "", "status"),
        ("broad_log_id: broadLogId, ", "", "broad_log_id"),
        ("{campaign};", "{customer};", "customer"),
        ("encoding: utf-8", "encoding: utf-99", "utf-99"),
        ("bounces: hard ", "bounces: some ", "bounces"),
        ("table: acs_emailsend", "table: Acs Email", "table"),
        ("journal: ", "diary: ", "diary"),
    ],
    ids=["log id", "status", "message id", "subject", "encoding", "bounces", "table", "unknown part"],
)
def test_a_document_that_cannot_serve_is_refused_by_name(before: str, after: str, told: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        document((before, after))
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("agent", "device", "expected"),
    [("GoogleImageProxy/1", "", True), ("Mozilla", "bot", True), ("Mozilla", "pc", False), ("", "", False)],
)
def test_machines_are_known_by_agent_or_device(agent: str, device: str, expected: bool) -> None:
    machines = document(("user_agents: []", "user_agents: ['*ImageProxy*']"), ("devices: []", "devices: [bot]")).machines
    assert machines.made(agent, device) is expected
