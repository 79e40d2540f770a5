"""README shows what the demo prints, in its order and words.

Names, figures and times are those of one run.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.commands.demo import (
    AGREE,
    COLUMNS,
    CONTACTS,
    CONTACTS_FULL,
    FEWEST,
    STARTING,
    TITLE,
    parse,
)
from dev.commands.demo_scenes import FLOWS, FULL, SHORT, comparison
from dev.commands.demo_story import Scene, Step, line_of
from dev.seed import mailings, optouts

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
PRINTED = next(
    block
    for block in re.findall(r"```\n(.*?)```", README, re.DOTALL)
    if block.startswith("Starting")
)
LAST = comparison({})


def line_pattern(scene: Scene) -> str:
    """A regular expression for the line of a scene that went well."""
    line = (
        line_of(Step(scene.name, True, "DETAIL", 0.0))
        .replace("[green]", "")
        .replace("[/green]", "")
    )
    detail = re.sub(r"\\{\w+\\}", ".+", re.escape(scene.outcome))
    return (
        re.escape(line).replace(re.escape("   0.0 s"), r" {0,4}\d+\.\d s").replace("DETAIL", detail)
    )


def rows() -> Iterator[list[str]]:
    """The cells of the table's lines that name a flow or a column."""
    for line in PRINTED.splitlines():
        if line.startswith(("│", "┃")):
            cells = [cell.strip() for cell in re.split("[│┃]", line.strip("│┃"))]
            if cells[0]:
                yield cells


def test_the_lines_are_those_of_the_short_story() -> None:
    scenes = [line for line in PRINTED.splitlines() if line.startswith("ok ")]
    assert len(scenes) == len(SHORT) + 1
    for line, scene in zip(scenes, [*SHORT, LAST], strict=True):
        assert re.fullmatch(line_pattern(scene), line), scene.name


def test_it_begins_and_ends_as_the_demo_does() -> None:
    first, *_, last = PRINTED.splitlines()
    assert first == STARTING.format(contacts=CONTACTS)
    assert re.fullmatch(re.escape(AGREE) + r" \d+\.\d s", last)


def test_the_table_has_its_title_its_columns_and_a_row_for_each_flow() -> None:
    heads, *flows = rows()
    assert TITLE in PRINTED
    assert tuple(heads) == COLUMNS
    assert [cells[0] for cells in flows] == [*FLOWS, mailings.FLOW, optouts.FLOW]


def test_the_long_story_has_each_scene_of_the_short_one_and_more() -> None:
    plays = [scene.play for scene in FULL]
    assert len(FULL) > len(SHORT)
    assert [scene.name for scene in SHORT if scene.play not in plays] == ["opt-outs, both ways"]
    assert f"{CONTACTS_FULL:,} contacts" in README
    assert f"{CONTACTS} contacts" in README


@pytest.mark.parametrize(
    ("given", "contacts"),
    [
        pytest.param([], CONTACTS, id="short"),
        pytest.param(["--full"], CONTACTS_FULL, id="long"),
        pytest.param(["--full", "--contacts", "2000"], 2000, id="long with fewer"),
        pytest.param(["--contacts", "2000"], 2000, id="short with more"),
    ],
)
def test_the_story_says_how_many_contacts_there_are(given: list[str], contacts: int) -> None:
    assert parse(given).contacts == contacts


def test_too_few_contacts_for_the_story_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["--contacts", str(FEWEST - 1)])
    assert f"must be a whole number, {FEWEST} or more" in capsys.readouterr().err
