"""Which systems a command works on, and as whom: settings of its own, or the local stack."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

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
STACK_SETTINGS = "app.settings.json"
STORAGE_SCOPE = "https://storage.azure.com/.default"
SIGN_IN = (
    "No identity is signed in that reaches the storage account: run `az login`, leave"
    " AzureWebJobsStorage__clientId out of these settings, and give yourself Storage Blob Data"
    " Contributor on the account. `check` needs Storage Queue Data Contributor and Storage Table"
    " Data Contributor too."
)


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
    if file:
        os.environ.update(json.loads(file.read_text("utf-8"))["Values"])


def by_settings(file: Path | None) -> Place:
    """Only what names organization and identity must be set."""
    take_settings(file)
    settings = load(DataverseSettings)
    return Place(client(settings.dataverse_url, dataverse_token(settings)), {})


def by_stack(directory: Path) -> Place:
    """As an administrator of the emulator."""
    facts = json.loads((directory / "stack.json").read_text("utf-8"))
    app = directory / STACK_SETTINGS
    if app.exists():
        take_settings(app)
    return Place(client(facts["dataverse"], GivenToken(facts["dataverse_token"])), facts)


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
