"""Reads commands out of pages and workflows, word by word, and holds them to the grammar of the
tools that they call.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

TABLES = Path(__file__).parents[1] / "fixtures" / "cli"
BLOCK = re.compile(r"(?:^(?: {4,}|\t)\S.*\n?)+", re.MULTILINE)
FENCE = re.compile(r"^```(?:\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:az|azd|git|bicep|func|python3 manage\.py)(?: [^`]*)?)`")
PLACE = re.compile(r"<[^<>\n]+>")
STARTS = ("az ", "azd ", "git ", "bicep ", "func ", "python3 ")


@dataclass(frozen=True, slots=True)
class Command:
    """`whole`: in a block, to be typed as it is; else named within a sentence, perhaps without its
    arguments.
    """

    words: tuple[str, ...]
    whole: bool

    @classmethod
    def of(cls, words: list[str], whole: bool) -> "Command":
        """Three dots stand for what is left out, brackets for what may be."""
        return cls(
            tuple(word.strip("[]") or word for word in words if word != "..."),
            whole and "..." not in words,
        )

    def __str__(self) -> str:
        return " ".join(self.words)


def of_page(text: str) -> Iterator[Command]:
    """Commands of code blocks, then those between backticks."""
    blocks = [found[1] for found in FENCE.finditer(text)] + [
        found[0] for found in BLOCK.finditer(FENCE.sub("", text))
    ]
    for block in blocks:
        yield from of_script(block)
    for found in INLINE.finditer(text):
        yield from (Command.of(words, False) for words in split(found[1]))


def of_script(script: str) -> Iterator[Command]:
    for line in whole_lines(script):
        if (found := re.match(r"\w+=\$\((.*)\)$", line)) or line.startswith(STARTS):
            yield from (Command.of(words, True) for words in split(found[1] if found else line))


def whole_lines(script: str) -> Iterator[str]:
    """Lines as the shell sees them: a backslash at the end or an open quote goes on in the next
    line.
    """
    line = ""
    for part in re.sub(r"\\\n\s*", " ", PLACE.sub("filled-in", script)).splitlines():
        line = f"{line} {part}".strip().removeprefix("$ ")
        if not line.startswith(STARTS) or line.count("'") % 2 == 0:
            yield line
            line = ""


def split(line: str) -> Iterator[list[str]]:
    """The commands of a line: those in $( ), then those between pipes.

    What a person fills in becomes a word.
    """
    line = PLACE.sub("filled-in", line)
    while found := re.search(r"\$\(([^()]*)\)", line):
        yield from split(found[1])
        line = line[: found.start()] + "substituted" + line[found.end() :]
    for part in re.split(r"\s\|\s", line):
        words = shlex.split(part.strip().removeprefix("xargs "), comments=True)
        if words:
            yield words[: words.index(">")] if ">" in words else words


@cache
def table(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((TABLES / f"{name}.json").read_text())
    return read


def named(words: tuple[str, ...], commands: dict[str, Any]) -> str:
    """The longest command of the table that these words begin with; empty if none."""
    return next(
        (" ".join(words[:n]) for n in range(len(words), 0, -1) if " ".join(words[:n]) in commands),
        "",
    )


def az_problems(command: Command) -> list[str]:
    """What `az` would refuse: an unknown command, option or value, or a required option that is not
    given.
    """
    name = named(command.words[1:], table("az")["commands"])
    if not name:
        return [f"there is no command {command}"]
    known = table("az")["commands"][name]
    given = [word.partition("=")[0] for word in command.words[1:] if re.match(r"--?[a-z]", word)]
    problems = [
        f"{name} has no option {option}" for option in given if option not in known["options"]
    ]
    if command.whole:
        long = {known["options"].get(option) for option in given}
        problems += [f"{name} needs {option}" for option in known["required"] if option not in long]
    for option, value in zip(command.words, command.words[1:], strict=False):
        choices = known["choices"].get(known["options"].get(option, ""), [])
        if choices and value != "filled-in" and value not in choices:
            problems.append(f"{name} {option} takes no {value}")
    first = next((word for word in command.words[1 + len(name.split()) :]), "-")
    return problems + ([] if first.startswith("-") else [f"{name} takes no word {first}"])


def azd_problems(command: Command) -> list[str]:
    """What `azd` would refuse: an unknown command or option, or too many or too few words."""
    commands = table("azd")["commands"]
    name = named(command.words[1:], commands)
    if not name:
        return (
            []
            if not command.whole and len(command.words) == 1
            else [f"there is no command {command}"]
        )
    rest = command.words[1 + len(name.split()) :]
    options = [*commands[name]["options"], *table("azd")["everywhere"]]
    problems = [
        f"{name} has no option {word}"
        for word in rest
        if word.startswith("-") and word not in options
    ]
    values = {
        n + 1
        for n, word in enumerate(rest)
        if word.startswith("-") and word not in table("azd")["flags"]
    }
    words = [word for n, word in enumerate(rest) if not word.startswith("-") and n not in values]
    least, most = commands[name]["words"]
    wrong = len(words) > most or (command.whole and len(words) < least)
    return problems + ([f"{name} takes {least} to {most} words, not {len(words)}"] if wrong else [])
