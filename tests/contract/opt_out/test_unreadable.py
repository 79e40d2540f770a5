"""What could not be read of an export stays a dead letter until a person mends it: no replay makes
it nothing, no word alone.
"""

import json
from collections.abc import Callable

import pytest

from functions import console
from functions.console_pages import Served
from shared.console.key_commands import Call, run_command
from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from shared.opt_out.flow import FROM_CAMPAIGN
from shared.pipeline.letters import Left
from shared.pipeline.replay import discard, replay
from shared.state.deadletters import DeadLetter
from tests.contract.opt_out.kit import FLAG, World

FLAGS = [pair.flag for pair in read_opt_out_document(default_opt_out_document()).pairs]
HEADER = "\t".join(["externalId", *FLAGS, "lastModified"])
SAFE = {"safe": True, "reasons": []}


def line(key: str, *opted_out: str, yes: str = "1") -> str:
    return "\t".join(
        [key, *(yes if flag in opted_out else "0" for flag in FLAGS), "2026-05-04 10:00:00.000Z"]
    )


def put(world: World, *lines: str, name: str = "optOuts_1.txt") -> None:
    folder = world.stack.sftp_root / world.stack.facts["sftp"]["exports"].strip("/")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("\n".join([*lines, ""]))


def letters(world: World) -> list[DeadLetter]:
    return world.wiring.bridge.deadletters.page("opt_out")


@pytest.fixture
def by_file(new_world: Callable[..., World]) -> World:
    world = new_world("both", OPT_OUT_SOURCE="file")
    world.document("stable_seconds: 60", "stable_seconds: 0")
    return world


def opted_out(world: World) -> str:
    person = world.person()
    world.quiet()
    world.in_campaign(person, True)
    return person


def unreadable_line(world: World, person: str) -> None:
    put(world, HEADER, line(person, FLAG, yes="OUI"))


def unreadable_file(world: World, person: str) -> None:
    put(world, HEADER.replace("externalId", "Id"), line(person, FLAG))


@pytest.mark.parametrize("export", [unreadable_line, unreadable_file])
@pytest.mark.parametrize("what", ["record", "dead_letters"])
@pytest.mark.parametrize("said_where", [True, False], ids=["this version", "an earlier version"])
def test_what_could_not_be_read_is_never_replayed_into_nothing(
    by_file: World, export: Callable[[World, str], None], what: str, said_where: bool
) -> None:
    world = by_file
    person = opted_out(world)
    export(world, person)
    world.sync()
    (letter,) = letters(world)
    if not said_where:
        world.wiring.bridge.deadletters.table.upsert_entity(
            {"PartitionKey": "opt_out", "RowKey": letter.record_id, "origin": ""}
        )
    handled = replay(world.from_campaign.flow, world.wiring.bridge, what, letter.record_id)
    assert (handled.count, handled.left) == (0, {Left.UNREADABLE: 1})
    world.from_campaign.drain()
    assert [one.record_id for one in letters(world)] == [letter.record_id]
    assert not world.safe()["safe"]
    put(world, HEADER, line(person, FLAG))
    world.quiet()
    assert world.says(person) == (True, True)


@pytest.mark.parametrize("export", [unreadable_line, unreadable_file])
@pytest.mark.parametrize("what", ["record", "reason", "dead_letters"])
def test_what_could_not_be_read_is_given_up_only_by_a_word_for_it(
    by_file: World, export: Callable[[World, str], None], what: str
) -> None:
    world = by_file
    export(world, opted_out(world))
    world.sync()
    (letter,) = letters(world)
    value = {"record": letter.record_id, "reason": letter.reason}.get(what, "")
    flow, bridge = world.from_campaign.flow, world.wiring.bridge
    handled = discard(flow, bridge, what, value)
    assert (handled.count, handled.left) == (0, {Left.UNCHECKED: 1})
    assert (len(letters(world)), world.safe()["safe"]) == (1, False)
    assert discard(flow, bridge, what, value, checked=True).count == 1
    assert letters(world) == []
    assert not any("refused" in reason for reason in world.safe()["reasons"])


@pytest.mark.parametrize("checked", [True, False])
def test_an_opt_out_of_a_contact_is_never_given_up(world: World, checked: bool) -> None:
    person = world.person()
    world.quiet()
    world.in_campaign(person, True)
    world.dynamics.emulator.json("POST", "/access", {"secured": {person: "record"}})
    world.sync()
    flow, bridge = world.from_campaign.flow, world.wiring.bridge
    handled = discard(flow, bridge, "dead_letters", checked=checked)
    assert (handled.count, handled.left, world.safe()["safe"]) == (0, {Left.OPT_OUT: 1}, False)
    world.dynamics.emulator.json("POST", "/access", {})
    assert replay(world.sides[FROM_CAMPAIGN].poller, bridge, "dead_letters").count == 1
    world.from_campaign.drain()
    assert (world.says(person), letters(world), world.safe()) == ((True, True), [], SAFE)


def test_a_person_is_told_why_letters_stay(by_file: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world = by_file
    unreadable_line(world, opted_out(world))
    world.sync()
    (letter,) = letters(world)
    monkeypatch.setattr("functions.console.wiring", lambda: world.wiring)
    services = Served(lambda: world.wiring, console.flows)
    call = Call("opt_out", world.from_campaign.flow, services, "key anna")
    record = {"what": "record", "id": letter.record_id}
    given = json.dumps(record).encode()
    answered = dict(run_command("replay", call, b'{"what": "dead_letters"}').body)
    assert answered.pop("job")["state"] == "done"
    assert answered == {
        "flow": "opt_out", "what": "dead_letters", "handed_off": 0, "left": 1,
        "why": [Left.UNREADABLE.value]
    }  # fmt: skip
    refused = [
        run_command("replay", call, given),
        run_command("discard", call, given),
    ]
    assert [one.status for one in refused] == [409, 409]
    assert [one.body["error"] for one in refused] == [
        Left.UNREADABLE,
        Left.UNCHECKED,
    ]
    checked = json.dumps({**record, "checked": True}).encode()
    assert run_command("discard", call, checked).body["discarded"] == 1
