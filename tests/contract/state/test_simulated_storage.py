"""The simulation's storage does what Azurite does: one script of calls, the same answers and the
same refusals.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from uuid import uuid4

import pytest
from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError
from azure.data.tables import EdmType, EntityProperty, TableServiceClient, UpdateMode
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from dev.commands.azurite import start_azurite
from dev.simulation.storage import Account
from dev.simulation.world import World

IF_SAME = MatchConditions.IfNotModified


@pytest.fixture(scope="module")
def azurite() -> Iterator[str]:
    with start_azurite() as running:
        yield running.connection_string


@pytest.fixture(params=["simulated", "azurite"])
def services(request: pytest.FixtureRequest) -> dict[str, Any]:
    if request.param == "simulated":
        account = Account(World(1))
        return {"table": account.table, "queue": account.queue, "blob": account.blob}
    connection: str = request.getfixturevalue("azurite")
    return {
        "table": TableServiceClient.from_connection_string(connection),
        "queue": QueueServiceClient.from_connection_string(connection),
        "blob": BlobServiceClient.from_connection_string(connection),
    }


@pytest.fixture
def table(services: dict[str, Any]) -> Any:
    name = f"t{uuid4().hex}"
    services["table"].create_table_if_not_exists(name)
    services["table"].create_table_if_not_exists(name)
    return services["table"].get_table_client(name)


@pytest.fixture
def queue(services: dict[str, Any]) -> Any:
    name = f"q{uuid4().hex}"
    return services["queue"].get_queue_client(name)


@pytest.fixture
def container(services: dict[str, Any]) -> Any:
    name = f"c{uuid4().hex}"
    made = services["blob"].get_container_client(name)
    made.create_container()
    return made


def refused(call: Callable[[], object]) -> tuple[str, int]:
    """The exception's kind and status."""
    with pytest.raises(HttpResponseError) as caught:
        call()
    return type(caught.value).__name__, int(caught.value.status_code or 0)


def row(partition: str, key: str, **values: Any) -> dict[str, Any]:
    return {"PartitionKey": partition, "RowKey": key, **values}


def test_values_come_back_as_they_were(table: Any) -> None:
    big = EntityProperty(2**40, EdmType.INT64)
    table.create_entity(
        row(
            "a",
            "1",
            text="ü",
            number=7,
            flag=True,
            share=1.5,
            data=b"\x00\x01",
            big=big,
            nothing=None,
        )
    )
    found = table.get_entity("a", "1")
    assert {name: found[name] for name in ("text", "number", "flag", "share", "data")} == {
        "text": "ü",
        "number": 7,
        "flag": True,
        "share": 1.5,
        "data": b"\x00\x01",
    }
    assert found["big"].value == 2**40
    assert "nothing" not in found
    assert set(table.get_entity("a", "1", select=["RowKey", "text"])) == {"RowKey", "text"}


def test_what_is_not_there_or_there_already_is_refused(table: Any) -> None:
    assert refused(lambda: table.get_entity("a", "1")) == ("ResourceNotFoundError", 404)
    assert refused(lambda: table.update_entity(row("a", "1"))) == ("ResourceNotFoundError", 404)
    table.create_entity(row("a", "1"))
    assert refused(lambda: table.create_entity(row("a", "1"))) == ("ResourceExistsError", 409)
    table.delete_entity("a", "1")
    table.delete_entity("a", "1")


def test_a_write_is_conditional_on_the_etag(table: Any) -> None:
    first = table.create_entity(row("a", "1", number=1, kept=1))["etag"]
    second = table.update_entity(
        row("a", "1", number=2), UpdateMode.MERGE, etag=first, match_condition=IF_SAME
    )["etag"]
    assert second != first
    again = lambda: table.update_entity(  # noqa: E731
        row("a", "1", number=3), UpdateMode.MERGE, etag=first, match_condition=IF_SAME
    )
    assert refused(again) == ("ResourceModifiedError", 412)
    assert table.get_entity("a", "1")["kept"] == 1
    table.update_entity(
        row("a", "1", number=4), UpdateMode.REPLACE, etag=second, match_condition=IF_SAME
    )
    assert "kept" not in table.get_entity("a", "1")
    assert table.get_entity("a", "1").metadata["etag"] not in (first, second)


