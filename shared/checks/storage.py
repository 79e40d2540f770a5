"""Whether the identity may write, read and delete in queues, tables and blobs: it does so once in
each and leaves nothing.
"""

import uuid
from collections.abc import Callable, Iterator
from functools import partial

from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

from shared.checks.findings import Check, Finding, guarded
from shared.checks.look import Look
from shared.state.handoff import open_handoff

NAME = "storage"


def storage(look: Look) -> Iterator[Finding]:
    look.sign_in()
    for subject, work in (("queues", queues), ("tables", tables), ("blobs", blobs)):
        yield from guarded(Check(NAME, storage), partial(one, look, subject, work), subject)


def one(look: Look, subject: str, work: Callable[[Look, str], None]) -> Iterator[Finding]:
    work(look, f"bridge-check-{uuid.uuid4().hex[:12]}")
    yield Finding(NAME, subject, "ok", "Written, read and deleted.")


def queues(look: Look, name: str) -> None:
    """A queue of its own: a message on one of the bridge's would be delivered."""
    client = open_handoff(look.settings).clients(name)
    client.create_queue()
    try:
        client.send_message("check")
        for message in client.receive_messages(max_messages=1):
            client.delete_message(message)
    finally:
        client.delete_queue()


def tables(look: Look, name: str) -> None:
    service = look.wiring.storage.tables
    made = name.replace("-", "")
    client = service.create_table(made)
    try:
        client.create_entity({"PartitionKey": "check", "RowKey": "check"})
        client.get_entity("check", "check")
        client.delete_entity("check", "check")
    finally:
        service.delete_table(made)


def blobs(look: Look, name: str) -> None:
    """In the container of the documents, which is made where it is missing: the bridge would make
    it too.
    """
    container = look.wiring.storage.blobs.get_container_client("config")
    try:
        container.create_container()
    except ResourceExistsError:
        pass
    blob = container.get_blob_client(f"check/{name}")
    blob.upload_blob(b"check")
    try:
        blob.download_blob().readall()
    finally:
        try:
            blob.delete_blob()
        except ResourceNotFoundError:
            pass
