"""`manage.py check` on opt-outs: whatever would lose or undo a no is named, with what to do."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableClient

from admin.check.__main__ import look as look_by
from shared.opt_out.documents import default_opt_out_document
from tests.contract.commands.conftest import OPT_OUTS, Office, of, reported

PROFILE = "/profileAndServicesExt/profile"


OLD_FLAGS: list[dict[str, Any]] = [
    {"source": "donotphone", "target": "blackListPhone"},
    {"source": "donotsendmm", "target": "denyListMobile", "apply_updates": False},
]


def with_flags(office: Office, *rules: dict[str, Any], in_force: bool = True) -> None:
    """The packaged mapping with rules for flags: as the version in force, as older installations
    have it, or as a draft.
    """
    document = office.contact_document()
    document["fields"] += rules
    if not in_force:
        office.put_document("contact", document)
        return
    versions = look_by(json.loads(office.settings().read_text())["Values"]).stored
    versions.add("contact", 1, yaml.safe_dump(document, sort_keys=False), "")


def test_switched_off_it_says_that_nobody_carries_opt_outs(sound: Office) -> None:
    sound.opt_outs("disabled")
    sound.setup_webhooks()
    code, findings = sound.check()
    reported(findings, "opt-out", "warning", "disabled", "never reaches", "OPT_OUT_MODE to both")
    assert code == 1


@pytest.mark.parametrize("mode", ["both", "disabled"])
def test_rules_for_flags_in_force_that_the_pairs_carry_are_named_in_one_line(
    office: Office, mode: str
) -> None:
    office.opt_outs(mode)
    with_flags(office, *OLD_FLAGS)
    office.setup_webhooks()
    found = of(office.check()[1], "opt-out")
    flags = [finding for finding in found if finding["subject"] == "flags"]
    if mode == "both":
        assert [(one["state"], one["message"][:32]) for one in flags] == [
            ("ok", "blackListPhone, blackListMobile ")
        ]
    else:
        assert [one["state"] for one in flags] == ["warning"]


@pytest.mark.parametrize("mode", ["both", "from-campaign", "to-campaign", "disabled"])
def test_a_rule_for_a_flag_in_force_that_no_pair_carries_is_a_warning(
    office: Office, mode: str
) -> None:
    office.opt_outs(mode)
    with_flags(office, {"source": "donotbulkpostalmail", "target": "blackListMobile"})
    office.setup_webhooks()
    code, findings = office.check()
    reported(
        findings, "opt-out", "warning", "blackListMobile", "Add a pair", "mappings/contact.yaml"
    )
    reported(findings, "mappings", "ok", "19 fields")
    assert code == 1


def test_a_new_document_that_names_a_flag_is_an_error(sound: Office) -> None:
    with_flags(sound, *OLD_FLAGS, in_force=False)
    code, findings = sound.check()
    reported(findings, "mappings", "error", "blackListMobile is an opt-out flag", "opt_out.yaml")
    assert code == 2


@pytest.mark.parametrize(
    ("pair", "words"),
    [
        ({"column": "cr_gone", "flag": "blackListEmail"}, ("no column cr_gone", "blackListEmail")),
        (
            {"column": "lastname", "flag": "blackListEmail"},
            ("lastname is of type String", "Yes/No column"),
        ),
    ],
    ids=["column missing", "column of another type"],
)
def test_a_pair_that_fits_not_both_systems_is_an_error(
    sound: Office, pair: dict[str, Any], words: tuple[str, ...]
) -> None:
    sound.put_pairs(pair)
    code, findings = sound.check()
    reported(findings, "opt-out", "error", *words)
    assert code == 2


@pytest.mark.parametrize(
    ("name", "parameter", "words"),
    [
        (
            "byNothing",
            "lastModified_parameter",
            ("no filter byNothing", "byLastmodified", "Publish a filter"),
        ),
        (
            "byLastmodified",
            "since",
            ("takes lastModified_parameter, and not since", "filter.parameter"),
        ),
        (
            "byOlderthan",
            "lastModified_parameter",
            ("finds profiles that have not changed", "greater than or equal"),
        ),
        (
            "byExactly",
            "lastModified_parameter",
            ("does not find profiles that have changed", "greater than or equal"),
        ),
    ],
)
def test_a_filter_that_does_not_find_what_has_changed_is_an_error(
    sound: Office, name: str, parameter: str, words: tuple[str, ...]
) -> None:
    sound.campaign.http.json(
        "POST", PROFILE, {"externalId": "00000000-0000-4000-8000-000000000001"}
    )
    sound.put_pairs(filter={"name": name, "parameter": parameter})
    code, findings = sound.check()
    reported(findings, "opt-out", "error", *words)
    assert code == 2
    sound.put_pairs()
    reported(sound.check()[1], "opt-out", "ok", "byLastmodified", "in order")


@pytest.mark.parametrize(
    ("mode", "said"),
    [
        ("both", "1 to opted out in Dynamics and 1 to opted out in Campaign"),
        ("to-campaign", "1 to opted out in Campaign;"),
        ("from-campaign", "1 to opted out in Dynamics;"),
    ],
)
def test_what_the_first_read_would_do_is_told_before_it(
    office: Office, mode: str, said: str
) -> None:
    """For those who come from Adobe's hosted app: nothing is written, and no flag would be
    undone.
    """
    office.opt_outs(mode)
    office.setup_webhooks()
    for here, there in ((True, False), (False, True), (True, True), (False, False)):
        person = office.dynamics.create_contact(lastname="Reader", donotphone=here)
        office.campaign.http.json(
            "POST",
            PROFILE,
            {"externalId": person, "blackListPhone": there, "blackListMobile": True},
        )
    office.campaign.http.json(
        "POST", PROFILE, {"externalId": "a-shop-customer", "blackListPhone": True}
    )
    writes = office.campaign.write_calls()["PATCH"]
    reported(
        office.check()[1],
        "opt-out",
        "ok",
        "Among 4 profiles, 4 have a contact",
        said,
        "none to opted in",
    )
    assert office.campaign.write_calls()["PATCH"] == writes


def test_a_filter_is_not_looked_for_where_campaign_is_not_read(sound: Office) -> None:
    sound.put_pairs(filter={"name": "byNothing", "parameter": "since"})
    sound.opt_outs("to-campaign")
    assert [finding["subject"] for finding in of(sound.check()[1], "opt-out")] == [
        "pairs",
        "first read",
    ]


@pytest.mark.parametrize("source", ["filter", "scan"])
def test_profiles_that_cannot_be_sorted_by_their_last_change_are_an_error(
    sound: Office, source: str
) -> None:
    path = "/profileAndServicesExt/resourceType/profile"
    metadata = sound.campaign.http.json("GET", path)
    metadata["content"]["lastModified"]["sortable"] = False
    sound.campaign.faults(
        {"match": {"path": f"{path}$"}, "action": {"status": 200, "body": metadata}}
    )
    code, findings = sound.check(OPT_OUT_SOURCE=source)
    reported(findings, "opt-out", "error", "lastModified", "not sortable", "OPT_OUT_SOURCE")
    sound.campaign.faults()
    reported(sound.check(OPT_OUT_SOURCE=source)[1], "opt-out", "ok")
    assert code == 2


def test_a_scan_that_campaign_refuses_is_an_error(sound: Office) -> None:
    sound.campaign.faults(
        {
            "match": {"path": "_order="},
            "action": {"status": 500, "body": "RST-360011 no such order"},
        }
    )
    assert sound.check(OPT_OUT_SOURCE="scan")[0] == 2


class Exports:
    """The folder that Campaign's workflow exports to."""

    def __init__(self, office: Office) -> None:
        self.folder = office.stack.sftp_root / office.stack.facts["sftp"]["exports"].strip("/")

    def put(self, name: str, hours_old: float) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("")
        moment = time.time() - hours_old * 3600
        os.utime(path, (moment, moment))
        return path


