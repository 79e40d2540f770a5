"""Keys that may stand in a URL: what a server or a proxy would shorten there leads to other
records, or to all of them.
"""

import re

from shared.addresses import SLASHES, alike, decoded, is_dots

LONGEST = 255
PLAIN = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST}}}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff]")


def key_fault(key: str) -> str:
    """Why a key cannot stand in a URL, as the end of a sentence; "" if it can."""
    if PLAIN.fullmatch(key):  # most keys are GUIDs: asked for every record
        return ""
    if not key.strip():
        return "no value, and a key must have one"
    if len(key) > LONGEST:
        return f"a key longer than {LONGEST} characters: shorten it"
    if key != key.strip():
        return "a key with blanks at its ends: remove them"
    plain = decoded(key)
    if CONTROL.search(plain):
        return "a key with control characters: remove them"
    parts = [part for text in (plain, alike(plain)) for part in SLASHES.split(text)]
    if any(shortened(part) for part in parts):
        return "a key that a URL would shorten, such as . or .. or one that ends with /: correct it"
    return ""


def shortened(part: str) -> bool:
    """Whether a server takes a part of a path for none, for itself or for the part before."""
    return part.strip() == "" or is_dots(part)
