"""`manage.py check` against the emulators: what is sound passes, and whatever is broken is named
with what to do.
"""

import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableClient

from admin.check.__main__ import exit_code, run
from admin.check.__main__ import look as look_by
from admin.check.checks import CHECKS
from dev.verbs import Http
from shared.checks import connections, every, rights, storage, tables
from shared.checks.findings import Check, run_all
from shared.checks.look import Look
from shared.errors import Misconfigured
from shared.events.documents import default_events_document
from shared.mapping import default_document
from shared.opt_out.documents import default_opt_out_document
from shared.pipeline.running import fail_flow
from shared.state.documents import Documents
from shared.state.flows import RUNNING, STOPPED
from shared.wiring import Wiring
from tests.contract.commands.conftest import LOOSE, Findings, Office, of, reported

ANOTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDsdSwz8M0y2q9aGmjJhJ2yR1f3m3kRpj1CZ6yTlN2kO"
NOBODY_LISTENS = "http://127.0.0.1:9"


def test_all_is_well_after_the_set_up(sound: Office) -> None:
    code, findings = sound.check()
    assert {finding["state"] for finding in findings} == {"ok"}, json.dumps(findings, indent=1)
    assert code == 0
    assert {finding["check"] for finding in findings} == {check.name for check in CHECKS} - {
        "journal"
    }  # which is off


def test_a_check_writes_nothing_to_either_system_and_leaves_nothing_in_the_storage(
    sound: Office,
) -> None:
    sound.check()
    before, records = sound.writes(), sound.campaign.write_calls()
    blobs = {blob.name for blob in sound.config.list_blobs()}
    sound.check()
    assert (sound.writes(), sound.campaign.write_calls()["POST"]) == (before, records["POST"])
    assert {blob.name for blob in sound.config.list_blobs()} == blobs
    service = look(sound).wiring.storage.tables
    assert not [
        table.name for table in service.list_tables() if table.name.startswith("bridgecheck")
    ]


def test_the_app_itself_asks_with_its_own_identity(sound: Office) -> None:
    """As the console's set-up page does: without what concerns the machine of a person."""
    wiring = look(sound).wiring
    found = list(run_all(every.CHECKS, Look([], lambda: wiring)))
    assert {finding.state for finding in found} == {"ok"}, "\n".join(map(str, found))
    assert "settings files" not in {finding.check for finding in found}


def test_missing_settings_are_each_told_and_what_needs_them_says_so_in_one_line(
    sound: Office,
) -> None:
    code, findings = sound.check(
        CAMPAIGN_CLIENT_ID="",
        CAMPAIGN_URL="https://mc.example.org/acme",
        POLL_BUDGET_SECONDS="9999",
    )
    for name in ("CAMPAIGN_CLIENT_ID", "CAMPAIGN_URL", "POLL_BUDGET_SECONDS"):
        reported(findings, "settings", "error", name)
    others = [check.name for check in CHECKS if not check.name.startswith("settings")]
    assert [f["check"] for f in findings if f["state"] == "skipped"] == others
    assert code == 2


def test_a_reference_that_only_azure_resolves_is_told(sound: Office) -> None:
    secret = (
        "@Microsoft.KeyVault(SecretUri=https://vault.example.org/secrets/campaign-client-secret)"
    )
    reported(
        sound.check(CAMPAIGN_CLIENT_SECRET=secret)[1],
        "settings",
        "error",
        "CAMPAIGN_CLIENT_SECRET",
        "Key Vault reference",
    )


