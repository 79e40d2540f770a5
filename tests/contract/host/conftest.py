"""Throw-away function apps, the local host as a subprocess, and an Azurite for both."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.storage.queue import QueueClient, TextBase64DecodePolicy, TextBase64EncodePolicy

from dev.commands.azurite import start_azurite

ROOT = Path(__file__).resolve().parents[3]
NO_TLS = {"SSL_CERT_FILE": os.devnull}
"""Nothing here speaks TLS, and reading the machine's certificates is a fifth of a host's start."""

PREAMBLE = '''
import json, logging, os, threading, time, typing
from pathlib import Path
import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

def note(kind, **facts):
    """Appends one line to the app's diary; one write, so that instances do not mix."""
    line = json.dumps({"kind": kind, "at": time.time(), "pid": os.getpid(), **facts}) + "\\n"
    with open(os.environ["DIARY"], "ab", buffering=0) as diary:
        diary.write(line.encode())

def wait_for_file(name):
    deadline = time.monotonic() + 60
    while not Path(name).exists() and time.monotonic() < deadline:
        time.sleep(0.01)
'''
GUARDED = """
@app.route("guarded", auth_level=func.AuthLevel.FUNCTION)
def guarded(req: func.HttpRequest) -> str:
    return "in"

@app.route("other", auth_level=func.AuthLevel.FUNCTION)
def other(req: func.HttpRequest) -> str:
    return "in"
"""
"""Two functions that ask for a key, for an app of their own or beside others."""


def wait_until[T](condition: Callable[[], T], seconds: float = 20, what: str = "condition") -> T:
    """The first true value of `condition`; fails the test when none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"{what} not reached within {seconds} s")


@dataclass
class Diary:
    """What the functions of a throw-away app noted: one dict per line with kind, at, pid."""

    file: Path

    def entries(self, kind: str | None = None) -> list[dict[str, Any]]:
        text = self.file.read_text("utf-8") if self.file.exists() else ""
        lines = [json.loads(line) for line in text.splitlines()]
        return [line for line in lines if kind in (None, line["kind"])]

    def wait(self, kind: str, count: int = 1, seconds: float = 20) -> list[dict[str, Any]]:
        def enough() -> list[dict[str, Any]]:
            found = self.entries(kind)
            return found if len(found) >= count else []

        return wait_until(enough, seconds, f"{count} x {kind!r} in the diary")


@dataclass
class App:
    directory: Path
    settings: dict[str, str]
    diary: Diary = field(init=False)

    def __post_init__(self) -> None:
        self.diary = Diary(self.directory / "diary")

    @property
    def keys_file(self) -> Path:
        return self.directory / "keys.json"

    def keys(self) -> dict[str, str]:
        """The master key, the host's key `default`, and that of each function under the function's
        name.
        """
        kept = json.loads(self.keys_file.read_text("utf-8"))
        functions = {name: named["default"] for name, named in kept["functions"].items()}
        return {"_master": kept["master"], "default": kept["host"]["default"], **functions}


@dataclass
class Host:
    process: subprocess.Popen[bytes]
    log_file: Path
    ready: dict[str, Any]
    app: App

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ready['port']}"

    def log(self) -> str:
        return self.log_file.read_text("utf-8")

    def call(self, path: str, method: str = "GET", **options: Any) -> requests.Response:
        return requests.request(method, self.url + path, timeout=30, **options)

    def fire(self, function: str, **body: Any) -> requests.Response:
        """Fires a trigger by hand with the master key."""
        headers = {"x-functions-key": self.app.keys()["_master"]}
        return self.call(f"/admin/functions/{function}", "POST", headers=headers, json=body)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def stop(self, seconds: float = 20) -> int:
        if self.process.poll() is None:
            self.terminate()
        return self.process.wait(seconds)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


@pytest.fixture(scope="package")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of an Azurite that lives as long as this test process."""
    with start_azurite() as azurite:
        yield azurite.connection_string


@pytest.fixture(scope="module")
def new_app(storage: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., App]:
    """new_app(source, queues={...}, **settings): writes a function app; the preamble above stands
    before the source.
    """

    def write(source: str, host_json: dict[str, Any] | None = None, **settings: str) -> App:
        directory = tmp_path_factory.mktemp("app")
        (directory / "function_app.py").write_text(PREAMBLE + source, "utf-8")
        (directory / "host.json").write_text(
            json.dumps({"version": "2.0"} | (host_json or {})), "utf-8"
        )
        named = {"AzureWebJobsStorage": storage, "DIARY": str(directory / "diary")}
        return App(directory, named | {"PYTHON_THREADPOOL_THREAD_COUNT": "32"} | settings)

    return write


@pytest.fixture(scope="module")
def hosts() -> Iterator[list[Host]]:
    """Those that run now."""
    started: list[Host] = []
    yield started
    for host in started:
        end(host)


@pytest.fixture(scope="module")
def launch(hosts: list[Host]) -> Callable[..., Host]:
    """launch(app, *arguments): starts the host and returns when it answers, or raises with its
    output.
    """

    def start(app: App, *arguments: str) -> Host:
        host = begin(app, *arguments)
        hosts.append(host)
        wait_until(lambda: ready_or_over(host), 30, "the host's ready file")
        return host

    return start


@pytest.fixture(autouse=True)
def ends_its_hosts(hosts: list[Host]) -> Iterator[None]:
    """A host that a test has started ends with it: it would ask its queues until the module's
    end.
    """
    kept = len(hosts)
    yield
    while len(hosts) > kept:
        end(hosts.pop())


def begin(app: App, *arguments: str) -> Host:
    """Starts the host without waiting."""
    name = uuid.uuid4().hex[:8]
    log_file, ready_file = app.directory / f"{name}.log", app.directory / f"{name}.json"
    command = [
        sys.executable,
        "-m",
        "dev.host",
        str(app.directory),
        "--port",
        "0",
        "--ready-file",
        str(ready_file),
    ]
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*command, "--keys", str(app.keys_file), *arguments],
            cwd=ROOT,
            env=os.environ | NO_TLS | app.settings,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return Host(process, log_file, {"file": ready_file}, app)


def ready_or_over(host: Host) -> bool:
    if host.process.poll() is not None:
        raise AssertionError(f"the host ended with code {host.process.returncode}:\n{host.log()}")
    if host.ready["file"].exists():
        host.ready = json.loads(host.ready["file"].read_text("utf-8"))
        return True
    return False


def end(host: Host) -> None:
    host.process.kill() if host.process.poll() is None else None
    host.process.wait(10)


@pytest.fixture
def run_to_end() -> Callable[..., tuple[int, str]]:
    """run_to_end(app): for apps that cannot start; returns exit code and output."""

    def run(app: App, *arguments: str) -> tuple[int, str]:
        host = begin(app, *arguments)
        try:
            return host.process.wait(30), host.log()
        finally:
            end(host)

    return run


@pytest.fixture(scope="module")
def queue(storage: str) -> Iterator[Callable[..., QueueClient]]:
    """queue(name): a client that reads and writes base64, as the host does by default; created if
    missing.
    """
    with contextlib.ExitStack() as stack:

        def client(name: str) -> QueueClient:
            policies = {
                "message_encode_policy": TextBase64EncodePolicy(),
                "message_decode_policy": TextBase64DecodePolicy(),
            }
            queue = stack.enter_context(
                QueueClient.from_connection_string(storage, name, **policies)
            )
            with contextlib.suppress(Exception):
                queue.create_queue()
            return queue

        yield client


@pytest.fixture
def until() -> Callable[..., Any]:
    """until(condition): waits with a deadline."""
    return wait_until


@pytest.fixture
def unique() -> str:
    """A name that no other test uses."""
    return f"q{uuid.uuid4().hex[:12]}"
