"""Mappings: every table with its active version and its draft; a first document for another one."""

from collections.abc import Mapping
from typing import Any

from shared.console.outgoing import Answer, Redirect, View
from shared.console.refusals import Refusal
from shared.console.roles import Least, allowing_role
from shared.console.visit import Visit
from shared.editing.proposing import proposal
from shared.editing.systems import ACT_SECONDS
from shared.entities.families import flow_of
from shared.identifiers import table_name
from shared.state.activity import DONE, Act
from shared.state.documents import ChangedMeanwhile, VersionLine
from shared.state.drafts import Draft

SAVED, DISCARDED = "mapping_draft_saved", "mapping_draft_discarded"


def note(visit: Visit, code: str, table: str) -> None:
    """What somebody did with a draft, in the activity log. No flow changes, so it has no plan."""
    role = allowing_role(visit.signed_in.roles, Least.MAPPER).value
    visit.services.activity.note(Act(visit.who, role, code, table, result=DONE))


def mappings(visit: Visit) -> View:
    """Three lists of blobs, the watch's summary, and each version's text once in a process."""
    desk, made = visit.services.desk, visit.services.figures.latest()
    newest, drafts = desk.newest(), desk.drafts.all()
    figures = made[1]["flows"] if made else {}
    tables = sorted({*desk.tables(), *newest, *drafts})
    return View(
        "mappings",
        {"lines": [line(visit, one, newest.get(one), drafts.get(one), figures) for one in tables]},
    )


def line(
    visit: Visit,
    table: str,
    version: VersionLine | None,
    draft: Draft | None,
    figures: Mapping[str, Any],
) -> dict[str, Any]:
    flow = flow_of(table).key
    found = figures.get(flow, {})
    number = version.number if version else 0
    return {
        "table": table,
        "flow": flow if flow in visit.services.flows() else "",
        "resource": visit.services.desk.resource(table, number),
        "version": number,
        "since": version.at.timestamp() if version else None,
        "by": version.signature.author if version else "",
        "draft": draft_json(draft),
        "records": in_campaign(found.get("records")),
        "dead_letters": found.get("dead_letters"),
        "problem": found.get("mapping_problem", ""),
    }


THERE = ("created", "updated", "unchanged", "stale")
"""Last outcomes of records that are in Campaign."""


def in_campaign(outcomes: Mapping[str, int] | None) -> int | None:
    """None where the watch has not counted yet."""
    return None if outcomes is None else sum(outcomes.get(name, 0) for name in THERE)


def draft_json(draft: Draft | None) -> dict[str, Any] | None:
    if draft is None:
        return None
    return {"author": draft.author, "at": draft.at, "base": draft.base, "etag": draft.etag}


def add(visit: Visit) -> View:
    """Tables that have no document yet, and resources that they may go to."""
    desk = visit.services.desk
    tables, resources, missing = desk.systems.choices()
    mapped = {*desk.tables(), *desk.drafts.all()}
    taken = {desk.resource(table, desk.documents.newest(table)[0]) for table in desk.tables()}
    return View(
        "mapping_add",
        {
            "tables": [
                {"name": name, "label": label}
                for name, label in sorted(tables.items())
                if name not in mapped
            ],
            "resources": [name for name in sorted(resources) if name not in taken],
            "missing": missing,
        },
    )


def propose(visit: Visit) -> Answer:
    """Makes the first draft: fields of equal names and fitting types."""
    form, desk = visit.incoming.form, visit.services.desk
    table, resource = table_name(form.get("table", "").strip()), form.get("resource", "").strip()
    if not table or not resource.isidentifier() or not resource.isascii():
        raise Refusal(400, "name_both")
    if table in desk.tables():
        raise Refusal(409, "mapped_already", {"table": table})
    api = desk.systems.choices(ACT_SECONDS)[1].get(resource, "profileAndServicesExt")
    glance = desk.systems.glance(table, api, resource, ACT_SECONDS)
    for system, why in glance.missing.items():
        raise Refusal(503, "system_silent", {"system": system, "why": why})
    if glance.source is None or glance.target is None:
        raise Refusal(404, "not_found")
    text = proposal(glance.source, glance.target, api)
    try:
        desk.save(table, text, "", visit.who, 0)
    except ChangedMeanwhile:
        raise Refusal(409, "mapped_already", {"table": table}) from None
    note(visit, SAVED, table)
    return Redirect(f"/mappings/{table}?proposed=1")
