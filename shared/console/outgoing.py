"""What a page hands back: something to show, another address, a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

SECURITY: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
        " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Strict-Transport-Security": "max-age=31536000",
    "Cache-Control": "no-store",
}
"""Headers of every answer. Source: OWASP, "HTTP Security Response Headers Cheat Sheet"."""


@dataclass(frozen=True, slots=True)
class Cookie:
    """A `__Host-` cookie: of this host alone, over TLS, for no script (RFC 6265bis, 4.1.3)."""

    name: str
    value: str = field(repr=False)
    seconds: int
    """How long the browser keeps it; 0 takes it away."""

    @property
    def header(self) -> str:
        return (
            f"{self.name}={self.value}; Max-Age={self.seconds}; Path=/; Secure; HttpOnly;"
            " SameSite=Lax"
        )


@dataclass(frozen=True, slots=True)
class View:
    """A page: the template's name and what it shows. The JSON twin is `data` as it is."""

    template: str
    data: Mapping[str, Any] = field(default_factory=dict, repr=False)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """Another page, by its path behind /console, or an address of Entra."""

    to: str
    status: int = 303
    cookies: Sequence[Cookie] = ()


@dataclass(frozen=True, slots=True)
class File:
    """A download, or a part of the console itself."""

    content: bytes = field(repr=False)
    kind: str
    """Its media type."""
    name: str = ""
    """What the browser saves it as; "" shows it."""
    cached: bool = False
    """Whether it never changes under its address."""


Answer = View | Redirect | File


@dataclass(frozen=True, slots=True)
class Sent:
    """The answer as it leaves."""

    status: int
    body: bytes = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    cookies: Sequence[Cookie] = ()
