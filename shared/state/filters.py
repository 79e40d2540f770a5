"""Texts in queries of tables.

Source: Microsoft Learn, "Querying tables and entities" (a quotation mark is doubled).
"""


def literal(text: str) -> str:
    """A text as it stands in a filter, whatever it holds."""
    return "'" + text.replace("'", "''") + "'"
