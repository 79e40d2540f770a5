"""Whether Dataverse tells the bridge of changes: endpoints, enabled steps, filtering attributes as
the documents need them.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from shared.checks.findings import Finding
from shared.checks.look import Look
from shared.checks.registered import Registered, Row, as_set, function_of
from shared.checks.wanted import MESSAGES, Subscription, subscriptions

NAME = "webhooks"
ADVICE = "Run `manage.py setup dataverse`."
REMOVE = "Run `manage.py setup dataverse`, which removes them."
REGISTER = "Run `manage.py setup dataverse` with --functions."


def webhooks(look: Look) -> Iterator[Finding]:
    """Without webhooks changes arrive all the same, by poll; so nothing here is worse than a
    warning.
    """
    there = Registered(look.wiring.dataverse)
    endpoints, wanted = there.endpoints(), subscriptions(look.in_use)
    ids = {there.message(message): message for message in MESSAGES}
    for path, subscription in wanted.items():
        endpoint = endpoints.get(path)
        if endpoint is None:
            yield warning(path, "None is registered: changes arrive by poll only.", REGISTER)
            continue
        steps = there.steps_of(endpoint["serviceendpointid"])
        problems = list(
            faults(
                subscription,
                {ids.get(step["_sdkmessageid_value"], ""): step for step in steps},
                len(steps),
            )
        )
        problems += shared_key(path, endpoints)
        yield from problems or [
            Finding(NAME, path, "ok", f"{len(steps)} steps are on, filtered by the mapped columns.")
        ]
    for path in sorted(endpoints.keys() - wanted.keys()):
        yield left_over(there, path, endpoints[path])
    yield from strangers(there, {f"/api/dataverse/{path}" for path in wanted})


def left_over(there: Registered, path: str, endpoint: Row) -> Finding:
    """An endpoint of ours whose table has no document any more, or whose flow is off: each webhook
    of it is answered 404.
    """
    steps = [str(step["name"]) for step in there.steps_of(endpoint["serviceendpointid"])]
    named = f"endpoint '{endpoint['name']}'" + (
        f" with its steps {', '.join(map(repr, sorted(steps)))}" if steps else ""
    )
    return warning(path, f"The {named} is left over: nothing takes what it tells.", REMOVE)


def strangers(there: Registered, taken: set[str]) -> Iterator[Finding]:
    """Endpoints that somebody else has made, to an address of the bridge that takes nothing."""
    for endpoint in there.others():
        path = urlsplit(str(endpoint["url"])).path.rstrip("/")
        steps = (
            there.steps_of(endpoint["serviceendpointid"])
            if path.startswith("/api/dataverse/") and path not in taken
            else []
        )
        if steps:
            named = ", ".join(sorted(repr(str(step["name"])) for step in steps))
            message = (
                f"The steps {named} of endpoint '{endpoint['name']}' tell {path}, which takes"
                " nothing."
            )
            yield warning(
                path,
                message,
                "Delete them with the Plug-in Registration tool: they were not made by the set-up.",
            )


def shared_key(path: str, endpoints: Mapping[str, Row]) -> Iterator[Finding]:
    """Told by the hash of the credential.

    Tables other than contact share a function, and so a key.
    """
    credential = endpoints[path]["description"]
    same = [other for other in endpoints if endpoints[other]["description"] == credential]
    if others := [other for other in same if function_of(other) != function_of(path)]:
        message = (
            f"It has the same key as {', '.join(others)}. Such a key opens every function, the"
            " commands too."
        )
        yield warning(path, message, 'Give each its own: docs/deploy.md, "Dataverse".')


def faults(wanted: Subscription, steps: dict[str, Row], count: int) -> Iterator[Finding]:
    path = wanted.path
    if missing := [message for message in wanted.messages if message not in steps]:
        yield warning(path, f"There is no step for {', '.join(missing)}.", ADVICE)
    if off := [message for message, step in steps.items() if step["statecode"]]:
        yield warning(path, f"The step for {', '.join(off)} is disabled.", ADVICE)
    if count > len(steps):
        yield warning(path, "A step is there twice: each change is sent twice.", ADVICE)
    if "Update" in steps:
        yield from filter_faults(
            path, as_set(steps["Update"]["filteringattributes"]), set(wanted.columns)
        )


def filter_faults(path: str, filtered: set[str], mapped: set[str]) -> Iterator[Finding]:
    if not filtered:
        yield warning(
            path,
            "The step for Update has no filtering attributes: it fires for columns that are not"
            " mapped.",
            ADVICE,
        )
    elif missing := sorted(mapped - filtered):
        yield warning(path, f"The step for Update does not fire for {', '.join(missing)}.", ADVICE)
    elif more := sorted(filtered - mapped):
        yield warning(path, f"The step for Update fires for {', '.join(more)}, not mapped.", ADVICE)


def warning(path: str, message: str, advice: str) -> Finding:
    return Finding(NAME, path, "warning", message, advice)
