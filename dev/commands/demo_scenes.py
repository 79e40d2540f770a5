"""The scenes of the demo: contacts, vehicles, e-mail events, opt-outs, failures and recovery."""

import time
from collections.abc import Callable
from typing import Any

from azure.storage.blob import ContainerClient
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dev.commands.demo_story import Scene, Story
from dev.comparison import Comparison, compare, mapping_in_force
from dev.seed import mailings, optouts, vehicles
from dev.verbs import wait_until
from shared.mapping import CompiledMapping

FLOWS = {
    "contacts": "",
    "custom_entities-acs_vehicle": "acs_vehicle",
    "custom_entities-acs_visit": "acs_visit",
}
REFUSAL = (
    "RST-360011 An error has occurred - please contact your administrator. The value is not valid"
    " for the "
)
REFUSAL += "'nms:recipient:gender' enumeration of the '@gender' field"


def value(story: Story, contact_id: str, field: str) -> Any:
    """What the contact's profile holds in a field; None without a profile."""
    return (story.campaign.profile(contact_id) or {}).get(field)


def first_contact(story: Story) -> dict[str, Any]:
    """The load has begun; the first profile that Campaign has is shown."""
    story.dynamics.seed(story.contacts)
    profile = wait_until(lambda: next(story.campaign.profiles(), {}), "the first profile")
    name = " ".join(filter(None, (profile["firstName"], profile["lastName"])))
    return {"name": name or profile["email"], "seconds": round(time.monotonic() - story.began)}


def initial_load(story: Story) -> dict[str, Any]:
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
    return {"created": story.operator.status()["records"].get("created", 0)}


def called(name: str) -> Callable[[dict[str, Any] | None], bool]:
    """Whether a profile has this first name."""
    return lambda profile: profile is not None and profile["firstName"] == name


def edits(story: Story) -> dict[str, Any]:
    """Twenty edits, half by webhook, half by poll alone. The profile of each follows."""
    ids = story.dynamics.some_contact_ids(14)
    expected: dict[str, Callable[[dict[str, Any] | None], bool]] = {}
    for number, contact_id in enumerate(ids):
        quietly = number % 2 == 1
        if number < 8:
            story.dynamics.change_contact(
                contact_id, quietly, firstname=f"Edited{number}", jobtitle="Reader"
            )
            expected[contact_id] = called(f"Edited{number}")
        elif number < 11:
            story.dynamics.deactivate_contact(contact_id, quietly)
            expected[contact_id] = lambda profile: profile is not None
        else:
            story.dynamics.delete_contact(contact_id, quietly)
            expected[contact_id] = lambda profile: profile is None
    for number in range(6):
        columns = {
            "firstname": f"New{number}",
            "lastname": "Contact",
            "emailaddress1": f"new{number}@example.org",
        }
        contact_id = story.dynamics.create_contact(number % 2 == 1, **columns)
        expected[contact_id] = called(f"New{number}")
    for contact_id, arrived in expected.items():
        wait_until(
            lambda: arrived(story.campaign.profile(contact_id)),
            f"the profile of contact {contact_id}",
        )
    return {}


def refused_and_replayed(story: Story) -> dict[str, Any]:
    """Campaign refuses one contact; others arrive. After a fix its dead letter is replayed."""
    story.campaign.faults(
        {
            "match": {"method": "POST", "body": "Refused by Campaign"},
            "action": {"status": 500, "body": REFUSAL},
        }
    )
    refused = story.dynamics.create_contact(
        firstname="Refused", lastname="Refused by Campaign", emailaddress1="refused@example.org"
    )
    neighbour = story.dynamics.create_contact(
        firstname="Neighbour", lastname="Arrives", emailaddress1="neighbour@example.org"
    )
    letters = wait_until(story.operator.dead_letters, "the dead letter")
    wait_until(lambda: story.campaign.profile(neighbour), "the neighbour's profile")
    if [letter["record_id"] for letter in letters] != [refused]:
        raise AssertionError(f"{len(letters)} dead letters, expected one, of contact {refused}")
    story.campaign.faults()
    story.operator.replay(what="dead_letters")
    wait_until(lambda: story.campaign.profile(refused), "the replayed profile")
    wait_until(lambda: not story.operator.dead_letters(), "the dead letter's end")
    return {"reason": letters[0]["reason"], "field": letters[0]["field"]}


