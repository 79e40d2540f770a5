"""What of a template can be checked before any row: the text around its columns, and whether the
field can take it.
"""

import re
from collections.abc import Iterator

from shared.mapping.conversion import converter
from shared.mapping.documents import FieldRule, placeholders
from shared.mapping.metadata import TargetField
from shared.mapping.refusal import Refuse

# The text around columns, where the whole must become a value of the type.
AROUND = {
    "boolean": re.compile(r"\s*"),
    "integer": re.compile(r"[\s\d+-]*"),
    "float": re.compile(r"[\s\d+.eE-]*"),
    "double": re.compile(r"[\s\d+.eE-]*"),
    "date": re.compile(r"[\s\d:.TZ+-]*"),
    "datetime": re.compile(r"[\s\d:.TZ+-]*"),
}


def template_faults(rule: FieldRule, target_field: TargetField) -> Iterator[str]:
    """Why the template can never give the field a value.

    One without columns is a constant, and must be a value of the field.
    """
    around = "".join(literal for literal, _ in placeholders(rule.template or ""))
    if rule.otherwise is not None:
        return
    if not rule.template_columns() and not rule.replace:
        yield from constant_faults(" ".join(around.split()), rule, target_field)
    elif target_field.type in AROUND and not AROUND[target_field.type].fullmatch(around):
        yield (
            f"the text around the columns never becomes a value of {rule.target}"
            f" ({target_field.type}): take it out."
        )
    elif (
        target_field.type == "string"
        and target_field.length
        and len(" ".join(around.split())) > target_field.length
        and not rule.replace
    ):
        yield (
            f"the text around the columns is longer than the {target_field.length} characters of"
            f" {rule.target}: shorten it."
        )


def constant_faults(text: str, rule: FieldRule, target_field: TargetField) -> Iterator[str]:
    try:
        converter(rule, None, target_field, labels=False)(text)
    except Refuse as refusal:
        yield f"the template gives {rule.target} {refusal.reason}."
