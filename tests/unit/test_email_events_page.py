"""The page tells the Campaign administrator exactly the columns that the shipped document reads."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.events.documents import default_events_document, read_events_document

PAGE = Path("docs/email-events.md")


def reported(log: str) -> set[str]:
    """The headers in the page's table below the row of this log."""
    rows = [
        row.split("|")[1] for row in PAGE.read_text("utf-8").splitlines() if row.startswith("|")
    ]
    begin = rows.index(f" **{log}** ") + 1
    names: set[str] = set()
    for cell in rows[begin:]:
        if not (found := re.findall(r"`(\w+)`", cell)):
            break
        names |= set(found)
    return names


@pytest.mark.parametrize(
    ("log", "field"), [("delivery log", "delivery_log"), ("tracking log", "tracking_log")]
)
def test_the_page_names_the_columns_of_the_shipped_document(log: str, field: str) -> None:
    document = read_events_document(default_events_document())
    file = getattr(document.files, field)
    assert reported(log) == set(file.columns.values())
    assert file.pattern.removesuffix("*") in PAGE.read_text("utf-8")


def merged(whole: Any, part: Any) -> Any:
    """A copy of the whole with the part's lines changed, as a person would."""
    if not isinstance(whole, dict) or not isinstance(part, dict):
        return part
    return whole | {key: merged(whole.get(key), value) for key, value in part.items()}


def test_the_examples_of_the_page_fit_into_a_copy_of_the_shipped_document() -> None:
    examples = re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert len(examples) == 2
    for example in examples:
        text = yaml.safe_dump(
            merged(yaml.safe_load(default_events_document()), yaml.safe_load(example)),
            allow_unicode=True,
        )
        assert read_events_document(text) != read_events_document(default_events_document())