@pytest.mark.parametrize(
    ("changed", "check", "words"),
    [
        (
            {"CAMPAIGN_CLIENT_SECRET": "wrong"},
            "campaign token",
            ("invalid_client", "CAMPAIGN_CLIENT_SECRET"),
        ),
        (
            {"CAMPAIGN_IMS_URL": NOBODY_LISTENS},
            "campaign token",
            ("could not be reached", "CAMPAIGN_IMS_URL"),
        ),
        (
            {"DATAVERSE_CLIENT_ID": "99999999-0000-4000-8000-000000000009"},
            "dataverse token",
            ("DATAVERSE_CLIENT_ID",),
        ),
        ({"DATAVERSE_URL": NOBODY_LISTENS}, "dataverse", ("could not be reached", "region")),
        ({"SFTP_FOLDER": "/nowhere"}, "sftp", ("no such folder", "SFTP_FOLDER")),
        ({"SFTP_HOST_KEY": ANOTHER_KEY}, "sftp", ("host key", "SFTP_HOST_KEY")),
        ({"SFTP_USER": "somebody"}, "sftp", ("key", "SFTP_USER")),
        ({"SFTP_PORT": "9"}, "sftp", ("could not be reached", "SFTP_HOST")),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else None,
)
def test_a_wrong_setting_is_named(
    sound: Office, changed: dict[str, str], check: str, words: tuple[str, ...]
) -> None:
    code, findings = sound.check(**changed)
    reported(findings, check, "error", *words)
    assert code == 2


def test_a_wrong_organization_of_campaign_is_named(sound: Office) -> None:
    url = sound.stack.environment["CAMPAIGN_URL"].replace("acme-mkt-stage1", "acme-mkt-stage7")
    reported(sound.check(CAMPAIGN_URL=url)[1], "campaign", "error", "organization", "CAMPAIGN_URL")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (7000222, ("client secret has expired",)),
        (7000215, ("its value, not its id",)),
        (90002, ("DATAVERSE_TENANT_ID",)),
        (700016, ("DATAVERSE_CLIENT_ID",)),
        (500011, ("DATAVERSE_URL",)),
        (1, ("whether it has expired",)),
    ],
)
def test_what_entra_refuses_is_named_by_its_number(
    sound: Office, code: int, words: tuple[str, ...]
) -> None:
    identity = json.loads((sound.stack.directory / "identity.ready.json").read_text())
    control = Http(f"http://127.0.0.1:{identity['port']}/_emulator", {})
    answer = {
        "error": "invalid_client",
        "error_description": f"AADSTS{code}: of 4f6f9 ...",
        "error_codes": [code],
    }
    action = {"status": 401, "body": answer}
    control.json(
        "POST",
        "/faults",
        [{"match": {"method": "POST", "route": "oauth2/v2.0/token"}, "action": action}],
    )
    changed = {
        "DATAVERSE_AUTH": "client_secret",
        "DATAVERSE_CLIENT_SECRET": "a-secret-of-entra",
        "DATAVERSE_TENANT_ID": identity["tenant_id"],
        "DATAVERSE_AUTHORITY_URL": f"https://127.0.0.1:{identity['tls_port']}",
        "SSL_CERT_FILE": identity["ca_file"],
    }
    try:
        findings = sound.check(**changed)[1]
    finally:
        control.json("POST", "/faults", [])
    reported(findings, "dataverse token", "error", *words)
    assert "a-secret-of-entra" not in json.dumps(findings)
    reported(findings, "privileges", "skipped", "dataverse")


def test_a_user_without_a_role_is_told(office: Office) -> None:
    reported(office.check()[1], "dataverse", "error", "application user")


def look(office: Office) -> Look:
    os.environ.update(json.loads(office.settings().read_text())["Values"])
    return look_by({**os.environ})


def test_every_missing_privilege_is_named_and_so_is_one_that_does_not_reach_far_enough(
    sound: Office,
) -> None:
    granted = [name for name in rights.granted_to(look(sound)) if name.startswith("prv")]
    assert len(granted) > 12
    for depth in ("None", "Basic"):
        for name in granted:
            sound.dynamics.emulator.json("POST", "/access", {"privileges": {name: depth}})
            found = list(
                run_all([Check("privileges", rights.privileges, (), rights.ADVICE)], look(sound))
            )
            wrong = [finding for finding in found if finding.state == "error"]
            assert wrong, (name, depth)
            assert all("setup dataverse" in finding.next for finding in wrong), (name, depth)
            assert any(name in finding.message for finding in wrong), (name, depth, wrong)
            assert exit_code(found) == 2


def test_a_flow_that_the_app_has_failed_is_named_with_its_setting(sound: Office) -> None:
    flows = Wiring(look(sound).settings).bridge.flows
    fail_flow(
        "contacts",
        flows,
        Misconfigured("DATAVERSE_WEBHOOK_SECRET", "DATAVERSE_WEBHOOK_SECRET is still a reference."),
    )
    flows.change("opt_out", lambda _: {"status": STOPPED})
    try:
        findings = sound.check()[1]
    finally:
        flows.change("contacts", lambda _: {"status": RUNNING})
        flows.change("opt_out", lambda _: {"status": RUNNING})
    reported(findings, "flows", "error", "DATAVERSE_WEBHOOK_SECRET")
    reported(findings, "flows", "warning", "stopped", "/api/flows/opt_out/start")


