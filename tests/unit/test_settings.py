"""Settings: declared once, all missing ones told together, and never a value in a message."""

import json
import re
from pathlib import Path

import pytest

from shared.errors import Misconfigured
from shared.settings import Settings, environment_name, load_settings

ROOT = Path(__file__).parents[2]
COMPLETE = {
    "DATAVERSE_URL": "https://org.example.org",
    "DATAVERSE_WEBHOOK_SECRET": "a-secret-of-the-webhook",
    "CAMPAIGN_URL": "https://mc.example.org/acme/campaign",
    "CAMPAIGN_CLIENT_ID": "client",
    "CAMPAIGN_CLIENT_SECRET": "secret",
    "AzureWebJobsStorage__accountName": "account",
}


def test_what_is_complete_loads() -> None:
    settings = load_settings(COMPLETE)
    assert settings.campaign_url == "https://mc.example.org/acme/campaign"
    assert settings.storage_account == "account"


@pytest.mark.parametrize(
    ("name", "pasted", "taken"),
    [
        ("DATAVERSE_URL", "https://contoso.crm.example.org/", "https://contoso.crm.example.org"),
        ("DATAVERSE_URL", "HTTPS://Contoso.CRM.example.org", "https://contoso.crm.example.org"),
        ("DATAVERSE_URL", "  https://contoso.crm.example.org// ", "https://contoso.crm.example.org"),
        ("DATAVERSE_AUTHORITY_URL", "https://Login.example.org/", "https://login.example.org"),
        ("CAMPAIGN_URL", "https://MC.example.org/Acme/campaign/", "https://mc.example.org/Acme/campaign"),
        ("CAMPAIGN_URL", "HTTPS://mc.example.org/acme/Campaign", "https://mc.example.org/acme/campaign"),
        ("CAMPAIGN_IMS_URL", "https://IMS.example.org/", "https://ims.example.org"),
        ("CAMPAIGN_JOURNAL_URL", "https://Events.example.org/a/B/c/ ", "https://events.example.org/a/B/c"),
    ],
)
def test_a_pasted_url_is_taken_as_clients_use_it(name: str, pasted: str, taken: str) -> None:
    assert getattr(load_settings({**COMPLETE, name: pasted}), name.lower()) == taken


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATAVERSE_URL", "contoso.crm.example.org"),
        ("DATAVERSE_URL", "https://contoso.crm.example.org/main.aspx"),
        ("DATAVERSE_URL", "https://contoso.crm.example.org?app=1"),
        ("DATAVERSE_URL", "https://somebody@contoso.crm.example.org"),
        ("CAMPAIGN_URL", "https://mc.example.org/campaign"),
        ("CAMPAIGN_URL", "https://mc.example.org/acme/campaign/profileAndServices"),
        ("CAMPAIGN_URL", "https://mc.example.org/acme/campaign?x=/campaign"),
        ("CAMPAIGN_URL", "https://somebody@mc.example.org/acme/campaign"),
        ("CAMPAIGN_JOURNAL_URL", "events.example.org/a"),
    ],
)
def test_what_is_not_the_url_is_refused_by_name(name: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=name) as caught:
        load_settings({**COMPLETE, name: value})
    assert value not in str(caught.value)


def test_all_missing_settings_are_told_in_one_message() -> None:
    with pytest.raises(Misconfigured) as caught:
        load_settings({})
    for name in ("DATAVERSE_URL", "DATAVERSE_WEBHOOK_SECRET", "CAMPAIGN_URL", "CAMPAIGN_CLIENT_ID", "CAMPAIGN_CLIENT_SECRET"):
        assert f"{name} is missing" in str(caught.value)


def test_an_empty_setting_is_missing() -> None:
    with pytest.raises(Misconfigured, match="CAMPAIGN_CLIENT_ID is missing"):
        load_settings({**COMPLETE, "CAMPAIGN_CLIENT_ID": ""})


def test_what_one_choice_makes_necessary_is_told() -> None:
    with pytest.raises(Misconfigured, match="DATAVERSE_TENANT_ID, DATAVERSE_CERTIFICATE"):
        load_settings({**COMPLETE, "DATAVERSE_AUTH": "certificate", "DATAVERSE_CLIENT_ID": "id"})


def test_no_message_and_no_printed_settings_show_a_secret() -> None:
    with pytest.raises(Misconfigured) as caught:
        load_settings({**COMPLETE, "DATAVERSE_WEBHOOK_SECRET": "short", "POLL_BUDGET_SECONDS": "never"})
    assert "short" not in str(caught.value).replace("at least 16", "")
    assert "never" not in str(caught.value)
    assert "a-secret-of-the-webhook" not in repr(load_settings(COMPLETE))


def test_every_setting_has_a_help_and_stands_in_the_example_file() -> None:
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    names = {environment_name(field) for field in Settings.model_fields}
    assert all(field.description for field in Settings.model_fields.values())
    assert names - set(example) == set()
    assert {name for name in example if re.match("DATAVERSE_|CAMPAIGN_|POLL_|QUEUE_|RETRY_", name)} - names == set()


def test_every_setting_that_a_trigger_names_is_declared() -> None:
    named = {name for file in (ROOT / "functions").glob("*.py") for name in re.findall(r"%(\w+)%", file.read_text())}
    assert named
    assert named <= {environment_name(field) for field in Settings.model_fields}