def test_an_upsert_merges_or_replaces(table: Any) -> None:
    table.upsert_entity(row("a", "1", one=1))
    table.upsert_entity(row("a", "1", two=2))
    assert set(table.get_entity("a", "1")) >= {"one", "two"}
    table.upsert_entity(row("a", "1", three=3), UpdateMode.REPLACE)
    assert not {"one", "two"} & set(table.get_entity("a", "1"))


def test_a_transaction_is_all_or_nothing(table: Any) -> None:
    etag = table.create_entity(row("a", "!", number=1))["etag"]
    condition = {"mode": UpdateMode.REPLACE, "etag": etag, "match_condition": IF_SAME}
    operations = [
        ("upsert", row("a", "1"), {"mode": UpdateMode.REPLACE}),
        ("update", row("a", "!", number=2), condition),
    ]
    table.submit_transaction(operations)
    assert table.get_entity("a", "!")["number"] == 2
    stale = [("upsert", row("a", "2")), ("update", row("a", "!", number=3), condition)]
    assert refused(lambda: table.submit_transaction(stale)) == ("TableTransactionError", 412)
    assert refused(lambda: table.get_entity("a", "2")) == ("ResourceNotFoundError", 404)
    gone = [("delete", row("a", "1")), ("delete", row("a", "9"))]
    assert refused(lambda: table.submit_transaction(gone)) == ("TableTransactionError", 404)
    assert table.get_entity("a", "1")
    twice = [("create", row("a", "!"))]
    assert refused(lambda: table.submit_transaction(twice)) == ("TableTransactionError", 409)


@pytest.mark.parametrize(
    ("condition", "keys"),
    [
        ("PartitionKey eq 'a'", "1 2 3"),
        ("PartitionKey eq 'a' and RowKey gt '1'", "2 3"),
        ("number ge 2 and number lt 3", "2"),
        ("share lt 2.500000", "1 2"),
        ("flag eq true", "1"),
        ("flag eq false", "2"),
        ("name eq 'it''s' or number eq 3", "1 3"),
        ("PartitionKey eq 'a' and (RowKey eq '1' or RowKey eq '3') and number gt 1", "3"),
        ("name gt '' and name ne 'other'", "1"),
        ("name ne 'it''s'", "2"),
        ("PartitionKey eq 'b'", ""),
    ],
)
def test_a_query_finds_its_rows(table: Any, condition: str, keys: str) -> None:
    table.create_entity(row("a", "1", number=1, share=1.0, flag=True, name="it's"))
    table.create_entity(row("a", "2", number=2, share=2.0, flag=False, name="other"))
    table.create_entity(row("a", "3", number=3, share=3.0))
    assert [one["RowKey"] for one in table.query_entities(condition)] == keys.split()


def test_a_query_comes_in_pages_with_a_token(table: Any) -> None:
    for number in range(5):
        table.create_entity(row("a", str(number)))
    pages = table.query_entities(
        "PartitionKey eq 'a'", select=["RowKey"], results_per_page=2
    ).by_page()
    read = []
    for page in pages:
        read.append(([one["RowKey"] for one in page], bool(pages.continuation_token)))
    assert read == [(["0", "1"], True), (["2", "3"], True), (["4"], False)]


def test_a_message_is_hidden_while_it_is_in_hand(queue: Any) -> None:
    assert refused(lambda: queue.send_message("one", visibility_timeout=0, time_to_live=-1)) == (
        "ResourceNotFoundError",
        404,
    )
    assert refused(queue.get_queue_properties) == ("ResourceNotFoundError", 404)
    queue.create_queue()
    queue.send_message("one", visibility_timeout=0, time_to_live=-1)
    queue.send_message("later", visibility_timeout=600, time_to_live=-1)
    assert queue.get_queue_properties().approximate_message_count == 2
    assert contents(queue.peek_messages(32)) == ["one"]
    message = queue.receive_message(visibility_timeout=60)
    assert (message.content, message.dequeue_count) == ("one", 1)
    assert queue.receive_message(visibility_timeout=60) is None
    before = message.pop_receipt
    renewed = queue.update_message(message.id, before, visibility_timeout=60)
    assert refused(lambda: queue.delete_message(message.id, before))[1] in (400, 404)
    queue.delete_message(message.id, renewed.pop_receipt)
    assert refused(lambda: queue.delete_message(message.id, renewed.pop_receipt)) == (
        "ResourceNotFoundError",
        404,
    )
    assert queue.get_queue_properties().approximate_message_count == 1