def test_what_is_left_over_in_dataverse_is_named_with_its_steps(sound: Office) -> None:
    """Opt-outs were carried, and are no longer; and somebody has registered a step by hand."""
    (own,) = sound.rows(
        "/serviceendpoints?$select=serviceendpointid&$filter=name eq 'campaign-bridge contact'"
    )
    change = {
        "description": "by hand",
        "url": "https://bridge.example.org/api/dataverse/lead",
        "name": "By hand",
    }
    sound.dynamics.http.json(
        "PATCH", f"/serviceendpoints({own['serviceendpointid']})", change, If_Match="*"
    )
    findings = sound.check(OPT_OUT_MODE="from-campaign")[1]
    step = "'campaign-bridge contact/opt-out Update'"
    reported(
        findings,
        "webhooks",
        "warning",
        "endpoint 'campaign-bridge contact/opt-out'",
        step,
        "manage.py setup dataverse",
    )
    reported(
        findings,
        "webhooks",
        "warning",
        "'campaign-bridge contact Delete'",
        "'By hand'",
        "Plug-in Registration",
    )


def test_a_system_administrator_is_a_warning(sound: Office) -> None:
    (user,) = sound.rows(f"/systemusers?$filter=applicationid eq {sound.client_id}")
    (role,) = sound.rows("/roles?$select=roleid&$filter=name eq 'System Administrator'")
    body = {"@odata.id": f"{sound.stack.facts['dataverse']}/api/data/v9.2/roles({role['roleid']})"}
    sound.dynamics.http.json(
        "POST", f"/systemusers({user['systemuserid']})/systemuserroles_association/$ref", body
    )
    code, findings = sound.check()
    reported(findings, "privileges", "warning", "System Administrator", "take this role away")
    assert code == 1


def with_document(office: Office, document: dict[str, Any]) -> Findings:
    office.put_document(document["table"], document)
    try:
        return office.check()[1]
    finally:
        office.put_document(document["table"], None)


def test_change_tracking_that_is_off_is_told(sound: Office) -> None:
    label = {"LocalizedLabels": [{"Label": "Loose", "LanguageCode": 1033}]}
    name = {
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": "acs_loose_name",
        "MaxLength": 100,
    }
    names = {
        "SchemaName": LOOSE.name,
        "DisplayName": label,
        "DisplayCollectionName": label,
        "OwnershipType": "UserOwned",
    }
    sound.dynamics.http.json(
        "POST",
        "/EntityDefinitions",
        {**names, "Attributes": [{**name, "IsPrimaryName": True, "DisplayName": label}]},
    )
    findings = with_document(sound, LOOSE.document())
    reported(findings, "change tracking", "error", "off", "setup dataverse")
    reported(findings, "privileges", "error", "prvReadacs_loose")
    reported(findings, "webhooks", "warning", "poll only")


def test_a_mapping_that_fits_neither_system_tells_every_problem(sound: Office) -> None:
    document = sound.contact_document()
    document["fields"] = [
        {"source": "nosuchcolumn", "target": "firstName"},
        {"source": "lastname", "target": "cusNothing"},
    ]
    findings = with_document(sound, document)
    reported(findings, "mappings", "error", "nosuchcolumn")
    reported(findings, "mappings", "error", "cusNothing")


def test_days_that_depend_on_a_time_zone_that_is_not_set_are_told(sound: Office) -> None:
    document = sound.contact_document()
    document["filters"] = {"field": "lastusedincampaign", "is": "gt", "value": "2019-01-05"}
    reported(
        with_document(sound, document), "mappings", "warning", "lastusedincampaign", "time_zone"
    )
    findings = with_document(sound, {**document, "time_zone": "Europe/Berlin"})
    assert {
        finding["state"] for finding in of(findings, "mappings") if finding["subject"] == "contact"
    } == {"ok"}


def test_a_resource_that_is_not_published_and_a_filter_without_its_parameter_are_told(
    sound: Office,
) -> None:
    findings = with_document(sound, sound.contact_document() | {"resource": "cusNothing"})
    reported(findings, "mappings", "error", "resource", "Publish")
    LOOSE.create(sound.dynamics)
    document = LOOSE.document()
    document["key"]["parameter"] = "other_parameter"
    findings = with_document(sound, document)
    reported(findings, "mappings", "error", "other_parameter")
    reported(findings, "keys", "error", "identification key")


