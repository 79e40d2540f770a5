"""Ten thousand opt-outs on each side, at an even pace, while a hundred thousand contacts are
loaded: how long each takes to the
other side, and whether one is lost.
"""

import statistics
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from dev.bench.opt_out_process import PROFILE
from dev.commands.stack import DIRECTORY, Stack
from dev.verbs import Campaign, Dynamics, Operator, wait_until
from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from shared.opt_out.systems import instant

SEED, INSTANCES, LATENCY_MS = 20261124, 2, 150
PEOPLE, OPT_OUTS, BACKFILL, A_SECOND = 6_000, 10_000, 100_000, 10.0
LOOK_SECONDS, QUIET_SECONDS = 0.1, 900
PAIRS = read_opt_out_document(default_opt_out_document()).pairs
PLAIN = [pair for pair in PAIRS if not pair.also]
FLAGS = {pair.column: pair.flag for pair in PLAIN}
# Schedules as they come, not the local stack's quicker ones: each round of reading takes from the
# two cores what is measured.
QUARTER_MINUTE, MINUTE = "*/15 * * * * *", "0 * * * * *"
SCHEDULES = {
    f"{flow}_SCHEDULE": QUARTER_MINUTE for flow in ("OPT_OUT", "CONTACTS", "CUSTOM_ENTITIES")
}
SCHEDULES["EMAIL_EVENTS_SCHEDULE"] = MINUTE
SETTINGS = {"OPT_OUT_MODE": "both", "OPT_OUT_SOURCE": "filter", **SCHEDULES}
No = tuple[str, str]  # contact, column


@dataclass
class Heard:
    """When each no was said on one side, and when the other side said it too; seconds since
    1970.
    """

    said: dict[No, float] = field(default_factory=dict)
    seen: dict[No, float] = field(default_factory=dict)

    def seconds(self, until: float) -> list[float]:
        """Of what was said until then."""
        return [
            self.seen[no] - at for no, at in self.said.items() if at <= until and no in self.seen
        ]


def run(scale: int, groups: bool = False) -> dict[str, Any]:
    """With `groups` one process for each function, else INSTANCES processes that each run all."""
    opt_outs, backfill = OPT_OUTS // scale, BACKFILL // scale
    stack = Stack(
        DIRECTORY / "bench", instances=1 if groups else INSTANCES, settings=SETTINGS, groups=groups
    )
    with stack:
        people = prepared(stack, opt_outs)
        found = played(stack, people[:opt_outs], people[opt_outs : 2 * opt_outs], backfill)
        lost, differ = ended_as(stack, people[: 2 * opt_outs])
        processes = len(stack.groups)
        letters = sum(
            len(Operator(stack.facts).dead_letters(flow)) for flow in ("contacts", "opt_out")
        )
    title = f"{opt_outs} opt-outs a side, {A_SECOND:g}/s each, {backfill} contacts loaded meanwhile"
    return {
        f"{title}; processes": processes,
        "  seconds of the backfill; of the opt-outs": (
            f"{found['backfill']:.0f}; {found['opt_outs']:.0f}"
        ),
        **latencies("Dynamics to Campaign", "p95 < 2", found["to_campaign"], found["ended"]),
        **latencies("Campaign to Dynamics", "p95 < 60", found["to_dynamics"], found["ended"]),
        "  seconds from the last write to safe-to-send": round(found["quiet"]),
        "  opt-outs lost (target 0)": lost,
        "  contacts whose sides differ (target 0)": differ,
        "  dead letters (target 0)": letters,
    }


def latencies(title: str, target: str, heard: Heard, backfill_ended: float) -> dict[str, Any]:
    """Over the whole run, and of what was said while the backfill ran."""
    figures = {}
    for when, until in (("", float("inf")), (", while the backfill ran", backfill_ended)):
        seconds = heard.seconds(until)
        figure = (
            "none"
            if len(seconds) < 2
            else f"{', '.join(f'{figure:.2f}' for figure in spread(seconds))} of {len(seconds)}"
        )
        figures[f"  {title}{when}: p50, p95, max s (target {target})"] = figure
    return figures


def spread(seconds: Sequence[float]) -> tuple[float, float, float]:
    return statistics.median(seconds), statistics.quantiles(seconds, n=20)[18], max(seconds)


def prepared(stack: Stack, opt_outs: int) -> list[No]:
    """Loads the people who will say no, and says who has not said no to what, in a random order."""
    dynamics, operator = Dynamics(stack.facts), Operator(stack.facts)
    dynamics.seed(min(PEOPLE, opt_outs))
    wait_until(
        lambda: operator.settled() and safe(operator), "the people's profiles", QUIET_SECONDS, 1
    )
    rows = dynamics.contacts(",".join(["contactid", *FLAGS]))
    planned = [(row["contactid"], column) for row in rows for column in FLAGS if not row[column]]
    Random(SEED).shuffle(planned)
    if len(planned) < 2 * opt_outs:
        raise AssertionError(f"there are only {len(planned)} opt-outs to make")
    return planned


def safe(operator: Operator) -> bool:
    return bool(operator.safe()["safe"])


