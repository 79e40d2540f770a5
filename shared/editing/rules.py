"""The form of a mapping document: its field rules and its settings, changed in the YAML text.

What a form changes is compared with what it should change: a document never comes out otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import yaml

from shared.editing.splicing import (
    NotEdited,
    dedented,
    dumped,
    items_of,
    loaded,
    ours,
    replaced,
    root_of,
    value_of,
    with_item,
    with_key,
    without_item,
    without_key,
)
from shared.mapping.documents import FieldRule, MappingDocument, read_document
from shared.mapping.syntax import InvalidDocument, parsed

INVALID = ("reject", "omit", "cut")
SETTINGS: Mapping[str, tuple[str, ...]] = {
    "filtered_out": ("keep", "delete"),
    "deletes": ("apply", "ignore"),
    "choices": ("label", "value"),
}
"""The keys that a form offers, each with its values, the one by default first."""


@dataclass(frozen=True, slots=True)
class RuleForm:
    """One rule as the form shows it. `replace` has a line `value: replacement` for each entry."""

    source: str = ""
    template: str = ""
    target: str = ""
    replace: str = ""
    otherwise: str = ""
    creation_only: bool = False
    invalid: str = "reject"

    @classmethod
    def read(cls, form: Mapping[str, str]) -> Self:
        texts = {
            name: form.get(name, "").replace("\r\n", "\n").strip()
            for name in ("source", "template", "target", "replace", "otherwise")
        }
        invalid = form.get("invalid", "")
        return cls(
            **texts,
            creation_only=bool(form.get("creation_only")),
            invalid=invalid if invalid in INVALID else INVALID[0],
        )


def form_of(text: str, number: int) -> RuleForm:
    """The rule with this number, counted from 1; NotEdited if no form can show it."""
    part = loaded(dedented(text, item(text, number)))
    rule = readable(text).fields[number - 1]
    return RuleForm(
        rule.source or "",
        rule.template or "",
        str(part["target"]),
        block(part["replace"]) if part.get("replace") else "",
        dumped_scalar(part["otherwise"]) if "otherwise" in part else "",
        not rule.apply_updates,
        rule.invalid,
    )


def with_rule(text: str, number: int, form: RuleForm) -> str:
    """The document with a rule changed, or with one more at the end for number 0.

    NotEdited with the problems of what was typed.
    """
    items = items_of(root_of(text), "fields")
    if number and form == form_of(text, number):
        return text
    if number:
        changed = with_changes(text, number, wanted(form))
    elif items:
        part = loaded("{}")
        part.update({key: value for key, value in wanted(form).items() if value is not None})
        changed = with_item(text, items[-1], dumped(in_braces(part)))
    else:
        raise NotEdited([ours("The document has no list of fields yet.")])
    return verified(text, changed, number or len(items) + 1)


def without_rule(text: str, number: int) -> str:
    changed = without_item(text, item(text, number))
    before, after = readable(text), readable(changed)
    left = [rule for place, rule in enumerate(before.fields, 1) if place != number]
    if after.fields != left or others(after) != others(before):
        raise NotEdited([ours("The rule cannot be taken out by a form.")])
    return changed


def wanted(form: RuleForm) -> dict[str, Any]:
    """What the form says for each key; None for a key that is not needed."""
    return {
        "source": form.source or None,
        "template": form.template or None,
        "target": form.target or None,
        "replace": entries(form.replace) if form.replace else None,
        "otherwise": scalar(form.otherwise) if form.otherwise else None,
        "apply_updates": False if form.creation_only else None,
        "invalid": form.invalid if form.invalid != INVALID[0] else None,
    }


BY_DEFAULT: Mapping[str, Any] = {"apply_updates": True, "invalid": INVALID[0]}


def with_changes(text: str, number: int, values: Mapping[str, Any]) -> str:
    """The rule with these values. A key that is the same stays as it is written."""
    node = item(text, number)
    part = loaded(dedented(text, node))
    changes = {key: value for key, value in values.items() if differs(part, key, value)}
    if node.flow_style or changes.get(node.value[0][0].value, "") is None:
        for key, value in changes.items():
            part.pop(key, None) if value is None else part.update({key: value})
        return replaced(text, node, dumped(part))
    for key, value in changes.items():
        rule = item(text, number)
        taken_out = value is None
        text = without_key(text, rule, key) if taken_out else with_key(text, rule, key, value)
    return text


def differs(part: Any, key: str, value: Any) -> bool:
    if value is None:
        return key in part and part[key] != BY_DEFAULT.get(key, NOTHING)
    if key not in part:
        return True
    if isinstance(value, dict) and isinstance(part[key], dict):
        return block(part[key]) != block(value)
    return dumped({"value": part[key]}) != dumped({"value": value})


NOTHING = object()


def in_braces(part: Any) -> Any:
    part.fa.set_flow_style()
    return part


def entries(text: str) -> Any:
    """What was typed as replacements, with its quotes."""
    try:
        parsed(text)
    except InvalidDocument as error:
        raise NotEdited([f"replace: {problem}" for problem in error.problems]) from None
    return loaded(text)


def scalar(text: str) -> Any:
    """What was typed as one value, with its quotes."""
    try:
        content, _ = parsed(f"value: {text}")
    except InvalidDocument as error:
        raise NotEdited([f"otherwise: {problem}" for problem in error.problems]) from None
    if set(content) != {"value"} or isinstance(content["value"], dict | list):
        raise NotEdited(["otherwise: must be one value. Quote a text that holds a colon."])
    return loaded(f"value: {text}")["value"]


def block(entries: Any) -> str:
    """Replacements with a line for each."""
    part = loaded(dumped(entries))
    part.fa.set_block_style()
    return dumped(part)


def dumped_scalar(value: Any) -> str:
    return dumped({"value": value}).removeprefix("value:").strip()


def item(text: str, number: int) -> yaml.MappingNode:
    items = items_of(root_of(text), "fields")
    found = items[number - 1] if 1 <= number <= len(items) else None
    if not isinstance(found, yaml.MappingNode):
        raise NotEdited([f"The document has no rule {number}. Open the page again."])
    return found


def readable(text: str) -> MappingDocument:
    try:
        return read_document(text)
    except InvalidDocument as error:
        raise NotEdited(error.problems) from None


def others(document: MappingDocument) -> dict[str, Any]:
    return document.model_dump(exclude={"fields"})


def verified(text: str, changed: str, number: int) -> str:
    """The changed text, if nothing but this rule means something else than before."""
    before, after = readable(text), readable(changed)
    rules: tuple[list[FieldRule], ...] = (list(before.fields), list(after.fields))
    for fields in rules:
        del fields[number - 1 : number]
    if rules[0] != rules[1] or others(before) != others(after):
        raise NotEdited([ours("A form cannot change this rule without changing others.")])
    return changed


def with_settings(text: str, wanted: Mapping[str, str]) -> str:
    """The document with other values of SETTINGS and `time_zone`; "" takes a key out."""
    before = readable(text)
    changed = text
    for key, value in wanted.items():
        if str(getattr(before, key) or "") != value:
            changed = with_setting(changed, key, value)
    after = readable(changed)
    kept = set(wanted)
    if after.model_dump(exclude=kept) != before.model_dump(exclude=kept) or any(
        str(getattr(after, key) or "") != value for key, value in wanted.items()
    ):
        raise NotEdited([ours("A form cannot change this without changing other parts.")])
    return changed


def with_setting(text: str, key: str, value: str) -> str:
    found = value_of(root_of(text), key)
    if found is None:
        return f"{text}{'' if text.endswith(chr(10)) else chr(10)}{key}: {value}\n"
    if value:
        return replaced(text, found[1], value)
    begin = text.rfind("\n", 0, found[0].start_mark.index) + 1
    after = text.find("\n", found[1].end_mark.index)
    return text[:begin] + (text[after + 1 :] if after >= 0 else "")
