"""The whole thing on loopback: Azurite, identity, Dataverse, Campaign, its SFTP server and the
Functions host, on free ports.
"""

import json
import os
import secrets
import shutil
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import psutil

from admin.connection import STACK_FILE, STACK_SETTINGS
from dev.commands import core_tools
from dev.commands.azurite import Azurite, start_azurite
from dev.commands.core_tools import CoreTools
from dev.commands.folders import hold
from dev.commands.ports import free_port
from dev.commands.processes import (
    OWNER_FILE,
    ROOT,
    Child,
    DidNotStart,
    is_worker,
    stop_together,
)
from dev.commands.registering import register_webhooks
from dev.commands.settings import app_settings, console_facts
from dev.commands.stack_keys import HOST_KEYS, StackKeys
from dev.emulators.sftp import EXPORTS
from dev.emulators.tokens import issue
from dev.verbs import Http, wait_until

ORGANIZATION, API_KEY = "acme-mkt-stage1", "acme-bridge"
TEST_TOKEN_SECONDS = 30 * 24 * 3600
DIRECTORY = ROOT / ".local"
TIMER_PACE = ("--timer-lock", "15", "--timer-ask", "1")


class Stack:
    """A context manager; `facts` is what `.local/stack.json` holds.

    Two stacks run side by side if their directories differ.

    `host=False` leaves the functions to somebody else. `instances` hosts share the storage, of each
    group of functions if `groups`, as on Flex Consumption; `kill_instance` ends one as a failing
    machine would, `kill_worker` its worker process alone. `settings` override those of the function
    app. The messages of a dead instance come back after `message_lease_seconds` (Azure: ten
    minutes), its timers go on after 15 s (Azure: up to two minutes). `host_kind` "func" is Azure
    Functions Core Tools.
    """

    def __init__(
        self,
        directory: Path = DIRECTORY,
        instances: int = 1,
        host: bool = True,
        settings: Mapping[str, str] | None = None,
        latency_ms: int = 0,
        message_lease_seconds: int = 30,
        database: str = ":memory:",
        publication: Path | None = None,
        groups: bool = False,
        host_kind: str = "",
    ) -> None:
        self.directory = directory.absolute()  # its children run in the folder of the code
        self.instances, self.with_host = instances, host
        self.overrides, self.latency_ms = dict(settings or {}), latency_ms
        self.message_lease_seconds = message_lease_seconds
        self.database, self.apart = database, groups
        self.publication = publication.absolute() if publication else None
        self.core_tools = core_tools.chosen(host_kind)
        self.groups: list[str] = []
        """Of each host by its number, from 1; empty texts unless `groups`."""
        self.token_key, self.webhook_secret = secrets.token_hex(32), secrets.token_hex(16)
        self.campaign_client_secret = secrets.token_hex(16)
        self.keys = StackKeys()
        self.port = free_port()
        """Of the first host. Known before it starts, for the console is told its own address."""
        self.children: dict[str, Child] = {}
        self.azurite: Azurite | None = None
        self.lock: IO[str] | None = None
        self.environment: dict[str, str] = {}
        self.facts: dict[str, Any] = {}

    def start(self) -> Self:
        """Starts everything and waits until it answers; what was started is stopped if one part
        fails.
        """
        self.directory.mkdir(parents=True, exist_ok=True)
        self.lock = hold(self.directory)
        try:
            (self.directory / OWNER_FILE).write_text(str(os.getpid()))
            self.start_emulators()
            self.start_host()
            self.write_facts()
        except BaseException:
            self.stop()
            raise
        return self

    def start_emulators(self) -> None:
        shutil.rmtree(self.sftp_root, ignore_errors=True)  # what an earlier Campaign has exported
        identity = ["--tls-port", "0", "--directory", str(self.directory)]
        key = ["--token-key", self.token_key]
        self.child("identity", "dev.emulators.identity", *key, *identity)
        self.child("dataverse", "dev.emulators.dataverse", *key, "--database", self.database)
        campaign = ["--organization", ORGANIZATION, "--api-key", API_KEY]
        campaign += ["--client-secret", self.campaign_client_secret]
        campaign += ["--publication", str(self.publication)] if self.publication else []
        campaign += ["--exports", str(self.sftp_root / EXPORTS.strip("/"))]
        campaign += ["--latency-ms", str(self.latency_ms)]
        self.child("campaign", "dev.emulators.campaign", *campaign)
        self.child("sftp", "dev.emulators.sftp", *self.sftp_arguments())
        self.azurite = start_azurite()
        for child in self.children.values():
            child.wait()
        self.collect_facts()

    @property
    def sftp_root(self) -> Path:
        return self.directory / "sftp"

    def sftp_arguments(self) -> list[str]:
        return ["--directory", str(self.directory), "--root", str(self.sftp_root)]

    def sftp_facts(self) -> dict[str, Any]:
        names = ("host", "port", "user", "key_file", "exports", "host_key")
        return {name: self.children["sftp"].facts[name] for name in names}

    def stop_sftp(self) -> None:
        self.children["sftp"].stop()

    def start_sftp(self, new_host_key: bool = False) -> None:
        """Starts the SFTP server that was stopped, at its old address; as another server if it is
        to have a new host key.
        """
        port = self.children["sftp"].facts["port"]
        more = ["--new-host-key"] if new_host_key else []
        self.child("sftp", "dev.emulators.sftp", *self.sftp_arguments(), *more, port=port).wait()
        self.facts["sftp"] = self.sftp_facts()
        self.write_facts()

    def child(self, name: str, module: str, *arguments: str, port: int = 0) -> Child:
        given = [module, "--port", str(port), *arguments]
        child = self.children[name] = Child(name, given, self.directory, self.environment)
        child.start()
        return child

    def collect_facts(self) -> None:
        identity, dataverse, campaign = (
            self.children[name].facts for name in ("identity", "dataverse", "campaign")
        )
        assert self.azurite
        root = url(campaign["port"])
        self.facts = {
            "functions": "",
            "function_key": self.keys.host,
            "master_key": self.keys.master,
            "keys": self.keys.callers,
            "dataverse": url(dataverse["port"]),
            "dataverse_token": self.dataverse_token(url(dataverse["port"])),
            "campaign": f"{root}/{ORGANIZATION}/campaign",
            "campaign_token": "",
            "campaign_api_key": API_KEY,
            "ims": root,
            "identity": url(identity["port"]),
            "storage": self.azurite.connection_string,
            "journal": root + campaign["journal"],
            "ims_organization": campaign["ims_organization"],
            "sftp": self.sftp_facts(),
            "pids": {},
        }
        self.facts["campaign_token"] = self.new_campaign_token()
        more = {
            "webhook_secret": self.webhook_secret,
            "campaign_client_secret": self.campaign_client_secret,
            **console_facts(identity, url(self.port)),
        }
        self.environment = app_settings({**self.facts, **more}, self.overrides)

    def dataverse_token(self, audience: str) -> str:
        return issue(
            self.token_key, audience, time.time(), TEST_TOKEN_SECONDS, oid="tests", appid="tests"
        )

    def new_campaign_token(self) -> str:
        form = {
            "grant_type": "client_credentials",
            "client_id": API_KEY,
            "client_secret": self.campaign_client_secret,
            "scope": "campaign_sdk",
        }
        response = Http(self.facts["ims"], {}).session.post(
            f"{self.facts['ims']}/ims/token/v3", data=form, timeout=30
        )
        response.raise_for_status()
        return str(response.json()["access_token"])

    def start_host(self) -> None:
        if not self.with_host:
            return
        self.keep(HOST_KEYS, self.keys.as_the_host_keeps_them())
        if self.core_tools:
            self.prepare_core_tools()
        self.groups = ["http" if self.apart else ""] * self.instances
        self.start_hosts(range(1, self.instances + 1))
        if self.apart:
            others = [group for group in self.children["host-1"].facts["groups"] if group != "http"]
            self.groups += others * self.instances
            self.start_hosts(range(self.instances + 1, len(self.groups) + 1))
        self.facts["functions"] = url(self.children["host-1"].facts["port"])
        self.facts["console"] = f"{self.facts['functions']}/console"
        self.register_webhooks()

    def prepare_core_tools(self) -> None:
        if self.apart:
            raise DidNotStart(
                "Core Tools run every function in one host: leave out --groups, or --host func."
            )
        core_tools.put_keys(self.facts["storage"], self.keys)

    def start_hosts(self, numbers: Iterable[int]) -> None:
        """All at the same time."""
        children = [self.host_child(number, self.port * (number == 1)) for number in numbers]
        for child in children:
            child.start()
        for child in children:
            child.wait()

    def register_webhooks(self) -> None:
        register_webhooks(self.facts, self.environment, self.webhook_secret)

    def host_child(self, number: int, port: int = 0) -> Child:
        name = f"host-{number}"
        child = self.children[name] = self.new_host(number, name, port)
        return child

    def new_host(self, number: int, name: str, port: int) -> Child:
        if self.core_tools:
            return CoreTools(name, self.directory, self.environment, self.keys.master, port)
        arguments = ["dev.host", str(ROOT), "--port", str(port)]
        arguments += ["--keys", str(self.directory / HOST_KEYS)]
        arguments += ["--message-lease", str(self.message_lease_seconds), *TIMER_PACE]
        if group := self.groups[number - 1]:
            arguments += ["--group", group]
        return Child(name, arguments, self.directory, self.environment)

    def write_facts(self) -> None:
        self.facts["pids"] = {name: child.pid for name, child in self.children.items()}
        assert self.azurite
        self.facts["pids"]["azurite"] = self.azurite.pid
        self.keep(STACK_FILE, self.facts)
        self.keep(STACK_SETTINGS, {"IsEncrypted": False, "Values": self.environment})

    def keep(self, name: str, content: Mapping[str, Any]) -> None:
        """In one step: whoever reads it never sees half a file."""
        draft = self.directory / f"{name}.part"
        draft.unlink(missing_ok=True)
        draft.touch(0o600)
        draft.write_text(json.dumps(content, indent=2) + "\n")
        draft.replace(self.directory / name)

    def kill_instance(self, number: int) -> None:
        """Host and worker, as when their machine goes away."""
        worker = self.worker(number)
        self.children[f"host-{number}"].kill()
        with suppress(psutil.NoSuchProcess):
            worker.kill()

    def deploy_now(self, number: int) -> None:
        """As a deployment under the strategy Recreate: what runs is cut off, its messages stay
        hidden; it starts again.
        """
        self.children[f"host-{number}"].stop_now()
        self.start_instance(number)

    def worker(self, number: int) -> psutil.Process:
        """The process that runs the functions, as in Azure: its memory and CPU are the app's."""
        host = psutil.Process(self.children[f"host-{number}"].pid)
        return wait_until(
            lambda: next(filter(is_worker, host.children(recursive=True)), None),
            f"the worker of host-{number}",
        )

    def workers(self) -> list[psutil.Process]:
        """Of all hosts."""
        return [self.worker(number) for number in range(1, len(self.groups) + 1)]

    def kill_worker(self, number: int) -> None:
        """As when it crashes, or when a run exceeds functionTimeout: every run in it has failed,
        its claims stand.
        """
        self.worker(number).kill()

    def start_instance(self, number: int) -> None:
        """Starts an instance that was killed, at its old address."""
        port = self.children[f"host-{number}"].facts["port"]
        child = self.host_child(number, port)
        child.start()
        child.wait()
        self.write_facts()

    def change_settings(self, **settings: str) -> None:
        """As when somebody changes the function app's settings: its instances end and start again
        with them.
        """
        self.environment.update(settings)
        names = [name for name in self.children if name.startswith("host-")]
        for name in names:
            self.children[name].ask_to_stop()
        for name in names:
            self.children[name].stop()
            self.start_instance(int(name.removeprefix("host-")))
        self.register_webhooks()

    def stop(self) -> None:
        """Hosts first, so that nothing is written to what is gone; harmless when called twice."""
        hosts = [child for name, child in self.children.items() if name.startswith("host-")]
        stop_together(hosts)
        stop_together([child for child in self.children.values() if child not in hosts])
        if self.azurite:
            self.azurite.stop()
        self.children, self.azurite = {}, None
        if not self.lock:
            return
        for name in (STACK_FILE, STACK_SETTINGS, OWNER_FILE):
            (self.directory / name).unlink(missing_ok=True)
        self.lock.close()
        self.lock = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
