"""Activate a mapping's draft, or go back to an earlier version: each is a new version.

The reason that is given is the version's note.
"""

from collections import Counter
from collections.abc import Mapping
from functools import partial

from shared.console.acts.trials import TRIED_SECONDS, not_tried
from shared.console.patience import Missing, ask
from shared.console.plans import Carried, Plan, PlanKind
from shared.console.refusals import Refusal
from shared.console.roles import Least
from shared.console.visit import Visit
from shared.editing.desk import Desk, Sheet
from shared.editing.differences import ADDED, REMOVED, counted, difference
from shared.editing.reach import reads_all_again
from shared.errors import Misconfigured
from shared.identifiers import table_name
from shared.state.documents import ChangedMeanwhile
from shared.state.plans import Line, Planned
from shared.state.signatures import Signature

SIGNS = {ADDED: "+", REMOVED: "-"}
MOST_LINES = 200


def prepare_draft(visit: Visit) -> Planned:
    """Refusal where somebody else changed the draft or the active version since."""
    form, sheet = visit.incoming.form, named_sheet(visit)
    if sheet.draft is None:
        raise Refusal(409, "no_draft", {"table": sheet.table})
    if form.get("etag", sheet.etag) != sheet.etag:
        raise Refusal(409, "draft_changed", {"who": sheet.draft.author or "?"})
    if sheet.draft.base != sheet.version:
        raise Refusal(409, "draft_behind", {"version": str(sheet.version)})
    arguments = {"etag": sheet.etag}
    return planned(visit, sheet, sheet.draft.text, f"/mappings/{sheet.table}/yaml", arguments)


def prepare_version(visit: Visit) -> Planned:
    form, sheet = visit.incoming.form, named_sheet(visit)
    asked = form.get("version", "")
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0
    text = visit.services.desk.text(sheet.table, number) if number else ""
    if not text:
        raise Refusal(404, "no_version")
    if number == sheet.version:
        raise Refusal(409, "version_active", {"version": str(number)})
    back, arguments = f"/mappings/{sheet.table}/versions", {"version": number}
    return planned(visit, sheet, text, back, arguments)


def named_sheet(visit: Visit) -> Sheet:
    table = table_name(visit.incoming.form.get("table", ""))
    sheet = visit.services.desk.sheet(table) if table else None
    if sheet is None:
        raise Refusal(404, "no_mapping")
    return sheet


def planned(
    visit: Visit, sheet: Sheet, text: str, back: str, arguments: Mapping[str, str | int]
) -> Planned:
    """Refusal with the problems where the document would not be activated."""
    desk = visit.services.desk
    try:
        desk.check_sound(sheet.table, text, sheet.version)
    except Misconfigured as error:
        raise Refusal(400, "not_sound", {"problem": str(error)}) from None
    again = reads_all_again(sheet.active, text)
    lines = [
        Line("label_what", "mapping_version_new", {"number": sheet.version + 1}),
        changes(sheet.active, text),
        *tried(visit, sheet.table, text),
        Line("label_then", "mapping_reads_all" if again else "mapping_reads_changes"),
        Line("label_undo", "mapping_undo"),
    ]
    kept = {
        "table": sheet.table,
        "base": sheet.version,
        "put_etag": desk.documents.draft_etag(sheet.table),
        **arguments,
    }
    return Planned(sheet.table, sheet.table, lines, kept, back, needs_why=True)


def changes(active: str, text: str) -> Line:
    """Every line that changes is listed, up to MOST_LINES of them."""
    found = [line for line in difference(active, text) if line.kind in SIGNS]
    added, removed = counted(found)
    listed = [f"{SIGNS[line.kind]} {line.text}" for line in found[:MOST_LINES]]
    return Line("label_changes", "mapping_lines", {"added": added, "removed": removed}, listed)


def tried(visit: Visit, table: str, text: str) -> list[Line]:
    """What the document makes of up to twenty real rows now. Nothing is written."""
    rows = ask("trial", partial(visit.services.desk.preview, table, text, ()), TRIED_SECONDS)
    found = rows.result()
    if isinstance(found, Missing):
        return [not_tried(found)]
    outcomes = Counter(row.outcome for row in found)
    return [
        Line("label_tried", f"mapping_tried_{outcome}", {"count": count, "of": len(found)})
        for outcome, count in outcomes.most_common()
    ] or [Line("label_tried", "mapping_tried_none")]


def put_draft(visit: Visit, plan: Plan, why: str) -> Carried:
    """What was shown, or nothing: the draft must still have the plan's ETag."""
    desk, arguments = visit.services.desk, plan.planned.arguments
    draft = desk.drafts.find(str(arguments["table"]))
    if draft is None or draft.etag != arguments["etag"]:
        raise Refusal(409, "draft_changed", {"who": draft.author if draft else "?"})
    carried = put(visit, plan, draft.text, why)
    discarded(desk, draft.table, draft.etag)
    return carried


def discarded(desk: Desk, table: str, etag: str) -> None:
    """A draft that somebody saves at this moment stays."""
    try:
        desk.drafts.discard(table, etag)
    except ChangedMeanwhile:
        return


def put_version(visit: Visit, plan: Plan, why: str) -> Carried:
    arguments = plan.planned.arguments
    text = visit.services.desk.text(str(arguments["table"]), int(arguments["version"]))
    return put(visit, plan, text, why)


def put(visit: Visit, plan: Plan, text: str, why: str) -> Carried:
    arguments, desk = plan.planned.arguments, visit.services.desk
    table, base = str(arguments["table"]), int(arguments["base"])
    signature = Signature(visit.who, why, is_noted=True)
    try:
        version = desk.put_in_force(table, text, str(arguments["put_etag"]), base, signature)
    except ChangedMeanwhile:
        raise Refusal(409, "mapping_changed", {"table": table}) from None
    except Misconfigured as error:
        raise Refusal(400, "not_sound", {"problem": str(error)}) from None
    return Carried(f"/mappings/{table}/versions", f"version {version}")


IN_FORCE = PlanKind("mapping_in_force", Least.MAPPER, prepare_draft, put_draft)
BACK = PlanKind("mapping_back", Least.MAPPER, prepare_version, put_version)
