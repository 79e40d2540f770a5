"""Poison messages become dead letters: each record one, none lost, and a replay brings them all."""

import base64
import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from azure.storage.queue import QueueClient

from dev.verbs import wait_until
from shared.console.status import watch
from shared.pipeline.letters import POISONED, UNREADABLE_MESSAGE
from shared.pipeline.replay import discard, replay
from shared.records import Change, Kind
from shared.setting_types import text
from shared.state.envelope import envelopes
from tests.contract.at_rest.kit import at_rest
from tests.contract.poison.kit import QUEUES, World

COUNT = 20  # of each flow


def collected(world: World) -> bool:
    world.collect()
    return not any(world.poisoned(queue) for queue in QUEUES.values())


def test_each_record_has_one_letter_though_runs_die_and_two_go_side_by_side_and_a_replay_brings_all(
    world: World,
) -> None:
    made = {flow: world.changes(flow, COUNT) for flow in QUEUES}
    for flow, changes in made.items():
        world.poison(flow, changes, each=3)
    world.killed_while_collecting("deadletters", "put", 7)
    world.killed_while_collecting("ledger", "settle", 3, after=True)
    world.killed_while_collecting("handoff", "complete", 5)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(world.collect, [world.instance(), world.instance()]))
    wait_until(lambda: collected(world), "empty poison queues")
    for flow, changes in made.items():
        assert world.letters(flow) == {change.record_id: POISONED for change in changes}
    for flow, changes in made.items():
        if flow != "email_events":
            assert not world.arrived(flow) & {change.record_id for change in changes}
        assert world.replay(flow) == COUNT
        assert world.arrived(flow) >= {change.record_id for change in changes}
        assert world.letters(flow) == {}


def test_a_record_that_a_newer_delivery_wrote_has_no_letter(world: World) -> None:
    (change,) = world.changes("contacts", 1)
    world.poison("contacts", [change])
    world.bridge.handoff.put(
        "contacts",
        "contacts",
        "contact",
        1,
        [Change(change.record_id, Kind.REFERENCE, first_seen=1.0)],
    )
    world.drain("contacts")
    world.collect()
    assert (world.letters("contacts"), world.poisoned("contacts")) == ({}, 0)


@pytest.mark.parametrize("flow", ["contacts", "custom_entities-acs_vehicle", "opt_out"])
def test_the_next_delivery_of_the_record_takes_its_letter_away(world: World, flow: str) -> None:
    (change,) = world.changes(flow, 1)
    world.poison(flow, [change])
    world.collect()
    assert world.letters(flow) == {change.record_id: POISONED}
    table = "acs_vehicle" if "vehicle" in flow else "contact"
    world.bridge.handoff.put(
        QUEUES[flow], flow, table, 1, [Change(change.record_id, Kind.REFERENCE, first_seen=1.0)]
    )
    world.drain(flow)
    assert world.letters(flow) == {}


def test_letters_of_contacts_and_vehicles_keep_ids_alone(world: World) -> None:
    row = {"contactid": "", "lastname": "Markwart", "emailaddress1": "markwart@example.org"}
    contact = Change(world.contact(1), Kind.ROW, 1, row, world.bridge.now())
    world.poison("contacts", [contact])
    assert "Markwart" in str(at_rest(world.wiring))
    world.collect()
    assert world.letters("contacts")
    assert "Markwart" not in str(at_rest(world.wiring))
    assert "markwart" not in str(at_rest(world.wiring))


def test_an_opt_out_of_a_profile_under_another_key_is_replayed_with_what_campaign_told(
    world: World,
) -> None:
    """The contact's id does not find such a profile: the report is all there is."""
    contact = world.contact(1)
    flags = [pair.flag for pair in world.wiring.opt_out_catalog.pairs()]
    reported = {
        "values": {flag: flag == "blackListEmail" for flag in flags},
        "times": dict.fromkeys(flags, ""),
        "changed": "",
    }
    change = Change(
        contact, Kind.ROW, 0, {"campaign": {**reported, "alias": "certain"}}, world.bridge.now()
    )
    world.poison("opt_out", [change])
    world.collect()
    assert world.replay("opt_out") == 1
    assert world.dynamics.contact(contact)["donotbulkemail"] is True
    assert "blackListEmail" not in at_rest(world.wiring)["container letters"]


def test_a_replay_of_all_that_was_cut_off_is_no_older_than_what_was_written(world: World) -> None:
    """It writes again although nothing has changed: the version in the ledger is its own."""
    (change,) = world.changes("contacts", 1)
    world.bridge.handoff.put("contacts", "contacts", "contact", 1, [change])
    world.drain("contacts")
    world.poison("contacts", [replace(change, replay=True)])
    world.collect()
    assert world.letters("contacts") == {change.record_id: POISONED}


