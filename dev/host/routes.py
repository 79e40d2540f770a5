"""ASP.NET Core route templates: `contacts/{id:guid}`, `{page:int:min(1)?}`, `files/{*path}`.

Source: Microsoft Learn, Routing in ASP.NET Core, "Route template reference" and "Route constraint reference".
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from dev.host.settings import ConfigurationError

PARAMETER = re.compile(r"(/?)\{(\*{0,2})(\w+)((?::\w+(?:\([^()]*\))?)*)(?:=([^{}?]*))?(\?)?\}")


def _number(value: str) -> float:
    try:
        return float(value)
    except ValueError:
        return float("nan")


def _is_date(value: str) -> bool:
    try:
        return bool(datetime.fromisoformat(value))
    except ValueError:
        return False


def _matches(pattern: str) -> Callable[..., bool]:
    return lambda value: re.fullmatch(pattern, value, re.I) is not None


CONSTRAINTS: dict[str, Callable[..., bool]] = {
    "int": lambda value: bool(re.fullmatch(r"-?\d+", value)) and -(2**31) <= int(value) < 2**31,
    "long": lambda value: bool(re.fullmatch(r"-?\d+", value)) and -(2**63) <= int(value) < 2**63,
    "decimal": _matches(r"-?\d+(\.\d+)?"),
    "double": _matches(r"-?\d+(\.\d+)?(e[+-]?\d+)?"),
    "float": _matches(r"-?\d+(\.\d+)?(e[+-]?\d+)?"),
    "bool": _matches("true|false"),
    "guid": _matches(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{32}"),
    "alpha": _matches("[a-z]+"),
    "datetime": _is_date,
    "required": bool,
    "regex": lambda value, pattern: re.search(pattern, value, re.I) is not None,
    "length": lambda value, least, most=None: int(least) <= len(value) <= int(most or least),
    "minlength": lambda value, least: len(value) >= int(least),
    "maxlength": lambda value, most: len(value) <= int(most),
    "min": lambda value, least: _number(value) >= float(least),
    "max": lambda value, most: _number(value) <= float(most),
    "range": lambda value, least, most: float(least) <= _number(value) <= float(most),
}


@dataclass(frozen=True, slots=True)
class Route:
    template: str
    pattern: re.Pattern[str]
    checks: dict[str, list[Callable[[str], bool]]]
    defaults: dict[str, str]
    rank: list[int]
    """Sorts the more exact route first: per segment, literal before constrained before free before catch-all."""

    def match(self, raw_path: str) -> dict[str, str] | None:
        """The route's parameters if the path, still percent-encoded, fits; %2F in a parameter stays as it is."""
        path = unquote(re.sub("%2f", "%252F", raw_path, flags=re.I)).strip("/")
        found = self.pattern.fullmatch(path)
        if not found:
            return None
        values = {name: value for name, value in found.groupdict().items() if value}
        fits = all(check(values[name]) for name in values for check in self.checks.get(name, ()))
        return self.defaults | values if fits else None


def compile_route(template: str) -> Route:
    """Raises ConfigurationError for a template or a constraint that this host does not know."""
    pattern, end = "", 0
    checks, defaults = {}, {}
    for parameter in PARAMETER.finditer(template):
        slash, star, name, constraints, default, optional = parameter.groups()
        part = f"{slash}(?P<{name}>{'.*' if star else '[^/]+'})"
        is_optional = optional or star or default is not None
        pattern += _literal(template, end, parameter.start()) + (f"(?:{part})?" if is_optional else part)
        checks[name] = [_check(template, text) for text in re.findall(r":(\w+(?:\([^()]*\))?)", constraints)]
        if default is not None:
            defaults[name] = default
        end = parameter.end()
    pattern += _literal(template, end, len(template))
    return Route(template, re.compile(pattern.removeprefix("/"), re.I), checks, defaults, _rank(template))


def _literal(template: str, start: int, end: int) -> str:
    text = template[start:end]
    if "{" in text or "}" in text:
        raise ConfigurationError(f"the route template '{template}' is not understood at '{text}'")
    return re.escape(text)


def _check(template: str, text: str) -> Callable[[str], bool]:
    name, _, rest = text.partition("(")
    if name not in CONSTRAINTS:
        raise ConfigurationError(f"the route template '{template}' has an unknown constraint '{name}'")
    inner = rest.removesuffix(")")
    arguments = [inner] if name == "regex" else [part.strip() for part in inner.split(",") if part.strip()]
    return lambda value: CONSTRAINTS[name](value, *arguments)


def _rank(template: str) -> list[int]:
    return [_segment_rank(segment) for segment in template.split("/")]


def _segment_rank(segment: str) -> int:
    if "{" not in segment:
        return 0
    if "{*" in segment:
        return 3
    return 1 if ":" in segment else 2
