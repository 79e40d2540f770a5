"""What is wrong with a file or a line is named and set aside; the rest arrives."""

import gzip

import pytest

from shared.state.flows import FAILED, RUNNING
from tests.contract.battery.kit import outcomes
from tests.contract.events.kit import World

HEADER = (
    "logId\texternalId\temail\tstatus\tfailureType\tfailureReason\teventDate\tlastModified\tdeliveryName\tdeliveryLabel\t"
    "campaignName\tcampaignLabel\tmirrorPageUrl"
)


def line(
    number: int,
    contact: str,
    status: str = "1",
    date: str = "2026/05/04 10:00:00",
    label: str = "Spring",
) -> str:
    cells = [
        str(number),
        contact,
        "x@example.org",
        status,
        "0",
        "0",
        date,
        date,
        "DM101",
        label,
        "CMP1",
        "Spring",
        "",
    ]
    return "\t".join(cells)


def put(world: World, name: str, *lines: str | bytes) -> None:
    world.folder.mkdir(parents=True, exist_ok=True)
    written = [text.encode() if isinstance(text, str) else text for text in lines]
    (world.folder / name).write_bytes(b"\n".join([*written, b""]))


@pytest.mark.parametrize(
    ("bad", "reason", "message"),
    [
        ("1\tonly\tthree", "broken_line", "has 3 cells where the header has 13"),
        (line(1, "x", status="banana"), "unknown_status", "has a status that is not known"),
        (line(1, "x", date="yesterday"), "not_a_date", "has no date of the form"),
        (line(1, "x").replace("1\tx", "\tx", 1), "no_log_id", "has no log id"),
        (
            line(1, "x", label="\u00e9t\u00e9").encode("latin-1"),
            "wrong_encoding",
            "is not in utf-8",
        ),
        ('"' + line(1, "x"), "broken_line", "has a quotation mark that does not end"),
    ],
    ids=[
        "cells missing",
        "unknown status",
        "no date",
        "no id",
        "another encoding",
        "a quote that does not end",
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_its_neighbours_arrive(
    world: World, bad: str | bytes, reason: str, message: str
) -> None:
    ana = world.contact("Ana")
    put(world, "deliveryLogs_1.txt", HEADER, line(10, ana), bad, line(11, ana))
    assert sorted(outcomes(world.files.sync())) == ["created", "created", "rejected"]
    ((found, sentence),) = world.letters()
    assert (found, f"Line 3 of file deliveryLogs_1.txt {message}" in sentence) == (reason, True)
    assert sentence.endswith("ut the file back.")
    assert "banana" not in sentence
    assert (world.names(), world.names("processed")) == ([], ["deliveryLogs_1.txt"])


def test_a_gzip_that_is_cut_off_gives_its_lines_and_is_set_aside_by_name(world: World) -> None:
    ana = world.contact("Ana")
    lines = [
        HEADER,
        *(line(number, ana, label=str(hash(number) ** 3)) for number in range(1, 3000)),
    ]
    packed = gzip.compress("\n".join(lines).encode())
    world.folder.mkdir(parents=True, exist_ok=True)
    (world.folder / "deliveryLogs_1.txt.gz").write_bytes(packed[: len(packed) // 2])
    settled = outcomes(world.files.sync())
    assert settled.count("created") > 500
    ((reason, sentence),) = [letter for letter in world.letters() if letter[0] == "unreadable_file"]
    assert (reason, "deliveryLogs_1.txt.gz: it is cut off" in sentence) == ("unreadable_file", True)
    assert world.names("rejected") == ["deliveryLogs_1.txt.gz"]


def test_a_file_with_another_header_is_set_aside_and_the_next_is_read(world: World) -> None:
    ana = world.contact("Ana")
    put(world, "deliveryLogs_1.txt", HEADER.replace("externalId", "crmId"), line(1, ana))
    put(world, "deliveryLogs_2.txt", HEADER, line(2, ana))
    put(world, "deliveryLogs_3.txt")
    put(world, "somethingElse.txt", "not ours")
    assert sorted(outcomes(world.files.sync())) == ["created", "rejected"]
    ((_, sentence),) = world.letters()
    assert "its header lacks externalId" in sentence
    assert (world.names(), world.names("rejected")) == (
        ["somethingElse.txt"],
        ["deliveryLogs_1.txt"],
    )


def test_utf_16_that_is_none_keeps_what_came_before(world: World) -> None:
    world.document(lambda text: text.replace("encoding: utf-8", "encoding: utf-16"))
    ana = world.contact("Ana")
    world.folder.mkdir(parents=True, exist_ok=True)
    good = "\n".join([HEADER, line(1, ana), ""]).encode("utf-16")
    (world.folder / "deliveryLogs_1.txt").write_bytes(good + b"\x00\xd8\x00\xd8" * 4)
    assert sorted(outcomes(world.files.sync())) == ["created", "rejected"]
    assert world.names("rejected") == ["deliveryLogs_1.txt"]


def test_a_file_that_still_grows_is_left_until_it_has_settled(world: World) -> None:
    world.document(lambda text: text.replace("stable_seconds: 0", "stable_seconds: 60"))
    ana = world.contact("Ana")
    world.send()
    world.export(finish=False)
    assert world.files.sync() == []
    world.ahead += 61
    world.campaign.emulator.json("POST", "/export/finish", {})
    assert world.files.sync() == []
    world.ahead += 61
    assert outcomes(world.files.sync()) == ["created"]
    assert not world.letters()
    assert [row["_regardingobjectid_value"] for row in world.activities("send")] == [ana]


def test_a_finished_file_is_deleted_if_so_asked(world: World) -> None:
    world.document(lambda text: text.replace("afterwards: move ", "afterwards: delete "))
    world.contact("Ana")
    world.send()
    world.export()
    world.files.sync()
    assert (world.names(), world.names("processed")) == ([], [])


def test_a_dead_letter_carries_its_event_and_is_replayed_when_it_is_mended(world: World) -> None:
    from shared.pipeline.replay import replay

    ana = world.contact("Ana")
    put(world, "deliveryLogs_1.txt", HEADER, line(1, ana))
    refusal = {"error": {"code": "0x80040265", "message": "A plug-in says no."}}
    world.dynamics.faults({"match": {"route": "batch"}, "action": {"status": 400, "body": refusal}})
    assert outcomes(world.files.sync()) == ["rejected"]
    world.dynamics.faults()
    assert replay(world.files.flow, world.files.bridge, "dead_letters").count == 1
    assert outcomes(world.files.drain()) == ["created"]
    assert world.letters() == []


def test_an_sftp_server_that_is_away_delays_and_nothing_is_lost(world: World) -> None:
    world.contact("Ana")
    world.send()
    world.export()
    world.stack.stop_sftp()
    assert world.files.poll() == "interrupted"
    assert world.wiring.bridge.flows.read("email_events-from-files").status == RUNNING
    world.stack.start_sftp()
    assert outcomes(world.files.sync()) == ["created"]


def test_a_host_key_that_has_changed_pauses_the_flow_with_the_cause(world: World) -> None:
    world.contact("Ana")
    world.send()
    world.export()
    world.stack.stop_sftp()
    world.stack.start_sftp(new_host_key=True)
    assert world.files.poll() == "failed"
    state = world.wiring.bridge.flows.read("email_events-from-files")
    assert (state.status, state.setting) == (FAILED, "SFTP_HOST_KEY")
    assert "ask Adobe whether it was changed" in state.reason
    message = {"SFTP_HOST_KEY": world.stack.facts["sftp"]["host_key"]}
    world.stack.environment.update(message)
    again = World(world.stack)
    again.ahead = 120
    assert outcomes(again.files.sync()) == ["created"]


def test_a_key_that_is_refused_pauses_the_flow_with_the_cause(world: World) -> None:
    other = (world.stack.directory / "other_key").resolve()
    from paramiko import RSAKey

    RSAKey.generate(2048).write_private_key_file(str(other))
    refused = World(world.stack, SFTP_PRIVATE_KEY=other.read_text())
    assert refused.files.poll() == "failed"
    assert world.wiring.bridge.flows.read("email_events-from-files").setting == "SFTP_PRIVATE_KEY"
    world.ahead = 120
    world.contact("Ana")
    world.send()
    world.export()
    assert outcomes(world.files.sync()) == ["created"]


def test_a_missing_table_pauses_the_flow_and_says_how_to_make_it(world: World) -> None:
    world.document(lambda text: text)
    config = world.wiring.storage.container("config")
    text = (
        config.download_blob("events/email_events.yaml")
        .readall()
        .decode()
        .replace("acs_emailopen", "acs_nothing")
    )
    config.upload_blob("events/email_events.yaml", text, overwrite=True)
    problem = world.wiring.events_flows()[0].activate()
    assert "acs_nothing" in problem
    assert "Version 2 stays active" in problem


def test_an_expired_journal_position_is_begun_anew(world: World) -> None:
    world.contact("Ana")
    world.send()
    world.journal.sync()
    assert world.counts()["send"] == 1
    world.campaign.emulator.json("POST", "/journal", {"expire": True})
    world.send("DM102")
    world.journal.sync()
    assert world.counts()["send"] == 2
