"""Whether Dataverse tells the bridge of changes: endpoints, enabled steps, filtering attributes as the mappings need them."""

from collections.abc import Iterator

from dev.commands.check.findings import Finding
from dev.commands.check.look import Look
from dev.commands.setup.customizing import Customizing
from dev.commands.setup.wanted import MESSAGES, filtering_attributes
from dev.commands.setup.webhooks import Row, Webhooks, as_set
from shared.mapping import MappingDocument

NAME = "webhooks"
MEND = "Run `manage.py setup dataverse`."
REGISTER = "Run `manage.py setup dataverse` with --functions."


def webhooks(look: Look) -> Iterator[Finding]:
    """Without webhooks changes arrive all the same, by poll; so nothing here is worse than a warning."""
    there = Webhooks(Customizing(look.wiring.dataverse), lambda _: None, plan=True)
    endpoints = there.endpoints()
    ids = {there.message(message): message for message in MESSAGES}
    for document in look.documents:
        endpoint = endpoints.get(document.table)
        if endpoint is None:
            yield warning(document.table, "None is registered: changes arrive by poll only.", REGISTER)
            continue
        steps = there.steps_of(endpoint["serviceendpointid"])
        problems = list(faults(document, {ids.get(step["_sdkmessageid_value"], ""): step for step in steps}, len(steps)))
        yield from problems or [
            Finding(NAME, document.table, "ok", f"{len(steps)} steps are on, filtered by the mapped columns.")
        ]


def faults(document: MappingDocument, steps: dict[str, Row], count: int) -> Iterator[Finding]:
    table = document.table
    if missing := [message for message in MESSAGES if message not in steps]:
        yield warning(table, f"There is no step for {', '.join(missing)}.", MEND)
    if off := [message for message, step in steps.items() if step["statecode"]]:
        yield warning(table, f"The step for {', '.join(off)} is disabled.", MEND)
    if count > len(steps):
        yield warning(table, "A step is there twice: each change is told twice.", MEND)
    if "Update" in steps:
        yield from filter_faults(table, as_set(steps["Update"]["filteringattributes"]), set(filtering_attributes(document)))


def filter_faults(table: str, filtered: set[str], mapped: set[str]) -> Iterator[Finding]:
    if not filtered:
        yield warning(table, "The step for Update has no filtering attributes: it fires for columns that are not mapped.", MEND)
    elif missing := sorted(mapped - filtered):
        yield warning(table, f"The step for Update does not fire for {', '.join(missing)}.", MEND)
    elif more := sorted(filtered - mapped):
        yield warning(table, f"The step for Update fires for {', '.join(more)}, not mapped.", MEND)


def warning(table: str, message: str, mend: str) -> Finding:
    return Finding(NAME, table, "warning", message, mend)
