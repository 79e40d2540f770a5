"""`manage.py demo`: starts everything, lets contacts flow, plays a story with mishaps, and compares both systems in the end."""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from azure.storage.blob import ContainerClient
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from dev.commands.stack import DIRECTORY, Stack
from dev.comparison import Comparison, compare, mapping_in_force
from dev.seed import mailings, optouts, vehicles
from dev.verbs import Campaign, Dynamics, Operator, wait_until
from shared.mapping import CompiledMapping

LOCAL_PACE = {
    "PAUSED_DELAY_SECONDS": "3",
    "RETRY_DELAY_SECONDS": "1",
    "RETRY_DELAY_MAX_SECONDS": "5",
    "MAPPING_CACHE_SECONDS": "1",
}
DEMO_PACE = {**LOCAL_PACE, "EMAIL_EVENTS_SOURCE": "both"}
FLOWS = {"contacts": "", "custom_entities-acs_vehicle": "acs_vehicle", "custom_entities-acs_visit": "acs_visit"}
REFUSAL = "RST-360011 An error has occurred - please contact your administrator. The value is not valid for the "
REFUSAL += "'nms:recipient:gender' enumeration of the '@gender' field"


@dataclass
class Step:
    name: str
    ok: bool
    detail: str
    seconds: float


@dataclass
class Story:
    """The steps played so far, and who plays in them."""

    dynamics: Dynamics
    campaign: Campaign
    operator: Operator
    facts: dict[str, Any] = field(repr=False)
    contacts: int
    console: Console
    headless: bool
    change_settings: Callable[..., None]
    steps: list[Step] = field(default_factory=list)

    def play(self, name: str, scene: Callable[["Story"], str]) -> None:
        """Plays one scene and prints what came of it. A scene that fails is told; the story goes on to the comparison."""
        began = time.monotonic()
        try:
            detail, ok = scene(self), True
        except AssertionError as error:
            detail, ok = str(error), False
        step = Step(name, ok, detail, round(time.monotonic() - began, 1))
        self.steps.append(step)
        mark = "[green]ok  [/green]" if ok else "[red]FAIL[/red]"
        self.console.print(f"{mark} {name:<44} {step.seconds:>6.1f} s  {detail}", highlight=False)


def initial_load(story: Story) -> str:
    progress = Progress(
        TextColumn("     initial load"),
        BarColumn(40),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=story.console,
        transient=True,
        disable=story.headless,
    )
    with progress:
        bar = progress.add_task("contacts", total=story.contacts)

        def loaded() -> bool:
            progress.update(bar, completed=sum(story.operator.status()["records"].values()))
            return story.operator.settled()

        wait_until(loaded, "the initial load", seconds=120 + story.contacts / 20, every=0.5)
    return f"{story.operator.status()['records'].get('created', 0)} profiles created"


def called(name: str) -> Callable[[dict[str, Any] | None], bool]:
    """Whether a profile has this first name."""
    return lambda profile: profile is not None and profile["firstName"] == name


def edits(story: Story) -> str:
    """Twenty edits: half raise webhooks, half are only seen by the poll; the profile of each follows."""
    ids = story.dynamics.some_contact_ids(14)
    expected: dict[str, Callable[[dict[str, Any] | None], bool]] = {}
    for number, contact_id in enumerate(ids):
        quietly = number % 2 == 1
        if number < 8:
            story.dynamics.change_contact(contact_id, quietly, firstname=f"Edited{number}", jobtitle="Reader")
            expected[contact_id] = called(f"Edited{number}")
        elif number < 11:
            story.dynamics.deactivate_contact(contact_id, quietly)
            expected[contact_id] = lambda profile: profile is not None
        else:
            story.dynamics.delete_contact(contact_id, quietly)
            expected[contact_id] = lambda profile: profile is None
    for number in range(6):
        columns = {"firstname": f"New{number}", "lastname": "Contact", "emailaddress1": f"new{number}@example.org"}
        contact_id = story.dynamics.create_contact(number % 2 == 1, **columns)
        expected[contact_id] = called(f"New{number}")
    for contact_id, arrived in expected.items():
        wait_until(lambda: arrived(story.campaign.profile(contact_id)), f"the profile of contact {contact_id}")
    return "10 by webhook, 10 by poll: 8 edited, 6 created, 3 deactivated, 3 deleted"


def refused_and_replayed(story: Story) -> str:
    """Campaign refuses one contact; it becomes a dead letter, its neighbours arrive; mended, it is replayed."""
    story.campaign.faults(
        {"match": {"method": "POST", "body": "Refused by Campaign"}, "action": {"status": 500, "body": REFUSAL}}
    )
    refused = story.dynamics.create_contact(
        firstname="Refused", lastname="Refused by Campaign", emailaddress1="refused@example.org"
    )
    neighbour = story.dynamics.create_contact(firstname="Neighbour", lastname="Arrives", emailaddress1="neighbour@example.org")
    letters = wait_until(story.operator.dead_letters, "the dead letter")
    wait_until(lambda: story.campaign.profile(neighbour), "the neighbour's profile")
    if [letter["record_id"] for letter in letters] != [refused]:
        raise AssertionError(f"{len(letters)} dead letters, expected one, of contact {refused}")
    story.campaign.faults()
    story.operator.replay(what="dead_letters")
    wait_until(lambda: story.campaign.profile(refused), "the replayed profile")
    wait_until(lambda: not story.operator.dead_letters(), "the dead letter's end")
    return f"dead letter: {letters[0]['reason']} on {letters[0]['field']}; replayed after the fix, arrived"