def test_an_export_that_has_not_come_in_time_is_an_error(sound: Office) -> None:
    exports = Exports(sound)
    reported(sound.check(OPT_OUT_SOURCE="file")[1], "opt-out", "error", "has come yet", "workflow")
    exports.put("other_1.txt", 1)
    old = exports.put("optOuts_1.txt", 30)
    code, findings = sound.check(OPT_OUT_SOURCE="file")
    reported(findings, "opt-out", "error", "for 30 h", "workflow")
    reported(findings, "sftp", "warning", "Exported files", "not read: 1.")
    assert code == 2
    old.unlink()
    new = exports.put("processed/optOuts_2.txt", 20)
    reported(sound.check(OPT_OUT_SOURCE="file")[1], "opt-out", "ok", "20.0 hours old, of 26")
    new.unlink()
    (exports.folder / "other_1.txt").unlink()
    new.parent.rmdir()


def test_an_export_that_was_deleted_when_it_was_read_counts(sound: Office) -> None:
    with TableClient.from_connection_string(sound.stack.facts["storage"], "checkpoints") as table:
        try:
            table.create_table()
        except ResourceExistsError:
            pass
        link = json.dumps({"position": "", "file_at": time.time() - 7200})
        table.create_entity(
            {"PartitionKey": "opt_out-from-campaign", "RowKey": "profile", "link": link}
        )
        reported(sound.check(OPT_OUT_SOURCE="file")[1], "opt-out", "ok", "2.0 hours old")
        table.delete_entity("opt_out-from-campaign", "profile")


