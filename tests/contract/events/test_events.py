"""Sends, opens, clicks and bounces reach the timeline once each, by file and by journal."""

import pytest

from tests.contract.battery.kit import outcomes
from tests.contract.events.kit import World


def test_every_kind_of_event_becomes_a_completed_activity_regarding_the_contact(
    world: World,
) -> None:
    ana, bob = world.contact("Ana"), world.contact("Bob")
    world.send()
    world.react(ana, "open")
    world.react(ana, "click", url="https://www.example.org/spring")
    world.bounce(bob)
    world.export()
    world.files.sync()
    assert world.counts() == {"send": 1, "open": 1, "click": 1, "bounce": 1}
    (click,) = world.activities("click")
    assert click["subject"] == "Campaign Name: CMP1; Delivery Name: DM101"
    assert (click["_regardingobjectid_value"], click["statecode"], click["statuscode"]) == (
        ana,
        1,
        2,
    )
    named = ("acs_trackingurl", "acs_campaignname", "acs_deliveryname")
    assert [click[name] for name in named] == ["https://www.example.org/spring", "CMP1", "DM101"]
    assert click["acs_mirrorpageurl"].startswith("https://")
    (bounced,) = world.activities("bounce")
    assert [bounced[name] for name in ("acs_bouncetype", "acs_bouncereason")] == [
        "Hard",
        "User unknown",
    ]
    assert bounced["_regardingobjectid_value"] == bob


@pytest.mark.parametrize(
    "written",
    [
        {"labels": True},
        {"gzip": True},
        {"gzip": True, "labels": True, "separator": ";"},
        {"encoding": "utf-16"},
        {"encoding": "iso-8859-1", "separator": ","},
    ],
    ids=["labels", "gzip", "gzip, labels, semicolon", "utf-16", "latin 1, comma"],
)
def test_files_are_read_as_the_document_says_they_are_written(
    world: World, written: dict[str, object]
) -> None:
    reported = {"separator": "\t", "encoding": "utf-8", **written}
    separator = str(reported["separator"]).replace("\t", "\\t")
    world.document(
        lambda text: text.replace('separator: "\\t"', f'separator: "{separator}"').replace(
            "encoding: utf-8", f"encoding: {reported['encoding']}"
        )
    )
    ana = world.contact("Ana")
    world.send(label="Été, 50 %")
    world.react(ana, "click", url="https://www.example.org/a?b=c,d;e")
    world.bounce(ana)
    world.export(**written)
    world.files.sync()
    assert world.counts() == {"send": 0, "open": 0, "click": 1, "bounce": 1}
    assert world.activities("click")[0]["acs_trackingurl"] == "https://www.example.org/a?b=c,d;e"
    assert not world.letters()


def test_journal_and_files_tell_of_the_same_events_and_each_is_there_once(world: World) -> None:
    ana = world.contact("Ana")
    world.campaign.emulator.json(
        "POST", "/journal", {"duplicate": 0.5, "shuffle": True, "limit": 2}
    )
    world.send()
    for _ in range(3):
        world.react(ana, "open")
    world.react(ana, "click", url="https://www.example.org/")
    world.export()
    first = world.sync()
    assert world.counts() == {"send": 1, "open": 3, "click": 1, "bounce": 0}
    assert outcomes(first).count("created") == 5
    world.export(since="2000-01-01T00:00:00")
    world.bounce(ana)
    world.export()
    world.sync()
    assert world.counts() == {"send": 1, "open": 3, "click": 1, "bounce": 1}
    assert not world.letters()


def test_the_first_open_of_a_message_and_the_first_click_on_each_url_are_enough_if_so_asked(
    world: World,
) -> None:
    world.document(lambda text: text.replace("repeat: all", "repeat: first"))
    ana = world.contact("Ana")
    world.send()
    for _ in range(3):
        world.react(ana, "open")
        world.react(ana, "click", url="https://www.example.org/a")
    world.react(ana, "click", url="https://www.example.org/b")
    world.export()
    world.sync()
    assert world.counts() == {"send": 1, "open": 1, "click": 2, "bounce": 0}


def test_kinds_that_are_off_and_what_machines_do_are_left_out(world: World) -> None:
    ana = world.contact("Ana")
    world.send()
    world.react(ana, "open", userAgent="GoogleImageProxy")
    world.react(ana, "open", userAgent="Mozilla/5.0")
    (name,) = [name for name in world.export() if name.startswith("tracking")]
    row = world.lines(name)[1].split("\t")
    agent = row[7]
    world.document(
        lambda text: text.replace("send:\n    enabled: true", "send:\n    enabled: false").replace(
            "user_agents: []", f"user_agents: ['{agent}']"
        )
    )
    assert sorted(outcomes(world.files.sync())) == ["created", "filtered"]
    assert world.counts() == {"send": 0, "open": 1, "click": 0, "bounce": 0}


