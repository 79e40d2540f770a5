"""Change tracking of the mapped tables, the age of change tokens, the mappings, and Campaign's
keys.
"""

import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial

from shared.campaign import wire
from shared.checks import drafts
from shared.checks.documents import drafted, newest
from shared.checks.findings import Check, Finding, failures
from shared.checks.look import Look
from shared.entities.families import flow_of
from shared.errors import BridgeError
from shared.http.transport import Response
from shared.mapping import InvalidDocument, MappingDocument, SourceTable, check
from shared.mapping.compiling import columns as columns_of
from shared.opt_out.catalog import NAME as OPT_OUT
from shared.opt_out.owned import flag_problems, without_flags
from shared.state.documents import Documents

DAY = 86400.0
MOST_RECORDS = 500


def documents(look: Look) -> Iterator[Finding]:
    """Those of tables, and that of opt-outs while they are carried."""
    for document in look.documents:
        yield from standing(look.stored, document.table)
    yield from drafts.unread(look.stored)
    try:
        if look.opt_outs:
            yield from standing(look.documents_in("opt-out"), OPT_OUT)
    except InvalidDocument as error:
        advice = f"Correct opt-out/{OPT_OUT}.yaml in the container config."
        yield from (
            Finding("mapping documents", OPT_OUT, "error", problem, advice)
            for problem in error.problems
        )


def standing(documents: Documents, name: str) -> Iterator[Finding]:
    version = newest(documents, name)
    message = (
        f"Version {version} is active."
        if version
        else "The packaged or drafted document will be the first version."
    )
    yield Finding("mapping documents", name, "ok", message)
    if version and drafted(documents, name):
        message = (
            f"{documents.folder}/{name}.yaml has been changed since version {version} was taken"
            " from it."
        )
        advice = (
            "If it is not active in a minute, see `mappings` below, and mapping_problem in GET"
            " /api/status."
        )
        yield Finding("mapping documents", name, "warning", message, advice)


def change_tracking(look: Look) -> Iterator[Finding]:
    for document in look.documents:
        yield from each("change tracking", document.table, partial(tracked, look, document.table))


def tracked(look: Look, table: str) -> Iterator[Finding]:
    if look.wiring.dataverse.table(table).change_tracking:
        yield Finding("change tracking", table, "ok", "It is on.")
    else:
        message = "It is off: no change of this table would ever arrive."
        yield Finding(
            "change tracking",
            table,
            "error",
            message,
            "Run `manage.py setup dataverse`, which switches it on.",
        )


def change_tokens(look: Look) -> Iterator[Finding]:
    """A token older than the window makes the next poll read everything again."""
    days = look.wiring.dataverse.change_window_days()
    for document in look.documents:
        checkpoint = look.checkpoints.load(flow_of(document.table).key, document.table)
        yield window(document.table, checkpoint.taken_at, days, look.wiring.now())


def window(table: str, taken_at: float, days: int, now: float) -> Finding:
    if not taken_at:
        return Finding(
            "change tokens",
            table,
            "ok",
            f"Nothing has been read yet; Dataverse keeps changes {days} days.",
        )
    age = (now - taken_at) / DAY
    if age <= days / 2:
        return Finding(
            "change tokens",
            table,
            "ok",
            f"The token is {age:.1f} days old, of {days} that Dataverse keeps changes.",
        )
    message = f"The token is {age:.1f} days old, and Dataverse keeps changes {days} days."
    late = (
        "The next poll reads everything again"
        if age > days
        else "If it gets older, the poll reads everything again"
    )
    return Finding(
        "change tokens",
        table,
        "warning",
        message,
        f"{late}: see why the flow does not poll (GET /api/status).",
    )


def mappings(look: Look) -> Iterator[Finding]:
    yield from each("mappings", "", partial(drafts.refused, look))
    for document in look.documents:
        yield from each("mappings", document.table, partial(mapping, look, document))


