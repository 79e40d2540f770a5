"""Sentences that tell how many: one for one, one for more (GNU gettext manual, "Plural forms")."""

from collections.abc import Mapping
from gettext import NullTranslations

Text = str | tuple[str, str]
"""A sentence, or two: of one, and of any other number."""

NUMBERS = ("count", "calls", "minutes")
"""The arguments that a pair is chosen by."""


def plural(text: Text, known: NullTranslations, arguments: Mapping[str, object]) -> str:
    """The text in the reader's language, in the form that its number asks for."""
    if isinstance(text, str):
        return known.gettext(text)
    is_one = any(str(arguments.get(name)) == "1" for name in NUMBERS)
    return known.ngettext(*text, 1 if is_one else 2)
