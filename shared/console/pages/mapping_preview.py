"""A preview: what the saved draft would make of up to twenty real rows, beside the active version.

Nothing is written. Without values it names rows and fields. With values it is a look at personal
data: it needs a role of its own, and is in the activity log before anything is read.
"""

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from shared.console.outgoing import Answer, View
from shared.console.pages.mapping import head, sheet_of
from shared.console.patience import page_in_time
from shared.console.refusals import Refusal
from shared.console.roles import Least, allowing_role
from shared.console.visit import Visit
from shared.editing.desk import Sheet
from shared.editing.previewing import MOST_ROWS, RowPreview
from shared.editing.systems import ACT_SECONDS
from shared.errors import Misconfigured
from shared.identifiers import record_id
from shared.mapping import InvalidDocument
from shared.state.activity import Act


def form(visit: Visit) -> View:
    data = {"rows": [], "with_values": False, "ids": "", "at": None}
    return View("mapping_preview", {**head(visit, sheet_of(visit), "preview"), **data})


def without_values(visit: Visit) -> Answer:
    sheet = sheet_of(visit)
    return shown(visit, sheet, rows_of(visit, sheet), with_values=False)


def with_values(visit: Visit) -> Answer:
    """The look is written down first: no row is read that is not in the log."""
    sheet = sheet_of(visit)
    role = allowing_role(visit.signed_in.roles, Least.PERSONAL_DATA).value
    act = Act(visit.who, role, "look_at_values", sheet.table)
    with visit.services.activity.noted(act) as ending:
        rows = rows_of(visit, sheet)
        ending.count = len(rows)
    return shown(visit, sheet, rows, with_values=True)


def rows_of(visit: Visit, sheet: Sheet) -> Sequence[RowPreview]:
    """Of the ids that were typed, else of those that were changed last."""
    asked = visit.incoming.form.get("ids", "").replace(",", " ").split()
    ids = [found for one in asked if (found := record_id(one))]
    if len(ids) < len(asked) or len(ids) > MOST_ROWS:
        raise Refusal(400, "no_guid", {"most": str(MOST_ROWS)})
    look = partial(visit.services.desk.preview, sheet.table, sheet.text, ids)
    try:
        return page_in_time(look, ACT_SECONDS, "preview_late")
    except (InvalidDocument, Misconfigured) as error:
        raise Refusal(400, "not_sound", {"problem": str(error)}) from None


def shown(visit: Visit, sheet: Sheet, rows: Sequence[RowPreview], with_values: bool) -> View:
    data = {
        "rows": [row_json(row, with_values) for row in rows],
        "with_values": with_values,
        "ids": visit.incoming.form.get("ids", ""),
        "at": visit.now(),
    }
    return View("mapping_preview", {**head(visit, sheet, "preview"), **data})


def row_json(row: RowPreview, with_values: bool) -> dict[str, Any]:
    """Values are left out unless they were asked for."""
    found: dict[str, Any] = {
        "record_id": row.record_id,
        "outcome": row.outcome,
        "reason": row.reason,
        "in_campaign": row.in_campaign,
        "changed": row.changed,
        "fields": [],
    }
    if with_values:
        found["fields"] = [asdict(line) for line in row.fields]
    return found