def test_a_message_that_comes_back_counts_its_receipts(queue: Any) -> None:
    queue.create_queue()
    queue.send_message("one", visibility_timeout=0, time_to_live=-1)
    first = queue.receive_message(visibility_timeout=60)
    queue.update_message(first.id, first.pop_receipt, visibility_timeout=0)
    again = queue.receive_message(visibility_timeout=60)
    assert (again.id, again.dequeue_count) == (first.id, 2)
    assert again.pop_receipt != first.pop_receipt


def contents(messages: Sequence[Any]) -> list[str]:
    return [message.content for message in messages]


def test_a_blob_is_taken_away_only_as_it_was_seen(container: Any) -> None:
    blob = container.get_blob_client("a/c")
    first = blob.upload_blob(b"1", metadata={"author": "a%20b"})["etag"]
    assert blob.get_blob_properties().etag == first
    same = {"overwrite": True, "etag": first, "match_condition": IF_SAME}
    second = blob.upload_blob(b"2", **same)["etag"]
    assert refused(lambda: blob.upload_blob(b"3", **same)) == ("ResourceModifiedError", 412)
    stale = {"etag": first, "match_condition": IF_SAME}
    known = {"etag": second, "match_condition": IF_SAME}
    assert refused(lambda: container.delete_blob("a/c", **stale)) == ("ResourceModifiedError", 412)
    container.delete_blob("a/c", **known)
    assert refused(lambda: container.delete_blob("a/c", **known)) == ("ResourceModifiedError", 412)
    assert refused(lambda: container.delete_blob("a/c")) == ("ResourceNotFoundError", 404)


def test_a_blob_is_put_once_or_in_place_of_one_that_is_known(container: Any) -> None:
    assert refused(container.create_container) == ("ResourceExistsError", 409)
    assert refused(lambda: container.download_blob("a/b")) == ("ResourceNotFoundError", 404)
    container.upload_blob("a/b", b"1", metadata={"draft": "x"})
    assert refused(lambda: container.upload_blob("a/b", b"2")) == ("ResourceExistsError", 409)
    etag = container.get_blob_client("a/b").get_blob_properties().etag
    container.upload_blob("a/b", b"2", overwrite=True, etag=etag, match_condition=IF_SAME)
    stale = lambda: container.upload_blob(  # noqa: E731
        "a/b", b"3", overwrite=True, etag=etag, match_condition=IF_SAME
    )
    assert refused(stale) == ("ResourceModifiedError", 412)
    assert container.download_blob("a/b").readall() == b"2"
    container.delete_blob("a/b")
    assert refused(lambda: container.delete_blob("a/b")) == ("ResourceNotFoundError", 404)


def test_blobs_are_listed_by_name_and_by_folder(container: Any) -> None:
    for name in ("m/b.yaml", "m/a.yaml", "m/versions/a/1.yaml", "other"):
        container.upload_blob(name, b"", metadata={"draft": name.partition("/")[0]})
    assert [blob.name for blob in container.list_blobs(name_starts_with="m/")] == [
        "m/a.yaml",
        "m/b.yaml",
        "m/versions/a/1.yaml",
    ]
    below = {blob.name for blob in container.walk_blobs(name_starts_with="m/", delimiter="/")}
    assert below == {"m/a.yaml", "m/b.yaml", "m/versions/"}
    listed = next(iter(container.list_blobs(name_starts_with="m/a", include=["metadata"])))
    assert (listed.metadata["draft"], listed.creation_time.tzinfo is not None) == ("m", True)


def test_an_append_blob_grows(container: Any) -> None:
    blob = container.get_blob_client("run")
    assert not blob.exists()
    blob.create_append_blob()
    blob.append_block(b"1\n")
    blob.append_block(b"2\n")
    assert container.download_blob("run").readall() == b"1\n2\n"
