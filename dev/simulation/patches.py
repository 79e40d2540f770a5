"""Puts the simulated clock, locks, chance and clients into the modules of product and emulators,
and takes them out again.

A name of a module, or a default of a function, that *is* one of the real things becomes the
simulated one. So no module of the product need know of it, and none can be forgotten.
"""

import concurrent.futures
import random
import secrets
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import FunctionType, ModuleType
from typing import Any

from azure.identity import ManagedIdentityCredential

from dev.simulation.files import Server, call_later
from dev.simulation.locks import Condition, Event, Lock, Pool, wait
from dev.simulation.storage import Account
from dev.simulation.systems import Identity
from dev.simulation.world import World
from shared import threads, wiring
from shared.http import transport
from shared.sftp import session as sftp
from shared.state import storage

ROOMS = ("shared", "functions", "dev.emulators")
CHANCE = (
    "random",
    "uniform",
    "randint",
    "randrange",
    "choice",
    "choices",
    "sample",
    "shuffle",
    "randbytes",
)


class Instead:
    """A module with some of its names replaced."""

    def __init__(self, module: ModuleType, **names: Any) -> None:
        self.module = module
        self.__dict__.update(names)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.module, name)


def replacements(
    world: World,
    account: Account,
    server: Server,
    pooled: Callable[..., Any],
    current: Callable[[], Any],
) -> dict[int, Any]:
    """The simulated thing by the identity of the real one.

    `server` is the SFTP server, `pooled` gives connections, `current` the composition root of the
    process that runs.
    """
    scheduler, draws = world.scheduler, world.draws
    clock = {
        "time": world.time,
        "monotonic": world.monotonic,
        "perf_counter": world.monotonic,
        "sleep": world.sleep,
    }
    locks = {
        "Lock": partial(Lock, scheduler),
        "RLock": partial(Lock, scheduler, reentrant=True),
        "Semaphore": lambda value=1: Lock(scheduler, value),
        "BoundedSemaphore": lambda value=1: Lock(scheduler, value),
        "Condition": partial(Condition, scheduler),
        "Event": partial(Event, scheduler),
    }
    chance = {"token_bytes": draws.bytes, "token_hex": lambda count=32: draws.bytes(count).hex()}
    chance["token_urlsafe"] = chance["token_hex"]
    found: list[tuple[Any, Any]] = [
        (time, Instead(time, **clock)),
        (threading, Instead(threading, **locks)),
        (uuid, Instead(uuid, uuid4=draws.uuid4)),
        (secrets, Instead(secrets, **chance)),
        (random, Instead(random, **{name: getattr(draws.random, name) for name in CHANCE})),
        (threads.ThreadPool, partial(Pool, scheduler)),
        (threads.call_later, partial(call_later, world)),
        (sftp.connect, server.connect),
        (concurrent.futures.wait, partial(wait, scheduler)),
        (transport.pooled, pooled),
        (storage.service, account.service),
        (ManagedIdentityCredential, Identity),
        (wiring.wiring, current),
        *((getattr(time, name), value) for name, value in clock.items()),
        *((getattr(threading, name), value) for name, value in locks.items()),
        *((getattr(secrets, name), value) for name, value in chance.items()),
        (uuid.uuid4, draws.uuid4),
    ]
    return {id(real): simulated for real, simulated in found}


@contextmanager
def patched(found: dict[int, Any]) -> Iterator[None]:
    """All modules of the rooms that are loaded by now."""
    undo: list[Callable[[], None]] = []
    for name, module in sorted(sys.modules.items()):
        if module and any(name == room or name.startswith(f"{room}.") for room in ROOMS):
            undo += patch_module(module, found)
    try:
        yield
    finally:
        for step in reversed(undo):
            step()


def patch_module(module: ModuleType, found: dict[int, Any]) -> list[Callable[[], None]]:
    undo: list[Callable[[], None]] = []
    for name, value in list(vars(module).items()):
        if id(value) in found:
            setattr(module, name, found[id(value)])
            undo.append(partial(setattr, module, name, value))
        elif getattr(value, "__module__", "") == module.__name__:
            for function in functions_of(value):
                undo += patch_defaults(function, found)
    return undo


def functions_of(value: Any) -> list[FunctionType]:
    """The function, or those of a class, and what they wrap."""
    listed = vars(value).values() if isinstance(value, type) else [value]
    found = [item for item in listed if isinstance(item, FunctionType)]
    for function in found:
        if isinstance(inner := getattr(function, "__wrapped__", None), FunctionType):
            found.append(inner)
    return found


def patch_defaults(function: FunctionType, found: dict[int, Any]) -> list[Callable[[], None]]:
    defaults, named = function.__defaults__, function.__kwdefaults__
    undo: list[Callable[[], None]] = []
    if defaults and any(id(value) in found for value in defaults):
        function.__defaults__ = tuple(found.get(id(value), value) for value in defaults)
        undo.append(partial(setattr, function, "__defaults__", defaults))
    if named and any(id(value) in found for value in named.values()):
        function.__kwdefaults__ = {
            name: found.get(id(value), value) for name, value in named.items()
        }
        undo.append(partial(setattr, function, "__kwdefaults__", named))
    return undo
