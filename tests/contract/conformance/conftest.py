"""Where the conformance app runs: dev/host; Core Tools with `manage.py test contract --host func`;
or what is at CONFORMANCE_URL.

Another host is given by CONFORMANCE_URL (its address), CONFORMANCE_KEY (its master key),
CONFORMANCE_STORAGE (its storage's connection string) and CONFORMANCE_KIND (its name). It needs
SETTINGS, and CORS for the origin ORIGIN.
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.core.exceptions import ResourceExistsError
from azure.storage.queue import QueueClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from dev.commands import core_tools
from dev.commands.azurite import start_azurite
from dev.commands.stack_keys import StackKeys

ROOT = Path(__file__).resolve().parents[3]
APP = ROOT / "tests" / "fixtures" / "conformance"
START_SECONDS = 60
ORIGIN = "https://app.example.org"
SETTINGS = {
    "AzureWebJobs_OFF_Disabled": "TRUE",
    "AzureFunctionsJobHost__EXTENSIONS__queues__maxdequeuecount": "2",
}
QUEUES = (
    "conformance-retried",
    "conformance-retried-poison",
    "conformance-seen",
    "conformance-met",
)


@dataclass(frozen=True)
class Target:
    """A running host: `kind` is "stand-in" or the name of another."""

    url: str
    master_key: str
    kind: str
    storage: str

    def queue(self, name: str) -> QueueClient:
        encode, decode = TextBase64EncodePolicy(), TextBase64DecodePolicy()
        policies = {"message_encode_policy": encode, "message_decode_policy": decode}
        return QueueClient.from_connection_string(self.storage, name, **policies)

    def call(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        return requests.request(
            method, self.url + path, timeout=30, allow_redirects=False, **options
        )

    def raw(self, text: bytes) -> tuple[int, bytes]:
        """Sends these very bytes; returns status and body."""
        host, port = self.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=30) as connection:
            connection.sendall(text)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        head, _, body = received.partition(b"\r\n\r\n")
        return int(head.split()[1]), body

    def get(self, path: str, *headers: str) -> tuple[int, bytes]:
        """GET of a path exactly as it is written here, one header a text."""
        lines = [f"GET {path} HTTP/1.1", "Host: host", "Connection: close", *headers, "", ""]
        return self.raw("\r\n".join(lines).encode("latin-1"))


@pytest.fixture(scope="package")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    if url := os.environ.get("CONFORMANCE_URL"):
        key, storage = os.environ["CONFORMANCE_KEY"], os.environ["CONFORMANCE_STORAGE"]
        yield made(
            Target(url.rstrip("/"), key, os.environ.get("CONFORMANCE_KIND", "another"), storage)
        )
        return
    folder = tmp_path_factory.mktemp("conformance")
    with start_azurite() as azurite:
        if core_tools.chosen(""):
            yield from under_core_tools(folder, azurite.connection_string)
            return
        process, facts = start(folder, azurite.connection_string)
        try:
            keys = json.loads((folder / "keys.json").read_text("utf-8"))
            url = f"http://127.0.0.1:{facts['port']}"
            yield made(Target(url, keys["master"], "stand-in", azurite.connection_string))
        finally:
            process.kill()
            process.wait(10)


def made(target: Target) -> Target:
    """With the queues that the tests use, empty."""
    for name in QUEUES:
        with target.queue(name) as queue, contextlib.suppress(ResourceExistsError):
            queue.create_queue()
    return target


def under_core_tools(folder: Path, storage: str) -> Iterator[Target]:
    keys = StackKeys()
    core_tools.put_keys(storage, keys)
    host = core_tools.CoreTools(
        "host",
        folder,
        SETTINGS | {"AzureWebJobsStorage": storage},
        keys.master,
        app=APP,
        cors=ORIGIN,
    )
    host.start()
    try:
        yield made(
            Target(f"http://127.0.0.1:{host.wait()['port']}", keys.master, "core-tools", storage)
        )
    finally:
        host.kill()


def start(folder: Path, storage: str) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    ready, log = folder / "ready.json", folder / "host.log"
    command = [
        sys.executable,
        "-m",
        "dev.host",
        str(APP),
        "--port",
        "0",
        "--ready-file",
        str(ready),
    ]
    command += ["--cors", ORIGIN]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--keys", str(folder / "keys.json")],
            cwd=ROOT,
            env=os.environ | SETTINGS | {"AzureWebJobsStorage": storage},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(log.read_text("utf-8"))
        time.sleep(0.02)
    return process, json.loads(ready.read_text("utf-8"))
