"""Settings: declared once, all missing ones reported together, and never a value in a message."""

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from shared.console_settings import ConsoleSettings
from shared.errors import Misconfigured
from shared.settings import (
    ChosenFlows,
    Settings,
    StorageSettings,
    WebhookSettings,
    environment_name,
    load,
    load_settings,
    load_storage_settings,
)

ROOT = Path(__file__).parents[2]
COMPLETE = {
    "DATAVERSE_URL": "https://org.example.org",
    "DATAVERSE_WEBHOOK_SECRET": "a-secret-of-the-webhook",
    "CAMPAIGN_URL": "https://mc.example.org/acme/campaign",
    "CAMPAIGN_CLIENT_ID": "client",
    "CAMPAIGN_CLIENT_SECRET": "secret",
    "AzureWebJobsStorage__accountName": "account",
}

CONSOLE = {
    "CONSOLE_URL": "https://bridge.example.org",
    "CONSOLE_CLIENT_ID": "client",
    "CONSOLE_TENANT_ID": "tenant",
    "CONSOLE_SESSION_KEY": b64encode(bytes(32)).decode(),
}


def loaded(field: str, given: Mapping[str, str]) -> Any:
    """By the part that reads the setting: the console's own stop no flow."""
    if field in ConsoleSettings.model_fields:
        return load(ConsoleSettings, {**CONSOLE, **given})
    return load_settings({**COMPLETE, **given})


def test_what_is_complete_loads() -> None:
    settings = load_settings(COMPLETE)
    assert settings.campaign_url == "https://mc.example.org/acme/campaign"
    assert settings.storage_account == "account"


def test_opt_outs_go_both_ways_unless_somebody_says_otherwise() -> None:
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    assert load_settings(COMPLETE).opt_out_mode == example["OPT_OUT_MODE"] == "both"
    assert "param optOutMode string = 'both'" in (ROOT / "infra/main.bicep").read_text()