@pytest.mark.parametrize("later", [Kind.ROW, Kind.REFERENCE])
@pytest.mark.parametrize("first", [True, False], ids=["reported first", "reported last"])
def test_what_campaign_told_once_survives_another_message_of_its_contact(
    world: World, first: bool, later: Kind
) -> None:
    contact = world.contact(1)
    flags = [pair.flag for pair in world.wiring.opt_out_catalog.pairs()]
    reported = {
        "values": {flag: flag == "blackListEmail" for flag in flags},
        "times": dict.fromkeys(flags, ""),
        "changed": "",
    }
    alias = Change(
        contact, Kind.ROW, 0, {"campaign": {**reported, "alias": "certain"}}, world.bridge.now()
    )
    row = {"contactid": contact, "donotbulkemail": False} if later is Kind.ROW else None
    other = Change(contact, later, 2 if row else 0, row, world.bridge.now())
    for change in (alias, other) if first else (other, alias):
        world.poison("opt_out", [change])
        world.collect()
    world.bridge.handoff.put(
        "opt-out", "opt_out", "contact", 1, [Change(contact, Kind.REFERENCE, first_seen=1.0)]
    )
    world.drain("opt_out")
    assert world.dynamics.contact(contact)["donotbulkemail"] is True
    assert world.letters("opt_out") == {}


def envelope_of(**other: object) -> bytes:
    (text, _), *_ = envelopes(
        "contacts", "contact", 1, [Change("1" * 36, Kind.ROW, 1, {"lastname": "Markwart"})]
    )
    return json.dumps({**json.loads(text), **other}).encode()


# What is sent, and whether in base64, as the host and the bridge send it.
GARBAGE = {
    "empty": (b"", True),
    "not base64": (b"markwart@example.org, and no base64", False),
    "no JSON": (b"markwart@example.org", True),
    "not UTF-8": (b"\xff\xfe\x00markwart", True),
    "another version": (envelope_of(v=2), True),
    "unknown flow": (envelope_of(flow="x"), True),
    "another queue's flow": (
        envelope_of(flow="custom_entities-acs_vehicle", table="acs_vehicle"),
        True,
    ),
    "unknown field": (envelope_of(more="markwart"), True),
    "changes that do not unpack": (envelope_of(changes="eJwDAAAAAAE="), True),
}


@pytest.mark.parametrize("queue", ["contacts", "opt-out"])
@pytest.mark.parametrize(("body", "in_base64"), GARBAGE.values(), ids=GARBAGE)
def test_what_cannot_be_read_is_kept_whole_and_found_by_its_letter(
    world: World, queue: str, body: bytes, in_base64: bool
) -> None:
    raw = (base64.b64encode(body) if in_base64 else body).decode()
    for _ in range(2):
        plain_queue(world, f"{queue}-poison").send_message(raw)
    world.collect()
    flow = {queue: flow for flow, queue in QUEUES.items()}[queue]
    ((letter, reason),) = world.letters(flow).items()
    assert (reason, world.poisoned(queue)) == (UNREADABLE_MESSAGE, 0)
    rests = at_rest(world.wiring)
    assert "arkwart" not in rests["table deadletters"] + rests["container letters"]
    assert replay(world.flows[flow], world.bridge, "record", letter).count == 1
    assert (world.letters(flow), at_rest(world.wiring)["container poison"]) == ({}, "")
    (message,) = plain_queue(world, queue).peek_messages(5)
    assert base64.b64decode(message.content) in (body, raw.encode())


def plain_queue(world: World, name: str) -> QueueClient:
    """A queue as a stranger uses it, who encodes nothing."""
    return QueueClient.from_connection_string(text(world.settings.azurewebjobsstorage), name)


def test_an_opt_out_that_cannot_be_read_is_given_up_only_by_somebody_who_has_seen_to_it(
    world: World,
) -> None:
    world.wiring.handoff.send("opt-out-poison", "no envelope")
    world.collect()
    flow = world.flows["opt_out"]
    assert discard(flow, world.bridge, "dead_letters").count == 0
    assert discard(flow, world.bridge, "dead_letters", checked=True).count == 1
    assert at_rest(world.wiring)["container poison"] == ""


def test_a_line_that_could_not_be_read_keeps_its_own_reason(world: World) -> None:
    fault = {"rule": "broken_line", "field": "", "sentence": "Line 3 of optOuts_1.txt is broken."}
    change = Change("1" * 36, Kind.ROW, 0, {"fault": fault}, 1.0, origin="optOuts_1.txt:3")
    for flow in ("opt_out", "email_events"):
        world.poison(flow, [change])
    world.collect()
    assert (
        world.letters("opt_out")
        == world.letters("email_events")
        == {change.record_id: "broken_line"}
    )


def test_a_message_that_cannot_even_be_collected_is_kept_whole_in_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.pipeline.poison.MOST_RECEIPTS", 0)
    (change,) = world.changes("contacts", 1)
    world.poison("contacts", [change])
    world.collect()
    assert list(world.letters("contacts").values()) == [UNREADABLE_MESSAGE]
    assert replay(world.flows["contacts"], world.bridge, "dead_letters").count == 1
    world.drain("contacts")
    assert change.record_id in world.arrived("contacts")


def test_status_and_alert_count_what_was_moved_until_it_is_replayed(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    changes = world.changes("contacts", 3)
    world.poison("contacts", changes)
    figures = []
    for step in (lambda: None, world.collect, lambda: world.replay("contacts")):
        step()
        caplog.clear()
        with caplog.at_level(logging.INFO, logger="bridge"):
            watch({"contacts": world.flows["contacts"]}, world.bridge)
        (line,) = [
            json.loads(record.message) for record in caplog.records if '"watched"' in record.message
        ]
        figures.append((line["poison_messages"], line["poison_letters"], line["dead_letters"]))
    assert figures == [(3, 0, 0), (0, 3, 3), (0, 0, 0)]
