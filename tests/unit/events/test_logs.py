"""Rows of the logs as events: labels and technical values, unknown codes, and who is the same event
as whom.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Misconfigured
from shared.events.documents import (
    EventsDocument,
    default_events_document,
    misnamed,
    read_events_document,
)
from shared.events.logs import FIRST_YEAR, JournalReader, LogReader, event_id, identity, shown
from shared.mapping import InvalidDocument
from shared.mapping.reading import read_active
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


def read(
    tracking: bool, values: Mapping[str, str], doc: EventsDocument | None = None
) -> dict[str, Any] | None:
    """The event of a row that holds these values under our names of the columns, and nothing
    else.
    """
    doc = doc or document()
    columns = (doc.files.tracking_log if tracking else doc.files.delivery_log).columns
    reader = LogReader(doc, tracking, list(columns.values()))
    return reader.read([values.get(field, "") for field in columns])


def message(**values: str) -> dict[str, str]:
    return {"log_id": "7", "contact": CONTACT, "status": "1", "at": WHEN, **values}


def reaction(**values: str) -> dict[str, str]:
    return {
        "log_id": "9",
        "broad_log_id": "7",
        "contact": CONTACT,
        "type": "2",
        "at": WHEN,
        **values,
    }


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
        (False, message(at="1600/05/04 10:00:00"), "not_a_date"),
        (False, message(log_id="0"), "no_log_id"),
        (False, message(log_id="1.23457E+11"), "bad_log_id"),
        (False, message(log_id="1,270,000"), "bad_log_id"),
        (False, message(status="2", failure_type="2", log_id="7.0"), "bad_log_id"),
        (True, reaction(log_id="+9"), "bad_log_id"),
        (True, reaction(broad_log_id="1.23457E+11"), "bad_log_id"),
        (True, reaction(type="banana"), "unknown_type"),
        (True, reaction(log_id=""), "no_log_id"),
    ],
    ids=[
        "status",
        "failure",
        "date",
        "id",
        "too early",
        "zero",
        "scientific",
        "thousands",
        "bounce",
        "sign",
        "message id",
        "type",
        "tracking id",
    ],
)
def test_a_code_that_is_not_known_is_a_fault_that_shows_no_value(
    tracking: bool, row: dict[str, str], rule: str
) -> None:
    with pytest.raises(ParseError) as caught:
        read(tracking, row)
    assert caught.value.rule == rule
    assert "banana" not in caught.value.sentence


def test_a_bounce_is_dated_when_it_came_and_beside_its_send() -> None:
    sent = read(False, message())
    bounced = read(
        False, message(status="2", failure_type="2", reason="1", changed="2026/05/08 11:00:00")
    )
    assert sent and bounced
    assert (sent["at"], bounced["at"]) == ("2026-05-04T10:00:00Z", "2026-05-08T11:00:00Z")
    assert sent["id"] != bounced["id"]


ALL = ("bounces: hard ", "bounces: all ")


def test_a_soft_bounce_and_a_later_hard_one_of_the_same_message_are_two_events() -> None:
    soft = read(False, message(status="2", failure_type="1", reason="5"), document(ALL))
    hard = read(False, message(status="2", failure_type="2", reason="1"), document(ALL))
    assert soft and hard
    assert (hard["id"], soft["id"]) == (event_id("bounce", "7"), event_id("soft_bounce", "7"))


@pytest.mark.parametrize("log_id", ["7", "007", " 7 ", "\ufeff7"])
def test_one_id_in_any_form_is_one_event(log_id: str) -> None:
    event = read(False, message(log_id=log_id))
    assert event and event["id"] == event_id("send", "7")


@pytest.mark.parametrize(
    ("channel", "kept"),
    [
        ("0", True),
        ("Email", True),
        ("E-mail", True),
        ("Courriel", True),
        ("1", False),
        ("SMS", False),
        ("40", False),
        ("77", False),
    ],
)
@pytest.mark.parametrize("tracking", [False, True], ids=["delivery log", "tracking log"])
def test_rows_of_other_channels_are_kept_out(tracking: bool, channel: str, kept: bool) -> None:
    with_channel = document(
        (
            "columns: {log_id: logId, contact",
            "columns: {channel: messageType, log_id: logId, contact",
        ),
        ("columns: {log_id: logId, broad", "columns: {channel: messageType, log_id: logId, broad"),
        ("files:\n", "values: {channel: {Courriel: email}}\nfiles:\n"),
    )
    row = {**(reaction() if tracking else message()), "channel": channel}
    assert (read(tracking, row, with_channel) is not None) is kept
    with pytest.raises(ParseError, match="messageType"):
        read(tracking, {**row, "channel": "banana"}, with_channel)


LABELS = (
    "files:\n",
    (
        "values:\n  status: {Envoyé: sent, Échec: failed, 送信済み: '1', Ausstehend: pending}\n "
        " failure_type: {Définitif: hard}\n  reason: {Utilisateur inconnu: User unknown, Auf"
        " Sperrliste: '8'}\n  type: {Clic dans l’e-mail: click, 開封: open}\nfiles:\n"
    ),
)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (message(status="envoyé"), ("send", None, None)),
        (
            message(status="E\u0301CHEC", failure_type="définitif", reason="utilisateur  INCONNU"),
            ("bounce", "Hard", "User unknown"),
        ),
        (
            message(status="Échec", failure_type="", reason="auf sperrliste"),
            ("bounce", "Hard", "Address on denylist"),
        ),
        (message(status="送信済み"), ("send", None, None)),
        (message(status="ausstehend"), None),
        (message(status="Sent"), ("send", None, None)),
        (reaction(type="clic dans l’e-mail"), ("click", None, None)),
        (reaction(type="開封"), ("open", None, None)),
    ],
)
def test_labels_of_other_languages_mean_what_the_document_says(
    row: dict[str, str], expected: tuple[object, ...] | None
) -> None:
    event = read("type" in row, row, document(LABELS))
    assert (
        event and (event["kind"], event.get("bounce_type"), event.get("bounce_reason"))
    ) == expected


@pytest.mark.parametrize(
    ("dates", "zone", "text", "expected"),
    [
        ("%Y-%m-%d %H:%M:%S%z", "UTC", "2026-05-04 10:00:00+02:00", "2026-05-04T08:00:00Z"),
        ("%Y/%m/%d %H:%M:%S", "UTC", "2026/05/04 10:00:00 +02:00", "2026-05-04T08:00:00Z"),
        ("%Y/%m/%d %H:%M:%S", "Europe/Berlin", "2026/05/04 10:00:00", "2026-05-04T08:00:00Z"),
        ("%Y/%m/%d %H:%M:%S", "Europe/Berlin", "2026/12/04 10:00:00.25", "2026-12-04T09:00:00Z"),
    ],
)
def test_times_arrive_in_utc(dates: str, zone: str, text: str, expected: str) -> None:
    doc = document(
        ('dates: "%Y/%m/%d %H:%M:%S"', f'dates: "{dates}"'),
        ("time_zone: UTC ", f"time_zone: {zone} "),
    )
    event = read(False, message(at=text), doc)
    assert event and event["at"] == expected


def test_texts_that_would_not_travel_are_cut_and_the_event_stays_the_same() -> None:
    url = "https://www.example.org/" + "x" * 100_000
    first = document(
        (
            "repeat: all          # first: only the first click",
            "repeat: first # only the first click",
        )
    )
    long, longer = (
        read(True, reaction(type="click", url=text), first) for text in (url, url + "y")
    )
    assert long and longer
    assert (len(long["url"]), long["url"][-1], long["shortened"]) == (4000, "…", "url")
    assert (long["url"], long["id"] == longer["id"]) == (longer["url"], False)


SINCE = (
    ("user_agents: []", "seconds_since_send: 2\n  user_agents: []"),
    (
        "columns: {log_id: logId, broad",
        "columns: {sent_at: sentDate, log_id: logId, broad",
    ),
)


@pytest.mark.parametrize(
    ("sent", "machine"),
    [
        ("09:59:57", False),
        ("09:59:58", True),
        ("10:00:00", True),
        ("10:00:01", True),
        ("07:00:00", False),
        ("", False),
    ],
)
def test_what_happens_as_the_message_is_sent_is_a_machines(sent: str, machine: bool) -> None:
    doc = document(*SINCE)
    event = read(True, reaction(sent_at=sent and f"2026/05/04 {sent}"), doc)
    assert event
    since = event.get("since_send")
    assert doc.machines.matches("", "", None if since is None else int(since)) is machine


@pytest.mark.parametrize(
    ("sent", "since"),
    [("2026-05-04T07:59:58Z", "2"), ("2026-05-04T10:00:00+02:00", "0"), (None, None)],
)
def test_the_journal_tells_the_seconds_since_the_send(sent: str | None, since: str | None) -> None:
    doc = document(
        ("user_agents: []", "seconds_since_send: 2\n  user_agents: []"),
        ('    at: "xdm:timestamp"\n', '    at: "xdm:timestamp"\n    sent_at: "xdm:sentAt"\n'),
    )
    event = JournalReader(doc).read({**xdm("open", **{"xdm:trackingLogID": 9}), "xdm:sentAt": sent})
    assert event
    assert event.get("since_send") == since
    assert doc.machines.matches("", "", None if since is None else int(since)) is (
        since is not None
    )


def xdm(kind: str, **message: Any) -> dict[str, Any]:
    shape = "https://ns.adobe.com/experience/campaign"
    return {
        "xdm:timestamp": "2026-05-04T10:00:00+02:00",
        "xdm:directMarketing": {f"xdm:{kind}s": {"xdm:value": 1}},
        "xdm:channel": {"@id": "https://ns.adobe.com/xdm/channels/email"},
        "xdm:environment": {
            "xdm:browserDetails": {"xdm:userAgent": "Mozilla/5.0 (GoogleImageProxy)"}
        },
        f"{shape}/message": {
            "xdm:profile": {"xdm:externalID": f"{{{CONTACT.upper()}}}"},
            **message,
        },
    }


@pytest.mark.parametrize("number", [7, "7", "007", 7.0, Decimal("7.0")], ids=repr)
def test_a_number_of_the_journal_is_the_number_of_the_file(number: object) -> None:
    event = JournalReader(document()).read(xdm("send", **{"xdm:broadLogID": number}))
    assert event == {**(read(False, message(at="2026/05/04 08:00:00")) or {}), "mirror_page": ""}


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (xdm("send", **{"xdm:broadLogID": 1.23457e25}), "bad_log_id"),
        (xdm("send", **{"xdm:broadLogID": "1,270,000"}), "bad_log_id"),
        (xdm("send", **{"xdm:broadLogID": {"xdm:id": 7}}), "bad_log_id"),
        (xdm("send", **{"xdm:broadLogID": True}), "bad_log_id"),
        (xdm("send"), "no_log_id"),
        (xdm("open", **{"xdm:trackingLogID": 9, "xdm:broadLogID": "7e3"}), "bad_log_id"),
        ({**xdm("send", **{"xdm:broadLogID": 7}), "xdm:timestamp": 1770000000}, "not_a_date"),
        (
            xdm(
                "send",
                **{"xdm:broadLogID": 7, "xdm:mirrorPageURL": "https://www.example.org/\ud83d"},
            ),
            "unsafe_characters",
        ),
    ],
    ids=["float", "thousands", "object", "yes", "none", "message id", "time", "half a character"],
)
def test_an_event_of_the_journal_that_cannot_be_read_is_a_fault(
    event: dict[str, Any], rule: str
) -> None:
    with pytest.raises(ParseError) as caught:
        JournalReader(document()).read(event)
    assert caught.value.rule == rule


def test_the_journal_tells_agents_and_other_channels_too() -> None:
    reader, event = JournalReader(document()), xdm("open", **{"xdm:trackingLogID": 9})
    seen = reader.read(event)
    assert seen and seen["agent"] == "Mozilla/5.0 (GoogleImageProxy)"
    assert (
        reader.read({**event, "xdm:channel": {"@id": "https://ns.adobe.com/xdm/channels/sms"}})
        is None
    )
    without = {name: value for name, value in event.items() if name != "xdm:channel"}
    assert reader.read(without) is not None


def test_soft_bounces_are_left_out_as_shipped() -> None:
    assert read(False, message(status="2", failure_type="1", reason="5")) is None


def test_who_is_no_contact_of_dynamics_has_no_contact() -> None:
    event = read(False, message(contact="customer-17"))
    assert event and event["contact"] == ""
    for form in (CONTACT.upper(), f" {{{CONTACT.upper()}}} ", CONTACT.replace("-", "")):
        event = read(False, message(contact=form))
        assert event and event["contact"] == CONTACT


def test_a_header_that_lacks_columns_names_them() -> None:
    with pytest.raises(BadHeader, match="externalId"):
        LogReader(document(), False, ["logId", "status"])


numbers = st.integers(0, 10**12).map(str)


@given(numbers, numbers)
def test_the_id_of_an_event_is_that_of_its_log_row_and_kind(one: str, other: str) -> None:
    assert (event_id("send", one) == event_id("send", other)) == (one == other)
    assert event_id("send", one) != event_id("bounce", one)


@given(
    numbers, numbers, numbers, st.sampled_from(["https://a.example.org/", "https://b.example.org/"])
)
def test_first_makes_all_opens_of_a_message_one_and_all_clicks_on_a_url(
    first: str, second: str, sent: str, url: str
) -> None:
    rows = [{"log_id": log_id, "broad_log_id": sent} for log_id in (first, second)]
    opens = {identity("open", "first", row, "") for row in rows}
    clicks = {identity("click", "first", row, url) for row in rows}
    assert (len(opens), len(clicks)) == (1, 1)
    assert opens != clicks
    assert len({identity("open", "all", row, "") for row in rows}) == len({first, second})
    assert identity("click", "first", rows[0], url + "x") not in clicks


@pytest.mark.parametrize(
    ("before", "after", "reported"),
    [
        ("log_id: logId, contact", "contact", "log_id"),
        ("status: status, ", "", "status"),
        ("broad_log_id: broadLogId, ", "", "broad_log_id"),
        ("{campaign};", "{customer};", "customer"),
        ("encoding: utf-8", "encoding: utf-99", "utf-99"),
        ("bounces: hard ", "bounces: some ", "bounces"),
        ("table: acs_emailsend", "table: Acs Email", "table"),
        ("journal: ", "diary: ", "diary"),
        (
            'dates: "%Y/%m/%d %H:%M:%S"',
            'dates: "YYYY/MM/DD HH24:MI:SS"',
            "files.dates: the form does not tell the year",
        ),
        ('dates: "%Y/%m/%d %H:%M:%S"', 'dates: "%Y/%m/%d %I:%M:%S"', "hour"),
        ("time_zone: UTC ", "time_zone: CEST ", "files.time_zone: is no time zone"),
        (
            "files:\n",
            "values: {status: {Envoyé: sended}}\nfiles:\n",
            "sended, which is no status: use one of sent, failed, none",
        ),
        ("files:\n", "values: {state: {Envoyé: sent}}\nfiles:\n", "values.state"),
        ("files:\n", "values: {type: {Clic: click, CLIC: open}}\nfiles:\n", "twice"),
        ("channels: [email]", "channels: [e-post]", "e-post"),
        ("user_agents: []", "seconds_since_send: 1", "sent_at"),
    ],
    ids=[
        "log id",
        "status",
        "message id",
        "subject",
        "encoding",
        "bounces",
        "table",
        "unknown part",
        "form of dates",
        "half a day",
        "zone",
        "meaning",
        "values",
        "two meanings",
        "channel",
        "no send time",
    ],
)
def test_a_document_that_cannot_serve_is_refused_by_name(
    before: str, after: str, reported: str
) -> None:
    with pytest.raises(InvalidDocument) as caught:
        document((before, after))
    assert reported in str(caught.value)


@pytest.mark.parametrize(
    ("form", "date", "at"),
    [
        ("%Y/%m/%d", "2026/05/04", "2026-05-04T00:00:00Z"),
        ("%d.%m.%y", "04.05.26", "2026-05-04T00:00:00Z"),
        ("%c", "Mon May  4 10:00:00 2026", "2026-05-04T10:00:00Z"),
        ("%Y/%m/%d %I:%M:%S", "2026/05/04 10:00:00", "2026-05-04T10:00:00Z"),
        ("%Y/%m/%d %H", "2026/05/04 10", "2026-05-04T10:00:00Z"),
        ("%Y/%m/%d %H:%M:%S %Z", "2026/05/04 10:00:00 UTC", "2026-05-04T10:00:00Z"),
    ],
)
def test_a_form_of_dates_in_force_goes_on_and_is_refused_of_a_new_document(
    form: str, date: str, at: str
) -> None:
    text = default_events_document().replace('dates: "%Y/%m/%d %H:%M:%S"', f'dates: "{form}"')
    with pytest.raises(InvalidDocument, match=r"files\.dates"):
        read_events_document(text)
    in_force = read_active(text, EventsDocument, "events document", "Version 1")
    event = read(False, message(at=date), in_force)
    assert event
    assert event["at"] == at


@pytest.mark.parametrize("form", ["YYYY/MM/DD HH24:MI:SS", "%m/%d %H:%M", "%s %Y", "%Y %Y"])
def test_a_form_that_reads_no_date_fails_the_version_in_force(form: str) -> None:
    text = default_events_document().replace('dates: "%Y/%m/%d %H:%M:%S"', f'dates: "{form}"')
    with pytest.raises(Misconfigured, match=r"files\.dates"):
        read_active(text, EventsDocument, "events document", "Version 1")


@pytest.mark.parametrize(
    ("agent", "device", "expected"),
    [
        ("GoogleImageProxy/1", "", True),
        ("googleimageproxy", "", True),
        ("Mozilla", "BOT", True),
        ("Mozilla", "bot", True),
        ("Mozilla", "pc", False),
        ("", "", False),
    ],
)
def test_machines_are_known_by_agent_or_device(agent: str, device: str, expected: bool) -> None:
    machines = document(
        ("user_agents: []", "user_agents: ['*ImageProxy*']"), ("devices: []", "devices: [bot]")
    ).machines
    assert machines.matches(agent, device) is expected


def test_a_name_that_nothing_reads_is_told_when_a_document_is_taken() -> None:
    assert not list(misnamed(document()))
    (reported,) = misnamed(
        document(
            (
                "columns: {log_id: logId, contact",
                "columns: {chanel: messageType, log_id: logId, contact",
            )
        )
    )
    assert re.match(r"Line \d+, files\.delivery_log\.columns\.chanel: chanel is no name", reported)


@pytest.mark.parametrize("field", ["contact", "at", "broad_log_id", "tracking_log_id"])
def test_a_journal_without_a_field_that_events_need_is_told_and_stops_no_poll(field: str) -> None:
    without = document()
    del without.journal.fields[field]
    (reported,) = misnamed(without)
    assert re.match(rf"Line \d+, journal\.fields: lacks {field}, ", reported)
    without.journal.kinds.clear()
    assert not list(misnamed(without))


def test_an_event_of_a_journal_without_contacts_is_nobodys() -> None:
    without = document()
    del without.journal.fields["contact"]
    reported = JournalReader(without).read(xdm("send", **{"xdm:broadLogID": 7}))
    assert reported and reported["contact"] == ""


UPGRADE = Path(__file__).parents[2] / "fixtures/upgrade/email_events-v1.yaml"


@pytest.mark.parametrize(
    ("tracking", "row", "name"),
    [
        (False, message(), ("send", "7")),
        (False, message(status="2", failure_type="2"), ("bounce", "7")),
        (True, reaction(), ("open", "9")),
        (True, reaction(type="1", url="https://www.example.org/"), ("click", "9")),
    ],
    ids=["send", "hard bounce", "open", "click"],
)
def test_a_document_of_the_version_before_makes_the_same_events(
    tracking: bool, row: dict[str, str], name: tuple[str, str]
) -> None:
    before = read_events_document(UPGRADE.read_text("utf-8"))
    event = read(tracking, row, before)
    assert event and event["id"] == event_id(*name)
    assert not list(misnamed(before))
    reported = JournalReader(before).read(xdm("send", **{"xdm:broadLogID": 7}))
    assert reported and reported["id"] == event_id("send", "7")


def test_the_seconds_of_a_stable_file_are_read_under_their_old_name() -> None:
    text = UPGRADE.read_text("utf-8").replace("settled_seconds: 60", "settled_seconds: 7")
    assert read_events_document(text).files.stable_seconds == 7


@pytest.mark.parametrize(
    "subject",
    ["{campaign:>1000000000}", "{campaign!r}", "{campaign.x}", "{}", "{campaign", "{kind[0]}"],
)
def test_a_subject_has_names_only(subject: str) -> None:
    with pytest.raises(InvalidDocument, match="subject"):
        document(
            (
                'subject: "Campaign Name: {campaign}; Delivery Name: {delivery}"',
                f'subject: "{subject}"',
            )
        )


JOURNAL_AT = {
    "2026-05-04T10:00:00Z": "2026-05-04T10:00:00Z",
    "2026-05-04T12:00:00.123+02:00": "2026-05-04T10:00:00Z",
    "2026-05-04 10:00": "2026-05-04T10:00:00Z",
    "20260504T100000Z": "2026-05-04T10:00:00Z",
    "2026-05-04": "2026-05-04T00:00:00Z",
    "1760123000123": None,
    1760123000123: None,
    1760123000: None,
    Decimal("1760123000.123"): None,
    "20261126": None,
    "2026-W48-4": None,
    "2026-05-04x10:00:00": None,
    "17601230 00:01:23": None,
}


@pytest.mark.parametrize(("text", "at"), JOURNAL_AT.items(), ids=map(str, JOURNAL_AT))
def test_a_time_of_the_journal_is_one_that_looks_like_a_time(text: object, at: str | None) -> None:
    """A count of milliseconds is no year."""
    reader = JournalReader(document())
    if at is None:
        with pytest.raises(ParseError, match="no time") as caught:
            reader.time({"at": str(text)}, "at")
        assert caught.value.rule == "not_a_date"
    else:
        assert reader.time({"at": str(text)}, "at").strftime("%Y-%m-%dT%H:%M:%SZ") == at


@pytest.mark.parametrize("repeat", ["all", "first"])
def test_half_of_a_character_in_a_url_is_refused_before_an_id_is_made_of_it(repeat: str) -> None:
    row = reaction(type="1", url="https://www.example.org/\ud83d")
    with pytest.raises(ParseError) as caught:
        read(True, row, document(("repeat: all", f"repeat: {repeat}")))
    assert caught.value.rule == "unsafe_characters"


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda at: at.year >= FIRST_YEAR))
def test_a_time_is_shown_as_dataverse_takes_it(at: datetime) -> None:
    assert shown(at) == at.strftime("%Y-%m-%dT%H:%M:%SZ")
