"""What is wrong with a value of a document, in our words: one row for each kind of fault that the
validation can report.
"""

from collections.abc import Mapping
from typing import Any

MAPPING = "must hold `key: value` lines"
WORDS: Mapping[str, str] = {
    "missing": "is missing: add it",
    "extra_forbidden": "is no key that is known here: take it out, or correct its name",
    "string_type": "must be a text: quote it",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "finite_number": "must be a number",
    "list_type": "must be a list",
    "dict_type": MAPPING,
    "model_type": MAPPING,
    "model_attributes_type": MAPPING,
    "literal_error": "must be one of these: {expected}",
    "string_pattern_mismatch": (
        "must be a name of letters, digits and underscores, as both systems write it"
    ),
    "string_too_long": "must have at most {max_length} characters",
    "string_too_short": "must have at least {min_length} characters",
    "too_long": "must have at most {max_length} entries",
    "too_short": "must have at least {min_length} entries",
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be {ge} or more",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be {le} or less",
}
SCALAR = "must be a text, a number, true or false"
OTHER = "has a value that cannot be used here: see docs/mapping.md"


def sentence(error: Mapping[str, Any], scalar: bool = False) -> str:
    """The fault as the end of a sentence.

    Our own rules bring their words; `scalar`: the value may be any single one.
    """
    if error["type"] == "value_error":
        return f"{error['msg'].removeprefix('Value error, ').rstrip('.')}."
    if scalar:
        return f"{SCALAR}."
    return f"{WORDS.get(error['type'], OTHER).format_map(error.get('ctx', {}))}."
