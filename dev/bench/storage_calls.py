"""Counts and times the calls of the storage clients."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import requests.adapters
from azure.core.paging import ItemPaged
from azure.data.tables import TableClient
from azure.storage.queue import QueueClient


class Sent(str):
    """The method of a request, and its path."""

    path = ""

    @property
    def by_time(self) -> bool:
        """Whether it is sent once in so many seconds, however much is done: for the state of a
        flow, and for the list of documents.
        """
        return "/flows(" in self.path or self.path.endswith("/config")


@contextmanager
def counted_storage() -> Iterator[list[Sent]]:
    """Counts the requests of the storage clients (azure-core sends through requests)."""
    seen: list[Sent] = []
    real = requests.adapters.HTTPAdapter.send

    def send(self: Any, request: Any, *arguments: Any, **named: Any) -> Any:
        seen.append(Sent(request.method))
        seen[-1].path = urlsplit(request.url).path
        return real(self, request, *arguments, **named)

    requests.adapters.HTTPAdapter.send = send  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        requests.adapters.HTTPAdapter.send = real  # type: ignore[method-assign]


@contextmanager
def timed_storage() -> Iterator[list[float]]:
    """CPU seconds of each call of the storage clients that the flow makes; they work in the thread
    that calls them.
    """
    spent: list[float] = []
    calls: list[tuple[type, str]] = [
        (TableClient, name)
        for name in (
            "submit_transaction",
            "get_entity",
            "update_entity",
            "create_entity",
            "upsert_entity",
        )
    ]
    calls += [
        (QueueClient, name) for name in ("send_message", "delete_message", "get_queue_properties")
    ] + [(ItemPaged, "__next__")]
    originals = [(kind, name, getattr(kind, name)) for kind, name in calls]
    for kind, name, real in originals:
        setattr(kind, name, timed(real, spent))
    try:
        yield spent
    finally:
        for kind, name, real in originals:
            setattr(kind, name, real)


def timed(real: Any, spent: list[float]) -> Any:
    def call(*arguments: Any, **named: Any) -> Any:
        began = time.thread_time()
        try:
            return real(*arguments, **named)
        finally:
            spent.append(time.thread_time() - began)

    return call
