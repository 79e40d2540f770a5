"""What is matched of the text of an error: its own words, and neither SQL nor values that it
quotes.
"""

import re
from collections.abc import Sequence

LONGEST_TEXT, LONGEST_END = 4000, 2000
"""Characters of a long text that are matched: its begin, where the cause stands, and its end, where
a phrase stands behind a long value. A search takes the square of the length.
"""

# What a text of Campaign quotes of its database's work: a statement in quotation marks, or one to
# the end of its line.
SQL = re.compile(
    r"SQL statement '.*?' could not be"
    r" executed|\b(?:update\s+\S+\s+set|insert\s+into|delete\s+from|select\b[^\n]*\bfrom)\b[^\n]*",
    re.IGNORECASE | re.DOTALL,
)
# A value that a text quotes, in Campaign's quotation marks or PostgreSQL's: no mark within a word
# opens or ends one, as in L'Oise.
STATEMENT = re.compile(r"SQL statement '.*?' could not be executed", re.IGNORECASE | re.DOTALL)
VALUE = re.compile(
    r"(?<!\w)'[^\n]*?'(?!\w)|\"[^\n\"]*\"|=\([^\n]*?\)(?!\w)|Failing row contains \([^\n]*\)"
)
NAMED = re.compile(r"'@?([\w.:/@]+)' (?:field|property)\b")


def shortened(text: str) -> str:
    if len(text) <= LONGEST_TEXT + LONGEST_END:
        return text
    return text[:LONGEST_TEXT] + text[-LONGEST_END:]


def without_values(text: str) -> str:
    """Tells what passes."""
    return VALUE.sub("", STATEMENT.sub("", text))


def emptied(text: str) -> str:
    """Quotation marks stay, without what stands between them. Tells what stops a flow."""
    return SQL.sub("", VALUE.sub("''", STATEMENT.sub("", text)))


def without_sql(text: str) -> str:
    """Tells what is refused."""
    return SQL.sub("", text)


def named_fields(text: str, fields: Sequence[str]) -> list[str]:
    """The fields that Campaign itself names: '@email' field, 'location.city' property.

    No word of a value or of SQL is one.
    """
    named = {re.split("[:/@]", name)[-1] for name in NAMED.findall(without_sql(text))}
    return [field for field in fields if field in named or field.rpartition(".")[2] in named]
