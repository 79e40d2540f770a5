"""YAML as people mean it: what it would read as something else than is written is a problem, with
its line and what to do.
"""

import math
import re
from collections.abc import Hashable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import yaml

PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+([eE][+-]?\d+)?)?")
NOT_UTF_8 = re.compile("[\ud800-\udfff]")  # what a byte is decoded to that is no UTF-8
LONGEST_SHOWN = 40
MOST_CHARACTERS = 256 * 1024
"""Of a document's text. The longest mapping that is known, of 600 fields, has 60,000."""

MOST_PARTS = 20_000
"""Of a document, counted where an alias stands for them, so that nine lines of aliases do not stand
for a billion.
"""

DEEPEST = 50
"""Levels of parts within each other, filters included."""

DEEPEST_SCANNED = 250
"""Where scanning ends. Below it a document that is too deep is refused with its own sentence."""

MOST_TEXTS = 4
"""Of which what they say is kept."""

MOST_PROBLEMS, LONGEST_PROBLEM = 50, 600
"""What is reported of one document at once: so many sentences of so many characters."""


class InvalidDocument(Exception):
    """The text is no document of its kind; `problems` are sentences, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        shown = [
            text if len(text) <= LONGEST_PROBLEM else f"{text[:LONGEST_PROBLEM]}..."
            for text in problems[:MOST_PROBLEMS]
        ]
        if len(problems) > MOST_PROBLEMS:
            shown.append(f"There are more than {MOST_PROBLEMS} problems: correct these first.")
        super().__init__(" ".join(shown))
        self.problems = shown


class Loader(yaml.SafeLoader):
    """Refuses what YAML would read as something else than is written; dates stay texts.

    Collects its problems.
    """

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[str] = []

    def problem(self, node: yaml.Node, what: str) -> None:
        self.problems.append(f"Line {node.start_mark.line + 1}: {what}")

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        """Ends here what is too deep: the scanner takes the square of the depth before anybody else
        sees it.
        """
        if self.flow_level > DEEPEST_SCANNED:
            raise yaml.scanner.ScannerError(None, None, "too deep", None)
        super().fetch_flow_collection_start(token)

    def add_indent(self, column: int) -> bool:
        if len(self.indents) > DEEPEST_SCANNED:
            raise yaml.scanner.ScannerError(None, None, "too deep", None)
        return bool(super().add_indent(column))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else []:
            if key.tag == f"{YAML}merge":
                continue
            value = self.construct_object(key, deep=True)
            if not isinstance(value, Hashable):
                self.problem(key, "a key must be a single word or number.")
                return {}
            if value in seen:
                self.problem(key, f"the key {shown(key)} stands twice: take one of them out.")
            seen.add(value)
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        """An escape such as "\\ud800" may stand for half of a character, which nobody can store."""
        value = super().construct_scalar(node)
        if isinstance(value, str) and NOT_UTF_8.search(value):
            self.problem(node, "a text holds half of a character: correct it.")
        return value

    def number(self, node: yaml.Node) -> int | float | Decimal:
        """An unquoted number, exactly, which must be the one that it looks like: no octal, no base
        60.
        """
        text = str(node.value)
        if not PLAIN_NUMBER.fullmatch(text) or len(text) > LONGEST_SHOWN:
            self.problem(
                node, f"{shown(node)} may be read as another number than it looks like: quote it."
            )
            return 0
        if text.removeprefix("-").isdigit():
            return int(text)
        try:
            exact = Decimal(text)
        except InvalidOperation:
            self.problem(node, f"{shown(node)} is larger than any number: correct it.")
            return 0
        value = float(text)
        return value if math.isfinite(value) and Decimal(repr(value)) == exact else exact

    def unknown(self, node: yaml.Node) -> None:
        self.problem(
            node,
            f"the tag {node.tag.replace(YAML, '!!')[:LONGEST_SHOWN]} has no meaning here: take it"
            " out.",
        )


YAML = "tag:yaml.org,2002:"
Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != f"{YAML}timestamp"]
    for letter, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for tag in ("int", "float"):
    Loader.add_constructor(YAML + tag, Loader.number)
for tag in ("binary", "timestamp", "omap", "pairs", "set"):
    Loader.add_constructor(YAML + tag, Loader.unknown)
Loader.add_constructor(None, Loader.unknown)


def shown(node: yaml.Node) -> str:
    text = str(node.value) if isinstance(node, yaml.ScalarNode) else "a list"
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


@lru_cache(maxsize=MOST_TEXTS)
def parsed(text: str) -> tuple[Mapping[Any, Any], yaml.MappingNode]:
    """What the YAML says, and its node, neither to be changed; InvalidDocument where it is none.

    Kept for the next who asks: a page reads the same text several times.
    """
    if len(text) > MOST_CHARACTERS:
        raise InvalidDocument(
            [f"The document is longer than {MOST_CHARACTERS} characters: shorten it."]
        )
    if number := next(
        (number for number, line in enumerate(text.split("\n"), 1) if NOT_UTF_8.search(line)), 0
    ):
        raise InvalidDocument([f"Line {number} is not UTF-8: save the file as UTF-8."])
    try:
        loader = Loader(text)
        node = loader.get_single_node()
        if node and (too_much := unfit(node)):
            raise InvalidDocument([too_much])
        content = loader.construct_document(node) if node else None
    except (
        yaml.YAMLError,
        TypeError,
        ValueError,
        LookupError,
        ArithmeticError,
        AttributeError,
        RecursionError,
    ) as error:
        raise InvalidDocument([no_yaml(error)]) from None
    if loader.problems:
        raise InvalidDocument(list(dict.fromkeys(loader.problems)))
    if not isinstance(node, yaml.MappingNode) or not isinstance(content, dict):
        raise InvalidDocument(["The document must be a list of `key: value` lines."])
    return content, node


def unfit(root: yaml.Node) -> str:
    """Why a document is not looked at: its parts, written out where an alias stands for them, are
    too many or nested too deep.
    """
    sizes: dict[int, tuple[int, int]] = {}

    def measured(node: yaml.Node, above: frozenset[int]) -> tuple[int, int]:
        if id(node) in above or len(above) > DEEPEST:
            return 1, DEEPEST + 1
        if id(node) not in sizes:
            found = [measured(one, above | {id(node)}) for one in within(node)]
            sizes[id(node)] = (
                1 + sum(size for size, _ in found),
                1 + max((depth for _, depth in found), default=0),
            )
        return sizes[id(node)]

    size, depth = measured(root, frozenset())
    if depth > DEEPEST:
        return (
            f"The document is nested too deep: write at most {DEEPEST} parts within each other, and"
            " none within itself."
        )
    if size > MOST_PARTS:
        return (
            f"The document has too many parts: at most {MOST_PARTS} are read. Where an alias"
            " stands, count what it stands for."
        )
    return ""


def within(node: yaml.Node) -> Iterator[yaml.Node]:
    for item in node.value if isinstance(node, yaml.CollectionNode) else []:
        yield from item if isinstance(item, tuple) else (item,)


def no_yaml(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    what = " ".join(str(getattr(error, part, "")) for part in ("problem", "context", "reason"))
    if isinstance(error, RecursionError):
        what = "too deep"
    advice = next((advice for phrase, advice in NO_YAML.items() if phrase in what), "")
    place = f"Line {mark.line + 1}: t" if mark else "T"
    return (
        f"{place}his is not YAML:"
        f" {advice or 'look at the indentation, the quotes and the brackets here.'}"
    )


NO_YAML = {
    "alias": "a word behind * must be named with & before. Quote the text if it is none.",
    "single document": "there are two documents, parted by ---. Keep one.",
    r"'\t'": "there is a tab. Indent with blanks.",
    "special characters": "it holds a character that no text may hold.",
    "too deep": "it is nested too deep.",
    "mapping values are not allowed": (
        "there is a second colon, or the indentation is wrong. Quote the text."
    ),
}
