"""What a document may say of the form of exported files. Pure."""

import codecs
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field, StringConstraints

NO_SEPARATORS = frozenset('\n\r"\0 -:/.')
# These are encodings of Python's, but not of files of text, or not of lines that stand by
# themselves.
NOT_OF_FILES = frozenset(
    {
        "punycode",
        "idna",
        "unicode_escape",
        "raw_unicode_escape",
        "undefined",
        "utf-7",
        "mbcs",
        "oem",
    }
)


def separator_problem(separator: str) -> str:
    """Why cells cannot be parted by it; "" if they can."""
    if separator in NO_SEPARATORS or separator.isalnum():
        return (
            "is a character that cells or lines need themselves: use a tab, a semicolon, a comma or"
            " a vertical bar"
        )
    return ""


def encoding_problem(encoding: str) -> str:
    """Why no file of lines is read with it; "" if one is."""
    try:
        found = codecs.lookup(encoding)
        "a\n".encode(encoding)  # LookupError for what is no encoding of text, such as base64
        if found.name.replace("-", "_") not in {name.replace("-", "_") for name in NOT_OF_FILES}:
            return ""
    except (LookupError, ValueError):
        pass
    return (
        f"names {encoding!a}, which is no encoding of text that is known, such as utf-8 or"
        " iso-8859-1"
    )


def parting(separator: str) -> str:
    """The same separator; a ValueError with its problem."""
    if found := separator_problem(separator):
        raise ValueError(found)
    return separator


def of_text(encoding: str) -> str:
    """The same encoding; a ValueError with its problem."""
    if found := encoding_problem(encoding):
        raise ValueError(found)
    return encoding


Separator = Annotated[str, StringConstraints(min_length=1, max_length=1), AfterValidator(parting)]
Encoding = Annotated[str, AfterValidator(of_text)]
StableSeconds = Annotated[
    float,
    Field(ge=0, le=86400, validation_alias=AliasChoices("stable_seconds", "settled_seconds")),
]
"""`settled_seconds` is the key of documents that were written before it was renamed."""