def throttled(story: Story) -> str:
    """Campaign takes 20 calls a second for a minute; everything arrives, later."""
    throttle = {"throttle_per_second": 20, "headers": {"Retry-After": "1"}, "body": {"error_code": "429050"}}
    story.campaign.faults({"match": {"route": "^/profileAndServicesExt/profile"}, "action": throttle})
    ids = story.dynamics.some_contact_ids(1200)
    for contact_id in ids:
        story.dynamics.change_contact(contact_id, True, salutation="Dr")
    wait_until(lambda: story.campaign.profile(ids[-1])["salutation"] == "Dr", "the last throttled edit", seconds=300)  # type: ignore[index]
    wait_until(story.operator.settled, "quiet after the throttling", seconds=300)
    story.campaign.faults()
    late = [contact_id for contact_id in ids if story.campaign.profile(contact_id)["salutation"] != "Dr"]  # type: ignore[index]
    if late or story.operator.dead_letters():
        raise AssertionError(f"{len(late)} edits missing, {len(story.operator.dead_letters())} dead letters")
    return f"{len(ids)} edits arrived at 20 calls/s, none dead-lettered"


def wrong_secret(story: Story) -> str:
    """Adobe's side has another secret: the flow pauses with the cause; repaired, it goes on by itself."""
    story.campaign.accept_secret("renewed-by-somebody")
    ids = story.dynamics.some_contact_ids(30)
    for contact_id in ids:
        story.dynamics.change_contact(contact_id, nickname="while paused", middlename="Paused")
    state = wait_until(lambda: (s := story.operator.status())["status"] == "failed" and s, "the flow to pause")
    story.campaign.accept_secret(story.facts["campaign_client_secret"])
    wait_until(lambda: story.operator.status()["status"] == "running", "the flow to go on")
    for contact_id in ids:
        wait_until(lambda: story.campaign.profile(contact_id)["middleName"] == "Paused", f"contact {contact_id}")  # type: ignore[index]
    if story.operator.dead_letters() or story.operator.status()["poison_messages"]:
        raise AssertionError("messages were drained while the secret was wrong")
    return f"paused because of {state['setting']}, went on by itself, {len(ids)} edits arrived, 0 lost"


def families(story: Story) -> str:
    """Fifty vehicles and fifty service visits, made in the wrong order's hurry; some edited, some deleted."""
    dynamics, owners = story.dynamics, story.dynamics.some_contact_ids(50)
    vehicles.create_tables(dynamics)
    vehicles.put_documents(ContainerClient.from_connection_string(story.facts["storage"], "config"))
    cars = [
        vehicles.create(dynamics, "acs_vehicle", f"Car {n}", "acs_ownerid", f"/contacts({owner})")
        for n, owner in enumerate(owners)
    ]
    visits = [vehicles.create(dynamics, "acs_visit", "Oil", "acs_vehicleid_ref", f"/acs_vehicles({car})") for car in cars]
    wait_until(lambda: len(linked(story, "cusVisit", "vehicle")) == 50, "the visits", seconds=120)
    for car in cars[:10]:
        dynamics.http.told("PATCH", f"/acs_vehicles({car})", {"acs_vehicle_name": "Edited"}, If_Match="*")
    for visit in visits[:5]:
        dynamics.http.told("DELETE", f"/acs_visits({visit})")
    wait_until(lambda: len(linked(story, "cusVisit", "vehicle")) == 45, "the deletions")
    wait_until(lambda: sum(row["name"] == "Edited" for row in linked(story, "cusVehicle", "owner")) == 10, "the edits")
    return f"{len(linked(story, 'cusVehicle', 'owner'))} vehicles and 45 visits, each linked to its parent; 10 edited, 5 deleted"


def events(story: Story) -> str:
    """Three deliveries; what the logs tell of them is on the timeline, by file and by journal, once."""
    mailings.set_up(story.facts)
    mailings.send(story.dynamics, story.campaign)
    counts: dict[str, str] = {}

    def arrived() -> bool:
        comparison, found = mailings.compare_events(story.facts, story.dynamics, story.campaign)
        counts.update(found)
        return comparison.agree and comparison.source > 0

    wait_until(arrived, "the activities", seconds=120, every=1)
    return "in Campaign / in Dynamics: " + ", ".join(f"{kind} {count}" for kind, count in counts.items())


