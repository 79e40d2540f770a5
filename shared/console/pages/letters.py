"""Dead letters: what was refused, by reason and field, and what to do about it."""

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from shared.console.outgoing import Answer, File, View
from shared.console.sentences import sentence
from shared.console.status import letter_json, moment
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.state.deadletters import DeadLetter

PAGE_LETTERS = 50
MOST_GROUPED = 5000
"""Of one flow. The page says when there are more."""
COLUMNS = ("flow", "record_id", "reason", "field", "sentence", "rejected_at", "origin")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet takes for a formula (OWASP, "CSV Injection")."""


@dataclass(slots=True)
class Group:
    """Letters of one flow with the same reason and field."""

    flow: str
    reason: str
    field: str
    sentence: str
    """Of the first letter; it says what to do."""
    count: int = 0
    first: float = 0.0
    latest: float = 0.0

    def add(self, letter: DeadLetter) -> None:
        self.count += 1
        self.first = min(self.first or letter.rejected_at, letter.rejected_at)
        self.latest = max(self.latest, letter.rejected_at)


def dead_letters(visit: Visit) -> View:
    """Groups of all flows, and the letters of one flow, some at a time."""
    asked = visit.incoming.query
    chosen, after = asked.get("flow", ""), asked.get("after", "")
    flows = list(visit.services.flows())
    if chosen and chosen not in flows:
        said = sentence("not_found", visit.look.language)
        return View("refused", {"error": "not_found", "sentence": said}, 404)
    groups, more = grouped(visit, [chosen] if chosen else flows)
    return View(
        "dead_letters",
        {
            "flow": chosen,
            "flows": [{"key": key, "name": name_of(key)} for key in flows],
            "groups": [asdict(group) for group in groups],
            "more": more,
            **listed(visit, chosen, after),
        },
    )


def grouped(visit: Visit, flows: Iterable[str]) -> tuple[list[Group], bool]:
    """The groups, largest first; True where a flow has more letters than were looked at."""
    found: dict[tuple[str, str, str], Group] = {}
    more = False
    for flow in flows:
        letters = list(every(visit, flow))
        more = more or len(letters) >= MOST_GROUPED
        for letter in letters:
            key = (flow, letter.reason, letter.field)
            group = found.setdefault(key, Group(*key, letter.sentence))
            group.add(letter)
    return sorted(found.values(), key=lambda group: -group.count), more


def every(visit: Visit, flow: str) -> Iterator[DeadLetter]:
    """The letters of a flow, up to MOST_GROUPED, in the order of ids."""
    after, read = "", 0
    while read < MOST_GROUPED:
        page = visit.services.bridge.deadletters.page(flow, after)
        yield from page
        if not page:
            return
        after, read = page[-1].record_id, read + len(page)


def listed(visit: Visit, flow: str, after: str) -> dict[str, Any]:
    """One page of a flow's letters, and the id to go on from."""
    if not flow:
        return {"letters": [], "next": ""}
    letters = visit.services.bridge.deadletters.page(flow, after, PAGE_LETTERS)
    following = letters[-1].record_id if len(letters) == PAGE_LETTERS else ""
    return {"letters": [asdict(letter) for letter in letters], "next": following}


def download(visit: Visit) -> Answer:
    """The letters of all flows, or of one, as a file for a spreadsheet."""
    chosen = visit.incoming.query.get("flow", "")
    flows = [chosen] if chosen else list(visit.services.flows())
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(COLUMNS)
    for flow in flows:
        for letter in every(visit, flow):
            cells = letter_json(letter)
            writer.writerow([harmless(cells[name]) for name in COLUMNS])
    name = f"dead-letters-{(moment(visit.now()) or '')[:10]}.csv"
    return File(written.getvalue().encode("utf-8", "replace"), "text/csv; charset=utf-8", name)


def harmless(value: object) -> str:
    """A cell that no spreadsheet runs."""
    text = str(value if value is not None else "")
    return f"'{text}" if text.startswith(FORMULA) else text
