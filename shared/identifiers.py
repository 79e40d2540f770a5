"""Names and ids that come from outside, in one form: the GUID of a Dataverse record, the number of
a Campaign log row, the name of a table, the key of a row of our own. Pure.
"""

import re
from decimal import Decimal

GUID = re.compile(
    r"(?:urn:)?(?:uuid:)?(?P<open>[{(]?)(?P<hex>[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12})(?P<close>[})]?)"
)
PLAIN = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
BRACKETS = ("", "{}", "()")
GROUPS = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
NUMBER = re.compile(r"[0-9]{1,40}")
MOST_DIGITS = 19  # a signed number of 64 bits
EXACT_IN_JSON = 2**53  # above it, a JSON number that was read as a float may be another one
TABLE = re.compile(r"[a-z][a-z0-9_]{0,127}")  # Microsoft Learn: "Table definitions", logical names
NO_ROW_KEY = re.compile(
    r"[\x00-\x1f\x7f-\x9f/\\#?\ud800-\udfff]"
)  # Microsoft Learn: "Understanding the Table service data model"
LONGEST_ROW_KEY, LONGEST_FILE_NAME = 500, 255
NO_LINE_OF_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
SLASH = re.compile(r"[/\\]")
PADDING = (  # byte order mark, zero-width space, word joiner: invisible, and no blank to str.strip
    "\ufeff\u200b\u2060"
)


def trimmed(text: str) -> str:
    """Without surrounding blanks, the invisible ones included."""
    return text.strip().strip(PADDING).strip()


def record_id(value: object) -> str:
    """The GUID in a text, in lower case with hyphens; "" where there is none.

    Braces, parentheses, upper case, surrounding blanks and missing hyphens are all forms of the
    same id.
    """
    if not isinstance(value, str):
        return ""
    if PLAIN.fullmatch(value):
        return value
    found = GUID.fullmatch(trimmed(value).lower())
    if not found or found["open"] + found["close"] not in BRACKETS:
        return ""
    digits = found["hex"].replace("-", "")
    return "-".join(digits[begin:end] for begin, end in GROUPS)


def table_name(value: object) -> str:
    """The logical name of a Dataverse table, as it may stand in a message, a blob's name, a key or
    a URL; "" for another.
    """
    return value if isinstance(value, str) and TABLE.fullmatch(value) else ""


def is_file_name(value: str) -> bool:
    """Whether a text is the name of one file of a folder, which leads nowhere else and is one line
    of text.

    Blanks of every kind belong to names; line breaks and bytes that are not UTF-8 do not.
    """
    return (
        value not in ("", ".", "..")
        and len(value) <= LONGEST_FILE_NAME
        and not SLASH.search(value)
        and not NO_LINE_OF_TEXT.search(value)
    )


def is_row_key(value: str) -> bool:
    """Whether a text may be the key of a row of our tables, or where a list goes on behind one."""
    return len(value) <= LONGEST_ROW_KEY and not NO_ROW_KEY.search(value)


def log_number(value: object) -> str | None:
    """The number of a log row as plain digits without leading zeros; "" where there is none, None
    for anything else.

    Numbers of JSON count as what they are; 0 is Campaign's "no row".
    """
    text = json_number(value) if isinstance(value, int | float | Decimal) else value
    if text is None:
        return ""
    if not isinstance(text, str) or not (text := trimmed(text)):
        return "" if text == "" else None
    digits = text.lstrip("0") if NUMBER.fullmatch(text) else None
    return None if digits is None or len(digits) > MOST_DIGITS else digits


def json_number(value: object) -> object:
    """The digits of a whole number; False, which is no id, for any other."""
    if isinstance(value, bool):
        return False
    if isinstance(value, Decimal):
        in_range = value.is_finite() and 0 <= value < 10**MOST_DIGITS
        return str(int(value)) if in_range and value == value.to_integral_value() else False
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and 0 <= value < EXACT_IN_JSON else False
    return str(value) if isinstance(value, int) and 0 <= value < 10**MOST_DIGITS else False
