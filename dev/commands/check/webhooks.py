"""Whether Dataverse tells the bridge of changes: endpoints, enabled steps, filtering attributes as the documents need them."""

from collections.abc import Iterator, Mapping

from dev.commands.check.findings import Finding
from dev.commands.check.look import Look
from dev.commands.setup.customizing import Customizing
from dev.commands.setup.wanted import MESSAGES, Subscription, subscriptions
from dev.commands.setup.webhooks import Row, Webhooks, as_set, function_of

NAME = "webhooks"
MEND = "Run `manage.py setup dataverse`."
REGISTER = "Run `manage.py setup dataverse` with --functions."


def webhooks(look: Look) -> Iterator[Finding]:
    """Without webhooks changes arrive all the same, by poll; so nothing here is worse than a warning."""
    there = Webhooks(Customizing(look.wiring.dataverse), lambda _: None, plan=True)
    endpoints, wanted = there.endpoints(), subscriptions(look.in_use)
    ids = {there.message(message): message for message in MESSAGES}
    for path, subscription in wanted.items():
        endpoint = endpoints.get(path)
        if endpoint is None:
            yield warning(path, "None is registered: changes arrive by poll only.", REGISTER)
            continue
        steps = there.steps_of(endpoint["serviceendpointid"])
        problems = list(faults(subscription, {ids.get(step["_sdkmessageid_value"], ""): step for step in steps}, len(steps)))
        problems += shared_key(path, endpoints)
        yield from problems or [Finding(NAME, path, "ok", f"{len(steps)} steps are on, filtered by the mapped columns.")]
    for path in endpoints.keys() - wanted.keys():
        yield warning(path, "It is registered, and nothing takes what it tells.", MEND)


def shared_key(path: str, endpoints: Mapping[str, Row]) -> Iterator[Finding]:
    """Told by the hash of the credential. Tables other than contact share a function, and so a key."""
    credential = endpoints[path]["description"]
    same = [other for other in endpoints if endpoints[other]["description"] == credential]
    if others := [other for other in same if function_of(other) != function_of(path)]:
        message = f"It has the same key as {', '.join(others)}. Such a key opens every function, the commands too."
        yield warning(path, message, 'Give each its own: docs/deploy.md, "Dataverse".')


def faults(wanted: Subscription, steps: dict[str, Row], count: int) -> Iterator[Finding]:
    path = wanted.path
    if missing := [message for message in wanted.messages if message not in steps]:
        yield warning(path, f"There is no step for {', '.join(missing)}.", MEND)
    if off := [message for message, step in steps.items() if step["statecode"]]:
        yield warning(path, f"The step for {', '.join(off)} is disabled.", MEND)
    if count > len(steps):
        yield warning(path, "A step is there twice: each change is told twice.", MEND)
    if "Update" in steps:
        yield from filter_faults(path, as_set(steps["Update"]["filteringattributes"]), set(wanted.columns))


def filter_faults(path: str, filtered: set[str], mapped: set[str]) -> Iterator[Finding]:
    if not filtered:
        yield warning(path, "The step for Update has no filtering attributes: it fires for columns that are not mapped.", MEND)
    elif missing := sorted(mapped - filtered):
        yield warning(path, f"The step for Update does not fire for {', '.join(missing)}.", MEND)
    elif more := sorted(filtered - mapped):
        yield warning(path, f"The step for Update fires for {', '.join(more)}, not mapped.", MEND)


def warning(path: str, message: str, mend: str) -> Finding:
    return Finding(NAME, path, "warning", message, mend)
