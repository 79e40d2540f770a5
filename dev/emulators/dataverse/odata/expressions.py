"""Filter expressions: text to tree.

    statecode eq 0 and (startswith(lastname,'O''B') or
    Microsoft.Dynamics.CRM.In(PropertyName='x',PropertyValues=['1']))

Only the tree's shape is checked here; whether its names and types make sense is for whoever
evaluates it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from dev.emulators.dataverse.problems import ApiError, bad_query, not_emulated

TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^']|'')*')
    | (?P<guid>[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})
    | (?P<moment>\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<enum>Microsoft\.Dynamics\.CRM\.\w+'[^']*')
    | (?P<name>@?[A-Za-z_][\w./]*)
    | (?P<sign>[(),=:\[])
    )""",
    re.VERBOSE,
)
COMPARISONS = ("eq", "ne", "gt", "ge", "lt", "le")


@dataclass(frozen=True)
class Literal:
    """A constant; `kind` is string, guid, moment, number, boolean, null or enum."""

    kind: str
    value: Any


@dataclass(frozen=True)
class Name:
    """A property, or a path over single-valued navigation properties:
    parentcustomerid_account/name.
    """

    path: tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    operator: str
    left: "Operand"
    right: "Operand"


@dataclass(frozen=True)
class Logical:
    """`operator` is and, or, not (one operand)."""

    operator: str
    operands: tuple["Expression", ...]


@dataclass(frozen=True)
class Call:
    """contains(...), startswith(...), endswith(...)"""

    function: str
    arguments: tuple["Operand", ...]


@dataclass(frozen=True)
class PlatformCall:
    """Microsoft.Dynamics.CRM.<function>(PropertyName='...',PropertyValue=...)"""

    function: str
    property: Name
    values: tuple[Any, ...]


Operand = Literal | Name
Expression = Comparison | Logical | Call | PlatformCall | Name


def parse(text: str, aliases: Mapping[str, str] | None = None) -> Expression:
    """The tree of a `$filter`; ApiError 400 with the place of the fault if it has none."""
    parser = Parser(text, aliases or {})
    tree = parser.either()
    if parser.kind != "end":
        raise parser.fault()
    return tree


