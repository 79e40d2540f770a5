"""`manage.py setup dataverse` against the emulator: made once, kept in step, finished after an
interruption, taken away.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from admin.connection import GivenToken, client
from admin.setup.__main__ import run
from admin.setup.webhooks import Receiver
from shared.checks.wanted import filtering_attributes
from shared.mapping import read_document
from tests.contract.commands.conftest import LOOSE, MARK, Office

STEPS = "/sdkmessageprocessingsteps?$select=name,statecode,filteringattributes,_eventhandler_value"


@pytest.fixture(autouse=True)
def without_opt_outs(office: Office) -> None:
    """Theirs are set up by test_setup_opt_outs.py."""
    office.opt_outs("disabled")


def registered(office: Office) -> dict[str, Any]:
    return {row["name"]: row for row in office.rows(STEPS)}


def words(said: str) -> Counter[str]:
    return Counter(line.split()[0] for line in said.splitlines())


def test_everything_is_made_and_a_second_run_makes_nothing(office: Office) -> None:
    code, said = office.setup_webhooks()
    assert code == 0, said
    mapped = ",".join(filtering_attributes(read_document(json.dumps(office.contact_document()))))
    steps = registered(office)
    assert {name: step["filteringattributes"] for name, step in steps.items()} == {
        "campaign-bridge contact Create": None,
        "campaign-bridge contact Update": mapped,
        "campaign-bridge contact Delete": None,
    }
    (endpoint,) = office.rows("/serviceendpoints?$select=url,authtype,contract")
    assert (endpoint["url"], endpoint["authtype"], endpoint["contract"]) == (
        "https://bridge.example.org/api/dataverse/contact",
        5,
        8,
    )
    before = office.writes()
    code, said = office.setup_webhooks()
    assert (code, set(words(said))) == (0, {"found", "published"})
    assert (
        office.writes() == before + 1
    )  # the activity tables are published again, which changes nothing


def test_a_plan_says_what_would_be_made_and_writes_nothing(office: Office) -> None:
    before = office.writes()
    code, said = office.setup_webhooks("--plan")
    assert (code, office.writes()) == (0, before)
    for line in (
        "to be created    role Adobe Campaign bridge",
        "to be created    webhook of contact at https://bridge.example.org/api/dataverse/contact",
        "to be created    step campaign-bridge contact Update",
        "to be assigned   role Adobe Campaign bridge to the application user",
    ):
        assert line in said


def test_a_run_that_dies_at_any_write_is_finished_by_the_next(office: Office) -> None:
    """Each write of the set-up fails once, undone or done without an answer; the end is the same,
    and nothing stands twice.
    """
    office.opt_outs("both")
    office.setup("--plan")
    routes = [
        "/roles$",
        "ReplacePrivilegesRole",
        "systemuserroles_association",
        "/serviceendpoints$",
        "/sdkmessageprocessingsteps$",
    ]
    for number, (route, moment) in enumerate(
        (route, moment) for route in routes for moment in ("before", "after")
    ):
        office.dynamics.emulator.json("POST", "/reset", {})
        office.make_user()
        office.dynamics.faults(
            {"match": {"method": "POST", "route": route}, "action": {"drop": moment}, "times": 1}
        )
        code, said = office.setup_webhooks()
        assert (code, "Run the command again to finish" in said) == (1, True), (
            number,
            route,
            moment,
            said,
        )
        assert office.setup_webhooks()[0] == 0
        assert len(office.rows("/serviceendpoints?$select=name")) == 2
        assert len(registered(office)) == len(office.rows(STEPS)) == 5
        assert len(office.rows("/roles?$select=name&$filter=name eq 'Adobe Campaign bridge'")) == 1
        assert set(words(office.setup_webhooks()[1])) == {"found", "published"}


def test_steps_follow_the_mapping(office: Office) -> None:
    office.setup_webhooks()
    document = office.contact_document() | {
        "fields": [{"source": "firstname", "target": "firstName"}]
    }
    office.put_document("contact", document)
    try:
        code, said = office.setup()
        assert (
            code,
            "updated    step campaign-bridge contact Update: filteringattributes" in said,
        ) == (0, True)
        assert (
            registered(office)["campaign-bridge contact Update"]["filteringattributes"]
            == "firstname"
        )
    finally:
        office.put_document("contact", None)


def test_a_new_table_gets_tracking_rights_and_a_webhook_and_loses_them_with_its_document(
    office: Office,
) -> None:
    LOOSE.create(office.dynamics)
    office.setup_webhooks()
    office.put_document(LOOSE.name, LOOSE.document())
    try:
        said = office.setup_webhooks()[1]
        assert "1 given, 0 taken away" in said
        assert f"created    webhook of {LOOSE.name}" in said
    finally:
        office.put_document(LOOSE.name, None)
    said = office.setup_webhooks()[1]
    assert "0 given, 1 taken away" in said
    assert f"removed    webhook of {LOOSE.name}" in said
    assert len(registered(office)) == 3


def test_change_tracking_is_switched_on(office: Office) -> None:
    name = {
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": "acs_loose_name",
        "MaxLength": 100,
    }
    label = {"LocalizedLabels": [{"Label": "Loose", "LanguageCode": 1033}]}
    names = {
        "SchemaName": LOOSE.name,
        "DisplayName": label,
        "DisplayCollectionName": label,
        "OwnershipType": "UserOwned",
    }
    attributes = [{**name, "IsPrimaryName": True, "DisplayName": label}]
    office.dynamics.http.json("POST", "/EntityDefinitions", {**names, "Attributes": attributes})
    office.put_document(LOOSE.name, LOOSE.document())
    try:
        assert f"switched on change tracking of {LOOSE.name}" in office.setup()[1]
        definition = office.dynamics.http.json(
            "GET", f"/EntityDefinitions(LogicalName='{LOOSE.name}')"
        )
        assert definition["ChangeTrackingEnabled"] is True
        assert f"found      change tracking of {LOOSE.name}" in office.setup()[1]
    finally:
        office.put_document(LOOSE.name, None)


def test_what_was_made_is_taken_away_and_nothing_else(office: Office) -> None:
    foreign = {
        "name": "somebody's",
        "url": "https://other.example.org",
        "contract": 8,
        "authtype": 4,
        "authvalue": "theirs",
    }
    office.dynamics.http.ask("POST", "/serviceendpoints", foreign)
    office.setup_webhooks()
    code, said = office.setup("--remove")
    assert (code, words(said)) == (0, Counter(removed=6, kept=1))
    assert [row["name"] for row in office.rows("/serviceendpoints?$select=name")] == ["somebody's"]
    assert office.rows(STEPS) == []
    assert [row["name"] for row in office.rows("/roles?$select=name")] == ["System Administrator"]
    assert office.setup("--remove")[1].startswith("kept")
    assert office.setup_webhooks()[0] == 0


def test_another_address_or_key_reaches_the_endpoint(office: Office) -> None:
    office.setup_webhooks()
    file = office.keys_file({"contacts_webhook": f"dataverse.another-{MARK}"})
    said = office.setup("--functions", "https://other.example.org", "--function-keys", str(file))[1]
    assert "updated    webhook of contact: url and credential" in said
    assert len(office.rows("/serviceendpoints?$select=name")) == 1
    assert "another" not in repr(
        Receiver("https://other.example.org", {"contacts_webhook": "another"}, "secret")
    )


def test_a_step_that_was_disabled_or_doubled_is_put_right(office: Office) -> None:
    office.setup_webhooks()
    (update,) = office.rows(
        "/sdkmessageprocessingsteps?$filter=name eq 'campaign-bridge contact Update'"
    )
    binds = {
        "eventhandler_serviceendpoint@odata.bind": (
            f"/serviceendpoints({update['_eventhandler_value']})"
        ),
        "sdkmessageid@odata.bind": f"/sdkmessages({update['_sdkmessageid_value']})",
        "sdkmessagefilterid@odata.bind": (
            f"/sdkmessagefilters({update['_sdkmessagefilterid_value']})"
        ),
    }
    office.dynamics.http.ask(
        "POST",
        "/sdkmessageprocessingsteps",
        {"name": "again", "stage": 40, "mode": 1, "rank": 1, **binds},
    )
    path = f"/sdkmessageprocessingsteps({update['sdkmessageprocessingstepid']})"
    office.dynamics.http.json("PATCH", path, {"statecode": 1, "statuscode": 2}, If_Match="*")
    said = office.setup_webhooks()[1]
    assert "which was there twice" in said
    steps = office.rows(STEPS)
    assert len(steps) == 3
    assert not [step for step in steps if step["statecode"]]


def test_without_an_application_user_it_says_where_to_make_one(office: Office) -> None:
    code, said = office.setup("--user", "99999999-0000-4000-8000-000000000009")
    assert code == 1
    assert (
        "missing    there is no application user for client id"
        " 99999999-0000-4000-8000-000000000009: create it in" in said
    )


def test_a_reference_instead_of_a_secret_is_not_registered(office: Office) -> None:
    """As a copy of the app's settings has it: the webhook would send the reference's own text."""
    file = office.stack.directory / "app.settings.json"
    kept = file.read_text()
    changed = json.loads(kept)
    changed["Values"]["DATAVERSE_WEBHOOK_SECRET"] = (
        "@Microsoft.KeyVault(SecretUri=https://vault.example.org/secrets/webhook)"
    )
    file.write_text(json.dumps(changed))
    try:
        code, said = office.setup_webhooks()
    finally:
        file.write_text(kept)
    assert (code, "DATAVERSE_WEBHOOK_SECRET is still a Key Vault reference" in said) == (1, True)
    assert office.rows("/serviceendpoints?$select=name") == []


def test_a_table_that_is_not_there_is_named(office: Office) -> None:
    office.put_document("acs_nowhere", LOOSE.document() | {"table": "acs_nowhere"})
    try:
        code, said = office.setup()
        assert (code, "acs_nowhere" in said, "Run the command again" in said) == (1, True, True)
    finally:
        office.put_document("acs_nowhere", None)


def test_only_the_settings_that_are_used_are_needed(office: Office, tmp_path: Path) -> None:
    """An administrator's own file: the organization and who they are.

    The packaged mapping serves while there is no storage.
    """
    used = {
        name: office.stack.environment[name]
        for name in ("DATAVERSE_URL", "DATAVERSE_AUTH", "DATAVERSE_CLIENT_ID")
    }
    used |= {
        name: value
        for name, value in office.stack.environment.items()
        if name.startswith("IDENTITY_")
    }
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"Values": used}))
    give_administrator(office)
    code = run(["dataverse", "--settings", str(file)])
    said = office.heard()
    assert code == 0, said
    assert "assigned   role Adobe Campaign bridge to the application user" in said
    assert "no webhook of contact, changes arrive by poll: give --functions" in said


def give_administrator(office: Office) -> None:
    (user,) = office.rows(f"/systemusers?$filter=applicationid eq {office.client_id}")
    (role,) = office.rows("/roles?$select=roleid&$filter=name eq 'System Administrator'")
    body = {"@odata.id": f"{office.stack.facts['dataverse']}/api/data/v9.2/roles({role['roleid']})"}
    office.dynamics.http.json(
        "POST", f"/systemusers({user['systemuserid']})/systemuserroles_association/$ref", body
    )


def test_an_account_that_nobody_is_signed_in_to_is_told(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its documents say what to make: nothing is made without them."""
    monkeypatch.setenv("PATH", "")
    file = office.settings(
        AzureWebJobsStorage="", AzureWebJobsStorage__accountName="stexample", IDENTITY_ENDPOINT=""
    )
    before = office.writes()
    assert run(["dataverse", "--settings", str(file)]) == 1
    assert "run `az login`" in office.heard()
    assert office.writes() == before


def test_a_right_that_the_administrator_lacks_is_told_in_the_words_of_dataverse(
    office: Office,
) -> None:
    office.dynamics.emulator.json("POST", "/access", {"privileges": {"prvCreateRole": "None"}})
    code, said = office.setup()
    assert (
        code,
        "refused role Adobe Campaign bridge (status 403)" in said,
        "prvCreateRole" in said,
    ) == (1, True, True)
    assert client(
        office.stack.facts["dataverse"], GivenToken(office.stack.facts["dataverse_token"])
    ).who_am_i()