def test_a_key_that_is_not_unique_is_told_without_its_value(sound: Office) -> None:
    LOOSE.create(sound.dynamics)
    for _ in range(2):
        sound.campaign.http.json(
            "POST",
            f"/profileAndServicesExt/{LOOSE.resource}",
            {"recordId": "the-same", "name": "x"},
        )
    findings = with_document(sound, LOOSE.document())
    reported(findings, "keys", "error", "Values of recordId", "more than one", "at: 1.")
    assert "the-same" not in json.dumps(findings)


def test_a_changed_document_that_is_not_in_force_is_a_warning(sound: Office) -> None:
    versions = look(sound).stored
    versions.add("contact", 1, json.dumps(sound.contact_document()), "")
    try:
        findings = with_document(sound, sound.contact_document())
        reported(
            findings, "mapping documents", "warning", "mappings/contact.yaml", "mapping_problem"
        )
    finally:
        sound.config.delete_blob("mappings/versions/contact/000001.yaml")


def put(sound: Office, blob: str, text: str) -> Findings:
    """What is found with this text in the container, which is taken away again."""
    sound.config.upload_blob(blob, text.encode(), overwrite=True)
    try:
        code, findings = sound.check()
    finally:
        sound.config.delete_blob(blob)
    assert code
    return findings


def in_force(sound: Office, folder: str, name: str, text: str) -> str:
    """Puts a first version into force; the blob to take away again."""
    documents = Documents(sound.config, folder)
    documents.add(name, 1, text, "")
    return documents.name(name, 1)


@pytest.mark.parametrize(
    ("folder", "name", "packaged", "words"),
    [
        (
            "mappings",
            "contact",
            default_document("contact"),
            ("Line 1 is not UTF-8", "Version 1 stays active"),
        ),
        (
            "opt-out",
            "opt_out",
            default_opt_out_document(),
            ("Line 1 is not UTF-8", "Version 1 stays active"),
        ),
        (
            "events",
            "email_events",
            default_events_document(),
            ("Line 1 is not UTF-8", "Version 1 stays active"),
        ),
    ],
    ids=["mapping", "opt-out", "e-mail events"],
)
def test_a_draft_that_the_bridge_refuses_is_an_error(
    sound: Office, folder: str, name: str, packaged: str, words: tuple[str, ...]
) -> None:
    version = in_force(sound, folder, name, packaged)
    sound.config.upload_blob(f"{folder}/{name}.yaml", "# Größe\n".encode("latin-1"), overwrite=True)
    try:
        code, findings = sound.check()
    finally:
        sound.config.delete_blob(version)
        sound.config.delete_blob(f"{folder}/{name}.yaml")
    reported(findings, "mappings", "error", f"{folder}/{name}.yaml", *words)
    assert code == 2


@pytest.mark.parametrize(
    ("blob", "text", "check", "state", "words"),
    [
        (
            "mappings/contacts.yaml",
            default_document("contact"),
            "mappings",
            "error",
            ("maps table contact", "its name says contacts"),
        ),
        (
            "events/email_events.yaml",
            default_events_document().replace(
                "columns: {log_id: logId, contact", "columns: {chanel: x, log_id: logId, contact", 1
            ),
            "mappings",
            "error",
            ("chanel is no name that is known",),
        ),
        (
            "opt-out/opt_out.yaml",
            "pairs: [{column: firstname, flag: blackListFax}]",
            "mappings",
            "error",
            ("firstname is of type String",),
        ),
        (
            "mappings/Contact.yml",
            "table: contact",
            "mapping documents",
            "warning",
            ("Nothing reads", "mappings/<table>.yaml"),
        ),
        (
            "mapping/account.yaml",
            "table: account",
            "mapping documents",
            "warning",
            ("Nothing reads", "mappings/<table>.yaml"),
        ),
    ],
    ids=["name of another table", "misnamed column", "pair", "ending", "folder"],
)
def test_a_document_that_is_never_used_is_told(
    sound: Office, blob: str, text: str, check: str, state: str, words: tuple[str, ...]
) -> None:
    reported(put(sound, blob, text), check, state, *words)


