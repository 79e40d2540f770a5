"""`manage.py demo`: starts everything, plays a story, and compares both systems in the end.

The short story takes less than two minutes. --full plays the long one, with more failures.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from dev.commands.demo_scenes import FULL, SHORT, comparison
from dev.commands.demo_story import Story
from dev.commands.processes import stack_processes
from dev.commands.stack import DIRECTORY, Stack
from dev.commands.up import at_least
from dev.comparison import Comparison
from dev.seed import mailings, optouts, vehicles
from dev.verbs import Campaign, Dynamics, Operator

LOCAL_PACE = {
    "PAUSED_DELAY_SECONDS": "3",
    "RETRY_DELAY_SECONDS": "1",
    "RETRY_DELAY_MAX_SECONDS": "5",
    "MAPPING_CACHE_SECONDS": "1",
}
DEMO_PACE = {**LOCAL_PACE, "EMAIL_EVENTS_SOURCE": "both"}
DEMO_DIRECTORY = DIRECTORY / "demo"
CONTACTS, CONTACTS_FULL = 200, 10_000
FEWEST = 100
"""Each of fifty has a vehicle, and each of forty opts out in one of the modes."""
PARTS = "Azurite, identity, Dataverse, Campaign and the Functions host"
STARTING = f"Starting {PARTS}, with {{contacts}} contacts ..."
TITLE = "Both systems, record by record"
COLUMNS = (
    "flow",
    "source",
    "target",
    "missing",
    "extra",
    "different",
    "dead letters",
    "calls to the target",
)
AGREE, FAILED = (
    "Both systems agree.",
    "Something is wrong: see the steps marked FAIL, and the logs in .local/demo/logs.",
)


def summary(story: Story, flow: str, comparison: Comparison) -> dict[str, Any]:
    return {
        "source": comparison.source,
        "target": comparison.target,
        "missing": len(comparison.missing),
        "extra": len(comparison.extra) + len(comparison.duplicates),
        "different": len(comparison.different),
        "dead_letters": len(story.operator.dead_letters(flow)),
        "calls": calls(story, flow, comparison),
    }


def calls(story: Story, flow: str, comparison: Comparison) -> dict[str, int]:
    """Calls to the target: e-mail events go to Dataverse, opt-outs to both systems."""
    if flow in (mailings.FLOW, optouts.FLOW):
        return dict(story.operator.status(flow)["calls"])
    return story.campaign.write_calls(comparison.resource)


def print_table(console: Console, flows: dict[str, dict[str, Any]]) -> None:
    table = Table(title=TITLE)
    for column in COLUMNS:
        table.add_column(
            column, justify="left" if column in ("flow", "calls to the target") else "right"
        )
    for name, row in flows.items():
        calls = ", ".join(f"{verb} {count}" for verb, count in row["calls"].items())
        counts = [
            str(row[key])
            for key in ("source", "target", "missing", "extra", "different", "dead_letters")
        ]
        table.add_row(name, *counts, calls)
    console.print(table)


def run(argv: list[str]) -> int:
    """Exit code 0 only if every step went well and both systems agree."""
    options = parse(argv)
    if running := stack_processes(DEMO_DIRECTORY):
        pid = next(iter(running.values())).pid
        print(f"A demo runs already (process {pid}): wait for its end, or stop it in its window.")
        return 1
    console, began = Console(width=150 if options.headless else None), time.monotonic()
    console.print(STARTING.format(contacts=options.contacts))
    with Stack(DEMO_DIRECTORY, settings=DEMO_PACE, publication=vehicles.PUBLICATION) as stack:
        story, found = story_of(stack, options, console, began), dict[str, Comparison]()
        for scene in FULL if options.full else SHORT:
            story.play(scene)
        story.facts["campaign_token"] = (
            stack.new_campaign_token()
        )  # a wrong secret has voided the old one
        story.campaign.renew(story.facts["campaign_token"])
        story.play(comparison(found))
        flows = {flow: summary(story, flow, compared) for flow, compared in found.items()}
    ok = all(step.ok for step in story.steps)
    print_table(console, flows)
    seconds = round(time.monotonic() - began, 1)
    console.print(f"{AGREE if ok else FAILED} {seconds} s")
    if options.json:
        result = {
            "ok": ok,
            "seconds": seconds,
            "flows": flows,
            "steps": [asdict(step) for step in story.steps],
        }
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0 if ok else 1


def story_of(stack: Stack, options: argparse.Namespace, console: Console, began: float) -> Story:
    facts = {**stack.facts, "campaign_client_secret": stack.campaign_client_secret}
    return Story(
        dynamics=Dynamics(facts),
        campaign=Campaign(facts),
        operator=Operator(facts),
        facts=facts,
        contacts=options.contacts,
        console=console,
        headless=options.headless,
        change_settings=stack.change_settings,
        began=began,
    )


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py demo", description=__doc__)
    parser.add_argument(
        "--full",
        action="store_true",
        help="the long story: 10,000 contacts, more modes, more failures",
    )
    parser.add_argument(
        "--contacts", type=at_least(FEWEST), help="how many contacts Dataverse begins with"
    )
    parser.add_argument("--headless", action="store_true", help="no progress bar, for CI")
    parser.add_argument("--json", metavar="FILE", help="write the result there")
    options = parser.parse_args(argv)
    options.contacts = options.contacts or (CONTACTS_FULL if options.full else CONTACTS)
    return options
