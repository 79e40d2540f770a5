"""The examples of documents, publications and tables in docs are what the bridge and the local
stack take.
"""

import re
from pathlib import Path

import pytest
import yaml

from dev.commands.preparing import read_tables
from dev.emulators.campaign.publication import extended_publication
from shared.mapping import read_document

ROOT = Path(__file__).parents[2]
DOCS, SEED = ROOT / "docs", ROOT / "dev" / "seed"


def examples(page: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text("utf-8"), re.DOTALL)


@pytest.mark.parametrize(("number", "name"), [(0, "acs_vehicle.yaml"), (1, "acs_visit.yaml")])
def test_the_documents_of_custom_entities_are_the_files_that_the_page_names(
    number: int, name: str
) -> None:
    assert read_document(examples("custom-entities.md")[number]) == read_document(
        (SEED / name).read_text("utf-8")
    )


def test_the_example_of_mapping_is_a_document() -> None:
    (example,) = examples("mapping.md")
    assert read_document(example).table == "contact"


def test_the_publication_and_the_tables_of_the_local_stack_are_taken(tmp_path: Path) -> None:
    publication, tables = examples("local-stack.md")
    (tmp_path / "publication.yaml").write_text(publication)
    (tmp_path / "tables.yaml").write_text(tables)
    assert set(extended_publication(tmp_path / "publication.yaml")) > set(
        yaml.safe_load(publication)
    )
    assert set(read_tables(tmp_path / "tables.yaml")) == set(yaml.safe_load(tables))
