"""`manage.py mapping`: checks a document as the bridge does, and puts it into the container
`config`.

mapping check FILE              says what is wrong with it, by line; changes nothing
mapping diff FILE               shows what it changes in the active version
mapping preview FILE            shows what it makes of up to 20 real rows; writes nothing
mapping apply FILE              checks it, shows what changes, and puts it where the bridge reads it
mapping history TABLE           lists the versions, with author and note
mapping revert TABLE VERSION    puts the text of an earlier version there again

Mapping documents, the opt-out document and the events document are distinguished by their content.
TABLE is a table, or opt_out or email_events.
Exit code 0: sound, or put;
1: refused, nothing was changed; 2: the storage account or a file could not be used.
"""

import argparse
import difflib
import logging
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

from admin.connection import NoConnection
from admin.mapping_access import (
    NO_CONTAINER,
    RIGHTS,
    SIGN_IN,
    UNREACHABLE,
    USUAL,
    CannotUse,
    author_of,
    config,
    storage_of,
    take_connection,
    wiring_of,
)
from admin.mapping_preview import preview
from admin.mapping_versions import history, place_of, version_text
from admin.private import PLACE
from shared.checks.documents import newest
from shared.documents.keeper import Keeper
from shared.documents.kinds import Compiler
from shared.entities.claims import Claims
from shared.entities.compiling import MappingCompiler
from shared.errors import Retryable, StorageDenied
from shared.events.catalog import EventsCompiler
from shared.events.documents import misnamed, read_events_document
from shared.mapping import InvalidDocument, read_document
from shared.mapping.identity import moved
from shared.mapping.syntax import parsed
from shared.opt_out.catalog import OptOutCompiler
from shared.opt_out.documents import read_opt_out_document
from shared.opt_out.owned import OptOutFlags, flag_problems
from shared.state.documents import MOST_DRAFT_BYTES, ChangedMeanwhile, Documents, Library
from shared.state.signatures import Signature
from shared.wiring import Wiring

OF_A_TABLE = ("history", "revert")
PLACES = {"kinds": "events/email_events.yaml", "pairs": "opt-out/opt_out.yaml"}
"""By a word that the document must have; a mapping document has its table's name."""


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
        return carried_out(options)
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


def carried_out(options: argparse.Namespace) -> int:
    """A file is read before anything else is asked."""
    draft = None if options.command in OF_A_TABLE else read_draft(Path(options.subject))
    take_connection(options)
    storage = storage_of(options.storage_account)
    if draft is None:
        folder, name = place_of(options.subject)
        documents = Documents(config(storage), folder)
        if options.command == "history":
            return history(documents, name)
        draft = Draft(folder, name, version_text(documents, name, options.version))
        options.note = options.note or f"back to version {options.version}"
    documents, systems = Documents(config(storage), draft.folder), wiring_of()
    if options.command == "preview":
        return preview(options, draft, documents, systems, storage)
    return work(options, draft, documents, systems, author_of(storage))


def work(
    options: argparse.Namespace,
    draft: Draft,
    documents: Documents,
    systems: Wiring | str,
    author: str,
) -> int:
    before, etag = documents.draft(draft.name)
    if options.command == "diff":
        print(difference(draft, documents, ""))
        return 0
    if found := problems(draft, documents, systems):
        return refused(found)
    print(f"{options.subject} is sound as {draft.path}. {how_checked(systems)}")
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
        documents.put_draft(draft.name, draft.text, etag, Signature(author, options.note))
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
    parser.add_argument(
        "command", choices=["check", "diff", "preview", "apply", "history", "revert"]
    )
    parser.add_argument("subject", metavar="FILE or TABLE")
    parser.add_argument("version", type=int, nargs="?", default=0, help="with revert")
    parser.add_argument(
        "--plan",
        action="store_true",
        help="with apply and revert: say what would change, and change nothing",
    )
    parser.add_argument(
        "--note", default="", help="with apply and revert: why; it is kept with the version"
    )
    parser.add_argument(
        "--ids", nargs="+", default=[], metavar="ID", help="with preview: of these rows"
    )
    parser.add_argument(
        "--values",
        action="store_true",
        help="with preview: show values too; that you looked is written down first",
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
    options = parser.parse_args(argv)
    if bool(options.version) != (options.command == "revert"):
        parser.error("revert needs a version, and nothing else takes one")
    return options


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
