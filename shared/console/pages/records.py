"""Records: find one by its id, e-mail address or business key."""

from dataclasses import asdict

from shared.console.finding import Found, find
from shared.console.outgoing import Answer, Redirect, View
from shared.console.pages.shown import shown_missing
from shared.console.sentences import sentence
from shared.console.summary import name_of
from shared.console.visit import Visit


def records(visit: Visit) -> View:
    return View("records", {"found": [], "problem": "", "missing": []})


def find_records(visit: Visit) -> Answer:
    """A POST, so that what was looked for stands in no address, log or history."""
    found = find(visit.services, visit.incoming.form.get("q", ""))
    if found.problem:
        said = sentence(found.problem, visit.look.language)
        return View("records", {"found": [], "problem": said, "missing": []}, 400)
    if len(found.hits) == 1 and not found.missing:
        (hit,) = found.hits
        return Redirect(f"/records/{hit.flow}/{hit.record_id}")
    return listed(visit, found)


def listed(visit: Visit, found: Found) -> View:
    missing = shown_missing(visit, found.missing)
    problem = "" if found.hits or missing else sentence("nothing_found", visit.look.language)
    hits = [{**asdict(hit), "name": name_of(hit.flow)} for hit in found.hits]
    return View("records", {"found": hits, "problem": problem, "missing": missing})
