"""`manage.py mapping`: checks a document as the bridge does, and puts it into the container
`config`.

mapping check FILE   says what is wrong with it, by line; changes nothing
mapping apply FILE   checks it, shows what changes, and puts it where the bridge reads it

Mapping documents, the opt-out document and the events document are distinguished by their content.
Exit code 0: sound, or put;
1: refused, nothing was changed; 2: the storage account or a file could not be used.
"""

import argparse
import difflib
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ResourceNotFoundError,
)
from azure.identity import DefaultAzureCredential
from azure.storage.blob import BlobServiceClient, ContainerClient

from admin.connection import NoConnection, take_settings, take_stack
from admin.private import PLACE, settings_file
from shared.checks.documents import newest
from shared.documents.keeper import Keeper
from shared.documents.kinds import Compiler
from shared.entities.claims import Claims
from shared.entities.compiling import MappingCompiler
from shared.errors import BridgeError, Retryable, StorageDenied
from shared.events.catalog import EventsCompiler
from shared.events.documents import misnamed, read_events_document
from shared.mapping import InvalidDocument, read_document
from shared.mapping.identity import moved
from shared.mapping.syntax import parsed
from shared.opt_out.catalog import OptOutCompiler
from shared.opt_out.documents import read_opt_out_document
from shared.opt_out.owned import OptOutFlags, flag_problems
from shared.settings import StorageSettings, load_settings, load_storage_settings
from shared.state.documents import MOST_DRAFT_BYTES, ChangedMeanwhile, Documents, Library
from shared.state.storage import service
from shared.wiring import Wiring

USUAL = "check.settings.json"
CONTAINER = "config"
PLACES = {"kinds": "events/email_events.yaml", "pairs": "opt-out/opt_out.yaml"}
"""By a word that the document must have; a mapping document has its table's name."""

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


@dataclass(frozen=True, slots=True)
class Draft:
    """A person's document: `folder` and `name` are where the bridge reads it."""

    folder: str
    name: str
    text: str

    @property
    def path(self) -> str:
        return f"{self.folder}/{self.name}.yaml"


def run(argv: list[str]) -> int:
    options = parse(argv)
    logging.getLogger("azure").setLevel(logging.CRITICAL)  # it would tell the same, and worse
    try:
        draft = read_draft(options.file)
        take_connection(options)
        storage = storage_of(options.storage_account)
        return work(options, draft, Documents(config(storage), draft.folder), wiring_of())
    except InvalidDocument as error:
        return refused(error.problems)
    except (CannotUse, NoConnection) as error:
        print(error, file=sys.stderr)
    except ClientAuthenticationError:
        print(SIGN_IN, file=sys.stderr)
    except ResourceNotFoundError:
        print(NO_CONTAINER, file=sys.stderr)
    except StorageDenied:
        print(RIGHTS, file=sys.stderr)
    except HttpResponseError as error:
        print(RIGHTS if error.status_code == 403 else UNREACHABLE, file=sys.stderr)
    except (AzureError, Retryable, ValueError):
        print(UNREACHABLE, file=sys.stderr)
    return 2


def work(
    options: argparse.Namespace, draft: Draft, documents: Documents, systems: Wiring | str
) -> int:
    before, etag = documents.draft(draft.name)
    if found := problems(draft, documents, systems):
        return refused(found)
    print(f"{options.file} is sound as {draft.path}. {how_checked(systems)}")
    if options.command == "check":
        return 0
    if before == draft.text:
        print(f"{draft.path} holds this already. Nothing was changed.")
        return 0
    print(difference(draft, documents, before))
    if options.plan:
        print("This was a plan. Nothing was changed.")
        return 0
    try:
        documents.put_draft(draft.name, draft.text, etag)
    except ChangedMeanwhile as error:
        return refused([str(error)])
    print(
        f"Put into {draft.path}. The next poll takes it into force: see mapping_version and"
        " mapping_problem of GET /api/status."
    )
    return 0


def refused(found: Sequence[str]) -> int:
    print("\n".join([*found, "Nothing was changed."]), file=sys.stderr)
    return 1


