"""A session: who is signed in, with which roles, in one sealed cookie. The server keeps nothing.

Sealed with AES-256-GCM (NIST SP 800-38D) under CONSOLE_SESSION_KEY. A second key, still read, lets
the first be replaced without signing everybody out. What a value was sealed for is part of the
seal, so that a cookie of the sign-in is never taken for a session.
"""

import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from shared.console.roles import Role, read_roles

RENEW_SECONDS = 3600.0
"""After that the roles are asked again."""
LONGEST_SECONDS = 36_000.0
"""After that somebody signs in again."""
CLOCKS_APART_SECONDS = 60.0
"""How far the clock of the instance that began a session may be ahead of another one's."""
NONCE_BYTES = 12
MOST_COOKIE_LETTERS = 4096


class Seal:
    """Seals values and opens them. The first key seals; each of them opens."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.ciphers = [AESGCM(key) for key in keys]

    def seal(self, purpose: str, value: dict[str, Any]) -> str:
        nonce = secrets.token_bytes(NONCE_BYTES)
        text = json.dumps(value, separators=(",", ":")).encode()
        sealed = self.ciphers[0].encrypt(nonce, text, purpose.encode())
        return urlsafe_b64encode(nonce + sealed).rstrip(b"=").decode()

    def open(self, purpose: str, text: str) -> dict[str, Any] | None:
        """What was sealed for this purpose; None for anything else, such as a forged value."""
        if len(text) > MOST_COOKIE_LETTERS or not text.isascii():
            return None
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        for cipher in self.ciphers:
            try:
                opened = cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode())
            except (InvalidTag, ValueError):
                continue
            found: dict[str, Any] = json.loads(opened)
            return found
        return None


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in. Times in seconds since 1970."""

    name: str
    """As the token's `name` says: who an act is written down as."""
    user: str
    """`preferred_username` of the token."""
    person: str
    """The object id in Entra."""
    roles: tuple[Role, ...]
    began_at: float
    """When they signed in."""
    asked_at: float
    """When Entra was last asked for the roles."""

    def is_over(self, now: float) -> bool:
        has_begun = self.began_at <= now + CLOCKS_APART_SECONDS
        return not has_begun or now >= self.began_at + LONGEST_SECONDS

    def must_renew(self, now: float) -> bool:
        return now >= self.asked_at + RENEW_SECONDS

    def sealed(self, seal: Seal) -> str:
        return seal.seal("session", asdict(self))

    @classmethod
    def opened(cls, seal: Seal, text: str, now: float) -> "Session | None":
        """The session in a cookie; None where there is none, or it is over."""
        found = seal.open("session", text) if text else None
        if not found:
            return None
        try:
            session = cls(**{**found, "roles": read_roles(found["roles"])})
        except (KeyError, TypeError):  # of a version with other members
            return None
        return None if session.is_over(now) else session
