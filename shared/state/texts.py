"""Texts as a table keeps them: a property holds 32,000 characters, and no half of one."""

LONGEST_KEPT = 8000
"""Characters of a sentence or a name.

Of a longer one the begin is kept: a record may be refused for hundreds of fields.
"""


def kept(value: str) -> str:
    whole = value if len(value) <= LONGEST_KEPT else f"{value[:LONGEST_KEPT]}..."
    return whole.encode("utf-8", "replace").decode()
