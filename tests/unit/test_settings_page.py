"""docs/settings.md is what the code says of its settings, and the pages that speak of settings lead
there.
"""

import re

import pytest

from dev.settings_page import FILE, GROUPS, row, section, text
from shared.settings import Settings, environment_name

DOCS = FILE.parent


def test_the_page_is_what_the_code_says() -> None:
    assert FILE.read_text() == text(), "run `.venv/bin/python -m dev.settings_page`"


def test_every_setting_has_one_row_and_no_group_is_empty() -> None:
    listed = {
        title: re.findall(r"^\| `(\w+)` \|", "\n".join(section(title)), re.MULTILINE)
        for title, _ in GROUPS
    }
    assert all(listed.values())
    assert sorted(name for names in listed.values() for name in names) == sorted(
        environment_name(field) for field in Settings.model_fields
    )


@pytest.mark.parametrize(
    ("field", "cells"),
    [
        ("dataverse_url", "must be given | address | own"),
        ("dataverse_page_size", "`5000` | whole number, 1 to 5,000 | `settings`"),
        ("dataverse_timeout_seconds", "`60` | number, above 0 to 120 | `settings`"),
        ("retry_hours", "`48` | number, above 0 to 720 | `settings`"),
        ("opt_out_source", "`filter` | `filter`, `scan`, `file` | own"),
        ("dataverse_webhook_secret", "must be given | text, 16 characters or more | secret"),
        ("azurewebjobsstorage", "none | text | never"),
        ("storage_account", "none | text | own"),
        ("campaign_journal_url", "none | address | own"),
    ],
)
def test_a_row_says_default_values_and_place(field: str, cells: str) -> None:
    assert row(environment_name(field), Settings.model_fields[field]).endswith(f" | {cells} |")


@pytest.mark.parametrize(
    "page", ["../README.md", "deploy.md", "local-stack.md", "opt-out.md", "contributing.md"]
)
def test_who_speaks_of_settings_leads_there(page: str) -> None:
    assert re.search(r"\]\((docs/)?settings\.md(#[\w-]+)?\)", (DOCS / page).read_text())
