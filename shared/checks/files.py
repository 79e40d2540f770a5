"""Where e-mail events come from and go to, and exported opt-outs: SFTP server (reachable, itself,
free of old files), journal,
activity tables.
"""

from collections.abc import Iterator

from shared.checks.documents import document_text
from shared.checks.findings import Finding
from shared.checks.look import Look
from shared.errors import Misconfigured
from shared.events.activities import problems
from shared.events.catalog import NAME as EVENTS
from shared.events.documents import (
    KINDS,
    EventsDocument,
    default_events_document,
    read_events_document,
)
from shared.events.files import EventFormat
from shared.opt_out.feeds import OptOutFormat
from shared.sftp.client import RemoteFile
from shared.sftp.exports.formats import Format
from shared.sftp.exports.positions import PROCESSED, REJECTED

HOUR, MONTH = 3600.0, 30 * 86400.0


def files(look: Look) -> Iterator[Finding]:
    """Says nothing where no flow reads files."""
    configured = formats(look)
    if not configured:
        return
    folder, now = look.exports_folder, look.wiring.now()
    listed = look.wiring.looking_sftp.files(folder)
    yield Finding(
        "sftp",
        folder,
        "ok",
        f"Reached, its host key is the known one. Files that wait: {len(listed)}.",
    )
    ours = [file for file in listed if any(form.takes(file.name) for form in configured)]
    waiting = older(ours, now - HOUR)
    if waiting:
        message = f"Exported files that are more than an hour old and not read: {waiting}."
        yield Finding(
            "sftp",
            folder,
            "warning",
            message,
            "See why their flow does not poll (GET /api/status).",
        )
    strangers = older([file for file in listed if file not in ours], now - MONTH)
    if strangers:
        message = f"Files that nobody reads and that are more than 30 days old: {strangers}."
        yield Finding(
            "sftp", folder, "warning", message, "Delete them: a full SFTP account impairs Campaign."
        )
    for name, limit in ((PROCESSED, now - MONTH), (REJECTED, now)):
        yield from aside(look, f"{folder}/{name}", limit)


def formats(look: Look) -> list[Format]:
    """The kinds of export that some flow reads."""
    found: list[Format] = [EventFormat(events_document(look))] if look.event_files_on else []
    if look.opt_outs and look.opt_out_files_on:
        found.append(OptOutFormat(look.opt_outs.document))
    return found


def aside(look: Look, folder: str, before: float) -> Iterator[Finding]:
    """A folder that files are put into; made when the first one is."""
    try:
        count = older(look.wiring.looking_sftp.files(folder), before)
    except Misconfigured:
        return
    if count and folder.endswith(REJECTED):
        advice = (
            "See the dead letters of email_events and opt_out. Fix the files and put them back, or"
            " delete them."
        )
        yield Finding("sftp", folder, "warning", f"Files that could not be read: {count}.", advice)
    elif count:
        message = f"Files that have been read and are more than 30 days old: {count}."
        yield Finding(
            "sftp",
            folder,
            "warning",
            message,
            "Delete them, or let the document say `afterwards: delete`.",
        )


def older(listed: list[RemoteFile], moment: float) -> int:
    return sum(1 for file in listed if file.changed_at < moment)


def journal(look: Look) -> Iterator[Finding]:
    """The I/O Events journal; says nothing where no flow reads it."""
    if look.journal_on:
        look.wiring.journal.probe()
        yield Finding("journal", "", "ok", "It answers.")


def activity_tables(look: Look) -> Iterator[Finding]:
    """The tables and columns of the events document; says nothing where e-mail events are off."""
    if not look.events_on:
        return
    document = events_document(look)
    names = sorted({document.rule(kind).table for kind in KINDS if document.rule(kind).enabled})
    there = {item["LogicalName"] for item in listed_tables(look, names)}
    missing = [name for name in names if name not in there]
    for name in missing:
        yield Finding(
            "activity tables",
            name,
            "error",
            "Dataverse has no such table.",
            "Run `manage.py setup activities`.",
        )
    tables = {name: look.wiring.batch.table(name) for name in names if name in there}
    wrong = problems(document, tables)
    for problem in wrong:
        yield Finding("activity tables", "", "error", problem, "Run `manage.py setup activities`.")
    if not missing + wrong:
        yield Finding(
            "activity tables",
            "",
            "ok",
            f"{', '.join(names)} have all columns that the events document names.",
        )


def listed_tables(look: Look, names: list[str]) -> list[dict[str, str]]:
    condition = (
        " or ".join(f"LogicalName eq '{name}'" for name in names)
        .replace(" ", "%20")
        .replace("'", "%27")
    )
    answer = look.wiring.dataverse.metadata(
        f"EntityDefinitions?$select=LogicalName&$filter={condition}", "list"
    )
    found: list[dict[str, str]] = answer["value"]
    return found


def events_document(look: Look) -> EventsDocument:
    return read_events_document(
        document_text(look.documents_in("events"), EVENTS, default_events_document)
    )