@pytest.mark.parametrize(
    ("name", "pasted", "taken"),
    [
        ("DATAVERSE_URL", "https://contoso.crm.example.org/", "https://contoso.crm.example.org"),
        ("DATAVERSE_URL", "HTTPS://Contoso.CRM.example.org", "https://contoso.crm.example.org"),
        (
            "DATAVERSE_URL",
            "  https://contoso.crm.example.org// ",
            "https://contoso.crm.example.org",
        ),
        ("DATAVERSE_AUTHORITY_URL", "https://Login.example.org/", "https://login.example.org"),
        (
            "CAMPAIGN_URL",
            "https://MC.example.org/Acme/campaign/",
            "https://mc.example.org/Acme/campaign",
        ),
        (
            "CAMPAIGN_URL",
            "HTTPS://mc.example.org/acme/Campaign",
            "https://mc.example.org/acme/campaign",
        ),
        ("CAMPAIGN_IMS_URL", "https://IMS.example.org/", "https://ims.example.org"),
        (
            "CAMPAIGN_JOURNAL_URL",
            "https://Events.example.org/a/B/c/ ",
            "https://events.example.org/a/B/c",
        ),
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
    for name in (
        "DATAVERSE_URL",
        "DATAVERSE_WEBHOOK_SECRET",
        "CAMPAIGN_URL",
        "CAMPAIGN_CLIENT_ID",
        "CAMPAIGN_CLIENT_SECRET",
    ):
        assert f"{name} is missing" in str(caught.value)


def test_an_empty_setting_is_missing() -> None:
    with pytest.raises(Misconfigured, match="CAMPAIGN_CLIENT_ID is missing"):
        load_settings({**COMPLETE, "CAMPAIGN_CLIENT_ID": ""})


def test_what_one_choice_makes_necessary_is_told() -> None:
    with pytest.raises(Misconfigured, match="DATAVERSE_TENANT_ID, DATAVERSE_CERTIFICATE"):
        load_settings({**COMPLETE, "DATAVERSE_AUTH": "certificate", "DATAVERSE_CLIENT_ID": "id"})


def test_no_message_and_no_printed_settings_show_a_secret() -> None:
    with pytest.raises(Misconfigured) as caught:
        load_settings(
            {**COMPLETE, "DATAVERSE_WEBHOOK_SECRET": "short", "POLL_BUDGET_SECONDS": "never"}
        )
    assert "short" not in str(caught.value).replace("at least 16", "")
    assert "never" not in str(caught.value)
    assert "a-secret-of-the-webhook" not in repr(load_settings(COMPLETE))


REFERENCES = [
    "@Microsoft.KeyVault(SecretUri=https://vault.example.org/secrets/one)",
    "@Microsoft.KeyVault(VaultName=vault;SecretName=one;SecretVersion=1)",
    "  @microsoft.keyvault(SecretUri=https://vault.example.org/secrets/one) ",
    "@MICROSOFT.KEYVAULT( VaultName=vault;SecretName=one )",
    "@Microsoft.KeyVault (SecretUri=https://vault.example.org/secrets/one)",
    "DefaultEndpointsProtocol=https;AccountKey=@Microsoft.KeyVault(VaultName=vault;SecretName=one)",
    "@Microsoft.AppConfiguration(Endpoint=https://config.example.org; Key=one)",
]


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("field", list(Settings.model_fields))
def test_a_reference_that_nobody_has_resolved_is_refused_by_the_setting_s_name(
    field: str, reference: str
) -> None:
    name = environment_name(field)
    with pytest.raises(Misconfigured) as caught:
        loaded(field, {name: reference})
    assert caught.value.setting == name
    for words in (
        f"{name} is still a Key Vault reference",
        "role Key Vault Secrets User",
        "firewall",
        "'Secrets', steps 3 and 4",
    ):
        assert words in str(caught.value)
    assert "vault.example.org" not in str(caught.value)


def test_references_are_told_together_with_what_is_missing() -> None:
    given = {
        **COMPLETE,
        "CAMPAIGN_CLIENT_SECRET": REFERENCES[0],
        "DATAVERSE_WEBHOOK_SECRET": REFERENCES[1],
        "CAMPAIGN_URL": "",
    }
    with pytest.raises(Misconfigured) as caught:
        load_settings(given)
    assert caught.value.setting == "settings"
    for words in (
        "DATAVERSE_WEBHOOK_SECRET, CAMPAIGN_CLIENT_SECRET are still",
        "CAMPAIGN_URL is missing",
    ):
        assert words in str(caught.value)


def test_who_needs_a_part_is_refused_for_that_part_alone() -> None:
    given = {
        **COMPLETE,
        "CAMPAIGN_CLIENT_SECRET": REFERENCES[0],
        "AzureWebJobsStorage": REFERENCES[0],
    }
    assert load(ChosenFlows, given).opt_out_mode == "both"
    with pytest.raises(Misconfigured, match="AzureWebJobsStorage is still a Key Vault reference"):
        load_storage_settings(given)


def test_every_part_refuses_references() -> None:
    """A new part is one too."""
    for part in (StorageSettings, ChosenFlows, WebhookSettings, Settings):
        for field in set(part.model_fields) - set(ConsoleSettings.model_fields):
            with pytest.raises(Misconfigured, match="Key Vault reference"):
                load(part, {**COMPLETE, environment_name(field): REFERENCES[0]})


SECRETS = [
    field for field, item in Settings.model_fields.items() if "SecretStr" in str(item.annotation)
]
NEEDED = {
    "dataverse_client_secret": {
        "DATAVERSE_AUTH": "client_secret",
        "DATAVERSE_CLIENT_ID": "id",
        "DATAVERSE_TENANT_ID": "tenant",
    },
    "dataverse_certificate": {
        "DATAVERSE_AUTH": "certificate",
        "DATAVERSE_CLIENT_ID": "id",
        "DATAVERSE_TENANT_ID": "tenant",
    },
    "sftp_private_key": {
        "EMAIL_EVENTS_SOURCE": "files",
        "SFTP_HOST": "h",
        "SFTP_USER": "u",
        "SFTP_HOST_KEY": "k",
    },
    "azurewebjobsstorage": {"AzureWebJobsStorage__accountName": ""},
    "console_client_secret": {"CONSOLE_AUTH": "client_secret"},
}


@pytest.mark.parametrize("value", ["", " ", "\n", "\ufeff \u200b", " " * 20], ids=ascii)
@pytest.mark.parametrize("field", sorted({*SECRETS} - {"console_session_key_before"}))
def test_a_secret_without_a_letter_is_none(field: str, value: str) -> None:
    name = environment_name(field)
    with pytest.raises(Misconfigured, match=name):
        loaded(field, {**NEEDED.get(field, {}), name: value})


def test_a_secret_is_taken_without_the_line_break_of_its_file() -> None:
    taken = load_settings(
        {**COMPLETE, "DATAVERSE_WEBHOOK_SECRET": "a-secret-of-the-webhook\n"}
    ).dataverse_webhook_secret
    assert taken.get_secret_value() == "a-secret-of-the-webhook"


@pytest.mark.parametrize(
    "value", ["sixteen\nletters-----", "sechzehn-zeichen-\u00e4", "sixteen-letters-\x00"]
)
def test_a_secret_that_no_header_takes_is_refused(value: str) -> None:
    with pytest.raises(Misconfigured, match="DATAVERSE_WEBHOOK_SECRET"):
        load_settings({**COMPLETE, "DATAVERSE_WEBHOOK_SECRET": value})


ADDRESSES = {field for field, item in Settings.model_fields.items() if field.endswith("_url")}
PATHS = {"campaign_url": "/acme/campaign"}


def test_every_address_is_checked() -> None:
    assert {
        "dataverse_url",
        "dataverse_authority_url",
        "campaign_url",
        "campaign_ims_url",
        "campaign_journal_url",
        "console_url",
        "console_authority_url",
    } == ADDRESSES


@pytest.mark.parametrize("field", sorted(ADDRESSES))
@pytest.mark.parametrize("host", ["127.0.0.1:9", "127.8.8.8", "localhost", "[::1]:8080"])
def test_http_is_for_this_machine(field: str, host: str) -> None:
    url = f"http://{host}{PATHS.get(field, '')}"
    assert getattr(loaded(field, {field.upper(): f"{url}/"}), field) == url


@pytest.mark.parametrize("field", sorted(ADDRESSES))
@pytest.mark.parametrize(
    "start",
    [
        "http://contoso.example.org",
        "HTTP://10.0.0.1",
        "https://user:hunter2@contoso.example.org",
        "ftp://127.0.0.1",
    ],
)
def test_no_other_address_is_taken(field: str, start: str) -> None:
    with pytest.raises(Misconfigured, match=field.upper()) as caught:
        loaded(field, {field.upper(): start + PATHS.get(field, "")})
    assert not any(part in str(caught.value) for part in ("contoso", "hunter2", "10.0.0.1"))


LOCAL = "DefaultEndpointsProtocol=http;AccountName=one;AccountKey=a2V5;BlobEndpoint=http://127.0.0.1:10000/one;"


ENCRYPTED = LOCAL.replace("http", "https")


@pytest.mark.parametrize(
    "value", ["UseDevelopmentStorage=true", LOCAL, ENCRYPTED, ENCRYPTED.split("Blob")[0]]
)
def test_a_connection_string_is_encrypted_or_on_this_machine(value: str) -> None:
    assert (
        load_settings(
            {**COMPLETE, "AzureWebJobsStorage": value}
        ).azurewebjobsstorage.get_secret_value()
        == value
    )


@pytest.mark.parametrize(
    "value",
    [
        LOCAL.replace("127.0.0.1", "storage.example.org"),
        LOCAL.split("Blob")[0],
        "QueueEndpoint=https://user:pass@storage.example.org;SharedAccessSignature=sig",
        "tableendpoint = http://storage.example.org;AccountName=one",
        (
            "BlobEndpoint=http://storage.example.org;"
            " BlobEndpoint=https://storage.example.com;AccountName=one"
        ),
    ],
)
def test_another_one_is_refused(value: str) -> None:
    with pytest.raises(Misconfigured, match="AzureWebJobsStorage") as caught:
        load_settings({**COMPLETE, "AzureWebJobsStorage": value})
    assert "storage.example.org" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["Account", "ac", "storage.example.org", "evil/#", "a" * 25, "konto\u00e4"]
)
def test_a_storage_account_has_a_name_that_may_stand_in_an_address(name: str) -> None:
    with pytest.raises(Misconfigured, match="AzureWebJobsStorage__accountName"):
        load_settings({**COMPLETE, "AzureWebJobsStorage__accountName": name})


@pytest.mark.parametrize("name", ["../common", "a/b", "t?x", "..", "tenant#", "a b"])
def test_a_tenant_has_a_name_that_may_stand_in_an_address(name: str) -> None:
    with pytest.raises(Misconfigured, match="DATAVERSE_TENANT_ID"):
        load_settings({**COMPLETE, "DATAVERSE_TENANT_ID": name})


def test_every_setting_has_a_help_and_stands_in_the_example_file() -> None:
    example = json.loads((ROOT / "local.settings.json.example").read_text())["Values"]
    names = {environment_name(field) for field in Settings.model_fields}
    assert all(field.description for field in Settings.model_fields.values())
    missing = sorted(names - set(example))
    assert not missing, f"put {missing} into local.settings.json.example"
    assert {
        name for name in example if re.match("DATAVERSE_|CAMPAIGN_|POLL_|QUEUE_|RETRY_", name)
    } - names == set()


def test_every_setting_that_a_trigger_names_is_declared() -> None:
    named = {
        name
        for file in (ROOT / "functions").glob("*.py")
        for name in re.findall(r"%(\w+)%", file.read_text())
    }
    assert named
    assert named <= {environment_name(field) for field in Settings.model_fields}


def test_a_wrong_setting_of_the_console_stops_no_flow() -> None:
    assert load_settings({**COMPLETE, "CONSOLE_URL": "ftp://x", "CONSOLE_SESSION_KEY": "short"})
    with pytest.raises(Misconfigured, match="CONSOLE_SESSION_KEY"):
        load(ConsoleSettings, {**CONSOLE, "CONSOLE_SESSION_KEY": "short"})


def test_a_console_that_is_on_needs_its_app_registration_and_its_key() -> None:
    assert not load(ConsoleSettings, {}).console_is_on
    with pytest.raises(Misconfigured, match="CONSOLE_CLIENT_ID, CONSOLE_TENANT_ID"):
        load(ConsoleSettings, {"CONSOLE_URL": "https://bridge.example.org"})


def test_two_session_keys_are_read_the_new_one_first() -> None:
    keys = [b64encode(bytes([number]) * 32).decode() for number in (1, 2)]
    given = {**CONSOLE, "CONSOLE_SESSION_KEY": keys[0], "CONSOLE_SESSION_KEY_BEFORE": keys[1]}
    assert load(ConsoleSettings, given).session_keys() == [b"\x01" * 32, b"\x02" * 32]
