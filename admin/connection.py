"""Which systems a command works on, and as whom: settings of its own, or the local stack."""

import json
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from azure.core.exceptions import ClientAuthenticationError

from shared.dataverse.auth import dataverse_token
from shared.dataverse.client import DataverseClient
from shared.errors import Misconfigured
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.tokens import TokenSource
from shared.http.transport import Transport, pooled
from shared.settings import DataverseSettings, StorageSettings, load
from shared.state.storage import credential

SECONDS_PER_CALL = 120.0  # a table takes Dataverse half a minute and more
STACK_FILE, STACK_SETTINGS = "stack.json", "app.settings.json"
ANSWERS_SECONDS = 5.0
STORAGE_SCOPE = "https://storage.azure.com/.default"
SIGN_IN = (
    "No identity is signed in that reaches the storage account: run `az login`, leave"
    " AzureWebJobsStorage__clientId out of these settings, and give yourself Storage Blob Data"
    " Contributor on the account. `check` needs Storage Queue Data Contributor and Storage Table"
    " Data Contributor too."
)
WHERE_SETTINGS_ARE = (
    "They are looked for in the file of --settings, else in .local/setup.settings.json, else in the"
    " environment. For the local stack give --stack."
)


class NoConnection(Exception):
    """A settings file or a local stack cannot be used. The message says which, and what to do."""


class GivenToken:
    """The stack's bearer token, which lasts longer than any set-up."""

    def __init__(self, value: str) -> None:
        self.value = value

    def token(self, refused: str = "") -> str:
        return self.value


@dataclass(frozen=True, slots=True)
class Place:
    """A way into an organization.

    `facts` is the stack's, {} elsewhere; the settings are those of the environment.
    """

    client: DataverseClient
    facts: Mapping[str, str] = field(repr=False)


def take_settings(file: Path | None) -> None:
    """Adds the `Values` of a local.settings.json to the environment, as Core Tools does."""
    if file is None:
        return
    try:
        os.environ.update(json.loads(file.read_text("utf-8"))["Values"])
    except OSError as error:
        raise NoConnection(f"{file} cannot be read: {error.strerror}. Correct its path.") from None
    except (ValueError, KeyError, TypeError):
        raise NoConnection(
            f"{file} is no local.settings.json: it must be JSON with the settings under Values."
        ) from None


def take_stack(directory: Path) -> dict[str, Any]:
    """Adds the settings of the local stack of this folder, and returns what stack.json says."""
    facts = running_stack(directory)
    if (directory / STACK_SETTINGS).exists():
        take_settings(directory / STACK_SETTINGS)
    return facts


def by_settings(file: Path | None) -> Place:
    """Only what names organization and identity must be set; NoConnection where it is not."""
    take_settings(file)
    try:
        settings = load(DataverseSettings)
    except Misconfigured as error:
        raise NoConnection(f"{error}. {WHERE_SETTINGS_ARE}") from None
    return Place(client(settings.dataverse_url, dataverse_token(settings)), {})


def by_stack(directory: Path) -> Place:
    """As an administrator of the emulator."""
    facts = take_stack(directory)
    return Place(client(facts["dataverse"], GivenToken(facts["dataverse_token"])), facts)


def running_stack(directory: Path) -> dict[str, Any]:
    """What stack.json says; NoConnection if it is missing or the stack has ended."""
    file = directory / STACK_FILE
    if not file.exists():
        raise NoConnection(
            f"No stack runs from {directory}: start the stack with `manage.py up`, and give both"
            " the same --directory."
        )
    facts = written_facts(file)
    if not answers(facts["dataverse"]):
        raise NoConnection(
            f"The stack of {directory} has ended without `manage.py stop`: start it again with"
            " `manage.py up`."
        )
    return facts


def written_facts(file: Path) -> dict[str, Any]:
    """NoConnection if the file was cut off, or is not one that `up` writes."""
    try:
        facts: dict[str, Any] = json.loads(file.read_text("utf-8"))
        named = all(isinstance(facts[name], str) for name in ("dataverse", "dataverse_token"))
    except (OSError, ValueError, KeyError, TypeError):
        named = False
    if not named:
        raise NoConnection(
            f"{file} cannot be read, or does not describe a local stack: remove it, and start the"
            " stack with `manage.py up`."
        )
    return facts


def answers(url: str) -> bool:
    """Whether something listens there; an address that is none is one where nothing does."""
    try:
        parts = urlsplit(url)
        socket.create_connection((parts.hostname, parts.port), ANSWERS_SECONDS).close()
    except (OSError, ValueError):
        return False
    return True


def client(url: str, tokens: TokenSource, at_once: int = 1) -> DataverseClient:
    transport = Transport(
        "Dataverse", pooled("Dataverse", SECONDS_PER_CALL, at_once), AdaptiveConcurrency(at_once)
    )
    return DataverseClient(url, tokens, transport)


def require_sign_in(settings: StorageSettings) -> None:
    """Misconfigured if nobody is signed in.

    The clients of the storage would find that out for a minute each.
    """
    if settings.storage_account:
        try:
            credential(settings.storage_client_id).get_token(STORAGE_SCOPE)
        except ClientAuthenticationError:
            raise Misconfigured("AzureWebJobsStorage", SIGN_IN) from None