def mapping(look: Look, document: MappingDocument) -> Iterator[Finding]:
    target = look.wiring.campaign.resource(document.api, document.resource)
    # An active version goes on without its rules for opt-out flags. A document that is not yet
    # active is refused for them.
    flags = [] if newest(look.stored, document.table) else flag_problems(document)
    own = document if flags else without_flags(document)
    source = look.wiring.dataverse.table(document.table)
    problems = [*drafts.rivals(look, document), *flags, *check(own, source, target)]
    if problems:
        raise InvalidDocument(problems)
    if days := days_without_zone(own, source):
        message = (
            f"Dynamics shows {', '.join(days)} as a day of each user's time zone, and time_zone is"
            " not set: days may be one off."
        )
        yield Finding(
            "mappings", document.table, "warning", message, "Set time_zone in the mapping document."
        )
    message = f"{len(own.fields)} fields and {len(own.links)} links fit both systems."
    yield Finding("mappings", document.table, "ok", message)


def days_without_zone(document: MappingDocument, source: SourceTable) -> list[str]:
    """Columns that are mapped or filtered on, and whose days are those of a zone that the document
    does not name.
    """
    if document.zone:
        return []
    columns = (source.column(name) for name in sorted(columns_of(document)))
    return [column.name for column in columns if column and column.date_only]


def keys(look: Look) -> Iterator[Finding]:
    for document in look.documents:
        yield from each("keys", document.resource, partial(key, look, document))


def key(look: Look, document: MappingDocument) -> Iterator[Finding]:
    """The key finds a record by itself, and no two records share a value of it.

    Values are looked at, and never shown.
    """
    field, resource = document.key.target, document.resource
    values = sample(look, document)
    doubled = sum(1 for count in values.values() if count > 1)
    if doubled:
        message = (
            f"Values of {field} that belong to more than one of the {values.total()} records looked"
            f" at: {doubled}."
        )
        yield Finding(
            "keys",
            resource,
            "error",
            message,
            "Delete the records that are doubled, then make the key unique.",
        )
    elif not addresses(look, document, next(iter(values), "")):
        message = (
            f"{field} does not find a record of {resource}: it is no identification key, or the"
            " filter does not use it."
        )
        advice = f"Make {field} an identification key of {resource}" + (
            " with a filter on it" if document.key.filter else ""
        )
        yield Finding("keys", resource, "error", message, f"{advice}, and publish it.")
    else:
        yield Finding(
            "keys",
            resource,
            "ok",
            f"{field} is taken as a key; among {values.total()} records none is doubled.",
        )


def addresses(look: Look, document: MappingDocument, existing_key: str) -> bool:
    """A record that is known is found by its key.

    Without one, a key that nobody has shows at least that it is understood.
    """
    value = wire.key_in_url(existing_key or str(uuid.uuid4()))
    filtered = document.key.lookup == "filter"
    response = asked(
        look,
        document,
        f"{document.key.filter}?{document.key.parameter}={value}" if filtered else value,
    )
    if filtered:
        return response.status == 200 and len(response.json()["content"]) == bool(existing_key)
    if existing_key:
        return response.status == 200
    return response.status == 404 and "Unable to find document" in wire.error_text(response)


def sample(look: Look, document: MappingDocument) -> Counter[str]:
    """How many records have each value of the key, among some hundred; only that one field is
    read.
    """
    field = document.key.target
    response = asked(look, document, f"{field}?_lineCount={MOST_RECORDS}&_order={field}")
    content = response.json().get("content", []) if response.status == 200 else []
    return Counter(str(value) for value in content if value)


def asked(look: Look, document: MappingDocument, below: str) -> Response:
    """The answer, whatever its status."""
    client = look.wiring.campaign
    url = f"{client.url}/{document.api}/{document.resource}/{below}"
    return client.authorized(
        "GET", url, f"{document.resource}/{{key}}", None, client.tokens.token()
    )


def each(name: str, subject: str, work: partial[Iterator[Finding]]) -> Iterable[Finding]:
    """One table's findings; what keeps it from being looked at is its own."""
    try:
        return list(work())
    except (BridgeError, InvalidDocument) as error:
        return list(failures(Check(name, lambda _: ()), error, subject))