class Parser:
    """Recursive descent: either > both > negation > term."""

    def __init__(self, text: str, aliases: Mapping[str, str]) -> None:
        self.text, self.aliases, self.place = text, aliases, 0
        self.kind, self.token = "", ""
        self.advance()

    def fault(self) -> ApiError:
        return bad_query(f"Syntax error at position {self.place} in '{self.text}'.")

    def advance(self) -> str:
        """Moves to the next token and returns the one just passed."""
        passed = self.token
        if not self.text[self.place :].strip():
            self.kind, self.token = "end", ""
            return passed
        match = TOKEN.match(self.text, self.place)
        if not match:
            raise self.fault()
        self.kind = str(match.lastgroup)
        self.token = match[str(match.lastgroup)]
        self.place = match.end()
        return passed

    def expect(self, sign: str) -> None:
        if self.token != sign:
            raise self.fault()
        self.advance()

    def takes(self, word: str) -> bool:
        if self.kind != "name" or self.token != word:
            return False
        self.advance()
        return True

    def either(self) -> Expression:
        operands = [self.both()]
        while self.takes("or"):
            operands.append(self.both())
        return operands[0] if len(operands) == 1 else Logical("or", tuple(operands))

    def both(self) -> Expression:
        operands = [self.negation()]
        while self.takes("and"):
            operands.append(self.negation())
        return operands[0] if len(operands) == 1 else Logical("and", tuple(operands))

    def negation(self) -> Expression:
        return Logical("not", (self.negation(),)) if self.takes("not") else self.term()

    def term(self) -> Expression:
        if self.token == "(":
            self.advance()
            inner = self.either()
            self.expect(")")
            return inner
        left = self.operand()
        if isinstance(left, Name) and self.token == "(":
            return self.call(left)
        if self.token not in COMPARISONS:
            if isinstance(left, Name):
                return left
            raise self.fault()
        return Comparison(self.advance(), left, self.operand())

    def operand(self) -> Operand:
        kind, token = self.kind, self.token
        if kind in {"sign", "end"}:
            raise self.fault()
        self.advance()
        if kind != "name":
            return literal(kind, token)
        if token in {"true", "false"}:
            return Literal("boolean", token == "true")
        if token == "null":
            return Literal("null", None)
        if token.startswith("@"):
            return self.alias(token)
        return Name(tuple(token.split("/")))

    def alias(self, token: str) -> Operand:
        if token not in self.aliases:
            return Literal("null", None)
        return Parser(self.aliases[token], {}).operand()

    def call(self, function: Name) -> Expression:
        name = "/".join(function.path)
        if name.startswith("Microsoft.Dynamics.CRM."):
            return self.platform_call(name.removeprefix("Microsoft.Dynamics.CRM."))
        if function.path[-1] in {"any", "all"}:
            raise not_emulated("lambda expressions over collections")
        if name not in {"contains", "startswith", "endswith"}:
            raise bad_query(f"An unknown function with name '{name}' was found.")
        self.expect("(")
        first = self.operand()
        self.expect(",")
        second = self.operand()
        self.expect(")")
        return Call(name, (first, second))

    def platform_call(self, function: str) -> PlatformCall:
        self.expect("(")
        named: dict[str, Any] = {}
        while self.token != ")":
            parameter = self.advance()
            if self.token != "=":
                raise self.fault()
            named[parameter] = self.parameter()
            if self.token == ",":
                self.advance()
        self.advance()
        target = named.get("PropertyName")
        if not isinstance(target, str):
            raise bad_query(
                f"The parameter 'PropertyName' of the function '{function}' is missing."
            )
        values = named.get(
            "PropertyValues", named.get("PropertyValue", named.get("PropertyValue1", ()))
        )
        return PlatformCall(
            function,
            Name(tuple(target.split("/"))),
            tuple(values) if isinstance(values, list) else (values,),
        )

    def parameter(self) -> Any:
        """What stands after `=`: a literal, an alias, or a list in brackets with double or single
        quotes.
        """
        rest = self.text[self.place :]
        if rest.lstrip().startswith("["):
            values, length = bracketed(rest)
            self.place += length
            self.advance()
            return values
        self.advance()
        if (
            self.kind == "name"
            and self.token.startswith("@")
            and self.aliases.get(self.token, "").startswith("[")
        ):
            return bracketed(self.aliases[self.advance()])[0]
        found = self.operand()
        return found.value if isinstance(found, Literal) else "/".join(found.path)


def bracketed(text: str) -> tuple[list[Any], int]:
    """The values of a list that `text` begins with, and how many characters it took."""
    start = text.index("[")
    items = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|([^,\]\s"']+))\s*([,\]])""")
    values: list[Any] = []
    place = start + 1
    if re.match(r"\s*\]", text[place:]):
        return values, text.index("]", place) + 1
    while match := items.match(text, place):
        double, single, bare, sign = match.groups()
        values.append(quoted(double, single) if bare is None else bare_value(bare))
        place = match.end()
        if sign == "]":
            return values, place
    raise bad_query(f"The list '{text}' is not valid.")


def quoted(double: str | None, single: str | None) -> str:
    return str(json.loads(f'"{double}"')) if double is not None else str(single).replace("''", "'")


def bare_value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def literal(kind: str, token: str) -> Literal:
    if kind == "string":
        return Literal("string", token[1:-1].replace("''", "'"))
    if kind == "number":
        return Literal("number", Decimal(token) if re.search(r"[.eE]", token) else int(token))
    if kind == "guid":
        return Literal("guid", token.lower())
    if kind == "enum":
        return Literal("enum", token.split("'")[1])
    return Literal(kind, token)
