"""Azurite with what dev/commands/azurite_preload.js changes in it finds what a query names,
whatever its form.
"""

import subprocess
from collections.abc import Iterator

import pytest
from azure.data.tables import TableClient, TableServiceClient

from dev.commands import azurite
from dev.commands.azurite import start_azurite

ROWS = [(partition, row) for partition in ("a", "b", "a'b") for row in ("1", "2", "3")]


@pytest.fixture(scope="module")
def table() -> Iterator[TableClient]:
    with start_azurite() as storage:
        made = TableServiceClient.from_connection_string(storage.connection_string).create_table(
            "rows"
        )
        for partition, row in ROWS:
            made.create_entity({"PartitionKey": partition, "RowKey": row, "named": row})
        yield made


@pytest.mark.parametrize(
    ("condition", "rows"),
    [
        ("", "a1 a2 a3 b1 b2 b3 a'b1 a'b2 a'b3"),
        ("PartitionKey eq 'a'", "a1 a2 a3"),
        ("PartitionKey eq 'a''b' and RowKey gt '1'", "a'b2 a'b3"),
        ("RowKey lt '3' and (PartitionKey eq 'b' and named ne '1')", "b2"),
        ("PartitionKey eq 'a' and (RowKey eq '1' or RowKey eq '3')", "a1 a3"),
        ("PartitionKey eq 'a' and RowKey eq '1' or PartitionKey eq 'b'", "a1 b1 b2 b3"),
        ("PartitionKey ne 'a' and RowKey eq '1'", "b1 a'b1"),
        ("not (PartitionKey eq 'a') and RowKey eq '2'", "b2 a'b2"),
        ("PartitionKey eq 'a' and PartitionKey eq 'b'", ""),
        ("PartitionKey eq 'c'", ""),
    ],
)
def test_a_query_finds_its_rows(table: TableClient, condition: str, rows: str) -> None:
    found = table.query_entities(condition) if condition else table.list_entities()
    assert {entity["PartitionKey"] + entity["RowKey"] for entity in found} == set(rows.split())


def test_what_was_written_and_deleted_meanwhile_is_found_as_it_is(table: TableClient) -> None:
    table.create_entity({"PartitionKey": "c", "RowKey": "1"})
    table.delete_entity("a", "1")
    assert [entity["RowKey"] for entity in table.query_entities("PartitionKey eq 'a'")] == [
        "2",
        "3",
    ]
    assert [entity["RowKey"] for entity in table.query_entities("PartitionKey eq 'c'")] == ["1"]
    table.delete_entity("c", "1")
    table.create_entity({"PartitionKey": "a", "RowKey": "1", "named": "1"})


def test_who_is_interrupted_while_it_starts_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As by Ctrl-C: the stack has not got it yet, so it could not stop it."""
    started = list[subprocess.Popen[bytes]]()

    def interrupted(waiting: azurite.Azurite) -> None:
        started.append(waiting.process)
        raise KeyboardInterrupt

    monkeypatch.setattr(azurite, "wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        start_azurite()
    assert [process.poll() is not None for process in started] == [True]
