"""The pages are plain English: at most one sentence in ten has more than 20 words.

Prose is what stands in paragraphs and lists: no code blocks, tables, headings and diagrams.
A piece of inline code is one word. A link counts by its text.
"""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WORDS, SHARE = 20, 0.10

ITEM = re.compile(r"^\s*(?:[-*]|\d+\.)\s+")
NO_PROSE = re.compile(r"\s*([|#>]|<!--|$)")
SENTENCE_ENDS = re.compile(r"(?<=[.!?])[)*\"]*\s+(?=[^a-z\s])|(?<=:)\s*$")


def paragraphs(page: str) -> list[str]:
    """Each paragraph and each item of a list, as one line."""
    found: list[str] = []
    fenced = continues = False
    for line in page.splitlines():
        if line.lstrip().startswith("```"):
            fenced = not fenced
            continues = False
        elif fenced or NO_PROSE.match(line) or (line.startswith("    ") and not continues):
            continues = False
        elif continues and not ITEM.match(line):
            found[-1] += f" {line.strip()}"
        else:
            found.append(ITEM.sub("", line).strip())
            continues = True
    return found


def plain(text: str) -> str:
    """A piece of inline code is one word; a link is its text."""
    text = re.sub(r"(`+)[^`].*?\1", "Code", text)
    return re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text).replace("*", "")


def sentences(page: str) -> list[str]:
    return [
        part
        for text in paragraphs(page)
        for part in SENTENCE_ENDS.split(plain(text))
        if part.strip()
    ]


def words(sentence: str) -> int:
    return len([word for word in sentence.split() if re.search(r"\w", word)])


def long_sentences(page: str) -> list[str]:
    return [f"{words(one)}: {one}" for one in sentences(page) if words(one) > WORDS]


def unreleased(changelog: str) -> str:
    return changelog.split("\n## ")[1]


TEXTS = [pytest.param(path.read_text("utf-8"), id=path.name) for path in PAGES]
TEXTS.append(
    pytest.param(
        unreleased((ROOT / "CHANGELOG.md").read_text("utf-8")), id="CHANGELOG.md Unreleased"
    )
)


@pytest.mark.parametrize("text", TEXTS)
def test_a_page_is_written_in_short_sentences(text: str) -> None:
    found = long_sentences(text)
    assert len(found) <= SHARE * len(sentences(text)), "\n".join(found)


OLD_WORDS = {
    "advice": "fix",
    "mended": "fixed",
    "anew": "again",
    "likewise": "also",
    "in vain": "without result",
    "noes": "opt-outs",
    "given up": "discarded",
    "in force": "active",
    "taken into force": "activated",
    "held up": "waits",
    "as it comes": "by default",
}
"""Words that a page used once, each with the one that is used for the idea."""


@pytest.mark.parametrize("text", TEXTS)
def test_a_page_has_one_word_for_an_idea(text: str) -> None:
    found = [word for word in OLD_WORDS if re.search(rf"\b{word}\b", text, re.IGNORECASE)]
    assert {word: OLD_WORDS[word] for word in found} == {}


LONG = " ".join(["word"] * (WORDS + 1))


@pytest.mark.parametrize(
    ("page", "found"),
    [
        pytest.param(f"{LONG}.", 1, id="a paragraph"),
        pytest.param(f"Short. {LONG}. Short.", 1, id="between short ones"),
        pytest.param(f"- short\n- {LONG}", 1, id="an item of a list"),
        pytest.param(f"1. Short.\n   {LONG}.", 1, id="the second line of an item"),
        pytest.param(f"10. Short.\n    {LONG}.", 1, id="the second line of a tenth item"),
        pytest.param(f"{LONG[:40]}\n{LONG[40:]}.", 1, id="two lines"),
        pytest.param("word " * 10 + "`a piece of code`" + " word" * 9, 0, id="code is one word"),
        pytest.param(
            "word " * 18 + "[two words](https://example.org/a)", 0, id="a link is its text"
        ),
        pytest.param(f"```\n{LONG}\n```", 0, id="a block of code"),
        pytest.param(f"Do:\n\n    {LONG}", 0, id="an indented block"),
        pytest.param(f"| {LONG} |", 0, id="a row of a table"),
        pytest.param(f"# {LONG}", 0, id="a heading"),
    ],
)
def test_a_long_sentence_is_found_where_prose_is(page: str, found: int) -> None:
    assert len(long_sentences(page)) == found
