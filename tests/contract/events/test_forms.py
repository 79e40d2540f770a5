"""Exports in other forms: other channels and languages, local time, qualifiers, long texts,
reformatted ids.
"""

import pytest

from shared.events.documents import default_events_document
from tests.contract.battery.kit import outcomes
from tests.contract.events.kit import World
from tests.contract.events.test_bad_files import HEADER, line, put

CHANNEL = "columns: {channel: messageType, log_id: logId,"
VALUES = {
    "fr": (
        """
  status: {Envoyé: sent, Échec: failed}
  failure_type: {Temporaire: soft, Définitif: hard}
  reason: {Utilisateur inconnu: User unknown, Boîte pleine: Mailbox full}
  type: {Clic e-mail: click, Ouverture: open, Désabonnement: none, Page miroir: none}
  channel: {Notification push: push}
"""
    ),
    "de": (
        """
  status: {Gesendet: sent, Fehlgeschlagen: failed}
  failure_type: {Weich: soft, Hart: hard}
  reason: {Benutzer unbekannt: User unknown, Postfach voll: Mailbox full}
  type: {E-Mail-Klick: click, Öffnung: open, Abmeldung: none, Mirrorseite: none}
  channel: {Push-Benachrichtigung: push}
"""
    ),
    "ja": (
        """
  status: {送信済み: sent, 失敗: failed}
  failure_type: {ソフト: soft, ハード: hard}
  reason: {ユーザー不明: User unknown, メールボックス容量超過: Mailbox full}
  type: {メールクリック: click, 開封: open, オプトアウト: none, ミラーページ: none}
  channel: {メール: email, プッシュ通知: push}
"""
    ),
}


def with_channel(text: str) -> str:
    return text.replace("columns: {log_id: logId,", CHANNEL)


def life(world: World) -> tuple[str, str]:
    """An e-mail, an SMS and a push message to two people, and what they do."""
    ana, bob = world.contact("Ana"), world.contact("Bob")
    world.send(channel="email")
    world.send("SM101", channel="sms")
    world.send("PU101", channel="push")
    world.react(ana, "open")
    world.react(ana, "click", url="https://www.example.org/spring")
    world.react(ana, "mirror")
    world.react(ana, "click", "SM101", url="https://www.example.org/sms")
    world.bounce(bob)
    world.bounce(bob, delivery="SM101")
    return ana, bob


@pytest.mark.parametrize("language", ["fr", "de", "ja"])
@pytest.mark.parametrize("qualifier", [False, True], ids=["bare", "quoted"])
def test_labels_of_every_language_are_read_and_other_channels_kept_out(
    world: World, language: str, qualifier: bool
) -> None:
    world.document(
        lambda text: with_channel(text).replace(
            "\nfiles:\n", f"\nvalues:{VALUES[language]}files:\n"
        )
    )
    ana, bob = life(world)
    world.export(labels=True, language=language, qualifier=qualifier, more=["messageType"])
    world.files.sync()
    assert world.letters() == []
    assert world.counts() == {"send": 1, "open": 1, "click": 1, "bounce": 1}
    assert [row["acs_bouncereason"] for row in world.activities("bounce")] == ["User unknown"]
    assert {row["_regardingobjectid_value"] for row in world.activities("click")} == {ana}
    assert {row["_regardingobjectid_value"] for row in world.activities("bounce")} == {bob}


def test_codes_of_other_channels_are_kept_out_of_files_and_journal(world: World) -> None:
    world.document(with_channel)
    life(world)
    world.export(more=["messageType"])
    world.sync()
    assert world.letters() == []
    # The journal tells of Bob's send before it came back.
    assert world.counts() == {"send": 2, "open": 1, "click": 1, "bounce": 1}


def test_an_export_in_local_time_arrives_in_utc(world: World) -> None:
    world.document(lambda text: text.replace("time_zone: UTC ", "time_zone: Europe/Berlin "))
    ana = world.contact("Ana")
    world.send(at="2026-05-04T10:00:00Z")
    expected = [
        "2026-02-01T10:00:00Z",
        "2026-07-01T10:00:00Z",
        "2026-10-25T00:30:00Z",
        "2026-10-25T02:30:00Z",
    ]
    for moment in expected:
        world.react(ana, "open", at=moment)
    world.export(timeZone="Europe/Berlin", since="2026-01-01")
    world.files.sync()
    assert sorted(row["acs_eventdate"] for row in world.activities("open")) == expected
    assert [row["acs_eventdate"] for row in world.activities("send")] == ["2026-05-04T10:00:00Z"]


