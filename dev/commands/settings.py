"""The function app's settings on the local stack, in one place."""

import secrets
from base64 import b64encode
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from shared.console_settings import KEY_BYTES
from shared.settings import Settings, environment_name, load_settings

LOCAL_PACE = {
    "CONTACTS_SCHEDULE": "*/2 * * * * *",
    "CUSTOM_ENTITIES_SCHEDULE": "*/2 * * * * *",
    "EMAIL_EVENTS_SCHEDULE": "*/2 * * * * *",
    "OPT_OUT_SCHEDULE": "*/2 * * * * *",
    "PAUSED_DELAY_SECONDS": "5",
    "RETRY_DELAY_SECONDS": "2",
    "RETRY_DELAY_MAX_SECONDS": "30",
    "CLAIM_LEASE_SECONDS": "30",
    "CAMPAIGN_TIMEOUT_SECONDS": "30",
    "CAMPAIGN_DOUBT_SECONDS": "10",
    "MAPPING_CACHE_SECONDS": "2",
}


def app_settings(parts: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, str]:
    """`parts` are the URLs and secrets of what runs; real defaults where the pace of a laptop does
    not need others.
    """
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PYTHON_THREADPOOL_THREAD_COUNT": "64",
        "AzureWebJobsStorage": parts["storage"],
        "DATAVERSE_URL": parts["dataverse"],
        "DATAVERSE_AUTH": "managed_identity",
        "DATAVERSE_CLIENT_ID": parts["dataverse_client_id"],
        "DATAVERSE_WEBHOOK_SECRET": parts["webhook_secret"],
        "CAMPAIGN_URL": parts["campaign"],
        "CAMPAIGN_IMS_URL": parts["ims"],
        "CAMPAIGN_CLIENT_ID": parts["campaign_api_key"],
        "CAMPAIGN_CLIENT_SECRET": parts["campaign_client_secret"],
        "CAMPAIGN_JOURNAL_URL": parts["journal"],
        "CAMPAIGN_IMS_ORGANIZATION": parts["ims_organization"],
        "SFTP_HOST": parts["sftp"]["host"],
        "SFTP_PORT": str(parts["sftp"]["port"]),
        "SFTP_USER": parts["sftp"]["user"],
        "SFTP_PRIVATE_KEY": Path(parts["sftp"]["key_file"]).read_text(),
        "SFTP_HOST_KEY": parts["sftp"]["host_key"],
        "SFTP_FOLDER": parts["sftp"]["exports"],
        "IDENTITY_ENDPOINT": f"{parts['identity']}/msi/token",
        "IDENTITY_HEADER": parts["identity_header"],
        "CONSOLE_URL": parts["functions_url"],
        "CONSOLE_CLIENT_ID": parts["console_client_id"],
        "CONSOLE_TENANT_ID": parts["tenant_id"],
        "CONSOLE_AUTHORITY_URL": parts["authority"],
        "CONSOLE_IDENTITY_CLIENT_ID": parts["dataverse_client_id"],
        "CONSOLE_SESSION_KEY": parts["console_session_key"],
        "CONSOLE_ENVIRONMENT": "LOCAL",
        "SSL_CERT_FILE": parts["ca_file"],  # the emulated Entra's
        **LOCAL_PACE,
        **overrides,
    }


def console_facts(identity: Mapping[str, Any], functions_url: str) -> dict[str, str]:
    """What the identity emulator tells of itself, and where the console will be."""
    return {
        "identity_header": identity["identity_header"],
        "dataverse_client_id": identity["client_id"],
        "console_client_id": identity["console_client_id"],
        "console_session_key": b64encode(secrets.token_bytes(KEY_BYTES)).decode(),
        "tenant_id": identity["tenant_id"],
        "authority": f"https://127.0.0.1:{identity['tls_port']}",
        "functions_url": functions_url,
        "ca_file": identity["ca_file"],
    }


RUNTIME = ("PYTHON_THREADPOOL_THREAD_COUNT",)  # of Microsoft's worker, not of the bridge
STAND_INS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "DATAVERSE_URL": "http://127.0.0.1",
    "DATAVERSE_WEBHOOK_SECRET": "sixteen-letters-",
    "CAMPAIGN_URL": "http://127.0.0.1/local/campaign",
    "CAMPAIGN_CLIENT_ID": "local",
    "CAMPAIGN_CLIENT_SECRET": "local",
    "CAMPAIGN_JOURNAL_URL": "http://127.0.0.1/journal",
    "CAMPAIGN_IMS_ORGANIZATION": "local",
    **dict.fromkeys(("SFTP_HOST", "SFTP_USER", "SFTP_PRIVATE_KEY", "SFTP_HOST_KEY"), "local"),
}


class UnknownSetting(Exception):
    """Names what is no setting, and what may have been meant."""


def chosen_settings(given: Iterable[str]) -> dict[str, str]:
    """The settings in NAME=VALUE texts; of a name that comes twice the last counts.

    UnknownSetting for a name that the app does not have, Misconfigured for a value that it does not
    take.
    """
    pairs = dict(map(name_and_value, given))
    load_settings({**STAND_INS, **pairs})
    return pairs


def name_and_value(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    names = [*map(environment_name, Settings.model_fields), *RUNTIME]
    if name not in names:
        near = get_close_matches(name.upper(), names, 3, 0.6) or get_close_matches(
            name, names, 3, 0.6
        )
        advice = (
            f"Did you mean {' or '.join(near)}?"
            if near
            else "local.settings.json.example lists all settings."
        )
        raise UnknownSetting(f"--set: {name or text} is no setting of the function app. {advice}")
    if not equals:
        raise UnknownSetting(f"--set: {name} has no value. Write {name}=VALUE.")
    return name, value
