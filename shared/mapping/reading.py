"""YAML into a document: every problem at once, with its line, the field's name and what to do; never a library's own words.

All documents that people write are read here: mappings, opt-outs, e-mail events.
"""

import math
import re
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from shared.errors import Misconfigured
from shared.mapping.wording import sentence

Loc = Sequence[str | int]

PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+([eE][+-]?\d+)?)?")
NOT_UTF_8 = re.compile("[\ud800-\udfff]")  # what a byte is decoded to that is no UTF-8
NAMED_BY = ("target", "field", "flag", "column", "source", "template")
LONGEST_SHOWN = 40
MOST_CHARACTERS = 256 * 1024
"""Of a document's text. The longest mapping that is known, of 600 fields, has 60,000."""

MOST_PARTS = 20_000
"""Of a document, counted where an alias stands for them, so that nine lines of aliases do not stand for a billion."""

DEEPEST = 50
"""Levels of parts within each other, filters included."""

DEEPEST_SCANNED = 250
"""Where scanning ends. Below it a document that is too deep is refused with its own sentence."""

MOST_FAULTS, MOST_PROBLEMS, LONGEST_PROBLEM = 500, 50, 600
"""What is told of one document at once: so many faults are looked at, so many sentences of so many characters are said."""


class InvalidDocument(Exception):
    """The text is no document of its kind; `problems` are sentences, each with its place."""

    def __init__(self, problems: list[str]) -> None:
        told = [text if len(text) <= LONGEST_PROBLEM else f"{text[:LONGEST_PROBLEM]}..." for text in problems[:MOST_PROBLEMS]]
        if len(problems) > MOST_PROBLEMS:
            told.append(f"There are more than {MOST_PROBLEMS} problems: correct these first.")
        super().__init__(" ".join(told))
        self.problems = told


class Misplaced(ValueError):
    """A fault of a part, found while the whole is looked at. `at`: where the part stands below the whole."""

    def __init__(self, what: str, *at: str | int) -> None:
        super().__init__(what)
        self.at = at


