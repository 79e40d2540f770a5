"""docs/personal-data.md lists every place where something rests: those that the code and the Bicep
files name, and no others.
"""

import re
from pathlib import Path

import pytest
import yaml

from dev.host.storage import CONTAINER
from shared.events.documents import default_events_document
from shared.events.flow import KEY as EVENTS
from shared.state.storage import CONTAINERS, TABLES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "personal-data.md").read_text()
STORAGE = (ROOT / "infra" / "modules" / "storage.bicep").read_text()
ROW = re.compile(
    r"^\| (queue|table|container|log table|Dataverse table|SFTP folder) `([^`]+)` \|(.*)\|$",
    re.MULTILINE,
)


def rows() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = {}
    for kind, name, rest in ROW.findall(PAGE):
        assert name not in found.setdefault(kind, {}), f"{name} stands twice"
        found[kind][name] = [cell.strip() for cell in rest.split("|")]
    return found


def bicep_list(text: str, name: str) -> set[str]:
    listed = re.search(rf"^var {name} = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert listed, name
    return set(re.findall(r"'([^']+)'", listed[1]))


def queues() -> set[str]:
    """Those of the triggers, with what the host adds."""
    code = "".join(path.read_text() for path in (ROOT / "functions").glob("*.py"))
    named = set(re.findall(r'queue_trigger\("\w+", "([\w-]+)"', code))
    return named | {f"{name}-poison" for name in named}


def log_tables() -> set[str]:
    texts = [path.read_text() for path in (ROOT / "infra" / "queries").glob("*.kql")]
    texts.append((ROOT / "infra" / "workbook.json").read_text())
    return {"AppExceptions"} | {
        name
        for text in texts
        for name in re.findall(r"\b(App[A-Z]\w+s|AZKV\w+)\b(?= *(?:\||\n))", text)
    }


def activity_tables() -> set[str]:
    kinds = yaml.safe_load(default_events_document())["kinds"]
    return {kind["table"] for kind in kinds.values()} | {"task"}


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("queue", queues()),
        ("table", set(TABLES) | bicep_list(STORAGE, "tableNames")),
        (
            "container",
            {*CONTAINERS, CONTAINER, "azure-webjobs-secrets"}
            | bicep_list(STORAGE, "containerNames"),
        ),
        ("Dataverse table", activity_tables()),
    ],
)
def test_every_place_that_is_named_has_its_row_and_no_other_has(kind: str, named: set[str]) -> None:
    listed = set(rows()[kind])
    assert listed == named, (
        f"docs/personal-data.md: add a row for each {kind} of {sorted(named - listed)}, take"
        f" {sorted(listed - named)} out"
    )


def test_the_queues_of_the_triggers_are_those_of_bicep() -> None:
    named = {name for name in queues() if not name.endswith("-poison")}
    made = bicep_list((ROOT / "infra" / "main.bicep").read_text(), "flows")
    assert named == made, (
        f"infra/main.bicep, flows: add {sorted(named - made)}, take {sorted(made - named)} out"
    )


def test_every_log_table_that_is_read_has_its_row() -> None:
    assert log_tables() >= {"AppTraces", "AZKVAuditLogs"}
    assert set(rows()["log table"]) >= log_tables()


def test_every_row_says_what_how_long_and_who_deletes_it() -> None:
    for kind, places in rows().items():
        for name, cells in places.items():
            assert len(cells) == 3 and all(cells), (
                f"docs/personal-data.md, {kind} {name}: say what, how long and who deletes it"
            )


def test_the_lifetime_that_is_named_is_the_one_that_is_deployed() -> None:
    assert re.findall(r"daysAfterModificationGreaterThan: (\d+)", STORAGE) == ["30"]
    assert re.findall(r"prefixMatch: \[\s*'([^']+)'\s*\]", STORAGE) == [f"letters/{EVENTS}/"], (
        "an opt-out is never given up"
    )
    assert "events 30 days at most" in rows()["container"]["letters"][1]
    assert "7 days" in PAGE
    assert set(re.findall(r"days: (\d+)", STORAGE)) == {"7"}


@pytest.mark.parametrize("page", ["README.md", "docs/deploy.md"])
def test_the_page_is_found(page: str) -> None:
    assert "personal-data.md" in (ROOT / page).read_text()
