"""The export workflows: incremental, in the forms that Extract file offers, written in place,
streamed.
"""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.contract.campaign_emulator.conftest import Instance

DELIVERY = (
    "logId externalId email status failureType failureReason eventDate lastModified "
    "deliveryName deliveryLabel campaignName campaignLabel mirrorPageUrl"
)
TRACKING = (
    "logId broadLogId externalId urlType logDate url urlLabel userAgent trackedDevice "
    "deliveryName deliveryLabel campaignName campaignLabel mirrorPageUrl"
)
NAME = re.compile(r"(deliveryLogs|trackingLogs|optOuts)_\d{8}_\d{6}\.txt(\.gz)?")
ROW_COUNT, PEOPLE = 200_000, 10_000


def export(campaign: Instance, **order: Any) -> list[dict[str, Any]]:
    return list(campaign.control("POST", "export", order)["files"])


def content(campaign: Instance, **order: Any) -> bytes:
    """The one file of an export."""
    (file,) = export(campaign, **order)
    return (campaign.exports / file["name"]).read_bytes()


@pytest.fixture
def sent(campaign: Instance) -> Instance:
    campaign.people("a-1", "a-2")
    campaign.control(
        "POST",
        "deliveries",
        {"name": "DM101", "label": "Früh; jahr", "campaign": "CMP1", "campaignLabel": "春"},
    )
    campaign.control("POST", "events", {"delivery": "DM101", "kind": "open", "externalId": "a-1"})
    return campaign


def test_both_logs_have_their_columns_in_the_header_line(sent: Instance) -> None:
    files = export(sent)
    assert [(file["name"].partition("_")[0], file["rows"]) for file in files] == [
        ("deliveryLogs", 2),
        ("trackingLogs", 1),
    ]
    headers = [(sent.exports / file["name"]).read_text().splitlines()[0] for file in files]
    assert [header.split("\t") for header in headers] == [DELIVERY.split(), TRACKING.split()]


def test_a_second_run_holds_only_what_changed_since(sent: Instance) -> None:
    export(sent)
    assert export(sent) == []
    sent.control("POST", "bounce", {"delivery": "DM101", "externalId": "a-2", "type": "hard"})
    (file,) = export(sent)
    lines = (sent.exports / file["name"]).read_text().splitlines()
    assert (file["rows"], lines[1].split("\t")[1:4]) == (1, ["a-2", "a-2@example.org", "2"])
    sent.control("POST", "events", {"delivery": "DM101", "kind": "click", "externalId": "a-2"})
    assert [file["rows"] for file in export(sent)] == [1]


def test_each_log_remembers_its_own_last_run(sent: Instance) -> None:
    assert len(export(sent, log="delivery")) == 1
    assert [file["name"].partition("_")[0] for file in export(sent)] == ["trackingLogs"]


def test_a_given_instant_repeats_what_was_exported(sent: Instance) -> None:
    export(sent)
    assert [file["rows"] for file in export(sent, since="1970-01-01")] == [2, 1]
    assert export(sent, since="2100-01-01T00:00:00Z") == []


def test_an_empty_export_writes_a_file_only_if_asked(campaign: Instance) -> None:
    assert export(campaign) == []
    files = export(campaign, whenEmpty=True)
    assert [file["rows"] for file in files] == [0, 0]
    assert (campaign.exports / files[0]["name"]).read_text() == DELIVERY.replace(" ", "\t") + "\n"


def test_names_tell_the_instant_and_are_never_given_twice(sent: Instance) -> None:
    sent.control("POST", "clock", {"now": "2027-03-04T05:06:07Z"})
    names = [export(sent, log="delivery", since="1970-01-01")[0]["name"] for _ in range(5)]
    assert names[0].startswith("deliveryLogs_20270304_0506")
    assert all(NAME.fullmatch(name) for name in names)
    assert names == sorted(set(names))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1", "utf-8-sig"])
