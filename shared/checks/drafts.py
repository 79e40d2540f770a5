"""Documents that people have put into the container `config`: those that the bridge refuses, and files that nothing reads."""

import re
from collections.abc import Iterator

from azure.core.exceptions import ResourceNotFoundError

from shared.checks.documents import drafted, mapping_document, newest, tables
from shared.checks.findings import Finding
from shared.checks.look import Look
from shared.entities.catalog import Catalog, address, problem_message
from shared.entities.claims import CONTACT, Claims
from shared.events.catalog import NAME as EVENTS
from shared.events.catalog import EventsCatalog
from shared.identifiers import TABLE
from shared.mapping import MappingDocument
from shared.opt_out.catalog import NAME as OPT_OUT
from shared.opt_out.catalog import OptOutCatalog
from shared.state.documents import Documents

READ = re.compile(
    rf"mappings/{TABLE.pattern}\.yaml|opt-out/opt_out\.yaml|events/email_events\.yaml|(mappings|opt-out|events)/versions/.+|fingerprint\.key"
)
MEND = "Correct it there: the bridge looks at it again by itself."


def refused(look: Look) -> Iterator[Finding]:
    """Judged as the flows judge them, by the same code; nothing is written."""
    for table in tables(look.stored):
        yield from found(table, mapping_draft(look, table))
    yield from found(OPT_OUT, opt_out_draft(look))
    yield from found(EVENTS, events_draft(look))


def found(subject: str, problem: str) -> Iterator[Finding]:
    if problem:
        yield Finding("mappings", subject, "error", problem, MEND)


def mapping_draft(look: Look, table: str) -> str:
    """One without a version that fits its name is looked at as if it were in force: its problems are told there."""
    version = newest(look.stored, table)
    if not drafted(look.stored, table) or (not version and mapping_document(look.stored, table).table == table):
        return ""
    client = look.wiring
    catalog = Catalog(look.stored, client.dataverse, client.campaign, 0, client.now)
    problems = catalog.draft_problems(table, look.stored.draft(table)[0], version)
    return problem_message(table, problems, version) if problems else ""


def opt_out_draft(look: Look) -> str:
    documents = look.documents_in("opt-out")
    if not look.opt_outs or not drafted(documents, OPT_OUT):
        return ""
    client = look.wiring
    (contact,) = [document for document in look.documents if document.table == CONTACT]
    catalog = OptOutCatalog(documents, client.dataverse, client.campaign, lambda: address(contact), 0, client.now)
    return catalog.draft_problem(documents.draft(OPT_OUT)[0], newest(documents, OPT_OUT))


def events_draft(look: Look) -> str:
    documents = look.documents_in("events")
    if not look.events_on or not drafted(documents, EVENTS):
        return ""
    catalog = EventsCatalog(documents, look.wiring.batch, 0, look.wiring.now)
    return catalog.draft_problem(documents.draft(EVENTS)[0], newest(documents, EVENTS))


def rivals(look: Look, document: MappingDocument) -> list[str]:
    """Why the document cannot run beside the others: a resource takes one table."""
    if problems := Claims(look.stored).problems(document):
        return problems
    others = [one.table for one in look.documents if one.resource == document.resource and one.table != document.table]
    if not others or newest(look.stored, document.table):
        return []
    what = f"{document.resource} is named by the document of {', '.join(others)} too, and a resource takes one table"
    return [f"{document.place('resource')}: {what}: name another resource."]


def unread(documents: Documents) -> Iterator[Finding]:
    """Files of another name or folder than the bridge reads, such as `mappings/Contact.yml`."""
    try:
        names = [str(name) for name in documents.container.list_blob_names()]
    except ResourceNotFoundError:
        return
    for name in (name for name in names if not READ.fullmatch(name)):
        mend = "Name it mappings/<table>.yaml, opt-out/opt_out.yaml or events/email_events.yaml, or delete it."
        yield Finding("mapping documents", name, "warning", "Nothing reads this file of the container config.", mend)
