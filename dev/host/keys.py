"""Access keys in one JSON file: "_master", "default" (the host key, good for every function) and one per function.

In Azure they rest in blob storage or Key Vault (Microsoft Learn: Work with access keys in Azure Functions).
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from dev.host.settings import read_json


class Keys:
    """Missing keys are derived from the master key, so that instances that start at the same time agree on them."""

    def __init__(self, file: Path, functions: Iterable[str]) -> None:
        kept = read_json(file) or _first(file)
        keys = {"_master": secrets.token_urlsafe(40)} | kept
        for name in ("default", *functions):
            keys.setdefault(name, _derived(keys["_master"], name))
        self._keys: dict[str, str] = keys
        if keys != kept:
            _write(file, keys)

    def allow(self, level: str, function: str, given: str) -> bool:
        """Whether the key `given` opens a function of this auth level (anonymous, function or admin)."""
        accepted = ["_master"] if level == "admin" else ["_master", "default", function]
        return level == "anonymous" or any(self._is(given, name) for name in accepted)

    def is_master(self, given: str) -> bool:
        return self._is(given, "_master")

    def _is(self, given: str, name: str) -> bool:
        return hmac.compare_digest(given.encode(), self._keys[name].encode())


def _derived(master: str, name: str) -> str:
    digest = hmac.digest(master.encode(), f"functions key {name}".encode(), hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _first(file: Path) -> dict[str, str]:
    """Makes the file with a master key unless another instance is quicker; returns what it then holds."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(file, {"_master": secrets.token_urlsafe(40)})
    with contextlib.suppress(FileExistsError):
        os.link(draft, file)
    draft.unlink()
    return read_json(file)


def _write(file: Path, keys: dict[str, str]) -> None:
    _draft(file, keys).replace(file)


def _draft(file: Path, keys: dict[str, str]) -> Path:
    draft = file.with_name(f"{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(keys, stream, indent=2)
    return draft