def read_draft(path: Path) -> Draft:
    """The document with its place, which its content tells; InvalidDocument where it has none."""
    try:
        with path.open("rb") as file:
            text = file.read(MOST_DRAFT_BYTES).decode("utf-8", "surrogateescape")
    except OSError as error:
        raise CannotUse(
            f"The file {path} cannot be read: {error.strerror}. Correct its path."
        ) from None
    for word, place in PLACES.items():
        if word in keys(text):
            folder, _, name = place.partition("/")
            return Draft(folder, name.removesuffix(".yaml"), text)
    return Draft("mappings", read_document(text).table, text)


def keys(text: str) -> Mapping[object, object]:
    """The outermost keys; none where the text is no document, which the reader of documents tells
    by its line.
    """
    try:
        content, _ = parsed(text)
    except InvalidDocument:
        return {}
    return content if "table" not in content else {}


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


def how_checked(systems: Wiring | str) -> str:
    if isinstance(systems, Wiring):
        return "It was checked against Dataverse and Campaign."
    return (
        f"It was NOT checked against Dataverse and Campaign. {systems} The bridge checks it before"
        " it takes it into force."
    )


def problems(draft: Draft, documents: Documents, systems: Wiring | str) -> list[str]:
    """Why the bridge would refuse the document, as far as that can be seen from here."""
    version = newest(documents, draft.name)
    try:
        return (
            form_problems(draft, documents, version)
            if isinstance(systems, str)
            else fit(draft, documents, version, systems)
        )
    except InvalidDocument as error:
        return error.problems


def form_problems(draft: Draft, documents: Documents, version: int) -> list[str]:
    if draft.folder == "opt-out":
        read_opt_out_document(draft.text)
        return []
    if draft.folder == "events":
        return list(misnamed(read_events_document(draft.text)))
    document, claims = read_document(draft.text), Claims(documents)
    active = claims.active(draft.name, version)
    return [
        *(moved(document, active, version) if active else []),
        *claims.problems(document, Library(documents.container).listing()),
        *flag_problems(document),
    ]


def fit(draft: Draft, documents: Documents, version: int, systems: Wiring) -> list[str]:
    """As the bridge itself decides it."""
    compiler = compiler_of(draft, documents, systems)
    found = Keeper(Library(documents.container), 0, systems.now).draft_problems(
        compiler, draft.name, draft.text, version
    )
    if draft.folder == "mappings" or not found:
        return found
    return [compiler.kind.id(draft.name).not_activated(found, version)]


def compiler_of(draft: Draft, documents: Documents, systems: Wiring) -> Compiler[Any, Any]:
    if draft.folder == "mappings":
        return MappingCompiler(documents, systems.dataverse, systems.campaign, OptOutFlags())
    if draft.folder == "events":
        return EventsCompiler(systems.batch)
    return OptOutCompiler(systems.dataverse, systems.campaign)


def difference(draft: Draft, documents: Documents, before: str) -> str:
    """What changes, line by line: against what a person left there, else against the active
    version.
    """
    version = newest(documents, draft.name)
    old = before or (documents.text(draft.name, version) if version else "")
    name = draft.path if before else f"version {version}" if version else "nothing"
    if old == draft.text:
        return f"It says the same as {name}."
    lines = difflib.unified_diff(
        old.splitlines(), draft.text.splitlines(), name, "the file", lineterm="", n=1
    )
    return "\n".join(lines).encode("utf-8", "replace").decode()


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="manage.py mapping",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=["check", "apply"])
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument(
        "--plan", action="store_true", help="with apply: say what would change, and change nothing"
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--stack", action="store_true", help="the stack that `manage.py up` started")
    place.add_argument(
        "--storage-account",
        default="",
        metavar="NAME",
        help="the function app's account, as who is signed in",
    )
    parser.add_argument(
        "--settings",
        type=Path,
        help=f"of both systems; without it .local/{USUAL}, else the environment",
    )
    parser.add_argument(
        "--directory", type=Path, default=PLACE, help="where that stack's files are"
    )
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
