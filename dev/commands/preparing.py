"""What a person has set up before the bridge starts: tables in Dynamics, documents in the container
`config`.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import yaml
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from admin.mapping import PLACES
from dev.emulators import yaml_files
from dev.seed.tables import Table, add_column, add_lookup
from dev.verbs import Dynamics
from shared.mapping.reading import content_of
from shared.mapping.syntax import InvalidDocument

Kind = Literal[
    "String",
    "Memo",
    "Integer",
    "Decimal",
    "Double",
    "Money",
    "Boolean",
    "DateTime",
    "Picklist",
    "MultiSelectPicklist",
]


class CannotPrepare(Exception):
    """Says which file is wrong, and what to correct."""


class NewColumn(BaseModel):
    """Its kind; all else is the column's metadata as Dataverse names it, such as MaxLength."""

    model_config = ConfigDict(extra="allow")

    kind: Kind = "String"


class NewTable(BaseModel):
    """Columns by name, and lookups with the table that each leads to."""

    model_config = ConfigDict(extra="forbid")

    columns: dict[str, NewColumn] = Field(default_factory=dict)
    lookups: dict[str, str] = Field(default_factory=dict)


NewTables = TypeAdapter(dict[str, NewTable])


def read_yaml(path: Path) -> Any:
    try:
        return yaml_files.read_yaml(path)
    except OSError as error:
        raise CannotPrepare(
            f"The file {path} cannot be read: {error.strerror}. Correct its path."
        ) from None
    except (yaml.YAMLError, UnicodeDecodeError):
        raise CannotPrepare(
            f"The file {path} is no YAML. Correct its indentation and brackets."
        ) from None


def read_tables(path: Path) -> dict[str, NewTable]:
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        return NewTables.validate_python(content_of(text, NewTables.validate_python, NewTable))
    except OSError as error:
        raise CannotPrepare(
            f"The file {path} cannot be read: {error.strerror}. Correct its path."
        ) from None
    except InvalidDocument as error:
        raise CannotPrepare(
            f"The tables in {path} do not have the form of docs/local-stack.md. {error}"
        ) from None


def read_documents(paths: Iterable[Path]) -> dict[str, bytes]:
    """The documents by their names in the container."""
    return {name_of(path): path.read_bytes() for path in paths}


def name_of(path: Path) -> str:
    document = read_yaml(path)
    words = document if isinstance(document, dict) else {}
    if isinstance(words.get("table"), str):
        return f"mappings/{words['table']}.yaml"
    place = next((place for word, place in PLACES.items() if word in words), "")
    if not place:
        raise CannotPrepare(
            f"The file {path} is no document of the bridge: it has none of table, kinds, pairs."
            " Correct it."
        )
    return place


def create_tables(dynamics: Dynamics, tables: dict[str, NewTable]) -> None:
    """A table that is there already gets the columns and lookups."""
    there = {
        row["LogicalName"]
        for row in dynamics.http.json("GET", "/EntityDefinitions?$select=LogicalName")["value"]
    }
    for name, table in tables.items():
        if name not in there:
            Table(name).create(dynamics)
        for column, facts in table.columns.items():
            add_column(dynamics, name, column, facts.model_dump())
    for name, table in tables.items():
        for lookup, target in table.lookups.items():
            add_lookup(dynamics, name, lookup, target)


def put_documents(storage: str, documents: dict[str, bytes]) -> None:
    container = BlobServiceClient.from_connection_string(storage).get_container_client("config")
    try:
        container.create_container()
    except ResourceExistsError:
        pass
    for name, text in documents.items():
        container.upload_blob(name, text, overwrite=True)
