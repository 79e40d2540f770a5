"""Constraints of route templates, as ASP.NET Core reads them: `{id:guid}`, `{page:int:min(1)}`,
`{name:regex(^a.c$)}`.

Numbers, dates and GUIDs are read as .NET does under the invariant culture, which takes more than
Python: `+5`, `1,234.5`, ` true`, a GUID in braces. Dates are the forms that people write; .NET
guesses at a few more. Source: Microsoft Learn, Routing in ASP.NET Core, "Route constraints"; what
the real host answered is in tests/fixtures/conformance/routes.tsv.
"""

import re
from collections.abc import Callable
from datetime import datetime
from itertools import product

Check = Callable[[str], bool]
WHITE = r"[\t-\r ]*"
INTEGER = re.compile(rf"{WHITE}[+-]?[0-9]+{WHITE}")
NUMBER = re.compile(
    rf"{WHITE}(?:[+-]?(?:[0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)|(?:[0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)[+-]){WHITE}"
)
FLOAT = re.compile(
    rf"{WHITE}[+-]?(?:[0-9][0-9,]*(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?{WHITE}|[+-]?(?:nan|infinity)",
    re.I,
)
LARGEST_DECIMAL = 79228162514264337593543950335
HEX = r"0x[0-9a-f]{1,8}"
GUID_FORMS = [
    r"[0-9a-f]{32}",
    r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    r"\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}",
    r"\([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\)",
    rf"\{{{HEX},{HEX},{HEX},\{{{HEX}(?:,{HEX}){{7}}\}}\}}",
]
GUID = re.compile(rf"{WHITE}(?:{'|'.join(GUID_FORMS)}){WHITE}", re.I)
DAYS = [
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%m-%d-%Y",
    "%m/%d/%Y",
    "%b %d %Y",
    "%B %d %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d %b %Y",
    "%d %B %Y",
]
HOURS = ["%H:%M", "%H:%M:%S", "%H:%M:%S.%f"]
ZONES = ["", "Z", "%z"]
DATE_FORMS = [*DAYS, "%Y-%m", "%Y/%m", *HOURS]
DATE_FORMS += [
    f"{day}{between}{hour}{zone}" for day, between, hour, zone in product(DAYS, "T ", HOURS, ZONES)
]


class UnknownConstraint(Exception):
    """No constraint has this name, or it does not take these arguments: the real host does not
    start.
    """


def check_of(text: str) -> Check:
    """The check of one constraint as it stands in a template: `int`, `range(1,5)`, `regex(^a$)`;
    names in any case.
    """
    name, arguments = _parts(text)
    counts, make = CONSTRAINTS.get(name.lower(), (set(), None))
    if make is None:
        raise UnknownConstraint(f"there is no constraint '{name}'")
    if name.lower() != "regex" and arguments:
        arguments = [part.strip() for part in arguments[0].split(",")]
    if len(arguments) not in counts:
        raise UnknownConstraint(f"the constraint '{name}' does not take {len(arguments)} arguments")
    try:
        return make(*arguments)
    except (ValueError, re.error) as error:
        raise UnknownConstraint(f"the constraint '{text}' cannot be read: {error}") from error


def _parts(text: str) -> tuple[str, list[str]]:
    name, opened, rest = text.partition("(")
    if not opened or not rest.endswith(")"):
        return text, []
    return name, [rest.removesuffix(")")] if rest != ")" else []


def _integer(value: str, bits: int) -> int | None:
    """None where .NET would not read it as a whole number of that size."""
    number = int(value.strip("\t\n\v\f\r ")) if INTEGER.fullmatch(value) else None
    return number if number is not None and -(2 ** (bits - 1)) <= number < 2 ** (bits - 1) else None


def _whole(bits: int) -> Callable[[], Check]:
    return lambda: lambda value: _integer(value, bits) is not None


def _is_decimal(value: str) -> bool:
    if not NUMBER.fullmatch(value):
        return False
    digits = re.sub(r"[^0-9.]", "", value).partition(".")[0]
    return int(digits or 0) <= LARGEST_DECIMAL


def _is_date(value: str) -> bool:
    return any(_fits(value.strip(), form) for form in DATE_FORMS)


def _fits(value: str, form: str) -> bool:
    try:
        return bool(datetime.strptime(value, form))  # noqa: DTZ007  # only whether it is one
    except ValueError:
        return False


def _is_file(value: str) -> bool:
    _, dot, rest = value.rpartition("/")[2].partition(".")
    return bool(dot) and any(character != "." for character in rest)


def _units(value: str) -> int:
    """Length as .NET counts it: a character beyond the basic plane is two."""
    return len(value.encode("utf-16-le", "surrogatepass")) // 2


def _between(least: int, most: int) -> Check:
    return lambda value: (number := _integer(value, 64)) is not None and least <= number <= most


def _length(least: str, most: str | None = None) -> Check:
    low, high = int(least), int(most if most is not None else least)
    return lambda value: low <= _units(value) <= high


def _search(pattern: str) -> Check:
    compiled = re.compile(pattern, re.IGNORECASE)
    return lambda value: compiled.search(value) is not None


def _whole_text(pattern: re.Pattern[str]) -> Callable[[], Check]:
    return lambda: lambda value: pattern.fullmatch(value) is not None


LEAST, MOST = -(2**63), 2**63 - 1
CONSTRAINTS: dict[str, tuple[set[int], Callable[..., Check]]] = {
    "int": ({0}, _whole(32)),
    "long": ({0}, _whole(64)),
    "decimal": ({0}, lambda: _is_decimal),
    "double": ({0}, _whole_text(FLOAT)),
    "float": ({0}, _whole_text(FLOAT)),
    "bool": ({0}, _whole_text(re.compile(rf"{WHITE}(?:true|false){WHITE}", re.I))),
    "guid": ({0}, _whole_text(GUID)),
    "alpha": ({0}, _whole_text(re.compile("[a-z]*", re.I | re.A))),
    "datetime": ({0}, lambda: _is_date),
    "required": ({0}, lambda: bool),
    "file": ({0}, lambda: _is_file),
    "nonfile": ({0}, lambda: lambda value: not _is_file(value)),
    "regex": ({1}, _search),
    "length": ({1, 2}, _length),
    "minlength": ({1}, lambda least: lambda value: _units(value) >= int(least)),
    "maxlength": ({1}, lambda most: lambda value: _units(value) <= int(most)),
    "min": ({1}, lambda least: _between(int(least), MOST)),
    "max": ({1}, lambda most: _between(LEAST, int(most))),
    "range": ({2}, lambda least, most: _between(int(least), int(most))),
}
"""Name -> how many arguments it takes, and what makes the check of them."""