def test_two_tables_for_one_resource_are_told(sound: Office) -> None:
    LOOSE.create(sound.dynamics)
    document = LOOSE.document() | {
        "resource": "profile",
        "key": {"source": "acs_looseid", "target": "externalId"},
    }
    reported(with_document(sound, document), "mappings", "error", "a resource takes one table")


def test_a_journal_of_another_organization_is_told(sound: Office) -> None:
    url = sound.stack.environment["CAMPAIGN_JOURNAL_URL"]
    code, findings = sound.check(EMAIL_EVENTS_SOURCE="both")
    assert (code, of(findings, "journal")[0]["state"]) == (0, "ok")
    code, findings = sound.check(
        EMAIL_EVENTS_SOURCE="both", CAMPAIGN_JOURNAL_URL=url.replace("/events/", "/nothing/")
    )
    assert (code, of(findings, "journal")[0]["state"]) == (2, "error")


def test_a_field_that_is_no_key_is_told(sound: Office) -> None:
    LOOSE.create(sound.dynamics)
    sound.campaign.http.json(
        "POST", f"/profileAndServicesExt/{LOOSE.resource}", {"recordId": "an-id", "name": "x"}
    )
    document = LOOSE.document()
    document["key"] = {"source": "acs_looseid", "target": "recordId", "lookup": "uri"}
    reported(
        with_document(sound, document),
        "keys",
        "error",
        "recordId",
        "identification key",
        "publish it",
    )


def change_step(office: Office, **columns: Any) -> None:
    (step,) = office.rows(
        "/sdkmessageprocessingsteps?$filter=name eq 'campaign-bridge contact Update'"
    )
    path = f"/sdkmessageprocessingsteps({step['sdkmessageprocessingstepid']})"
    office.dynamics.http.json("PATCH", path, columns, If_Match="*")


def remove_step(office: Office) -> None:
    (step,) = office.rows(
        "/sdkmessageprocessingsteps?$filter=name eq 'campaign-bridge contact Update'"
    )
    office.dynamics.http.json(
        "DELETE", f"/sdkmessageprocessingsteps({step['sdkmessageprocessingstepid']})"
    )


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (lambda office: change_step(office, statecode=1, statuscode=2), ("Update is disabled",)),
        (
            lambda office: change_step(office, filteringattributes=None),
            ("no filtering attributes",),
        ),
        (
            lambda office: change_step(office, filteringattributes="firstname"),
            ("does not fire for", "lastname"),
        ),
        (remove_step, ("no step for Update",)),
        (
            lambda office: office.setup("--remove") and office.setup(),
            ("None is registered", "--functions"),
        ),
    ],
    ids=["disabled", "filter missing", "filter too narrow", "step missing", "not registered"],
)
def test_a_webhook_that_does_not_do_its_work_is_a_warning(
    sound: Office, work: Callable[[Office], Any], words: tuple[str, ...]
) -> None:
    work(sound)
    code, findings = sound.check()
    reported(findings, "webhooks", "warning", *words)
    assert code == 1
    sound.setup_webhooks()
    assert sound.check()[0] == 0


@pytest.mark.parametrize(
    ("seconds", "state", "exit_with"), [(90, "warning", 1), (900, "error", 2), (-900, "error", 2)]
)
def test_a_clock_that_is_wrong_is_told(
    sound: Office, seconds: int, state: str, exit_with: int
) -> None:
    sound.dynamics.emulator.json("POST", "/clock", {"advance_seconds": seconds})
    code, findings = sound.check()
    reported(findings, "clocks", state, "ahead of" if seconds < 0 else "behind", "time server")
    assert code == exit_with


def test_a_storage_that_refuses_is_told_and_the_rest_is_looked_at(sound: Office) -> None:
    connection = re.sub(
        "AccountKey=[^;]*", "AccountKey=d3Jvbmc=", sound.stack.environment["AzureWebJobsStorage"]
    )
    code, findings = sound.check(AzureWebJobsStorage=connection)
    assert {finding["subject"] for finding in of(findings, "storage")} == {
        "queues",
        "tables",
        "blobs",
    }
    reported(findings, "storage", "error", "403", "Storage Queue Data Contributor")
    reported(findings, "mappings", "skipped", "mapping documents")
    assert of(findings, "campaign")[0]["state"] == "ok"
    assert code == 2