def played(
    stack: Stack, in_dynamics: Sequence[No], in_campaign: Sequence[No], backfill: int
) -> dict[str, Any]:
    operator, campaign = Operator(stack.facts), Campaign(stack.facts)
    before = created(campaign)
    campaign.latency(LATENCY_MS)
    Dynamics(stack.facts).seed(backfill, seed=2)
    watch = Watch(stack, before + backfill)
    wait_until(lambda: created(campaign) > before, "the backfill to begin", 120)
    began = time.time()
    with watch:
        said(stack, in_dynamics, in_campaign, watch)
        written = time.time()
        wait_until(lambda: watch.ended, "the end of the backfill", 1800, 1)
        wait_until(lambda: operator.settled() and safe(operator), "quiet", QUIET_SECONDS, 1)
        quiet = time.time()
    stamped(campaign, watch.to_campaign)
    return {
        "to_campaign": watch.to_campaign,
        "to_dynamics": watch.to_dynamics,
        "ended": watch.ended[0],
        "backfill": watch.ended[0] - began,
        "opt_outs": written - began,
        "quiet": quiet - max(written, watch.ended[0]),
    }


def said(
    stack: Stack, in_dynamics: Sequence[No], in_campaign: Sequence[No], watch: "Watch"
) -> None:
    """Writes the opt-outs on both sides, each at an even pace.

    Two at a time in Campaign, where a call takes longer than there is time.
    """
    writers = [
        threading.Thread(
            target=paced, args=(in_dynamics, watch.to_campaign, in_dynamics_by(stack), A_SECOND)
        )
    ]
    writers += [
        threading.Thread(
            target=paced,
            args=(in_campaign[half::2], watch.to_dynamics, in_campaign_by(stack), A_SECOND / 2),
        )
        for half in (0, 1)
    ]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()


def created(campaign: Campaign) -> int:
    return campaign.calls().get(f"POST {PROFILE}", 0)


def paced(
    planned: Sequence[No], heard: Heard, write: Callable[[str, str], None], a_second: float
) -> None:
    began = time.time()
    for number, no in enumerate(planned):
        time.sleep(max(0.0, began + number / a_second - time.time()))
        at = time.time()
        write(*no)
        heard.said[no] = at


def in_dynamics_by(stack: Stack) -> Callable[[str, str], None]:
    dynamics = Dynamics(stack.facts)
    return lambda person, column: dynamics.change_contact(person, **{column: True})


def in_campaign_by(stack: Stack) -> Callable[[str, str], None]:
    campaign = Campaign(stack.facts)
    return lambda person, column: campaign.http.json(
        "PATCH", f"{PROFILE}/{person}", {FLAGS[column]: True}
    )


class Watch:
    """Sees the opt-outs arrive in Dynamics, by reading the changes of contacts, and the backfill
    end.
    """

    def __init__(self, stack: Stack, profiles: int) -> None:
        self.campaign, self.profiles = Campaign(stack.facts), profiles
        self.to_campaign, self.to_dynamics, self.ended, self.over = (
            Heard(),
            Heard(),
            list[float](),
            threading.Event(),
        )
        self.changes = tracked(stack)
        next(self.changes)
        looks = ((LOOK_SECONDS, self.in_dynamics), (1.0, self.backfill))
        self.threads = [threading.Thread(target=self.again, args=look) for look in looks]

    def __enter__(self) -> None:
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()

    def again(self, seconds: float, look: Callable[[], None]) -> None:
        while not self.over.wait(seconds):
            look()

    def in_dynamics(self) -> None:
        at_hand, now = next(self.changes), time.time()
        arrived = [(row["contactid"], column) for row in at_hand for column in FLAGS if row[column]]
        for no in arrived:
            if no in self.to_dynamics.said:
                self.to_dynamics.seen.setdefault(no, now)

    def backfill(self) -> None:
        if not self.ended and created(self.campaign) >= self.profiles:
            self.ended.append(time.time())


def stamped(campaign: Campaign, heard: Heard) -> None:
    """When the opt-outs arrived in Campaign, which keeps the time of each flag; nobody asks for it
    while they travel.
    """
    for profile in campaign.profiles():
        for column, flag in FLAGS.items():
            no = profile["externalId"], column
            if no in heard.said and profile[flag]:
                heard.seen[no] = instant(profile[f"{flag}LastModified"]) or 0.0


def tracked(stack: Stack) -> Iterator[list[dict[str, Any]]]:
    """Contacts that have changed since the last look; first an empty list, when all have been
    read.
    """
    dynamics = Dynamics(stack.facts)
    path = "/contacts?$select=" + ",".join(["contactid", *FLAGS])
    prefer = "odata.track-changes,odata.maxpagesize=5000"
    first = True
    while True:
        found: list[dict[str, Any]] = []
        link = path
        while link:
            page = dynamics.http.json("GET", link, Prefer=prefer)
            found += [] if first else page["value"]
            path, link = page.get("@odata.deltaLink", path), page.get("@odata.nextLink", "")
        first = False
        yield found


def ended_as(stack: Stack, planned: Sequence[No]) -> tuple[int, int]:
    """How many of these opt-outs are not on both sides, and how many contacts differ from their
    profile.
    """
    profiles = {profile["externalId"]: profile for profile in Campaign(stack.facts).profiles()}
    columns = ",".join(sorted({"contactid", *(name for pair in PAIRS for name in pair.columns)}))
    rows = {row["contactid"]: row for row in Dynamics(stack.facts).contacts(columns)}
    lost = [
        (person, column)
        for person, column in planned
        if not (rows[person][column] and profiles[person][FLAGS[column]])
    ]
    differ = [person for person, row in rows.items() if not alike(row, profiles.get(person))]
    return len(lost), len(differ)


def alike(row: dict[str, Any], profile: dict[str, Any] | None) -> bool:
    return profile is not None and all(pair.opted_out(row) == profile[pair.flag] for pair in PAIRS)
