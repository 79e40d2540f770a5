"""Route templates as ASP.NET Core parses them: `contacts/{id:guid}`, `{page:int:min(1)?}`,
`files/{*path}`, `{name}.{kind?}`.

A template is segments, a segment is parts: literals and parameters. Source: Microsoft Learn,
Routing in ASP.NET Core, "Route templates"; what the real host answered is in
tests/fixtures/conformance/routes.tsv.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

FORBIDDEN_IN_NAMES = re.compile(r"[/{}?*]")


class TemplateRefused(Exception):
    """A template that cannot be parsed: the real host puts its function in error."""


@dataclass(frozen=True, slots=True)
class Parameter:
    name: str
    constraints: tuple[str, ...] = ()
    default: str | None = None
    optional: bool = False
    catch_all: bool = False

    @property
    def may_be_absent(self) -> bool:
        return self.optional or self.default is not None or self.catch_all


Part = str | Parameter
Segment = tuple[Part, ...]


def parse(template: str) -> list[Segment]:
    """Raises TemplateRefused."""
    text = template.removeprefix("~/").removeprefix("/").removesuffix("/")
    segments = [_segment(template, piece) for piece in _pieces(template, text)] if text else []
    _check_names(template, segments)
    for segment in segments[:-1]:
        if any(isinstance(part, Parameter) and part.catch_all for part in segment):
            raise TemplateRefused(f"the template '{template}' goes on after a catch-all")
    return segments


def _pieces(template: str, text: str) -> list[str]:
    """The text between slashes; a slash in braces belongs to a default or a pattern."""
    pieces, start, open_braces = [], 0, 0
    for position, character in enumerate(text):
        open_braces += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and open_braces <= 0:
            pieces.append(text[start:position])
            start = position + 1
    pieces.append(text[start:])
    if not all(pieces):
        raise TemplateRefused(f"the template '{template}' has two slashes in a row")
    return pieces


def _segment(template: str, text: str) -> Segment:
    parts = tuple(_parts(template, text))
    for left, right in pairwise(parts):
        if isinstance(left, Parameter) and isinstance(right, Parameter):
            raise TemplateRefused(
                f"the template '{template}' has two parameters without anything between them"
            )
    for position, part in enumerate(parts):
        if len(parts) > 1 and isinstance(part, Parameter):
            _check_neighbours(template, parts, position, part)
    return parts


def _check_neighbours(template: str, parts: Segment, position: int, part: Parameter) -> None:
    if part.catch_all:
        raise TemplateRefused(f"the template '{template}' has a catch-all beside other text")
    before = parts[position - 1] if position else ""
    if part.optional and (position != len(parts) - 1 or before != "."):
        raise TemplateRefused(
            f"the template '{template}' has an optional parameter that does not follow a period"
        )


def _parts(template: str, text: str) -> Iterator[Part]:
    """A literal's doubled braces stand for one."""
    position, literal = 0, ""
    while position < len(text):
        if text[position] == "{" and not text.startswith("{{", position):
            yield from _literal(template, literal)
            literal, end = "", _end_of_parameter(template, text, position + 1)
            yield _parameter(template, _unescaped(text[position + 1 : end]))
            position = end + 1
        else:
            step = 2 if text.startswith(("{{", "}}"), position) else 1
            if step == 1 and text[position] == "}":
                raise TemplateRefused(f"the template '{template}' closes a brace that is not open")
            literal += text[position]
            position += step
    yield from _literal(template, literal)


def _end_of_parameter(template: str, text: str, start: int) -> int:
    """Where its closing brace is; doubled braces belong to a pattern."""
    position = start
    while position < len(text):
        if text.startswith(("{{", "}}"), position):
            position += 2
        elif text[position] == "}":
            return position
        elif text[position] == "{":
            break
        else:
            position += 1
    raise TemplateRefused(f"the template '{template}' does not close a brace")


def _unescaped(text: str) -> str:
    return text.replace("{{", "{").replace("}}", "}")


def _literal(template: str, text: str) -> Iterator[str]:
    """The period before an optional last parameter is a part of its own."""
    if "?" in text:
        raise TemplateRefused(f"the template '{template}' has a question mark outside a parameter")
    if text.endswith(".") and len(text) > 1:
        yield text[:-1]
        yield "."
    elif text:
        yield text


def _parameter(template: str, text: str) -> Parameter:
    stars = len(text[:2]) - len(text[:2].lstrip("*"))
    rest = text[stars:]
    optional, rest = rest.endswith("?"), rest.removesuffix("?")
    name = re.match(r".[^:=]*|", rest, re.S)
    after = rest[name.end() :] if name else ""
    if not name or not name[0] or FORBIDDEN_IN_NAMES.search(name[0]):
        raise TemplateRefused(
            f"the template '{template}' has a parameter without a name that can be used"
        )
    if optional and stars:
        raise TemplateRefused(f"the template '{template}' has a catch-all that is optional")
    constraints, default = _constraints(after)
    if optional and default is not None:
        raise TemplateRefused(f"the template '{template}' has an optional parameter with a default")
    return Parameter(name[0], tuple(constraints), default, optional, bool(stars))


def _constraints(text: str) -> tuple[list[str], str | None]:
    """`:int:range(1,5)=3` -> (["int", "range(1,5)"], "3"); what stands in parentheses is one
    constraint's.
    """
    found: list[str] = []
    current, position, inside = "", 0, False
    while position < len(text):
        character = text[position]
        if inside and character == ")" and text[position + 1 : position + 2] in ("", ":", "="):
            inside = False
        elif not inside and character == "=":
            return [*found, *filter(None, [current])], text[position + 1 :]
        elif not inside and character == ":":
            found += filter(None, [current])
            current, position = "", position + 1
            continue
        elif character == "(":
            inside = inside or ")" in text[position:]
        current += character
        position += 1
    return [*found, *filter(None, [current])], None


def _check_names(template: str, segments: list[Segment]) -> None:
    names = [
        part.name.lower() for segment in segments for part in segment if isinstance(part, Parameter)
    ]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise TemplateRefused(f"the template '{template}' names the parameter '{double}' twice")