@pytest.mark.parametrize("separator", ["\t", ";", ","])
@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_a_file_has_the_form_that_was_asked_for(
    sent: Instance, encoding: str, separator: str, packed: bool
) -> None:
    raw = content(sent, log="delivery", encoding=encoding, separator=separator, gzip=packed)
    lines = (gzip.decompress(raw) if packed else raw).decode(encoding).splitlines()
    label = '"Früh; jahr"' if separator == ";" else "Früh; jahr"
    assert lines[0].split(separator) == DELIVERY.split()
    assert (
        separator.join(["DM101", label, "CMP1", "?" if encoding == "iso-8859-1" else "春"])
        in lines[1]
    )


def test_the_header_may_be_left_out(sent: Instance) -> None:
    assert content(sent, log="tracking", header=False).split(b"\t")[2] == b"a-1"


def test_labels_stand_in_place_of_technical_values(sent: Instance) -> None:
    sent.control(
        "POST",
        "bounce",
        {"delivery": "DM101", "externalId": "a-2", "type": "hard", "reason": "user unknown"},
    )
    for kind in ("click", "unsubscribe", "mirror"):
        sent.control("POST", "events", {"delivery": "DM101", "kind": kind, "externalId": "a-1"})
    deliveries = [
        line.split("\t")
        for line in content(sent, log="delivery", labels=True).decode().splitlines()
    ]
    assert [line[3:6] for line in deliveries[1:]] == [
        ["Sent", "", ""],
        ["Failed", "Hard", "User unknown"],
    ]
    tracking = [
        line.split("\t")
        for line in content(sent, log="tracking", labels=True).decode().splitlines()
    ]
    assert [line[3] for line in tracking[1:]] == ["Open", "Email click", "Opt-out", "Mirror page"]


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("fr", ["Échec", "Définitif", "Utilisateur inconnu"]),
        ("de", ["Fehlgeschlagen", "Hart", "Benutzer unbekannt"]),
        ("ja", ["失敗", "ハード", "ユーザー不明"]),
    ],
)
def test_labels_are_those_of_the_language(sent: Instance, language: str, words: list[str]) -> None:
    sent.control(
        "POST",
        "bounce",
        {"delivery": "DM101", "externalId": "a-2", "type": "hard", "reason": "user unknown"},
    )
    lines = content(sent, log="delivery", labels=True, language=language).decode().splitlines()
    assert lines[2].split("\t")[3:6] == words


def test_every_cell_has_its_qualifier_if_asked(sent: Instance) -> None:
    lines = content(sent, log="delivery", qualifier=True).decode().splitlines()
    assert all(
        cell.startswith('"') and cell.endswith('"') for line in lines for cell in line.split("\t")
    )


def test_times_are_those_of_the_zones_clocks(campaign: Instance) -> None:
    campaign.people("a-1")
    for name, at in (("DM1", "2026-07-01T10:00:00Z"), ("DM2", "2026-10-25T01:30:00Z")):
        campaign.control("POST", "deliveries", {"name": name, "at": at})
    lines = (
        content(campaign, log="delivery", timeZone="Europe/Berlin", since="2026-01-01")
        .decode()
        .splitlines()
    )
    assert [line.split("\t")[6] for line in lines[1:]] == [
        "2026/07/01 12:00:00",
        "2026/10/25 02:30:00",
    ]


