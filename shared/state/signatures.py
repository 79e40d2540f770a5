"""Who put a document, and why: kept with its blob, and with the version that comes of it.

Metadata of a blob is ASCII (Microsoft Learn, "Setting and retrieving properties and metadata for
Blob service resources"), so texts are percent-encoded there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

MOST_NAME_LETTERS, MOST_NOTE_LETTERS = 100, 400
"""A letter takes up to twelve bytes, and a blob keeps 8 KB of metadata."""
PLAIN = " ().,:@"


@dataclass(frozen=True, slots=True)
class Signature:
    """`author` is as acts are written down, such as a person's name or "key anna".

    Both are "" where nobody has said it.
    """

    author: str = ""
    note: str = ""
    is_noted: bool = False
    """Whether the act is in the activity log already: else whoever activates it writes it there."""

    def as_metadata(self) -> dict[str, str]:
        texts = {
            "author": one_line(self.author, MOST_NAME_LETTERS),
            "note": one_line(self.note, MOST_NOTE_LETTERS),
            "noted": "yes" if self.is_noted else "",
        }
        return {name: quote(text, PLAIN) for name, text in texts.items() if text}


NOBODY = Signature()


def one_line(text: str, most: int) -> str:
    return " ".join(text.encode("utf-8", "replace").decode().split())[:most].strip()


def read_signature(metadata: Mapping[str, str] | None) -> Signature:
    """From a blob's metadata; what somebody else wrote there is taken as it is."""
    found = metadata or {}
    author, note = (unquote(found.get(name, "")) for name in ("author", "note"))
    return Signature(author, note, found.get("noted") == "yes")
