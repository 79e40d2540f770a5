"""E-mail events: what became of those that were read, day by day; the files that bring them."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from shared.console.outgoing import View
from shared.console.pages.shown import shown_missing
from shared.console.patience import Missing, ask
from shared.console.visit import Services, Visit
from shared.errors import Misconfigured
from shared.events.files import EventFormat
from shared.events.flow import KEY
from shared.sftp.client import RemoteFile
from shared.sftp.exports.positions import PROCESSED, REJECTED
from shared.state.figures import HOURS, Figure
from shared.state.flows import FlowState
from shared.state.groups import GroupCount, GroupsRead

FIGURES, FILES = "part_figures", "part_files"
PERIODS = ("1", "7", "30")
"""Days that the table of deliveries may cover, as in its address."""
MOST_DELIVERIES = 100
DAYS_SHOWN, DAY_SECONDS = 30, 86_400.0
MOST_FILES = 50
"""Of each state, the newest."""

FUNNEL = ("filtered", "no_contact", "rejected", "unchanged", "created")
"""What becomes of an event that was read, as its flow counts it."""


def events(visit: Visit) -> View:
    services = visit.services
    source = services.settings.email_events_source
    figures = ask(FIGURES, lambda: figures_of(visit))
    groups = ask(FIGURES, lambda: groups_of(visit))
    states = ask(FIGURES, services.bridge.flows.all)
    files = ask(FILES, lambda: files_of(services)) if source in ("files", "both") else None
    rows, known, counts = figures.result(), states.result(), groups.result()
    listed = files.result() if files else []
    missing = [one for one in (rows, known, counts, listed) if isinstance(one, Missing)]
    return View(
        "events",
        {
            "source": source,
            "feeds": [] if isinstance(known, Missing) else feeds(services, known),
            "days": None if isinstance(rows, Missing) else by_day(visit, rows),
            "period": period(visit),
            "periods": PERIODS,
            **deliveries_of(None if isinstance(counts, Missing) else counts),
            **newest_files([] if isinstance(listed, Missing) else listed),
            "has_files": files is not None,
            "folder": services.settings.sftp_folder,
            "missing": shown_missing(visit, {one.part: one for one in missing}.values()),
        },
    )


def figures_of(visit: Visit) -> list[Figure]:
    since = visit.now() - DAYS_SHOWN * DAY_SECONDS
    return list(visit.services.figures.since(HOURS, KEY, since))


def by_day(visit: Visit, rows: Iterable[Figure]) -> list[dict[str, Any]]:
    """Days of the reader's zone, the newest first. `read`: all that came from Campaign."""
    counted: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        day = visit.look.local(row.at - row.seconds).strftime("%Y-%m-%d")
        counted[day].update({name: row.outcomes.get(name, 0) for name in FUNNEL})
    return [
        {"day": day, "read": found.total(), **{name: found[name] for name in FUNNEL}}
        for day, found in sorted(counted.items(), reverse=True)
        if found.total()
    ]


def period(visit: Visit) -> str:
    asked = visit.incoming.query.get("days", "30")
    return asked if asked in PERIODS else "30"


def groups_of(visit: Visit) -> GroupsRead:
    since = visit.now() - (int(period(visit)) - 1) * DAY_SECONDS
    return visit.services.bridge.groups.since(KEY, since, visit.now())


def deliveries_of(read: GroupsRead | None) -> dict[str, Any]:
    """The largest, how many more there are, and from which day on all are counted; None where they
    are not known.
    """
    found = by_delivery(read.counts) if read else []
    return {
        "deliveries": found[:MOST_DELIVERIES] if read else None,
        "deliveries_left_out": len(found[MOST_DELIVERIES:]),
        "deliveries_whole_from": read.whole_from if read else "",
        "deliveries_are_whole": read.is_whole if read else None,
    }


def by_delivery(counts: Iterable[GroupCount]) -> list[dict[str, Any]]:
    """The largest deliveries first."""
    counted: defaultdict[tuple[str, ...], Counter[str]] = defaultdict(Counter)
    for one in counts:
        counted[one.group].update({name: one.outcomes.get(name, 0) for name in FUNNEL})
    largest = sorted(counted.items(), key=lambda item: (-item[1].total(), item[0]))
    return [
        {
            "campaign": group[0],
            "delivery": group[-1],
            "read": found.total(),
            **{name: found[name] for name in FUNNEL},
        }
        for group, found in largest
    ]


def feeds(services: Services, states: dict[str, FlowState]) -> list[dict[str, Any]]:
    """Each source by itself: one may fail without the other."""
    found = []
    for key, flow in services.flows().items():
        if flow.letters == KEY and key != flow.key:
            state = states.get(key, FlowState())
            shown = ("status", "reason", "polled_at", "caught_up_at", "trouble")
            found.append({"flow": key, **{name: getattr(state, name) for name in shown}})
    return found


def files_of(services: Services) -> list[dict[str, Any]]:
    """What waits, what could not be read, what was read; of each the newest first."""
    form = EventFormat(services.events_catalog.version().document)
    root = services.settings.sftp_folder.rstrip("/")
    folders = {"waiting": root, REJECTED: f"{root}/{REJECTED}", PROCESSED: f"{root}/{PROCESSED}"}
    found = []
    for name, folder in folders.items():
        files = listed(services, folder, is_there=name == "waiting")
        for file in sorted(files, key=lambda file: -file.changed_at):
            ours = name != "waiting" or form.takes(file.name)
            found.append(
                {
                    "folder": name if ours else "stranger",
                    "name": file.name,
                    "bytes": file.size,
                    "changed_at": file.changed_at,
                }
            )
    return found


def newest_files(files: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Some of each state, and how many more there are."""
    seen, shown, left_out = Counter[str](), [], 0
    for file in files:
        seen[file["folder"]] += 1
        if seen[file["folder"]] > MOST_FILES:
            left_out += 1
        else:
            shown.append(file)
    return {"files": shown, "files_left_out": left_out}


def listed(services: Services, folder: str, is_there: bool) -> list[RemoteFile]:
    """A folder that files are put aside into is made when the first one is."""
    if is_there:
        return services.looking_sftp.files(folder)
    with suppress(Misconfigured):
        return services.looking_sftp.files(folder)
    return []