def test_an_sftp_server_that_is_not_there_is_an_error(sound: Office) -> None:
    findings = sound.check(OPT_OUT_SOURCE="file", SFTP_PORT="9")[1]
    reported(findings, "opt-out", "error", "could not be reached")
    reported(findings, "sftp", "error", "could not be reached")


def test_a_webhook_that_is_missing_narrow_or_left_over_is_a_warning(sound: Office) -> None:
    reported(sound.check()[1], "webhooks", "ok", "2 steps are on")
    sound.put_pairs({"column": "donotphone", "flag": "blackListPhone"})
    reported(sound.check()[1], "webhooks", "warning", "donotemail", "setup dataverse")
    sound.opt_outs("from-campaign")
    reported(
        sound.check()[1], "webhooks", "warning", "nothing takes what it tells", "setup dataverse"
    )
    sound.setup_webhooks()
    sound.opt_outs("both")
    reported(sound.check()[1], "webhooks", "warning", "poll only", "--functions")


def test_the_right_to_write_contacts_is_named(sound: Office) -> None:
    reported(sound.check()[1], "privileges", "ok", "1 of 1")
    sound.opt_outs("to-campaign")
    sound.setup_webhooks()
    sound.opt_outs("both")
    code, findings = sound.check()
    reported(findings, "privileges", "error", "prvWriteContact", "setup dataverse")
    assert code == 2


def test_a_document_that_cannot_be_read_or_has_been_changed_is_told(sound: Office) -> None:
    sound.put_pairs({"column": "donotphone", "flag": "noSuchFlag"})
    code, findings = sound.check()
    reported(
        findings,
        "mapping documents",
        "error",
        "pairs[1].flag (noSuchFlag): must be one of",
        "Correct opt-out/opt_out.yaml",
    )
    reported(findings, "opt-out", "skipped", "mapping documents")
    assert code == 2
    sound.put_pairs()
    versions = look_by(json.loads(sound.settings().read_text())["Values"]).documents_in("opt-out")
    versions.add("opt_out", 1, default_opt_out_document(), "")
    reported(sound.check()[1], "mapping documents", "warning", OPT_OUTS, "mapping_problem")


def test_the_filter_is_asked_for_times_and_nothing_is_told_of_a_profile(sound: Office) -> None:
    contact_id = "00000000-0000-4000-8000-000000000001"
    sound.campaign.http.json(
        "POST", PROFILE, {"externalId": contact_id, "email": "reader@example.org"}
    )
    said = json.dumps(sound.check()[1])
    assert contact_id not in said
    assert "reader@example.org" not in said
    assert sound.campaign.write_calls()["POST"] == 1