class Part(BaseModel):
    """Strict: an unknown key is a fault, not a silent nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Document(Part):
    """A whole document. It knows the lines and names of its parts as they are written, so that later checks can name them."""

    _lines: Mapping[str, tuple[int, str]] = PrivateAttr(default_factory=dict)

    def place(self, path: str, name: str = "") -> str:
        """Where a part of the document stands: `Line 12, fields[3] (firstName)`. Its name is shown as a person wrote it."""
        line, written = self._lines.get(path, (0, ""))
        name = name and (written or name)
        return f"{f'Line {line}, ' if line else ''}{path}{f' ({name})' if name else ''}"


class Loader(yaml.SafeLoader):
    """Refuses what YAML would read as something else than is written; dates stay texts. Collects its problems."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.problems: list[str] = []

    def problem(self, node: yaml.Node, what: str) -> None:
        self.problems.append(f"Line {node.start_mark.line + 1}: {what}")

    def fetch_flow_collection_start(self, token: type[yaml.Token]) -> None:
        """Ends here what is too deep: the scanner takes the square of the depth before anybody else sees it."""
        if self.flow_level > DEEPEST_SCANNED:
            raise yaml.scanner.ScannerError(None, None, "too deep", None)
        super().fetch_flow_collection_start(token)

    def add_indent(self, column: int) -> bool:
        if len(self.indents) > DEEPEST_SCANNED:
            raise yaml.scanner.ScannerError(None, None, "too deep", None)
        return bool(super().add_indent(column))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        known: set[Hashable] = set()
        for key, _ in node.value if isinstance(node, yaml.MappingNode) else []:
            if key.tag == f"{YAML}merge":
                continue
            value = self.construct_object(key, deep=True)
            if not isinstance(value, Hashable):
                self.problem(key, "a key must be a single word or number.")
                return {}
            if value in known:
                self.problem(key, f"the key {shown(key)} stands twice: take one of them out.")
            known.add(value)
        return super().construct_mapping(node, deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        """An escape such as "\\ud800" may stand for half of a character, which nobody can store."""
        value = super().construct_scalar(node)
        if isinstance(value, str) and NOT_UTF_8.search(value):
            self.problem(node, "a text holds half of a character: correct it.")
        return value

    def number(self, node: yaml.Node) -> int | float | Decimal:
        """An unquoted number, exactly, which must be the one that it looks like: no octal, no base 60."""
        text = str(node.value)
        if not PLAIN_NUMBER.fullmatch(text) or len(text) > LONGEST_SHOWN:
            self.problem(node, f"{shown(node)} may be read as another number than it looks like: quote it.")
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
        self.problem(node, f"the tag {node.tag.replace(YAML, '!!')[:LONGEST_SHOWN]} has no meaning here: take it out.")


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


def read[D: Document](text: str, kind: type[D]) -> D:
    """The document in a YAML text; InvalidDocument with every problem that it has."""
    content, node = parsed(text)
    try:
        document = kind.model_validate(content)
    except ValidationError as error:
        raise InvalidDocument(list(dict.fromkeys(problems(error, node, kind)))) from None
    document._lines = {path: (line, name_of(part)) for path, line, part in lines(node, "")}
    return document


def content_of(text: str, validate: Callable[[Any], object], kind: type[BaseModel]) -> dict[Any, Any]:
    """What another file in YAML says, of another form; InvalidDocument likewise. `kind` is the form of its parts."""
    content, node = parsed(text)
    try:
        validate(content)
    except ValidationError as error:
        raise InvalidDocument(list(dict.fromkeys(problems(error, node, kind)))) from None
    return content


def read_active[D: Document](text: str, kind: type[D], setting: str, name: str) -> D:
    """A version that was activated earlier. Misconfigured if today's rules do not read it: its meaning is not guessed."""
    try:
        return read(text, kind)
    except InvalidDocument as error:
        mend = "Put a corrected document into the container config."
        raise Misconfigured(setting, f"{name} cannot be read any more: {error} {mend}") from None


def parsed(text: str) -> tuple[dict[Any, Any], yaml.MappingNode]:
    """What the YAML says, and its node; InvalidDocument where it is none."""
    if len(text) > MOST_CHARACTERS:
        raise InvalidDocument([f"The document is longer than {MOST_CHARACTERS} characters: shorten it."])
    if number := next((number for number, line in enumerate(text.split("\n"), 1) if NOT_UTF_8.search(line)), 0):
        raise InvalidDocument([f"Line {number} is not UTF-8: save the file as UTF-8."])
    try:
        loader = Loader(text)
        node = loader.get_single_node()
        if node and (too_much := unfit(node)):
            raise InvalidDocument([too_much])
        content = loader.construct_document(node) if node else None
    except (yaml.YAMLError, TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        raise InvalidDocument([no_yaml(error)]) from None
    if loader.problems:
        raise InvalidDocument(list(dict.fromkeys(loader.problems)))
    if not isinstance(node, yaml.MappingNode) or not isinstance(content, dict):
        raise InvalidDocument(["The document must be a list of `key: value` lines."])
    return content, node


def unfit(root: yaml.Node) -> str:
    """Why a document is not looked at: its parts, written out where an alias stands for them, are too many or nested too deep."""
    sizes: dict[int, tuple[int, int]] = {}

    def measured(node: yaml.Node, above: frozenset[int]) -> tuple[int, int]:
        if id(node) in above or len(above) > DEEPEST:
            return 1, DEEPEST + 1
        if id(node) not in sizes:
            found = [measured(one, above | {id(node)}) for one in within(node)]
            sizes[id(node)] = 1 + sum(size for size, _ in found), 1 + max((depth for _, depth in found), default=0)
        return sizes[id(node)]

    size, depth = measured(root, frozenset())
    if depth > DEEPEST:
        return f"The document is nested too deep: write at most {DEEPEST} parts within each other, and none within itself."
    if size > MOST_PARTS:
        return f"The document has too many parts: at most {MOST_PARTS} are read. Where an alias stands, count what it stands for."
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
    return f"{place}his is not YAML: {advice or 'look at the indentation, the quotes and the brackets here.'}"


NO_YAML = {
    "alias": "a word behind * must be named with & before. Quote the text if it is none.",
    "single document": "there are two documents, parted by ---. Keep one.",
    r"'\t'": "there is a tab. Indent with blanks.",
    "special characters": "it holds a character that no text may hold.",
    "too deep": "it is nested too deep.",
    "mapping values are not allowed": "there is a second colon, or the indentation is wrong. Quote the text.",
}


def lines(node: yaml.Node, path: str) -> Iterator[tuple[str, int, yaml.Node]]:
    """Line and node of each part that has a name of its own, by its path; an alias stands where its anchor stands."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = f"{path}.{key.value}" if path else str(key.value)
            yield below, key.start_mark.line + 1, value
            yield from lines(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value, 1):
            yield f"{path}[{number}]", item.start_mark.line + 1, item
            yield from lines(item, f"{path}[{number}]")


def problems(error: ValidationError, root: yaml.MappingNode, kind: type[BaseModel]) -> Iterator[str]:
    """One sentence for each fault. A value that fits none of several types is one fault, of its innermost part."""
    faults: list[Any] = [{**found, "loc": place_of(found)} for found in error.errors(include_url=False)[:MOST_FAULTS]]
    located = [(found, path_of(found, root)) for found in faults]
    for found, path in located:
        if not (alternative(found["loc"]) and covered(found, path, located)):
            yield problem(found, path, root, kind)


def place_of(found: Any) -> tuple[str | int, ...]:
    cause = found.get("ctx", {}).get("error")
    return (*found["loc"], *(cause.at if isinstance(cause, Misplaced) else ()))


Located = tuple[Any, str]


def covered(found: Any, path: str, located: Sequence[Located]) -> bool:
    """Whether another fault says more of the same value: one within it, or one of an alternative that fits better."""
    others = [(other, at) for other, at in located if other is not found]
    if any(at.startswith(f"{path}[") for _, at in others):
        return True
    return found["type"] == "list_type" and any(at == path for _, at in others)


def problem(found: Any, path: str, root: yaml.MappingNode, kind: type[BaseModel]) -> str:
    nodes = list(walk(root, found["loc"]))
    name = next((name for part, _, node in reversed(nodes) if isinstance(part, int) and (name := name_of(node))), "")
    line = (nodes[-1][1] if nodes else root.start_mark).line + 1
    place = f"Line {line}, {path}{f' ({name})' if name else ''}" if path else "The document"
    hint = suggestion(kind, found["loc"]) if found["type"] == "extra_forbidden" else ""
    ours = ":" if found["type"] == "value_error" else ""
    return f"{place}{ours} {sentence(found, scalar=found['loc'][-1:] and found['loc'][-1] in SCALARS)}{hint}"


def walk(node: yaml.Node, loc: Loc) -> Iterator[tuple[str | int, yaml.Mark, yaml.Node]]:
    """The parts of a location that the text has, with line and node. What only the validation names is passed over."""
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found:
                node = found[1]
                yield str(part), found[0].start_mark, node
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            yield part, node.start_mark, node


def path_of(found: Any, root: yaml.Node) -> str:
    parts = [part for part, _, _ in walk(root, found["loc"])] + ([found["loc"][-1]] if found["type"] == "missing" else [])
    return "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part[:LONGEST_SHOWN]}" for part in parts).lstrip(".")


def name_of(node: yaml.Node) -> str:
    """What a person calls an item of a list: its target, field, flag or source."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    texts = {str(key.value): value.value for key, value in pairs if isinstance(value, yaml.ScalarNode)}
    return next((texts[name][:LONGEST_SHOWN] for name in NAMED_BY if name in texts), "")


def alternative(loc: Loc) -> bool:
    """Whether the fault is that of one type among several that a value may have."""
    last = str(loc[-1]) if loc else ""
    return last in SCALARS or last.startswith(("list[", "constrained-str"))


SCALARS = frozenset({"bool", "int", "float", "decimal", "str"})


def suggestion(kind: type[BaseModel], loc: Loc) -> str:
    """A known key that looks alike, as a question."""
    models = {kind}
    for part in loc[:-1]:
        fields = [field for model in models for name, field in model.model_fields.items() if part in (name, field.alias)]
        models = {model for field in fields for model in models_in(field.annotation)} or models
    known = [field.alias or name for model in models for name, field in model.model_fields.items()]
    close = get_close_matches(str(loc[-1])[:LONGEST_SHOWN], known, 1)
    return f" Did you mean {close[0]}?" if close else ""


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)