def test_an_account_that_nobody_is_signed_in_to_is_told_in_one_line(
    sound: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a machine that is not in Azure, before `az login`."""
    monkeypatch.setenv("PATH", "")
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name, raising=False)
    changed = {
        "AzureWebJobsStorage": "",
        "AzureWebJobsStorage__accountName": "stexample",
        "IDENTITY_ENDPOINT": "",
    }
    code, findings = sound.check(**changed)
    reported(findings, "storage", "error", "az login", "AzureWebJobsStorage__clientId")
    assert (code, len(of(findings, "storage"))) == (2, 1)


def test_the_age_of_a_change_token_is_told_against_its_life(sound: Office) -> None:
    now = time.time()
    ages = {3: "ok", 4: "warning", 8: "warning"}
    found = {days: tables.window("contact", now - days * tables.DAY, 7, now) for days in ages}
    assert {days: finding.state for days, finding in found.items()} == ages
    assert "reads everything again" in found[8].next
    connection = sound.stack.facts["storage"]
    with TableClient.from_connection_string(connection, "checkpoints") as table:
        with suppress(ResourceExistsError):  # by an earlier test
            table.create_table()
        row = {
            "PartitionKey": "contacts",
            "RowKey": "contact",
            "taken_at": now - 5 * tables.DAY,
            "link": "x",
            "phase": "delta",
        }
        table.create_entity(row)
        try:
            reported(sound.check()[1], "change tokens", "warning", "5.0 days", "7 days")
        finally:
            table.delete_entity("contacts", "contact")


def test_activity_tables_that_are_missing_are_told(sound: Office) -> None:
    sound.dynamics.emulator.json("POST", "/reset", {})
    sound.make_user()
    sound.settings()
    (role,) = sound.rows("/roles?$select=roleid&$filter=name eq 'System Administrator'")
    (user,) = sound.rows(f"/systemusers?$filter=applicationid eq {sound.client_id}")
    body = {"@odata.id": f"{sound.stack.facts['dataverse']}/api/data/v9.2/roles({role['roleid']})"}
    sound.dynamics.http.json(
        "POST", f"/systemusers({user['systemuserid']})/systemuserroles_association/$ref", body
    )
    findings = sound.check()[1]
    reported(findings, "activity tables", "error", "no such table", "setup activities")


def test_old_files_are_a_warning(sound: Office) -> None:
    folder = sound.stack.sftp_root / sound.stack.facts["sftp"]["exports"].strip("/")
    aside = folder / "processed"
    aside.mkdir(exist_ok=True)
    long_ago = time.time() - 40 * 86400
    made: list[Path] = []
    for place, age in (
        (folder / "deliveryLogs_1.txt", time.time() - 7200),
        (folder / "other.txt", long_ago),
        (aside / "deliveryLogs_0.txt", long_ago),
    ):
        place.write_text("")
        os.utime(place, (age, age))
        made.append(place)
    try:
        code, findings = sound.check()
    finally:
        for place in made:
            place.unlink()
        aside.rmdir()
    reported(findings, "sftp", "warning", "Exported files", "not read: 1.")
    reported(findings, "sftp", "warning", "Files that nobody reads", "old: 1.")
    reported(findings, "sftp", "warning", "Files that have been read", "old: 1.")
    assert code == 1


def test_one_check_that_breaks_stops_no_other_and_shows_nothing_of_what_broke_it(
    sound: Office,
) -> None:
    def broken(_: Look) -> Any:
        raise RuntimeError("a secret")

    checks = [
        Check("settings", connections.settings),
        Check("broken", broken),
        Check("storage", storage.storage),
    ]
    found = list(run_all([*checks, Check("after", storage.storage, ("broken",))], look(sound)))
    assert [(finding.check, finding.state) for finding in found] == [
        ("settings", "ok"), ("broken", "error"), *[("storage", "ok")] * 3, ("after", "skipped"),
    ]  # fmt: skip
    assert "a secret" not in " ".join(map(str, found))


def test_without_a_settings_file_it_says_what_to_give(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["--settings", str(tmp_path / "none.json")]) == 2
    assert "none.json" in capsys.readouterr().err
    (tmp_path / "bad.json").write_text("[]")
    assert run(["--settings", str(tmp_path / "bad.json")]) == 2
    assert "is no local.settings.json" in capsys.readouterr().err
