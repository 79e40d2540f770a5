"""Reads Bicep files as trees: what they declare, what they name, what they pass on. No compiler is needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tree_sitter
import tree_sitter_bicep

INFRA = Path(__file__).parents[3] / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))
KINDS = ("parameter", "variable", "resource", "module", "output")


def tree(source: bytes) -> tree_sitter.Node:
    return tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language())).parse(source).root_node


def walk(node: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    yield node
    for child in node.children:
        yield from walk(child)


def text(node: tree_sitter.Node) -> str:
    return (node.text or b"").decode()


def faults(node: tree_sitter.Node) -> list[str]:
    """Where the reader stumbled: `line:column type`."""
    bad = [found for found in walk(node) if found.type == "ERROR" or found.is_missing]
    return [f"{found.start_point[0] + 1}:{found.start_point[1] + 1} {found.type}" for found in bad]


@dataclass(frozen=True)
class Declaration:
    """`body` is what stands right of `=`; `decorators` the text of those above."""

    name: str
    kind: str
    node: tree_sitter.Node
    body: tree_sitter.Node
    decorators: str
    about: str


@dataclass(frozen=True)
class Bicep:
    name: str
    root: tree_sitter.Node

    def declared(self) -> list[Declaration]:
        found, decorators = [], ""
        for node in self.root.children:
            if node.type == "decorators":
                decorators = text(node)
            elif node.type.removesuffix("_declaration") in KINDS:
                found.append(declaration(node, decorators))
                decorators = ""
        return found

    def declarations(self, kind: str) -> dict[str, Declaration]:
        return {made.name: made for made in self.declared() if made.kind == kind}

    def names(self) -> list[str]:
        """What an expression may name: outputs have names of their own."""
        return [made.name for made in self.declared() if made.kind != "output"]

    def variable(self, name: str) -> tree_sitter.Node:
        return self.declarations("variable")[name].body

    def references(self) -> Iterator[tuple[str, str]]:
        """(`name` or `function`, what is named) wherever an expression names something."""
        for node in walk(self.root):
            parent = node.parent
            if node.type != "identifier" or parent is None:
                continue
            first = parent.named_children[0].id == node.id
            if parent.type == "call_expression" and first:
                yield "function", text(node)
            elif not (first and (parent.type == "object_property" or parent.type.endswith("_declaration"))):
                yield "name", text(node)

    def loop_names(self) -> set[str]:
        loops = [node for node in walk(self.root) if node.type in ("loop_variable", "loop_enumerator")]
        plain = [node.named_children[0] for node in walk(self.root) if node.type == "for_statement"]
        return {text(node) for node in [*loops, *plain]}


def declaration(node: tree_sitter.Node, decorators: str) -> Declaration:
    name = next(text(child) for child in node.children if child.type == "identifier")
    about = next((text(child).strip("'") for child in node.children if child.type == "string"), "")
    return Declaration(name, node.type.removesuffix("_declaration"), node, node.named_children[-1], decorators, about)


def items(body: tree_sitter.Node) -> dict[str, tree_sitter.Node]:
    """The properties of an object, or of the object that a loop or a condition makes."""
    made = body if body.type == "object" else next(node for node in walk(body) if node.type == "object")
    pairs = [child.named_children for child in made.children if child.type == "object_property"]
    return {text(pair[0]).strip("'"): pair[-1] for pair in pairs}


def entries(array: tree_sitter.Node) -> list[dict[str, str]]:
    """A list of objects as their properties' texts."""
    return [{key: text(value).strip("'") for key, value in items(node).items()} for node in array.named_children]


def words(array: tree_sitter.Node) -> list[str]:
    return [text(node).strip("'") for node in array.named_children]


def value(body: tree_sitter.Node, path: str) -> str:
    """The text at `a.b.c` of an object; KeyError if it is not set."""
    for part in path.split("."):
        body = items(body)[part]
    return text(body).strip("'")


@cache
def read(name: str) -> Bicep:
    return Bicep(name, tree((INFRA / name).read_bytes()))


def all_files() -> list[Bicep]:
    return [read(path.relative_to(INFRA).as_posix()) for path in FILES]


def resources(kind: str) -> list[tree_sitter.Node]:
    """Every resource of a type (without its version) that is made, not only looked up."""
    declared = [made for file in all_files() for made in file.declarations("resource").values()]
    return [
        made.body
        for made in declared
        if made.about.split("@")[0] == kind and not any(child.type == "existing" for child in made.node.children)
    ]