def test_soft_bounces_are_left_out_unless_asked_for(world: World) -> None:
    ana = world.contact("Ana")
    world.send()
    world.bounce(ana, "soft")
    world.export()
    world.files.sync()
    assert world.counts()["bounce"] == 0
    world.document(lambda text: text.replace("bounces: hard ", "bounces: all "))
    world.export(since="2000-01-01T00:00:00")
    world.files.sync()
    assert world.counts()["bounce"] == 1
    assert world.activities("bounce")[0]["acs_bouncetype"] == "Soft"


def test_an_event_of_a_merged_contact_goes_to_the_one_that_is_left_and_of_a_deleted_one_is_counted(
    world: World,
) -> None:
    ana, double, gone = world.contact("Ana"), world.contact("Double"), world.contact("Gone")
    world.send()
    target = {"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": ana}
    subordinate = {"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": double}
    world.dynamics.http.json(
        "POST",
        "/Merge",
        {"Target": target, "Subordinate": subordinate, "PerformParentingChecks": False},
    )
    world.dynamics.delete_contact(gone)
    world.export()
    assert sorted(outcomes(world.files.sync())) == ["created", "created", "no_contact"]
    assert {row["_regardingobjectid_value"] for row in world.activities("send")} == {ana}


def test_a_click_and_a_hard_bounce_may_ask_for_a_task(world: World) -> None:
    world.document(lambda text: text.replace("    # follow_up:", "    follow_up:"))
    ana, bob = world.contact("Ana"), world.contact("Bob")
    world.send()
    world.react(ana, "click", url="https://www.example.org/", at="2026-05-04T10:00:00")
    world.bounce(bob)
    world.export(since="2000-01-01T00:00:00")
    world.sync()
    tasks = list(
        world.dynamics.rows(
            "tasks", "subject,scheduledend,_regardingobjectid_value,_ownerid_value,statecode"
        )
    )
    assert {(task["subject"], task["_regardingobjectid_value"]) for task in tasks} == {
        ("Call back: clicked in an e-mail", ana),
        ("Ask for a new e-mail address", bob),
    }
    owner = world.dynamics.contact(ana)["_ownerid_value"]
    assert {(task["_ownerid_value"], task["statecode"]) for task in tasks} == {(owner, 0)}
    assert "2026-05-07T10:00:00Z" in {task["scheduledend"] for task in tasks}


def test_a_table_without_the_bulk_messages_is_written_too(world: World) -> None:
    world.dynamics.emulator.json("POST", "/bulk", {"without": ["acs_emailsend"]})
    for name in ("Ana", "Bob", "Cid"):
        world.contact(name)
    world.send()
    world.export()
    world.files.sync()
    world.export(since="2000-01-01T00:00:00")
    assert outcomes(world.files.sync()) == ["unchanged"] * 3
    assert {row["statecode"] for row in world.activities("send")} == {1}
    assert world.counts()["send"] == 3


def test_one_refused_row_among_many_is_found_and_the_rest_arrives(world: World) -> None:
    """Of a contact that was deleted a moment ago: nobody is left whose timeline it could be on."""
    people = [world.contact(f"P{number}") for number in range(20)]
    world.send()
    world.export()
    assert outcomes(world.files.sync()) == ["created"] * 20
    world.dynamics.delete_contact(people[7])
    for person in people:
        world.react(person, "click", url="https://www.example.org/")
    world.export()
    assert sorted(outcomes(world.files.sync())) == ["created"] * 19 + ["no_contact"]
    assert world.letters() == []
    assert world.counts()["click"] == 19


def test_an_event_that_is_refused_names_its_column_and_no_value(world: World) -> None:
    """The column was made shorter since its definition was read."""
    world.contact("Ana")
    world.send()
    world.export()
    message = (
        "The length of the 'acs_mirrorpageurl' attribute of the 'acs_emailsend' entity exceeded the"
        " maximum. Value: Jane Doe"
    )
    body = {"error": {"code": "0x80044331", "message": message}}
    world.dynamics.faults({"match": {"route": "batch"}, "action": {"status": 400, "body": body}})
    assert outcomes(world.files.sync()) == ["rejected"]
    world.dynamics.faults()
    (letter,) = world.wiring.bridge.deadletters.page("email_events")
    assert (letter.reason, letter.field) == ("too_long", "acs_mirrorpageurl")
    assert "The send of log row 10001 was not written." in letter.sentence
    assert "Jane" not in letter.sentence