def test_an_sms_is_a_row_of_the_same_log_told_apart_by_a_column(campaign: Instance) -> None:
    campaign.people("a-1", mobilePhone="+49 30 1234567")
    campaign.people("a-2")
    for channel in ("email", "sms"):
        campaign.control("POST", "deliveries", {"name": channel, "channel": channel})
    campaign.control("POST", "events", {"delivery": "sms", "kind": "click", "externalId": "a-1"})
    lines = [
        line.split("\t")
        for line in content(campaign, log="delivery", more=["messageType"]).decode().splitlines()
    ]
    assert (lines[0][-1], [(line[1], line[-1]) for line in lines[1:]]) == (
        "messageType",
        [("a-1", "0"), ("a-2", "0"), ("a-1", "1")],
    )
    header, click = (
        content(campaign, log="tracking", labels=True, more=["messageType", "sentDate"])
        .decode()
        .splitlines()
    )
    assert header.endswith("messageType\tsentDate")
    assert click.split("\t")[-2] == "SMS"


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_an_unfinished_file_ends_within_a_line_until_it_is_finished(
    sent: Instance, packed: bool
) -> None:
    whole = content(sent, log="delivery", gzip=packed)
    (file,) = export(sent, log="delivery", gzip=packed, since="1970-01-01", finish=False)
    path = sent.exports / file["name"]
    half = path.read_bytes()
    assert (0 < len(half) < len(whole), half.endswith(b"\n")) == (True, False)
    assert packed or whole.startswith(half)
    assert sent.control("POST", "export/finish", {}) == {"files": [file]}
    unpack = gzip.decompress if packed else bytes
    assert unpack(path.read_bytes()) == unpack(whole)
    assert sent.control("POST", "export/finish", {}) == {"files": []}


def test_opt_outs_are_exported_with_the_time_of_each_flag(sent: Instance) -> None:
    lines = content(sent, log="optOut").decode().splitlines()
    header = lines[0].split("\t")
    assert (header[:3], header[-1], len(header)) == (
        ["externalId", "blackList", "blackListEmail"],
        "lastModified",
        1 + 8 + 7 + 1,
    )
    assert "blackListPushnotificationLastModified" not in header
    assert export(sent, log="optOut") == []
    sent.control(
        "POST", "events", {"delivery": "DM101", "kind": "unsubscribe", "externalId": "a-2"}
    )
    (line,) = content(sent, log="optOut").decode().splitlines()[1:]
    row = dict(zip(header, line.split("\t"), strict=True))
    assert (row["externalId"], row["blackListEmail"], row["blackListFax"]) == ("a-2", "1", "0")
    assert (
        row["blackListEmailLastModified"] == row["lastModified"] != row["blackListFaxLastModified"]
    )
    assert "Yes" in content(sent, log="optOut", since="1970-01-01", labels=True).decode()


def test_a_reset_removes_the_files_and_forgets_the_last_run(sent: Instance) -> None:
    export(sent)
    sent.control("POST", "reset", {})
    assert list(sent.exports.iterdir()) == []


def test_what_is_not_known_is_refused(campaign: Instance) -> None:
    assert campaign.refused("export", {"quote": "'"})[0] == 501
    assert campaign.refused("export", {"encoding": "klingon"})[0] == 400
    assert campaign.refused("export", {"separator": "|"})[0] == 400
    assert campaign.refused("export", {"since": "yesterday"})[0] == 400


def test_many_rows_are_streamed(tmp_path: Path) -> None:
    rows = tmp_path / "rows"
    first = Instance(tmp_path, "--database", str(rows))
    first.people("a-1")
    first.stop()
    _, profile = json.loads((rows / "profile.jsonl").read_text())
    with (rows / "profile.jsonl").open("w") as file:
        for number in range(1, PEOPLE + 1):
            file.write(json.dumps([number, profile | {"externalId": f"a-{number}"}]) + "\n")
    many = Instance(tmp_path, "--database", str(rows))
    process = psutil.Process(many.child.pid)
    try:
        for _ in range(ROW_COUNT // PEOPLE):
            many.control("POST", "deliveries", {})
        export(many, log="tracking", encoding="utf-16", whenEmpty=True)
        before = process.memory_info().rss
        (file,) = export(many, log="delivery", since="1970-01-01")
        grown = process.memory_info().rss - before
    finally:
        many.stop()
    assert (file["rows"], grown < 20 * 1024 * 1024) == (ROW_COUNT, True)
