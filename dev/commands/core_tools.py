"""The real Functions host where it is installed: Azure Functions Core Tools, started and stopped
like the stand-in.

`func start` checks no keys unless --enableAuth is given; they lie in the storage's container
azure-webjobs-secrets, under the host's id, one blob for the host and one for each function
(Azure/azure-functions-host, issue 4147). So they are put there before it starts, and everything
that drives the stand-in drives this as well.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import requests
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from dev.commands.processes import ROOT, Child, DidNotStart
from dev.commands.stack_keys import StackKeys

HOST_ID = "campaignbridgelocal"
SECRETS = "azure-webjobs-secrets"
READY_SECONDS = 180.0
HOW_TO_GET_IT = (
    "Azure Functions Core Tools were not found: install version 4 from"
    " https://aka.ms/azfunc-install so that `func` is on the PATH, or leave out --host func."
)


def find() -> str | None:
    return shutil.which("func")


def put_keys(storage: str, keys: StackKeys) -> None:
    """The keys of the local stack, as the real host keeps them."""
    kept = keys.as_the_host_keeps_them()
    host = {
        "masterKey": key("master", kept["master"]),
        "functionKeys": entries(kept["host"]),
        "systemKeys": [],
    }
    with BlobServiceClient.from_connection_string(storage) as service:
        container = service.get_container_client(SECRETS)
        with suppress(ResourceExistsError):
            container.create_container()
        container.upload_blob(f"{HOST_ID}/host.json", json.dumps(host), overwrite=True)
        for function, named in kept["functions"].items():
            container.upload_blob(
                f"{HOST_ID}/{function.lower()}.json",
                json.dumps({"keys": entries(named)}),
                overwrite=True,
            )


def entries(named: Mapping[str, str]) -> list[dict[str, Any]]:
    return [key(name, value) for name, value in named.items()]


def key(name: str, value: str) -> dict[str, Any]:
    return {"name": name, "value": value, "encrypted": False}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class CoreTools(Child):
    """One `func start`; it answers once its state is Running and it lists functions.

    `app` is the folder of its host.json, `cors` the allowed origins.
    """

    def __init__(
        self,
        name: str,
        directory: Path,
        environment: Mapping[str, str],
        master_key: str,
        port: int = 0,
        app: Path = ROOT,
        cors: str = "",
    ) -> None:
        super().__init__(name, [], directory, environment)
        self.app, self.cors = app, cors
        self.environment |= {
            "AzureFunctionsWebHost__hostid": HOST_ID,
            "FUNCTIONS_WORKER_RUNTIME": "python",
        }
        self.environment |= {"languageWorkers__python__defaultExecutablePath": sys.executable}
        self.master_key, self.port = master_key, port or free_port()

    def start(self) -> None:
        """Raises DidNotStart without Core Tools."""
        func = find()
        if func is None:
            raise DidNotStart(HOW_TO_GET_IT)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        command = [
            func,
            "start",
            "--port",
            str(self.port),
            "--enableAuth",
            *(["--cors", self.cors] if self.cors else []),
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                stdin=subprocess.PIPE,
                env=self.environment,
                cwd=ROOT,
            )

    def kill(self) -> None:
        """With the worker that it has started."""
        if self.process:
            with suppress(psutil.NoSuchProcess):
                for child in psutil.Process(self.process.pid).children(recursive=True):
                    child.kill()
        super().kill()

    def wait(self) -> dict[str, Any]:
        deadline = time.monotonic() + READY_SECONDS
        while not self.runs():
            if (
                self.process is None
                or self.process.poll() is not None
                or time.monotonic() > deadline
            ):
                raise DidNotStart(
                    f"`func start` did not start the functions; {self.log} ends"
                    f" with:\n{self.tail()}"
                )
            time.sleep(0.2)
        self.facts = {"port": self.port, "groups": [], "group": ""}
        return self.facts

    def runs(self) -> bool:
        with suppress(requests.RequestException, ValueError):
            state = self.admin("host/status").get("state") == "Running"
            return state and bool(self.admin("functions"))
        return False

    def admin(self, path: str) -> Any:
        headers = {"x-functions-key": self.master_key}
        answer = requests.get(
            f"http://127.0.0.1:{self.port}/admin/{path}", headers=headers, timeout=5
        )
        answer.raise_for_status()
        return answer.json()


def chosen(kind: str) -> bool:
    """Whether the host is to be Core Tools: by --host of `up`, or by that of `test`, which the
    tests hear of by TEST_HOST.
    """
    return (kind or os.environ.get("TEST_HOST", "")) == "func"