def throttled(story: Story) -> dict[str, Any]:
    """Campaign accepts 20 calls a second for a minute. Everything arrives, later."""
    throttle = {
        "throttle_per_second": 20,
        "headers": {"Retry-After": "1"},
        "body": {"error_code": "429050"},
    }
    story.campaign.faults(
        {"match": {"route": "^/profileAndServicesExt/profile"}, "action": throttle}
    )
    ids = story.dynamics.some_contact_ids(1200)
    for contact_id in ids:
        story.dynamics.change_contact(contact_id, True, salutation="Dr")
    wait_until(
        lambda: value(story, ids[-1], "salutation") == "Dr",
        "the last throttled edit",
        seconds=300,
    )
    wait_until(story.operator.settled, "quiet after the throttling", seconds=300)
    story.campaign.faults()
    late = [contact_id for contact_id in ids if value(story, contact_id, "salutation") != "Dr"]
    if late or story.operator.dead_letters():
        raise AssertionError(
            f"{len(late)} edits missing, {len(story.operator.dead_letters())} dead letters"
        )
    return {"edits": len(ids)}


def wrong_secret(story: Story) -> dict[str, Any]:
    """Adobe has another secret, and the flow pauses. After the repair it goes on by itself."""
    story.campaign.accept_secret("renewed-by-somebody")
    ids = story.dynamics.some_contact_ids(30)
    for contact_id in ids:
        story.dynamics.change_contact(contact_id, nickname="while paused", middlename="Paused")
    state = wait_until(
        lambda: (s := story.operator.status())["status"] == "failed" and s, "the flow to pause"
    )
    story.campaign.accept_secret(story.facts["campaign_client_secret"])
    wait_until(lambda: story.operator.status()["status"] == "running", "the flow to go on")
    for contact_id in ids:
        wait_until(
            lambda: value(story, contact_id, "middleName") == "Paused",
            f"contact {contact_id}",
        )
    if story.operator.dead_letters() or story.operator.status()["poison_messages"]:
        raise AssertionError("messages were drained while the secret was wrong")
    return {"setting": state["setting"], "edits": len(ids)}


def families(story: Story) -> dict[str, Any]:
    """Fifty vehicles and their fifty service visits. Some are edited, some are deleted."""
    dynamics, owners = story.dynamics, story.dynamics.some_contact_ids(50)
    vehicles.create_tables(dynamics)
    vehicles.put_documents(ContainerClient.from_connection_string(story.facts["storage"], "config"))
    cars = [
        vehicles.create(dynamics, "acs_vehicle", f"Car {n}", "acs_ownerid", f"/contacts({owner})")
        for n, owner in enumerate(owners)
    ]
    visits = [
        vehicles.create(dynamics, "acs_visit", "Oil", "acs_vehicleid_ref", f"/acs_vehicles({car})")
        for car in cars
    ]
    wait_until(lambda: len(linked(story, "cusVisit", "vehicle")) == 50, "the visits", seconds=120)
    for car in cars[:10]:
        dynamics.http.json(
            "PATCH", f"/acs_vehicles({car})", {"acs_vehicle_name": "Edited"}, If_Match="*"
        )
    for visit in visits[:5]:
        dynamics.http.json("DELETE", f"/acs_visits({visit})")
    wait_until(lambda: len(linked(story, "cusVisit", "vehicle")) == 45, "the deletions")
    wait_until(
        lambda: sum(row["name"] == "Edited" for row in linked(story, "cusVehicle", "owner")) == 10,
        "the edits",
    )
    return {"vehicles": len(linked(story, "cusVehicle", "owner"))}


def events(story: Story) -> dict[str, Any]:
    """Each event of three deliveries is on the timeline once, by file and by journal."""
    mailings.set_up(story.facts)
    mailings.send(story.dynamics, story.campaign)
    counts: dict[str, str] = {}

    def arrived() -> bool:
        comparison, found = mailings.compare_events(story.facts, story.dynamics, story.campaign)
        counts.update(found)
        return comparison.agree and comparison.source > 0

    wait_until(arrived, "the activities", seconds=120, every=1)
    return counts


