"""Access keys: the master key, and named keys of the host (good for every function), of the system
and of each function.

They rest in one JSON file; in Azure in blob storage or Key Vault. Sources: Microsoft Learn, "Work
with access keys in Azure Functions"; wiki of azure-functions-host, "Key management API".
"""

import contextlib
import hmac
import json
import os
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from dev.host.settings import read_json

HOST, SYSTEM, MASTER = "host/", "system/", "_master"
"""Scopes; no function has such a name."""
REREAD_SECONDS = 60.0
LOCK_SECONDS = 5.0
Named = dict[str, str]


class Keys:
    """Read once.

    A key that is not known makes them be read again, at most once a minute: instances share the
    file.

    A scope is HOST, SYSTEM or the name of a function. Names of keys are the same in any case.
    """

    def __init__(
        self, file: Path, functions: Iterable[str], now: Callable[[], float] = time.monotonic
    ) -> None:
        self._file, self._now, self._reread_at = file, now, float("-inf")
        with self._changing() as kept:
            complete(kept, functions)

    def allow(self, level: str, function: str, given: str) -> bool:
        """Whether the key `given` opens a function of this auth level (anonymous, function or
        admin).
        """
        if level == "anonymous":
            return True
        scopes = () if level == "admin" else (HOST, function)
        return self._found(lambda: self._opens(scopes, given))

    def is_master(self, given: str) -> bool:
        return self._found(lambda: self._opens((), given))

    def opens_host(self, given: str) -> bool:
        """Whether it is a key of the host or the system: known, and not enough for the admin
        API.
        """
        return self._found(lambda: self._opens((HOST, SYSTEM), given))

    def named(self, scope: str) -> Named:
        """Name -> value; those of the system with the master key."""
        return self._scope(self._read(), scope) | (
            {MASTER: self._read()["master"]} if scope == SYSTEM else {}
        )

    def set(self, scope: str, name: str, value: str | None) -> tuple[str, bool]:
        """Makes or renews a key, with a value of its own if none is given; returns the value and
        whether the key is new.
        """
        new = new_value() if value is None else value
        with self._changing() as kept:
            if name.lower() == MASTER and scope in (HOST, SYSTEM):
                kept["master"] = new
                return new, value is None
            named = self._scope(kept, scope)
            old = actual(named, name)
            named[old or name] = new
        return new, old is None

    def delete(self, scope: str, name: str) -> bool:
        """False where there is no such key."""
        with self._changing() as kept:
            named = self._scope(kept, scope)
            old = actual(named, name)
            return old is not None and named.pop(old) is not None

    def _found(self, opens: Callable[[], bool]) -> bool:
        return opens() or (self._reread() and opens())

    def _opens(self, scopes: Iterable[str], given: str) -> bool:
        good = [
            self._keys["master"],
            *(value for scope in scopes for value in self._scope(self._keys, scope).values()),
        ]
        return any(same(given, value) for value in good if value)

    def _reread(self) -> bool:
        if self._now() - self._reread_at < REREAD_SECONDS:
            return False
        self._reread_at = self._now()
        self._keys = self._read()
        return True

    def _read(self) -> dict[str, Any]:
        return as_scopes(read_json(self._file))

    @contextlib.contextmanager
    def _changing(self) -> Iterator[dict[str, Any]]:
        """The keys of the file; what is changed in them is written when the block ends."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with locked(self._file):
            kept = as_scopes(read_json(self._file))
            yield kept
            write(self._file, kept)
        self._keys = kept

    @staticmethod
    def _scope(kept: dict[str, Any], scope: str) -> Named:
        place = kept if scope in (HOST, SYSTEM) else kept["functions"]
        named: Named = place.setdefault(scope.removesuffix("/"), {})
        return named


def as_scopes(kept: dict[str, Any]) -> dict[str, Any]:
    """The content of the file; an earlier form of it had one key for each function."""
    if any(isinstance(value, dict) for value in kept.values()):
        return {"master": "", "system": {}, "functions": {}} | kept
    functions = {
        name: {"default": value} for name, value in kept.items() if name not in (MASTER, "default")
    }
    host = {"host": {"default": kept["default"]}} if "default" in kept else {}
    return {"master": kept.get(MASTER, ""), "system": {}, "functions": functions} | host


def complete(kept: dict[str, Any], functions: Iterable[str]) -> None:
    """Adds what the host makes by itself: the master key, a key `default` for the host and each
    function without an entry.
    """
    kept["master"] = kept["master"] or new_value()
    kept.setdefault("host", {"default": new_value()})
    for function in functions:
        kept["functions"].setdefault(function, {"default": new_value()})


def new_value() -> str:
    return secrets.token_urlsafe(40)


def same(given: str, value: str) -> bool:
    return hmac.compare_digest(given.encode(errors="surrogatepass"), value.encode())


def actual(named: Named, name: str) -> str | None:
    return next((known for known in named if known.lower() == name.lower()), None)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """One process at a time; the lock of one that died is taken over."""
    lock, ends_at = file.with_name(f"{file.name}.lock"), time.monotonic() + LOCK_SECONDS
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL))
            break
        except FileExistsError:
            if time.monotonic() > ends_at:
                lock.unlink(missing_ok=True)
            time.sleep(0.01)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def write(file: Path, kept: dict[str, Any]) -> None:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(kept, stream, indent=2)
    draft.replace(file)
