"""One mapping: its fields, its YAML, its versions."""

from dataclasses import asdict
from typing import Any

from shared.console.outgoing import Answer, File, View
from shared.console.pages.mappings import draft_json
from shared.console.refusals import Refusal
from shared.console.visit import Visit
from shared.editing.completion import columns, fields, words
from shared.editing.desk import Checked, Sheet
from shared.editing.differences import difference
from shared.editing.rules import INVALID, SETTINGS, RuleForm, form_of, readable
from shared.editing.splicing import NotEdited
from shared.editing.systems import PATIENCE_SECONDS, Glance
from shared.entities.families import flow_of
from shared.exact_json import written
from shared.identifiers import table_name
from shared.mapping.documents import FieldRule, MappingDocument


def sheet_of(visit: Visit) -> Sheet:
    """The document of the address; Refusal for a table without any."""
    table = table_name(visit.parts["table"])
    sheet = visit.services.desk.sheet(table) if table else None
    if sheet is None:
        raise Refusal(404, "no_mapping")
    return sheet


def head(visit: Visit, sheet: Sheet, tab: str) -> dict[str, Any]:
    """What stands above every tab."""
    flow = flow_of(sheet.table).key
    state = visit.services.bridge.flows.read(flow)
    return {
        "table": sheet.table,
        "tab": tab,
        "version": sheet.version,
        "draft": draft_json(sheet.draft),
        "etag": sheet.etag,
        "base": sheet.version,
        "is_behind": sheet.draft is not None and sheet.draft.base != sheet.version,
        "flow": flow if flow in visit.services.flows() else "",
        "problem": state.mapping_problem,
        "saved": visit.incoming.query.get("saved") == "1",
        "proposed": visit.incoming.query.get("proposed") == "1",
    }


def fields_tab(visit: Visit) -> View:
    """The rules with both systems' names, types and labels; one of them, or a new one, as a
    form.
    """
    sheet = sheet_of(visit)
    return shown_fields(visit, sheet, visit.incoming.query.get("edit", ""))


def shown_fields(
    visit: Visit,
    sheet: Sheet,
    edit: str,
    form: RuleForm | None = None,
    problems: list[str] | None = None,
) -> View:
    """`form` is what somebody typed, with its problems."""
    document, unreadable = read(sheet.text)
    glance = visit.services.desk.glance(sheet.text)
    number = int(edit) if edit.isascii() and edit.isdigit() and len(edit) < 6 else 0
    try:
        shown_form = form or (form_of(sheet.text, number) if number else RuleForm())
        said = problems or []
    except NotEdited as error:
        shown_form, said, edit = RuleForm(), error.problems, ""
    rules = document.fields if document else []
    data = {
        "rules": [rule_json(place, rule, glance) for place, rule in enumerate(rules, 1)],
        "links": [link.model_dump() for link in document.links] if document else [],
        "keys": settings_json(document) if document else [],
        "time_zone": (document.time_zone or "") if document else "",
        "key": document.key.model_dump() if document else {},
        "resource": document.resource if document else "",
        "api": document.api if document else "",
        "edit": edit if number or edit == "new" else "",
        "form": asdict(shown_form),
        "columns": columns(glance.source),
        "targets": fields(glance.target),
        "invalid": INVALID,
        "problems": [*unreadable, *said],
        "missing": dict(glance.missing),
    }
    return View(
        "mapping_fields", {**head(visit, sheet, "fields"), **data}, 400 if problems else 200
    )


def read(text: str) -> tuple[MappingDocument | None, list[str]]:
    """The document, or why it cannot be read."""
    try:
        return readable(text), []
    except NotEdited as error:
        return None, error.problems


def rule_json(number: int, rule: FieldRule, glance: Glance) -> dict[str, Any]:
    column = glance.source.column(rule.source) if glance.source and rule.source else None
    target = glance.target.fields.get(rule.target) if glance.target else None
    return {
        "number": number,
        "source": rule.source or "",
        "template": rule.template or "",
        "source_label": column.label if column else "",
        "source_type": column.type if column else "",
        "target": rule.target,
        "target_label": target.label if target else "",
        "target_type": target.type if target else "",
        "length": target.length if target else None,
        "replacements": len(rule.replace),
        "otherwise": rule.otherwise is not None,
        "creation_only": not rule.apply_updates,
        "invalid": rule.invalid,
    }


def settings_json(document: MappingDocument) -> list[dict[str, Any]]:
    return [
        {"key": key, "values": values, "value": getattr(document, key)}
        for key, values in SETTINGS.items()
    ]


def yaml_tab(visit: Visit) -> View:
    """Who has just saved a draft sees what is wrong with it."""
    sheet, checked = sheet_of(visit), None
    if visit.incoming.query.get("saved") == "1":
        checked = visit.services.desk.check(sheet.table, sheet.text, PATIENCE_SECONDS)
    return shown_yaml(visit, sheet, sheet.text, sheet.etag, checked)


def shown_yaml(
    visit: Visit, sheet: Sheet, text: str, etag: str, checked: Checked | None = None
) -> View:
    """`text` is what somebody typed, or what is saved."""
    data = {
        "document": text,
        "checked": checked is not None,
        "problems": [asdict(one) for one in checked.problems] if checked else [],
        "missing": checked.missing if checked else {},
        "changes": [one._asdict() for one in difference(sheet.active, text)],
    }
    return View("mapping_yaml", {**head(visit, sheet, "yaml"), **data, "etag": etag})


def versions_tab(visit: Visit) -> View:
    sheet = sheet_of(visit)
    lines = [
        {
            "number": one.number,
            "at": one.at.timestamp(),
            "author": one.signature.author,
            "note": one.signature.note,
        }
        for one in visit.services.desk.versions(sheet.table)
    ]
    return View("mapping_versions", {**head(visit, sheet, "versions"), "versions": lines})


def version_page(visit: Visit) -> View:
    """One version, and what the active one says otherwise."""
    sheet, asked = sheet_of(visit), visit.parts["number"]
    number = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0
    text = visit.services.desk.text(sheet.table, number) if number else ""
    if not text:
        raise Refusal(404, "no_version")
    changes = [one._asdict() for one in difference(sheet.active, text)]
    data = {"number": number, "document": text, "changes": changes}
    return View("mapping_version", {**head(visit, sheet, "versions"), **data})


def completion(visit: Visit) -> Answer:
    """What the editor offers, as JSON."""
    sheet = sheet_of(visit)
    body = written(words(visit.services.desk.glance(sheet.text)))
    return File(body, "application/json; charset=utf-8")
