"""Dead letters: what was refused, by reason and field; what to do about it; replay and discard."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from shared.console.cells import csv_file
from shared.console.letters_asked import asked_filter
from shared.console.outgoing import Answer, View
from shared.console.refusals import Refusal
from shared.console.status import letter_json, moment
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.identifiers import is_row_key
from shared.state.deadletters import DeadLetter, grouped
from shared.state.letter_filter import LETTERS_READ, LetterFilter, page_of

PAGE_LETTERS = 50
READS_PER_PAGE = 5
"""Of 1,000 letters each, to find those that match: the page then offers to look further."""
MOST_IN_FILE = 50_000
COLUMNS = (
    *("flow", "record_id", "reason", "field", "sentence", "mapping_version"),
    *("rejected_at", "origin"),
)
NAMES = ("reason", "field", "version", "since", "until")
"""Of the filter, as they stand in addresses and forms."""


def dead_letters(visit: Visit) -> View:
    """Groups of all flows, and the letters of one flow that match, some at a time."""
    asked = visit.incoming.query
    chosen, flows = asked.get("flow", ""), visit.services.flows()
    if chosen and chosen not in flows:
        raise Refusal(404, "no_flow")
    wanted = filter_of(visit)
    groups, counted_at = groups_of(visit, [chosen] if chosen else list(flows))
    values = {name: asked.get(name, "") for name in NAMES}
    set_ones = {name: value for name, value in values.items() if value}
    return View(
        "dead_letters",
        {
            "flow": chosen,
            "flows": [{"key": key, "name": name_of(key)} for key in flows],
            "filter": values,
            "query": urlencode({"flow": chosen, **set_ones}) if chosen else "",
            "groups": groups,
            "counted_at": counted_at,
            "keeps_rows": bool(chosen) and flows[chosen].policy.kept_rows is not None,
            **listed(visit, chosen, wanted, asked.get("after", "")),
        },
    )


def filter_of(visit: Visit) -> LetterFilter:
    wanted = asked_filter(visit.incoming.query, visit.look.tzinfo)
    if wanted is None or not is_row_key(visit.incoming.query.get("after", "")):
        raise Refusal(400, "no_filter")
    return wanted


def groups_of(visit: Visit, flows: list[str]) -> tuple[list[dict[str, Any]], float]:
    """The groups, largest first. One read a flow counts them now.

    A flow with more letters than that has them as the watch counted them: then the moment, else 0.
    """
    groups: list[dict[str, Any]] = []
    counted_at, made = 0.0, visit.services.figures.latest()
    for flow in flows:
        letters = visit.services.bridge.deadletters.page(flow, "", LETTERS_READ)
        if len(letters) < LETTERS_READ or not made:
            groups += [asdict(group) for group in grouped(flow, map(asdict, letters))]
            continue
        counted_at = made[0]
        found: Mapping[str, Any] = made[1]["flows"].get(flow, {})
        groups += [{"flow": flow, **group} for group in found.get("letter_groups", [])]
    named = [{**group, "name": name_of(group["flow"])} for group in groups]
    return sorted(named, key=lambda group: -group["count"]), counted_at


def listed(visit: Visit, flow: str, wanted: LetterFilter, after: str) -> dict[str, Any]:
    """One page of a flow's letters that match, and the id to go on behind, "" at the end."""
    found: list[DeadLetter] = []
    for _ in range(READS_PER_PAGE if flow else 0):
        letters, last = page_of(
            visit.services.bridge.deadletters, flow, wanted, after, LETTERS_READ
        )
        found += letters
        after = last
        if not last or len(found) >= PAGE_LETTERS:
            break
    if len(found) > PAGE_LETTERS:
        after = found[PAGE_LETTERS - 1].record_id
    shown = found[:PAGE_LETTERS]
    return {"letters": [asdict(letter) for letter in shown], "next": after if flow else ""}


def download(visit: Visit) -> Answer:
    """The letters of all flows, or those of one that match, as a file for a spreadsheet."""
    chosen, flows = visit.incoming.query.get("flow", ""), visit.services.flows()
    if chosen and chosen not in flows:
        raise Refusal(404, "no_flow")
    wanted = filter_of(visit)
    rows = (
        [letter_json(letter)[name] for name in COLUMNS]
        for flow in ([chosen] if chosen else flows)
        for letter in every(visit, flow, wanted)
    )
    return csv_file(f"dead-letters-{(moment(visit.now()) or '')[:10]}.csv", COLUMNS, rows)


def every(visit: Visit, flow: str, wanted: LetterFilter) -> Iterator[DeadLetter]:
    """The letters of a flow that match, among its first MOST_IN_FILE, in the order of ids."""
    after, read = "", 0
    while read < MOST_IN_FILE:
        found, after = page_of(visit.services.bridge.deadletters, flow, wanted, after, LETTERS_READ)
        yield from found
        if not after:
            return
        read += LETTERS_READ