def test_long_texts_are_cut_said_so_and_make_no_other_event(world: World) -> None:
    world.document(lambda text: text.replace("repeat: all ", "repeat: first "))
    ana = world.contact("Ana")
    world.send(campaign="C" * 300)
    long = "https://www.example.org/" + "x" * 9000
    for url in (long, long, long + "y"):
        world.react(ana, "click", url=url)
    world.export()
    world.files.sync()
    assert world.letters() == []
    assert world.counts()["click"] == 2
    for click in world.activities("click"):
        assert (len(click["acs_trackingurl"]) <= 4000, click["acs_trackingurl"][-1]) == (True, "…")
        assert "URL" in click["description"]
    (sent,) = world.activities("send")
    assert (len(sent["subject"]), sent["subject"][-1], "subject" in sent["description"]) == (
        200,
        "…",
        True,
    )


def test_ids_that_were_reformatted_are_dead_letters_and_braces_are_read(world: World) -> None:
    ana = world.contact("Ana")
    rows = [
        line(1, ana).replace("1\t", "1.23457E+11\t", 1),
        line(1, ana).replace("1\t", "1.23457E+11\t", 1),
        line(1, ana).replace("1\t", "1,270,000\t", 1),
        line(1270000, ana),
        line(7, f"{{{ana.upper()}}}"),
        line(8, ana).replace("8\t", "0008\t", 1),
        line(8, ana.replace("-", "")),
    ]
    put(world, "deliveryLogs_1.txt", HEADER, *rows)
    assert sorted(outcomes(world.files.sync())) == ["created"] * 3 + ["rejected"] * 3
    assert {
        (letter.reason, letter.field)
        for letter in world.wiring.bridge.deadletters.page("email_events")
    } == {("bad_log_id", "logId")}
    assert {row["_regardingobjectid_value"] for row in world.activities("send")} == {ana}


def test_a_hard_bounce_arrives_after_a_soft_one(world: World) -> None:
    world.document(lambda text: text.replace("bounces: hard ", "bounces: all "))
    ana = world.contact("Ana")
    world.send()
    world.bounce(ana, "soft", reason="mailbox full")
    world.export()
    world.sync()
    world.bounce(ana, "hard")
    world.export()
    world.sync()
    assert sorted(row["acs_bouncetype"] for row in world.activities("bounce")) == ["Hard", "Soft"]


def test_machines_are_left_out_whichever_source_tells(world: World) -> None:
    """The proxy opens as the message arrives: the journal knows it by name, the file by the
    second.
    """
    world.document(
        lambda text: text.replace(
            "user_agents: []", "user_agents: ['*googleimageproxy*']\n  seconds_since_send: 1"
        ).replace(
            "columns: {log_id: logId, broad", "columns: {sent_at: sentDate, log_id: logId, broad"
        )
    )
    ana = world.contact("Ana")
    world.send(at="2026-05-04T10:00:00Z")
    world.react(
        ana,
        "open",
        at="2026-05-04T10:00:00Z",
        userAgent="Mozilla/5.0 (via ggpht.com GoogleImageProxy)",
    )
    world.react(ana, "open", at="2026-05-04T10:07:00Z", userAgent="Mozilla/5.0")
    world.export(log="tracking", more=["sentDate"], since="2026-01-01")
    assert sorted(outcomes(world.files.sync())) == ["created", "filtered"]
    assert sorted(outcomes(world.journal.sync())) == ["created", "filtered", "unchanged"]
    assert world.counts() == {"send": 1, "open": 1, "click": 0, "bounce": 0}


def test_an_active_document_that_cannot_be_used_stops_the_flow_until_it_is_repaired(
    world: World,
) -> None:
    """What the version before took: every line failed with it."""
    text = default_events_document().replace(
        'dates: "%Y/%m/%d %H:%M:%S"', 'dates: "YYYY/MM/DD HH24:MI:SS"'
    )
    documents = world.wiring.library.folder("events")
    version, _ = documents.newest("email_events")
    documents.add(
        "email_events", version + 1, text, documents.draft_etag("email_events").strip('"')
    )
    world.contact("Ana")
    world.send()
    world.export()
    assert world.files.poll() == "failed"
    state = world.wiring.bridge.flows.read("email_events-from-files")
    assert state.setting == "events document"
    assert "files.dates: the form does not tell the year of a time" in state.reason
    world.document(lambda text: text + "# corrected\n")
    world.ahead = 120
    assert outcomes(world.files.sync()) == ["created"]


def test_a_name_that_nothing_reads_is_refused_when_the_document_is_changed(world: World) -> None:
    text = default_events_document().replace(
        "columns: {log_id: logId, contact", "columns: {chanel: messageType, log_id: logId, contact"
    )
    world.wiring.storage.container("config").upload_blob(
        "events/email_events.yaml", text, overwrite=True
    )
    problem = world.wiring.events_flows()[0].activate()
    assert "files.delivery_log.columns.chanel: chanel is no name that is known here" in problem
