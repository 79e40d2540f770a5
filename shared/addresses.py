"""Addresses of other systems: their one form, and which of them may be given a secret or personal
data.

Pure.

Sources: RFC 3986, "Uniform Resource Identifier"; RFC 6761, "Special-Use Domain Names" (localhost).
"""

import re
import unicodedata
from ipaddress import IPv4Address, ip_address
from urllib.parse import SplitResult, unquote, urlsplit

UNSAFE = re.compile(r"[\x00-\x20\x7f-\xa0\\\u200b\u2028\u2029\u2060\ufeff\ud800-\udfff]")
PORTS = {"https": 443, "http": 80}
MOST_DECODED = 5
SLASHES = re.compile(r"[/\\]")


def canonical(text: str) -> str:
    """An address as it may be pasted, made as clients use it: no blanks around, no slash at its
    end, scheme and host in lower case.
    """
    scheme, mark, rest = text.strip().rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}{mark}{host.lower()}{slash}{path}"


def address_fault(address: str) -> str:
    """Why nothing may be sent to an address, as the end of a sentence; "" if something may."""
    parts = split(address)
    if parts is None or parts.scheme not in PORTS or not parts.hostname:
        return "is no address of the form https://<host>"
    if "@" in parts.netloc:
        return "holds a user or a password: take both out of the address"
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        return "begins with http://, which is for this machine alone: write https://"
    return ""


def link_fault(link: str, base: str, path: bool = True) -> str:
    """Why a link that a system gave may not be followed, as the end of a sentence; "" if it leads
    below the configured address.

    `path`: it must also lie below the path of `base`. The path's case is ignored.
    """
    if split(link) is None:
        return address_fault(link)
    if origin(link) != origin(base):
        return "leads to another host"
    if fault := address_fault(link):
        return fault
    below, wanted = urlsplit(link).path, urlsplit(base).path.rstrip("/")
    if any(is_dots(part) for part in SLASHES.split(alike(decoded(below)))):
        return "has a path with . or .."
    if path and not f"{below}/".lower().startswith(f"{wanted}/".lower()):
        return "leads to another path"
    return ""


def is_dots(part: str) -> bool:
    """Whether a server takes a part of a path for itself or for the part before; also with a
    parameter behind it.
    """
    return part.partition(";")[0].strip() in (".", "..")


def alike(path: str) -> str:
    """A path as whoever normalizes its letters reads it: a full-width . is a dot then."""
    return decoded(unicodedata.normalize("NFKC", path))


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: 127.0.0.0/8, ::1 or localhost."""
    if host.lower() == "localhost":
        return True
    try:
        found = ip_address(host)
    except ValueError:
        return False
    return found.is_loopback if isinstance(found, IPv4Address) else str(found) == "::1"


def origin(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, the usual port filled in."""
    parts = urlsplit(address)
    return parts.scheme, parts.hostname or "", parts.port or PORTS.get(parts.scheme)


def split(address: str) -> SplitResult | None:
    """The parts of an address; None for what clients would not read alike."""
    if UNSAFE.search(address):
        return None
    try:
        parts = urlsplit(address)
        return parts if parts.port != 0 else None
    except ValueError:  # a port that is no number, half of a pair of brackets
        return None


def decoded(path: str) -> str:
    """A path when everything on its way has decoded it, also what was encoded more than once."""
    for _ in range(MOST_DECODED):
        plain = unquote(path, errors="surrogateescape")
        if plain == path:
            break
        path = plain
    return path