def opt_outs(story: Story) -> dict[str, Any]:
    """Half are made in Dynamics, half in Campaign. In the end both systems have all."""
    play_mode(story, "both")
    return {"people": optouts.PEOPLE}


def opt_outs_by_mode(story: Story) -> dict[str, Any]:
    """The same in each mode. The last mode goes both ways and settles what others left open."""
    for mode in optouts.MODES:
        story.change_settings(OPT_OUT_MODE=mode)
        play_mode(story, mode)
    return {"people": optouts.PEOPLE, "modes": ", ".join(optouts.MODES)}


def play_mode(story: Story, mode: str) -> None:
    settled = (lambda: True) if mode == "disabled" else lambda: bool(story.operator.safe()["safe"])
    optouts.play(mode, story.dynamics, story.campaign, settled)


def linked(story: Story, resource: str, link: str) -> list[dict[str, Any]]:
    return [row for row in story.campaign.records(resource) if row[link]]


EDITS = "10 by webhook, 10 by poll: 8 edited, 6 created, 3 deactivated, 3 deleted"
VISITS = "{vehicles} vehicles and 45 visits, each linked to its parent; 10 edited, 5 deleted"
EVENTS = "in Campaign / in Dynamics: send {send}, open {open}, click {click}, bounce {bounce}"
PAUSED = "paused because of {setting}, went on by itself, {edits} edits arrived, 0 lost"
SHORT = [
    Scene(
        "the first contact",
        "{name} is a profile in Campaign, {seconds} s after the start",
        first_contact,
    ),
    Scene("initial load", "{created} profiles created", initial_load),
    Scene("20 edits, creations, deactivations, deletions", EDITS, edits),
    Scene("vehicles and their service visits", VISITS, families),
    Scene("e-mails sent, opened, clicked, bounced", EVENTS, events),
    Scene(
        "opt-outs, both ways",
        "{people} opt-outs, half of them from each side; safe to send",
        opt_outs,
    ),
    Scene(
        "a refused record, and its replay after a fix",
        "dead letter: {reason} on {field}; replayed after the fix, arrived",
        refused_and_replayed,
    ),
]
BY_MODE = Scene(
    "opt-outs, in each of the four modes",
    "{people} opt-outs each: {modes}; safe to send",
    opt_outs_by_mode,
)
FULL = [
    *(BY_MODE if scene.play is opt_outs else scene for scene in SHORT),
    Scene(
        "a throttled minute", "{edits} edits arrived at 20 calls/s, none dead-lettered", throttled
    ),
    Scene("a wrong secret, and its repair", PAUSED, wrong_secret),
]


def comparison(found: dict[str, Comparison]) -> Scene:
    """The last scene; `found` gets the comparison of each flow."""
    return Scene("comparison, record by record", "{tables}", lambda story: agreement(story, found))


def agreement(story: Story, found: dict[str, Comparison]) -> dict[str, Any]:
    """Every table by its mapping: contacts with their profiles, vehicles and visits with theirs."""
    wait_until(
        lambda: all(story.operator.settled(flow) for flow in FLOWS),
        "quiet before the comparison",
        seconds=120,
    )
    texts = [vehicles.DOCUMENTS[table].read_text() if table else "" for table in FLOWS.values()]
    for flow, text in zip(FLOWS, texts, strict=True):
        found[flow] = compare_quiet(story, mapping_in_force(story.facts, text))
    found[mailings.FLOW], _ = mailings.compare_events(story.facts, story.dynamics, story.campaign)
    found[optouts.FLOW] = optouts.compare_opt_outs(story.dynamics, story.campaign)
    if disagreeing := [str(comparison) for comparison in found.values() if not comparison.agree]:
        raise AssertionError("; ".join(disagreeing))
    return {"tables": "; ".join(map(str, found.values()))}


def compare_quiet(story: Story, mapping: CompiledMapping) -> Comparison:
    """Waits for a moment where they differ: the last changes may still be on their way."""
    comparison = compare(story.facts, mapping)
    deadline = time.monotonic() + 30
    while not comparison.agree and time.monotonic() < deadline:
        time.sleep(1)
        comparison = compare(story.facts, mapping)
    return comparison
