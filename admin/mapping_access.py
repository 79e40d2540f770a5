"""How `manage.py mapping` reaches the container `config` and both systems, and as whom."""

import argparse
import base64
import binascii
import json
import os
from typing import Any

from azure.core.exceptions import ClientAuthenticationError
from azure.data.tables import TableServiceClient
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, ContainerClient

from admin.connection import STORAGE_SCOPE, take_settings, take_stack
from admin.private import settings_file
from shared.errors import BridgeError
from shared.settings import StorageSettings, load_settings, load_storage_settings
from shared.state.activity import ActivityLog
from shared.state.storage import service
from shared.wiring import Wiring

USUAL = "check.settings.json"
CONTAINER = "config"
NAMES = ("name", "upn", "unique_name", "app_displayname", "appid")
"""Claims of a token that say whose it is, the best first."""

PATIENCE: dict[str, Any] = {
    "retry_total": 2,
    "initial_backoff": 1,
    "increment_base": 1,
    "random_jitter_range": 0,
}
"""Seconds and times: a person waits; the package's own pauses begin at 12 s."""

RIGHTS = (
    "The storage account refuses it. You need Storage Blob Data Contributor on the container"
    " config: parameter mappingAuthors, docs/deploy.md. A new role takes some minutes."
)
SIGN_IN = "You are not signed in to Azure. Run `az login`, then run this again."
UNREACHABLE = (
    "The storage account does not answer. Correct its name. With networkIsolation, run this inside"
    " the network: docs/deploy.md."
)
NO_CONTAINER = (
    "The storage account has no container config. Name the account of the function app: output"
    " storageAccountName."
)


class CannotUse(Exception):
    """Says which file or account cannot be used, and what to do."""


def take_connection(options: argparse.Namespace) -> None:
    if options.stack:
        take_stack(options.directory)
    else:
        take_settings(settings_file(options.settings, USUAL))


def storage_of(account: str) -> StorageSettings:
    """The account that is named, else that of the settings."""
    if account:
        return StorageSettings.model_validate({"AzureWebJobsStorage__accountName": account})
    found = load_storage_settings()
    if not found.storage_account and not found.azurewebjobsstorage.get_secret_value():
        raise CannotUse(
            "Name the storage account: --storage-account <storageAccountName>, --stack, or a"
            " settings file."
        )
    return found


def config(storage: StorageSettings) -> ContainerClient:
    """The container, reached as whoever is signed in."""
    signed_in = {"credential": DefaultAzureCredential()} if storage.storage_account else {}
    blobs: BlobServiceClient = service(storage, "blob", BlobServiceClient, **PATIENCE, **signed_in)
    return blobs.get_container_client(CONTAINER)


def wiring_of() -> Wiring | str:
    """Both systems, or why a document cannot be checked against them."""
    try:
        wiring = Wiring(load_settings(os.environ))
        wiring.dataverse.who_am_i()
        wiring.campaign_tokens.token()
    except BridgeError as error:
        return str(error)
    return wiring


def author_of(storage: StorageSettings) -> str:
    """Whose credential reaches the account: of the token, for nobody types who they are."""
    if not storage.storage_account:
        return "key of the storage account"
    try:
        token = DefaultAzureCredential().get_token(STORAGE_SCOPE).token
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    except (ClientAuthenticationError, IndexError, ValueError, binascii.Error):
        return ""
    return next((str(claims[name]) for name in NAMES if claims.get(name)), "")


def activity_of(storage: StorageSettings, wiring: Wiring) -> ActivityLog:
    """Where a look at values is written down; needs Storage Table Data Contributor."""
    signed_in = {"credential": DefaultAzureCredential()} if storage.storage_account else {}
    tables: TableServiceClient = service(
        storage, "table", TableServiceClient, **PATIENCE, **signed_in
    )
    return ActivityLog(tables.get_table_client("activity"), wiring.now)
