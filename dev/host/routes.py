"""Which paths a route fits, and the parameters that it then has, as ASP.NET Core decides it.

Literals ignore case, a trailing slash is ignored, an empty segment fits nothing. A segment of
several parts is read from its right end without going back. What the real host answered is in
tests/fixtures/conformance/routes.tsv.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dev.host.constraints import Check, UnknownConstraint, check_of
from dev.host.templates import Parameter, Part, Segment, TemplateRefused, parse


class RouteNotBuilt(Exception):
    """A template that parses and yet makes no route: the real host does not start at all."""


@dataclass(frozen=True, slots=True)
class Route:
    template: str
    segments: list[Segment]
    checks: dict[str, list[Check]]

    def match(self, path: str) -> dict[str, str] | None:
        """The route's parameters if the decoded path fits; %2F in it is a character of its
        segment.
        """
        values = self._values(tokens(path), path)
        if values is None:
            return None
        found = self._defaults() | values
        return found if all(self._passes(part, found) for part in self._parameters()) else None

    def _parameters(self) -> list[Parameter]:
        return [
            part for segment in self.segments for part in segment if isinstance(part, Parameter)
        ]

    def _defaults(self) -> dict[str, str]:
        return {part.name: part.default for part in self._parameters() if part.default is not None}

    def _passes(self, part: Parameter, found: dict[str, str]) -> bool:
        value = found.get(part.name)
        if value is None:
            return part.optional or not self.checks[part.name]
        return all(check(value) for check in self.checks[part.name])

    def _values(self, given: Sequence[tuple[int, str]], path: str) -> dict[str, str] | None:
        values: dict[str, str] = {}
        for position, (start, text) in enumerate(given):
            if position >= len(self.segments) or not text:
                return None
            segment = self.segments[position]
            if is_catch_all(segment):
                return values | {name_of(segment): path[start:]}
            found = match_segment(segment, text)
            if found is None:
                return None
            values |= found
        rest = self.segments[len(given) :]
        return (
            values
            if all(len(segment) == 1 and may_be_absent(segment[0]) for segment in rest)
            else None
        )


def build(template: str, prefix: str) -> Route:
    """Raises TemplateRefused for a template that does not parse, RouteNotBuilt for one that makes
    no route.
    """
    parse(template)
    try:
        segments = parse("/".join(filter(None, [prefix, template])))
        parameters = [
            part for segment in segments for part in segment if isinstance(part, Parameter)
        ]
        checks = {part.name: [check_of(text) for text in part.constraints] for part in parameters}
    except (TemplateRefused, UnknownConstraint) as error:
        raise RouteNotBuilt(f"the route '{template}' cannot be built: {error}") from error
    return Route("/".join(filter(None, [prefix, template])), segments, checks)


def tokens(path: str) -> list[tuple[int, str]]:
    """Start and text of each segment of `/a/b/`; the slash at its end adds none."""
    found, start = [], 1
    while start < len(path):
        end = path.find("/", start)
        end = len(path) if end < 0 else end
        found.append((start, path[start:end]))
        start = end + 1
    return found


def is_catch_all(segment: Segment) -> bool:
    return isinstance(segment[0], Parameter) and segment[0].catch_all


def name_of(segment: Segment) -> str:
    assert isinstance(segment[0], Parameter)
    return segment[0].name


def may_be_absent(part: Part) -> bool:
    return isinstance(part, Parameter) and part.may_be_absent


def match_segment(segment: Segment, text: str) -> dict[str, str] | None:
    if len(segment) == 1:
        only = segment[0]
        if isinstance(only, Parameter):
            return {only.name: text}
        return {} if only.lower() == text.lower() else None
    last = segment[-1]
    found = match_parts(segment, text)
    if found is None and isinstance(last, Parameter) and last.optional and not text.endswith("."):
        return (
            match_parts(segment[:-2], text)
            if len(segment) > 3
            else match_segment(segment[:-2], text)
        )
    return found


def match_parts(parts: Segment, text: str) -> dict[str, str] | None:
    """From the right: each literal is looked for at its last place, leaving a character for the
    parameter after it.
    """
    values: dict[str, str] = {}
    end, waiting, lower = len(text), None, text.lower()
    for position in reversed(range(len(parts))):
        part = parts[position]
        if isinstance(part, Parameter):
            waiting = part
            continue
        at = lower.rfind(part.lower(), 0, end - (1 if waiting else 0))
        if at < 0 or (position == len(parts) - 1 and at + len(part) != len(text)):
            return None
        if waiting:
            values[waiting.name] = text[at + len(part) : end]
        end, waiting = at, None
    if waiting:
        values[waiting.name] = text[:end]
        return values if all(values.values()) else None
    return values if end == 0 and all(values.values()) else None
