"""YAML into a document: every problem at once, with its line, the field's name and what to do;
never a library's own words.

All documents that people write are read here: mappings, opt-outs, e-mail events.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ConfigDict, PrivateAttr, ValidationError

from shared.errors import Misconfigured
from shared.mapping.syntax import LONGEST_SHOWN, InvalidDocument, parsed
from shared.mapping.wording import sentence

Loc = Sequence[str | int]

NAMED_BY = ("target", "field", "flag", "column", "source", "template")
MOST_FAULTS = 500
"""So many are looked at, of one document."""


class Misplaced(ValueError):
    """A fault of a part, found while the whole is looked at.

    `at`: where the part stands below the whole.
    """

    def __init__(self, what: str, *at: str | int) -> None:
        super().__init__(what)
        self.at = at


class Part(BaseModel):
    """Strict: an unknown key is a fault, not a silent nothing."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Document(Part):
    """A whole document.

    It knows the lines and names of its parts as they are written, so that later checks can name
    them.
    """

    _lines: Mapping[str, tuple[int, str]] = PrivateAttr(default_factory=dict)

    def place(self, path: str, name: str = "") -> str:
        """Where a part of the document stands: `Line 12, fields[3] (firstName)`.

        Its name is shown as a person wrote it.
        """
        line, written = self._lines.get(path, (0, ""))
        name = name and (written or name)
        return f"{f'Line {line}, ' if line else ''}{path}{f' ({name})' if name else ''}"


def read[D: Document](text: str, kind: type[D]) -> D:
    """The document in a YAML text; InvalidDocument with every problem that it has."""
    content, node = parsed(text)
    try:
        document = kind.model_validate(content)
    except ValidationError as error:
        raise InvalidDocument(list(dict.fromkeys(problems(error, node, kind)))) from None
    document._lines = {path: (line, name_of(part)) for path, line, part in lines(node, "")}
    return document


def content_of(
    text: str, validate: Callable[[Any], object], kind: type[BaseModel]
) -> Mapping[Any, Any]:
    """What another file in YAML says, of another form; InvalidDocument as above.

    `kind` is the form of its parts.
    """
    content, node = parsed(text)
    try:
        validate(content)
    except ValidationError as error:
        raise InvalidDocument(list(dict.fromkeys(problems(error, node, kind)))) from None
    return content


def read_active[D: Document](text: str, kind: type[D], setting: str, name: str) -> D:
    """A version that was activated earlier.

    Misconfigured if today's rules do not read it: its meaning is not guessed.
    """
    try:
        return read(text, kind)
    except InvalidDocument as error:
        advice = "Put a corrected document into the container config."
        raise Misconfigured(setting, f"{name} cannot be read any more: {error} {advice}") from None


def lines(node: yaml.Node, path: str) -> Iterator[tuple[str, int, yaml.Node]]:
    """Line and node of each part that has a name of its own, by its path; an alias stands where its
    anchor stands.
    """
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            below = f"{path}.{key.value}" if path else str(key.value)
            yield below, key.start_mark.line + 1, value
            yield from lines(value, below)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value, 1):
            yield f"{path}[{number}]", item.start_mark.line + 1, item
            yield from lines(item, f"{path}[{number}]")


def problems(
    error: ValidationError, root: yaml.MappingNode, kind: type[BaseModel]
) -> Iterator[str]:
    """One sentence for each fault.

    A value that fits none of several types is one fault, of its innermost part.
    """
    faults: list[Any] = [
        {**found, "loc": place_of(found)} for found in error.errors(include_url=False)[:MOST_FAULTS]
    ]
    located = [(found, path_of(found, root)) for found in faults]
    for found, path in located:
        if not (alternative(found["loc"]) and covered(found, path, located)):
            yield problem(found, path, root, kind)


def place_of(found: Any) -> tuple[str | int, ...]:
    cause = found.get("ctx", {}).get("error")
    return (*found["loc"], *(cause.at if isinstance(cause, Misplaced) else ()))


Located = tuple[Any, str]


def covered(found: Any, path: str, located: Sequence[Located]) -> bool:
    """Whether another fault says more of the same value: one within it, or one of an alternative
    that fits better.
    """
    others = [(other, at) for other, at in located if other is not found]
    if any(at.startswith(f"{path}[") for _, at in others):
        return True
    return found["type"] == "list_type" and any(at == path for _, at in others)


def problem(found: Any, path: str, root: yaml.MappingNode, kind: type[BaseModel]) -> str:
    nodes = list(walk(root, found["loc"]))
    name = next(
        (
            name
            for part, _, node in reversed(nodes)
            if isinstance(part, int) and (name := name_of(node))
        ),
        "",
    )
    line = (nodes[-1][1] if nodes else root.start_mark).line + 1
    place = f"Line {line}, {path}{f' ({name})' if name else ''}" if path else "The document"
    hint = suggestion(kind, found["loc"]) if found["type"] == "extra_forbidden" else ""
    ours = ":" if found["type"] == "value_error" else ""
    return (
        f"{place}{ours}"
        f" {sentence(found, scalar=found['loc'][-1:] and found['loc'][-1] in SCALARS)}{hint}"
    )


def walk(node: yaml.Node, loc: Loc) -> Iterator[tuple[str | int, yaml.Mark, yaml.Node]]:
    """The parts of a location that the text has, with line and node.

    What only the validation names is passed over.
    """
    for part in loc:
        if isinstance(node, yaml.MappingNode):
            found = next(
                ((key, value) for key, value in node.value if key.value == str(part)), None
            )
            if found:
                node = found[1]
                yield str(part), found[0].start_mark, node
        elif (
            isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value)
        ):
            node = node.value[part]
            yield part, node.start_mark, node


def path_of(found: Any, root: yaml.Node) -> str:
    parts = [part for part, _, _ in walk(root, found["loc"])] + (
        [found["loc"][-1]] if found["type"] == "missing" else []
    )
    return "".join(
        f"[{part + 1}]" if isinstance(part, int) else f".{part[:LONGEST_SHOWN]}" for part in parts
    ).lstrip(".")


def name_of(node: yaml.Node) -> str:
    """What a person calls an item of a list: its target, field, flag or source."""
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    texts = {
        str(key.value): value.value for key, value in pairs if isinstance(value, yaml.ScalarNode)
    }
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
        fields = [
            field
            for model in models
            for name, field in model.model_fields.items()
            if part in (name, field.alias)
        ]
        models = {model for field in fields for model in models_in(field.annotation)} or models
    keys = [field.alias or name for model in models for name, field in model.model_fields.items()]
    close = get_close_matches(str(loc[-1])[:LONGEST_SHOWN], keys, 1)
    return f" Did you mean {close[0]}?" if close else ""


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)
