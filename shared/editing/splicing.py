"""Changes of one part of a YAML text, so that every other character stays as a person wrote it.

A part is rewritten by ruamel.yaml, which keeps the comments and the quotes within it.
"""

from io import StringIO
from typing import TYPE_CHECKING, Any

import yaml

from shared.mapping.syntax import InvalidDocument, parsed

if TYPE_CHECKING:
    from ruamel.yaml import YAML

WIDTH = 1_000_000
"""No line is broken: a break within a text would be one more thing to go wrong."""
MOST_IN_BRACES = 5
"""Entries; more of them have a line each."""


class NotEdited(Exception):
    """A form cannot change the document; `problems` say why. Nothing was changed."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def ours(text: str) -> str:
    return f"{text} Change it in the tab YAML."


def root_of(text: str) -> yaml.MappingNode:
    """The document's node; NotEdited where it is no YAML or a form cannot change its kind."""
    try:
        _, node = parsed(text)
    except InvalidDocument as error:
        raise NotEdited(error.problems) from None
    if node.flow_style:
        raise NotEdited([ours("The document is written in braces, which no form can change.")])
    return node


def value_of(root: yaml.MappingNode, key: str) -> tuple[yaml.Node, yaml.Node] | None:
    """The key's node and its value's."""
    return next(((name, value) for name, value in root.value if name.value == key), None)


def items_of(root: yaml.MappingNode, key: str) -> list[yaml.Node]:
    """The items of a list, each on lines of its own; NotEdited for a list in brackets."""
    found = value_of(root, key)
    if found is None:
        return []
    if not isinstance(found[1], yaml.SequenceNode) or found[1].flow_style:
        raise NotEdited([ours(f"{key} is no list with a line for each item.")])
    return list(found[1].value)


def span(text: str, node: yaml.Node) -> tuple[int, int]:
    """Where a node begins and ends, without the comments and blank lines behind it."""
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.CollectionNode) and not node.flow_style:
        lines = text[start:end].split("\n")
        while len(lines) > 1 and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
            lines.pop()
        end = start + len("\n".join(lines).rstrip())
    return start, end


def reader() -> "YAML":
    """It is imported here: only the forms of the console need it."""
    from ruamel.yaml import YAML

    made = YAML()
    made.preserve_quotes = True
    made.width = WIDTH
    return made


def loaded(snippet: str) -> Any:
    """A part as ruamel.yaml reads it; NotEdited for one that needs other parts, as aliases do."""
    from ruamel.yaml.error import YAMLError

    try:
        return reader().load(snippet)
    except (YAMLError, ValueError, TypeError, AttributeError):
        raise NotEdited([ours("This part cannot be changed by a form.")]) from None


def dumped(part: Any) -> str:
    written = StringIO()
    reader().dump(part, written)
    return written.getvalue().removesuffix("...\n").rstrip("\n")


def dedented(text: str, node: yaml.Node) -> str:
    """A node's own text, its further lines moved to the left by where it begins."""
    start, end = span(text, node)
    blanks = " " * node.start_mark.column
    first, *further = text[start:end].split("\n")
    return "\n".join([first, *(line.removeprefix(blanks) for line in further)])


def replaced(text: str, node: yaml.Node, part: str) -> str:
    """The text with another part in place of a node."""
    start, end = span(text, node)
    return text[:start] + indented(part, node.start_mark.column) + text[end:]


def indented(part: str, column: int) -> str:
    first, *further = part.split("\n")
    return "\n".join([first, *(" " * column + line if line else line for line in further)])


def line_of(text: str, node: yaml.Node) -> tuple[int, int]:
    """From the start of the line that an item's dash stands on to the start of the line after it.

    NotEdited where something else stands on its first line.
    """
    start, end = span(text, node)
    begin = text.rfind("\n", 0, start) + 1
    if text[begin:start].strip() != "-":
        raise NotEdited([ours("An item does not begin on the line of its dash.")])
    after = text.find("\n", end)
    return begin, len(text) if after < 0 else after + 1


def without_item(text: str, node: yaml.Node) -> str:
    begin, after = line_of(text, node)
    return text[:begin] + text[after:]


def with_item(text: str, last: yaml.Node, part: str) -> str:
    """The text with one more item behind the last one, as far to the right as that."""
    begin, after = line_of(text, last)
    dash = text[begin : last.start_mark.index]
    line = dash + indented(part, last.start_mark.column)
    ending = "" if text[:after].endswith("\n") else "\n"
    return f"{text[:after]}{ending}{line}\n{text[after:]}"


def with_key(text: str, rule: yaml.MappingNode, key: str, value: Any) -> str:
    """The text with another value behind a key of a part that has a line for each key.

    One that is missing is added at its end.
    """
    column = rule.start_mark.column
    written = after_colon(value, column)
    if found := value_of(rule, key):
        begin, end = found[0].end_mark.index, span(text, found[1])[1]
        return f"{text[:begin]}:{written}{text[end:]}"
    end = span(text, rule)[1]
    after = text.find("\n", end)
    end = len(text) if after < 0 else after
    return f"{text[:end]}\n{' ' * column}{key}:{written}{text[end:]}"


def without_key(text: str, rule: yaml.MappingNode, key: str) -> str:
    """The text without a key that is not the first of its part."""
    found = value_of(rule, key)
    if found is None:
        return text
    begin = text.rfind("\n", 0, found[0].start_mark.index)
    after = text.find("\n", max(span(text, found[1])[1], found[0].end_mark.index))
    return text[:begin] + (text[after:] if after >= 0 else "")


def after_colon(value: Any, column: int) -> str:
    if isinstance(value, dict) and len(value) > MOST_IN_BRACES:
        lines = dumped(value).split("\n")
        return "".join(f"\n{' ' * (column + 2)}{line}" for line in lines)
    if isinstance(value, dict):
        value.fa.set_flow_style()  # type: ignore[attr-defined]
        return f" {dumped(value)}"
    return f" {dumped({'value': value}).removeprefix('value:').strip()}"
