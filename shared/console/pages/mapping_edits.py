"""Forms of a mapping: check, save, change a rule or a setting, discard. Each writes a draft only.

Whoever saves second is told, and nothing is overwritten: a form carries the draft's ETag and the
version that was active when it was opened.
"""

from collections.abc import Callable
from typing import Any

from shared.console.outgoing import Answer, Redirect, View
from shared.console.pages.mapping import head, sheet_of, shown_fields, shown_yaml
from shared.console.pages.mappings import DISCARDED, SAVED, note
from shared.console.refusals import Refusal
from shared.console.visit import Visit
from shared.editing.desk import Sheet
from shared.editing.differences import difference
from shared.editing.rules import SETTINGS, RuleForm, with_rule, with_settings, without_rule
from shared.editing.splicing import NotEdited
from shared.mapping.syntax import MOST_CHARACTERS
from shared.state.documents import ChangedMeanwhile


def check(visit: Visit) -> Answer:
    """What is wrong with the text that was typed. Nothing is saved."""
    sheet, text = sheet_of(visit), typed(visit)
    checked = visit.services.desk.check(sheet.table, text)
    return shown_yaml(visit, sheet, text, visit.incoming.form.get("etag", ""), checked)


def save(visit: Visit) -> Answer:
    sheet, text = sheet_of(visit), typed(visit)
    return saved(visit, sheet, text) or Redirect(f"/mappings/{sheet.table}/yaml?saved=1")


def typed(visit: Visit) -> str:
    """The document in the form. A browser ends lines with two characters (HTML, "Form submission").

    Refusal for one that no document may be as long as.
    """
    text = visit.incoming.form.get("document", "").replace("\r\n", "\n").replace("\r", "\n")
    if len(text) > MOST_CHARACTERS:
        raise Refusal(413, "document_too_long", {"most": f"{MOST_CHARACTERS:,}"})
    return text


def saved(visit: Visit, sheet: Sheet, text: str) -> View | None:
    """The page that tells of somebody else's change; None where the draft was saved."""
    form = visit.incoming.form
    try:
        base = int(form.get("base", ""))
        visit.services.desk.save(sheet.table, text, form.get("etag", ""), visit.who, base)
    except ValueError:
        raise Refusal(400, "broken_form") from None
    except ChangedMeanwhile:
        return conflict(visit, text)
    note(visit, SAVED, sheet.table)
    return None


def conflict(visit: Visit, text: str) -> View:
    """What is there now, what was typed, and both beside each other. Nothing was overwritten."""
    sheet = sheet_of(visit)
    changes = [one._asdict() for one in difference(sheet.text, text)]
    data: dict[str, Any] = {"error": "changed_meanwhile", "document": text, "changes": changes}
    return View("mapping_changed", {**head(visit, sheet, "yaml"), **data}, 409)


def change_rule(visit: Visit) -> Answer:
    """One rule of the saved draft: changed, added or taken out."""
    form = visit.incoming.form
    asked, rule = form.get("number", ""), RuleForm.read(form)
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
    if form.get("remove"):
        return edited(visit, lambda text: without_rule(text, number), str(number))
    return edited(visit, lambda text: with_rule(text, number, rule), str(number or "new"), rule)


def change_settings(visit: Visit) -> Answer:
    form = visit.incoming.form
    wanted = {key: form[key] for key, values in SETTINGS.items() if form.get(key) in values}
    if "time_zone" in form:
        wanted["time_zone"] = form["time_zone"].strip()
    return edited(visit, lambda text: with_settings(text, wanted), "")


def edited(
    visit: Visit, change: Callable[[str], str], edit: str, form: RuleForm | None = None
) -> Answer:
    """The saved text with a change; what cannot be changed is told beside what was typed."""
    sheet = sheet_of(visit)
    if visit.incoming.form.get("etag", "") != sheet.etag:
        return conflict(visit, sheet.text)
    try:
        text = change(sheet.text)
    except NotEdited as error:
        return shown_fields(visit, sheet, edit, form, error.problems)
    return saved(visit, sheet, text) or Redirect(f"/mappings/{sheet.table}?saved=1")


def discard(visit: Visit) -> Answer:
    sheet = sheet_of(visit)
    try:
        visit.services.desk.drafts.discard(sheet.table, visit.incoming.form.get("etag", ""))
    except ChangedMeanwhile:
        return conflict(visit, sheet.text)
    note(visit, DISCARDED, sheet.table)
    return Redirect(f"/mappings/{sheet.table}" if sheet.active else "/mappings")