def opt_outs(story: Story) -> str:
    """The same in each mode, which is a setting; the last one, both ways, stays, and makes good what the others left apart."""
    modes = []
    for mode in optouts.MODES:
        story.change_settings(OPT_OUT_MODE=mode)
        settled = (lambda: True) if mode == "disabled" else lambda: bool(story.operator.safe()["safe"])
        modes.append(optouts.play(mode, story.dynamics, story.campaign, settled))
    return f"{optouts.PEOPLE} opt-outs each: " + ", ".join(modes) + "; safe to send"


def linked(story: Story, resource: str, link: str) -> list[dict[str, Any]]:
    return [row for row in story.campaign.records(resource) if row[link]]


SCENES: list[tuple[str, Callable[[Story], str]]] = [
    ("initial load", initial_load),
    ("20 edits, creations, deactivations, deletions", edits),
    ("vehicles and their service visits", families),
    ("e-mails sent, opened, clicked, bounced", events),
    ("opt-outs, in each of the four modes", opt_outs),
    ("a refused record, and its replay after a fix", refused_and_replayed),
    ("a throttled minute", throttled),
    ("a wrong secret, and its repair", wrong_secret),
]


def agreement(story: Story, found: dict[str, Comparison]) -> str:
    """Every table by its mapping: contacts with their profiles, vehicles and visits with theirs."""
    wait_until(lambda: all(story.operator.settled(flow) for flow in FLOWS), "quiet before the comparison", seconds=120)
    texts = [vehicles.DOCUMENTS[table].read_text() if table else "" for table in FLOWS.values()]
    for flow, text in zip(FLOWS, texts, strict=True):
        found[flow] = compare_quiet(story, mapping_in_force(story.facts, text))
    found[mailings.FLOW], _ = mailings.compare_events(story.facts, story.dynamics, story.campaign)
    found[optouts.FLOW] = optouts.compare_opt_outs(story.dynamics, story.campaign)
    if disagreeing := [str(comparison) for comparison in found.values() if not comparison.agree]:
        raise AssertionError("; ".join(disagreeing))
    return "; ".join(map(str, found.values()))


def compare_quiet(story: Story, mapping: CompiledMapping) -> Comparison:
    """The story is over when both agree; what the last delta brought may still be on its way for a moment."""
    comparison = compare(story.facts, mapping)
    deadline = time.monotonic() + 30
    while not comparison.agree and time.monotonic() < deadline:
        time.sleep(1)
        comparison = compare(story.facts, mapping)
    return comparison


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
    """What was asked of the target; e-mail events go to Dataverse, opt-outs to both."""
    if flow in (mailings.FLOW, optouts.FLOW):
        return dict(story.operator.status(flow)["calls"])
    return story.campaign.write_calls(comparison.resource)


def print_table(console: Console, flows: dict[str, dict[str, Any]]) -> None:
    table = Table(title="Both systems, record by record")
    for column in ("flow", "source", "target", "missing", "extra", "different", "dead letters", "calls to the target"):
        table.add_column(column, justify="left" if column in ("flow", "calls to the target") else "right")
    for name, row in flows.items():
        calls = ", ".join(f"{verb} {count}" for verb, count in row["calls"].items())
        counts = [str(row[key]) for key in ("source", "target", "missing", "extra", "different", "dead_letters")]
        table.add_row(name, *counts, calls)
    console.print(table)


def run(argv: list[str]) -> int:
    """Exit code 0 only if every step went well and both systems agree."""
    options = parse(argv)
    console, began = Console(width=150 if options.headless else None), time.monotonic()
    console.print(f"Starting Azurite, identity, Dataverse, Campaign and the Functions host, with {options.contacts} contacts ...")
    with Stack(DIRECTORY / "demo", settings=DEMO_PACE, publication=vehicles.PUBLICATION) as stack:
        facts = {**stack.facts, "campaign_client_secret": stack.campaign_client_secret}
        story = Story(
            Dynamics(facts),
            Campaign(facts),
            Operator(facts),
            facts,
            options.contacts,
            console,
            options.headless,
            stack.change_settings,
        )
        story.dynamics.seed(options.contacts)
        for name, scene in SCENES:
            story.play(name, scene)
        found: dict[str, Comparison] = {}
        facts["campaign_token"] = stack.new_campaign_token()  # the wrong secret has voided the old one
        story.campaign.renew(facts["campaign_token"])
        story.play("comparison, record by record", lambda s: agreement(s, found))
        flows = {flow: summary(story, flow, comparison) for flow, comparison in found.items()}
    ok = all(step.ok for step in story.steps)
    print_table(console, flows)
    seconds = round(time.monotonic() - began, 1)
    console.print(f"{'Both systems agree.' if ok else 'Something is wrong; see the steps marked FAIL.'} {seconds} s")
    if options.json:
        result = {"ok": ok, "seconds": seconds, "flows": flows, "steps": [asdict(step) for step in story.steps]}
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0 if ok else 1


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py demo", description=__doc__)
    parser.add_argument("--contacts", type=int, default=10_000, help="how many contacts Dataverse begins with")
    parser.add_argument("--headless", action="store_true", help="no progress bar, for CI")
    parser.add_argument("--json", metavar="FILE", help="write the result there")
    return parser.parse_args(argv)
