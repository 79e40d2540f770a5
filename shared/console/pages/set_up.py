"""Set-up: what the checks have found, each with what to do; settings by name and origin.

Whether settings are missing is seen at once, also where nothing else works. The other checks ask
both systems, so they are run when somebody says so.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict

from shared.checks import connections
from shared.checks.every import CHECKS
from shared.checks.findings import Finding, run_all
from shared.console.outgoing import Answer, Redirect, View
from shared.console.pages.shown import shown_missing
from shared.console.patience import Missing, ask
from shared.console.roles import Least, allowing_role
from shared.console.visit import Visit
from shared.deadlines import within
from shared.errors import BridgeError
from shared.settings import origins
from shared.state.activity import Act
from shared.state.figures import FINDINGS, Made

CHECK_SECONDS = 90.0
FOUND = "part_findings"
ORDER = ("error", "warning", "skipped", "ok")


def set_up(visit: Visit) -> View:
    """The last findings. Those of the settings are of this moment."""
    saved = ask(FOUND, lambda: visit.services.figures.saved(FINDINGS)).result()
    missing = [saved] if isinstance(saved, Missing) else []
    return page(visit, None if isinstance(saved, Missing) else saved, missing)


def run_again(visit: Visit) -> Answer:
    """Runs every check, and keeps what it finds. The look of one of them writes and deletes."""
    role = allowing_role(visit.signed_in.roles, Least.ACTOR).value
    with suppress(BridgeError):  # the storage may be what is wrong: then the page alone tells
        visit.services.activity.note(Act(visit.who, role, "run_checks", "setup"))
    with within(CHECK_SECONDS):
        found = [asdict(finding) for finding in run_all(CHECKS, visit.services.look())]
    made = (visit.now(), {"findings": found, "by": visit.who})
    try:
        visit.services.figures.save(FINDINGS, *made)
    except BridgeError:
        return page(visit, made, [])
    return Redirect("/setup")


def page(visit: Visit, made: Made | None, missing: Iterable[Missing]) -> View:
    at, kept = made or (0.0, {"findings": [], "by": ""})
    now = [asdict(one) for one in settings_now(visit)]
    others = [one for one in kept["findings"] if one["check"] != "settings"]
    findings = sorted([*now, *others], key=lambda one: ORDER.index(one["state"]))
    return View(
        "set_up",
        {
            "at": at,
            "by": kept["by"],
            "findings": findings,
            "counts": {name: sum(one["state"] == name for one in findings) for name in ORDER},
            "settings_by_name": [asdict(one) for one in origins()],
            "may_run": visit.may(Least.ACTOR),
            "missing": shown_missing(visit, missing),
        },
    )


def settings_now(visit: Visit) -> list[Finding]:
    """Of the settings alone: no system is asked."""
    return list(connections.settings(visit.services.look()))
