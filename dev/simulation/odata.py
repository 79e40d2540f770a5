"""Filters of table queries: comparisons of a property with a literal, `and`, `or`, `not`, brackets.

Source: Microsoft Learn, "Querying tables and entities". An expression of any other form is refused,
not guessed.
"""

import operator
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from azure.data.tables import EntityProperty

Row = Mapping[str, Any]
Condition = Callable[[Row], bool]
TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?L?)|(?P<word>\w+)|(?P<sign>[()]))"
)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
CONSTANTS = {"true": True, "false": False}


@lru_cache(maxsize=4096)
def read_filter(text: str) -> Condition:
    """ValueError for what is no filter."""
    reader = Reader(text)
    condition = reader.either()
    if reader.word:
        raise ValueError(f"{reader.word} was not expected in {text}")
    return condition


@lru_cache(maxsize=4096)
def partition_of(text: str) -> str | None:
    """The partition that a filter names first, so that no row of another can match; None where it
    may match rows of several.
    """
    tokens, depth = Reader(text).tokens, 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token, 0)
        if token == "or" and not depth:
            return None
    named = tokens[:2] == ["PartitionKey", "eq"] and tokens[2].startswith("'")
    return literal(tokens[2]) if named else None


class Reader:
    """Recursive descent; `word` is the next token, "" at the end."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        while at < len(text.rstrip()):
            if not (found := TOKEN.match(text, at)):
                raise ValueError(f"no filter: {text}")
            self.tokens.append(found[0].strip())
            at = found.end()
        self.at = 0

    @property
    def word(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self) -> str:
        word = self.word
        self.at += 1
        return word

    def either(self) -> Condition:
        parts = [self.all()]
        while self.word == "or":
            self.take()
            parts.append(self.all())
        return parts[0] if len(parts) == 1 else lambda row: any(part(row) for part in parts)

    def all(self) -> Condition:
        parts = [self.one()]
        while self.word == "and":
            self.take()
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else lambda row: all(part(row) for part in parts)

    def one(self) -> Condition:
        word = self.take()
        if word == "not":
            inner = self.one()
            return lambda row: not inner(row)
        if word == "(":
            inner = self.either()
            if self.take() != ")":
                raise ValueError("a bracket is not closed")
            return inner
        return self.comparison(word)

    def comparison(self, name: str) -> Condition:
        compare, value = COMPARISONS[self.take()], literal(self.take())

        def condition(row: Row) -> bool:
            """A property that is missing or of another type matches nothing."""
            found = row.get(name)
            if isinstance(found, EntityProperty):
                found = found.value
            if found is None or isinstance(found, str) != isinstance(value, str):
                return False
            return compare(found, value)

        return condition


def literal(word: str) -> Any:
    if word.startswith("'"):
        return word[1:-1].replace("''", "'")
    if word in CONSTANTS:
        return CONSTANTS[word]
    return float(word) if any(sign in word for sign in ".eE") else int(word.rstrip("L"))
