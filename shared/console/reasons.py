"""A person's reason for an act, in their own words: short, and without a customer's data."""

import re
from unicodedata import normalize

MOST_WHY_LETTERS = 200
ADDRESS = re.compile(r"\S@\S")
DIGITS = re.compile(r"(?:\d[\s()/.\-\u2010-\u2015\u2212\u30fb\u30fc]{0,2}){7,}")
"""As many as a telephone number has."""
ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def why_fault(why: str) -> str:
    """The code of what is wrong with a reason, "" for nothing: it is kept for 400 days."""
    if len(why) > MOST_WHY_LETTERS or not why.isprintable():
        return "why_too_long"
    said = ID.sub("", normalize("NFKC", why))  # a Japanese keyboard writes wide letters
    return "why_personal" if ADDRESS.search(said) or DIGITS.search(said) else ""
