"""Flows that stand still, as the app itself has noted it: the setting that it names may be one that
only the app sees.
"""

from collections.abc import Iterator

from shared.checks.findings import Finding, split
from shared.checks.look import Look
from shared.state.flows import FAILED, RUNNING, Flows

NAME = "flows"
ADVICE = "Correct it: the bridge tries again by itself, and goes on."


def flows(look: Look) -> Iterator[Finding]:
    """A flow that a person has stopped is a warning."""
    table = look.wiring.storage.tables.get_table_client("flows")
    standing = {
        key: state
        for key, state in Flows(table, look.wiring.now).all().items()
        if state.status != RUNNING
    }
    for key, state in sorted(standing.items()):
        if state.status == FAILED:
            message, advice = split(state.reason, ADVICE)
            yield Finding(
                NAME, key, "error", f"It is failed for {state.setting}. {message}", advice
            )
        else:
            yield Finding(
                NAME,
                key,
                "warning",
                "A person has stopped it.",
                f"Start it: POST /api/flows/{key}/start.",
            )
    if not standing:
        yield Finding(NAME, "", "ok", "None is failed or stopped.")
