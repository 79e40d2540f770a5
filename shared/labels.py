"""Texts that people and other systems wrote: compared without case and form, and cut to a length.

Pure.
"""

import unicodedata
from functools import lru_cache

ELLIPSIS = "…"


@lru_cache(8192)
def folded(text: str) -> str:
    """The text as it is compared: without case, in one Unicode form, blanks as single spaces and
    none around it.
    """
    once = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", once).split())


def units(text: str) -> int:
    """The length as Dataverse counts it: in UTF-16 code units (nvarchar of SQL Server)."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, most: int) -> str:
    """The text in at most so many UTF-16 code units; one that was longer ends in an ellipsis."""
    if units(text) <= most:
        return text
    kept = text[: most - 1]
    while units(kept) > most - 1:
        kept = kept[:-1]
    return kept + ELLIPSIS
