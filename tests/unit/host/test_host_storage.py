"""The container for locks and timers: made once, and again where somebody has deleted it."""

import asyncio
from typing import Any

import pytest
from azure.core.exceptions import ResourceExistsError, ServiceRequestError

from dev.host.storage import CONTAINER, Storage
from dev.host.timers import TimerListener


class Blobs:
    """As much of a blob service as the host's storage asks for."""

    def __init__(self) -> None:
        self.created: list[str] = []

    async def create_container(self, name: str) -> None:
        self.created.append(name)
        raise ResourceExistsError

    def get_blob_client(self, container: str, path: str) -> str:
        return f"{container}/{path}"


def with_blobs(monkeypatch: pytest.MonkeyPatch) -> tuple[Storage, Blobs]:
    storage, blobs = Storage(), Blobs()
    monkeypatch.setattr(storage, "_blobs", blobs)
    return storage, blobs


def test_the_container_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, blobs = with_blobs(monkeypatch)
    found: list[Any] = [asyncio.run(storage.host_blob("lock")) for _ in range(3)]
    assert found == [f"{CONTAINER}/lock"] * 3
    assert blobs.created == [CONTAINER]


def test_a_timer_that_cannot_ask_for_its_lock_makes_the_container_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    storage, blobs = with_blobs(monkeypatch)
    stopping = asyncio.Event()

    class State:
        asked = 0

        async def lock_blob(self) -> Any:
            await storage.host_blob("lock")
            self.asked += 1
            if self.asked == 2:
                stopping.set()
            raise ServiceRequestError("the container is being deleted")

        def look_for_container(self) -> None:
            storage.look_for_container()

    async def no_pause(_: float) -> None:
        await asyncio.sleep(0)

    function: Any = type("Named", (), {"name": "tick", "trigger": {"schedule": "0 0 * * * *"}})()
    invoker: Any = None  # nothing is run
    state: Any = State()
    listener = TimerListener(invoker, function, state, stopping, lambda: None)
    monkeypatch.setattr(listener, "_pause", no_pause)
    asyncio.run(listener.run())
    assert blobs.created == [CONTAINER, CONTAINER]
