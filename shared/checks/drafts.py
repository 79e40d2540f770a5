"""Documents that people have put into the container `config`: those that the bridge refuses, and
files that nothing reads.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from azure.core.exceptions import ResourceNotFoundError

from shared.checks.documents import drafted, mapping_document, newest, tables
from shared.checks.findings import Finding
from shared.checks.look import Look
from shared.documents.kinds import Compiler, DocumentId, Version, World, draft_problems
from shared.entities.claims import CONTACT, Claims
from shared.entities.compiling import MappingCompiler
from shared.entities.mappings import CONTACTS
from shared.events.catalog import NAME as EVENTS
from shared.events.catalog import EventsCompiler
from shared.identifiers import TABLE
from shared.mapping import MappingDocument
from shared.opt_out.catalog import NAME as OPT_OUT
from shared.opt_out.catalog import OptOutCompiler
from shared.opt_out.owned import OptOutFlags
from shared.state.documents import Documents, Library, Listing

READ = re.compile(
    rf"mappings/(drafts/)?{TABLE.pattern}\.yaml|opt-out/opt_out\.yaml|events/email_events\.yaml|(mappings|opt-out|events)/versions/.+|fingerprint\.key"
)
ADVICE = "Correct it there: the bridge looks at it again by itself."


def refused(look: Look) -> Iterator[Finding]:
    """Judged as the flows judge them, by the same code; nothing is written."""
    for table in tables(look.stored):
        yield from found(table, mapping_draft(look, table))
    yield from found(OPT_OUT, opt_out_draft(look))
    yield from found(EVENTS, events_draft(look))


def found(subject: str, problem: str) -> Iterator[Finding]:
    if problem:
        yield Finding("mappings", subject, "error", problem, ADVICE)


def mapping_draft(look: Look, table: str) -> str:
    """One without a version that fits its name is looked at as if it were active: its problems
    are reported there.
    """
    version = newest(look.stored, table)
    if not drafted(look.stored, table) or (
        not version and mapping_document(look.stored, table).table == table
    ):
        return ""
    compiler = MappingCompiler(
        look.stored, look.wiring.dataverse, look.wiring.campaign, OptOutFlags()
    )
    return not_activated(look.stored, compiler, table, {})


def opt_out_draft(look: Look) -> str:
    documents = look.documents_in("opt-out")
    if not look.opt_outs or not drafted(documents, OPT_OUT):
        return ""
    (contact,) = [document for document in look.documents if document.table == CONTACT]
    compiler = OptOutCompiler(look.wiring.dataverse, look.wiring.campaign)
    return not_activated(documents, compiler, OPT_OUT, {CONTACTS: Version(0, contact)})


def events_draft(look: Look) -> str:
    documents = look.documents_in("events")
    if not look.events_on or not drafted(documents, EVENTS):
        return ""
    return not_activated(documents, EventsCompiler(look.wiring.batch), EVENTS, {})


def not_activated(
    documents: Documents,
    compiler: Compiler[Any, Any],
    name: str,
    needs: Mapping[DocumentId[Any], Version[Any]],
) -> str:
    version, world = newest(documents, name), World(listing(documents), needs)
    problems = draft_problems(compiler, name, documents.draft(name)[0], version, world)
    return compiler.kind.id(name).not_activated(problems, version)


def listing(documents: Documents) -> Listing:
    """Nothing where the container was not made yet."""
    try:
        return Library(documents.container).listing()
    except ResourceNotFoundError:
        return Listing({}, frozenset())


def rivals(look: Look, document: MappingDocument) -> list[str]:
    """Why the document cannot run beside the others: a resource takes one table."""
    if problems := Claims(look.stored).problems(document, listing(look.stored)):
        return problems
    others = [
        one.table
        for one in look.documents
        if one.resource == document.resource and one.table != document.table
    ]
    if not others or newest(look.stored, document.table):
        return []
    what = (
        f"{document.resource} is named by the document of {', '.join(others)} too, and a resource"
        " takes one table"
    )
    return [f"{document.place('resource')}: {what}: name another resource."]


def unread(documents: Documents) -> Iterator[Finding]:
    """Files of another name or folder than the bridge reads, such as `mappings/Contact.yml`."""
    try:
        names = [str(name) for name in documents.container.list_blob_names()]
    except ResourceNotFoundError:
        return
    for name in (name for name in names if not READ.fullmatch(name)):
        advice = (
            "Name it mappings/<table>.yaml, opt-out/opt_out.yaml or events/email_events.yaml, or"
            " delete it."
        )
        yield Finding(
            "mapping documents",
            name,
            "warning",
            "Nothing reads this file of the container config.",
            advice,
        )
