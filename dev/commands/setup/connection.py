"""Which organization a set-up works on, and as whom: the app's settings, or the local stack."""

import json
import os
from pathlib import Path

from shared.dataverse.client import DataverseClient
from shared.settings import load_settings
from shared.tokens import TokenSource
from shared.transport import AdaptiveConcurrency, Transport, pooled
from shared.wiring import Wiring

SECONDS_PER_CALL = 120.0  # a table takes Dataverse half a minute and more


class GivenToken:
    """The stack's bearer token, which lasts longer than any set-up."""

    def __init__(self, value: str) -> None:
        self.value = value

    def token(self, refused: str = "") -> str:
        return self.value


def by_settings(file: Path | None) -> DataverseClient:
    """From the environment, to which the `Values` of a local.settings.json are added first, as Core Tools does."""
    if file:
        os.environ.update(json.loads(file.read_text("utf-8"))["Values"])
    wiring = Wiring(load_settings())
    return client(wiring.settings.dataverse_url, wiring.dataverse_tokens)


def by_stack(directory: Path) -> DataverseClient:
    facts = json.loads((directory / "stack.json").read_text("utf-8"))
    return client(facts["dataverse"], GivenToken(facts["dataverse_token"]))


def client(url: str, tokens: TokenSource, at_once: int = 1) -> DataverseClient:
    transport = Transport("Dataverse", pooled("Dataverse", SECONDS_PER_CALL, at_once), AdaptiveConcurrency(at_once))
    return DataverseClient(url, tokens, transport)
