"""The console's addresses: method, path, least role and page, in one table (shared/console/pages).

A path is written with names in braces for its changing parts, such as `/flows/{flow}`.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from shared.console.outgoing import Answer
from shared.console.roles import Least

if TYPE_CHECKING:
    from shared.console.visit import Visit

PART = re.compile(r"\{(\w+)\}")
MOST_PATH_LETTERS = 512


@dataclass(frozen=True, slots=True)
class Route:
    """One address. `page` makes the answer for whoever has the `least` role."""

    method: str
    path: str
    least: Least
    page: "Callable[[Visit], Answer]"
    is_download: bool = False
    """Whether it may take longer than somebody waits for a page."""
    pattern: re.Pattern[str] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        written = PART.sub(r"(?P<\1>[^/]+)", self.path)
        object.__setattr__(self, "pattern", re.compile(written))


@dataclass(frozen=True, slots=True)
class Found:
    """The route of a request, with the changing parts of its path."""

    route: Route
    parts: Mapping[str, str]


class NoRoute(Exception):
    """No page has this address, or none takes this method: then `methods` are those it takes."""

    def __init__(self, methods: Iterable[str] = ()) -> None:
        super().__init__()
        self.methods = tuple(sorted(set(methods)))


def find(routes: Iterable[Route], method: str, path: str) -> Found:
    """The first route that fits; NoRoute if none does. HEAD is taken as GET."""
    wanted = "GET" if method == "HEAD" else method
    clean = path.rstrip("/") if len(path) <= MOST_PATH_LETTERS else "\0"
    fitting = [(route, m) for route in routes if (m := route.pattern.fullmatch(clean))]
    for route, matched in fitting:
        if route.method == wanted:
            parts = {name: unquote(value) for name, value in matched.groupdict().items()}
            return Found(route, parts)
    raise NoRoute(route.method for route, _ in fitting)
