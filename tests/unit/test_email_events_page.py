"""The page tells the Campaign administrator exactly the columns that the shipped document reads."""

import re
from pathlib import Path

import pytest

from shared.events.documents import default_events_document, read_events_document

PAGE = Path("docs/email-events.md")


def told(log: str) -> set[str]:
    """The headers in the page's table below the row of this log."""
    rows = [row.split("|")[1] for row in PAGE.read_text("utf-8").splitlines() if row.startswith("|")]
    begin = rows.index(f" **{log}** ") + 1
    names: set[str] = set()
    for cell in rows[begin:]:
        if not (found := re.findall(r"`(\w+)`", cell)):
            break
        names |= set(found)
    return names


@pytest.mark.parametrize(("log", "field"), [("delivery log", "delivery_log"), ("tracking log", "tracking_log")])
def test_the_page_names_the_columns_of_the_shipped_document(log: str, field: str) -> None:
    document = read_events_document(default_events_document())
    file = getattr(document.files, field)
    assert told(log) == set(file.columns.values())
    assert file.pattern.removesuffix("*") in PAGE.read_text("utf-8")
