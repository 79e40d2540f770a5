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


def template_faults(rule: FieldRule, held: TargetField) -> Iterator[str]:
    """Why the template can never give the field a value.

    One without columns is a constant, and must be a value of the field.
    """
    around = "".join(literal for literal, _ in placeholders(rule.template or ""))
    if rule.otherwise is not None:
        return
    if not rule.template_columns() and not rule.replace:
        yield from constant_faults(" ".join(around.split()), rule, held)
    elif held.type in AROUND and not AROUND[held.type].fullmatch(around):
        yield (
            f"the text around the columns never becomes a value of {rule.target} ({held.type}):"
            " take it out."
        )
    elif (
        held.type == "string"
        and held.length
        and len(" ".join(around.split())) > held.length
        and not rule.replace
    ):
        yield (
            f"the text around the columns is longer than the {held.length} characters of"
            f" {rule.target}: shorten it."
        )


def constant_faults(text: str, rule: FieldRule, held: TargetField) -> Iterator[str]:
    try:
        converter(rule, None, held, labels=False)(text)
    except Refuse as refusal:
        yield f"the template gives {rule.target} {refusal.reason}."
