"""A key for each caller: which key opens which route, who is told to have done something, and how
keys are renewed.
"""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.data.tables import TableServiceClient
from azure.functions.decorators.http import HttpTrigger
from azure.storage.blob import BlobServiceClient
from azure.storage.queue import QueueServiceClient

from admin.check.__main__ import run as run_check
from admin.setup.__main__ import run as run_setup
from admin.setup.function_keys import given_keys
from dev.commands.demo import LOCAL_PACE
from dev.commands.processes import ROOT
from dev.commands.stack import Stack
from dev.commands.stack_keys import OPENED
from dev.settings_bicep import triggers
from dev.verbs import Http, wait_until
from dev.world import World, world_of
from tests.contract.commands.registered import registered
from tests.unit.cli_words import BLOCK, PLACE

READERS = {
    "console_status",
    "console_dead_letters",
    "console_record",
    "console_jobs",
    "console_job",
    "console_question",
    "opt_out_contact",
    "opt_out_decisions",
}
OPENS = {
    "contacts_webhook": {"contacts_webhook"},
    "custom_entities_webhook": {"custom_entities_webhook"},
    "opt_out_webhook": {"opt_out_webhook"},
    "commands": {"console_command"},
    "reading": READERS,
    "safe_to_send": {"opt_out_safe"},
}
"""Caller -> the functions that its key opens; every other route must answer 401."""


ANONYMOUS = {
    name
    for name, trigger in triggers().items()
    if isinstance(trigger, HttpTrigger) and trigger.auth_level is func.AuthLevel.ANONYMOUS
}
"""Functions that no key opens: who calls them is asked for otherwise."""


def http_functions() -> dict[str, HttpTrigger]:
    """Every other route of the app, from the app itself."""
    return {
        name: trigger
        for name, trigger in triggers().items()
        if isinstance(trigger, HttpTrigger) and name not in ANONYMOUS
    }


ROUTES = http_functions()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    directory = tmp_path_factory.mktemp("keys")
    with Stack(
        directory=directory, settings=LOCAL_PACE, database=str(directory / "dataverse.sqlite")
    ) as stack:
        yield world_of(stack)


class Caller:
    """Whoever has this key.

    The webhooks' second secret is always right, so that a 401 is the host's.
    """

    def __init__(self, world: World, key: str | None, in_query: bool = False) -> None:
        self.key, self.in_query = key, in_query
        self.http = Http(
            world.stack.facts["functions"], {"x-webhook-secret": world.stack.webhook_secret}
        )

    def ask(self, method: str, path: str, body: Any = None) -> int:
        return int(self.answer(method, path, body).status_code)

    def answer(self, method: str, path: str, body: Any = None) -> Any:
        if self.key is None:
            return self.http.ask(method, path, body)
        if self.in_query:
            return self.http.session.request(
                method, self.http.base + path, params={"code": self.key}, json=body, timeout=60
            )
        return self.http.ask(method, path, body, x_functions_key=self.key)

    def opens(self, function: str) -> bool:
        """By each method of the function, with parameters that do no harm; all agree."""
        trigger = ROUTES[function]
        path = "/" + re.sub(r"\{(\w+)[^}]*\}", r"no-\1", trigger.route)
        statuses = {self.ask(method.value, path) for method in trigger.methods}
        assert not statuses & {500, 503}, (function, statuses)
        assert len({status == 401 for status in statuses}) == 1
        return 401 not in statuses


class KeyAdmin:
    """Whoever has the master key, at the host's key management API."""

    def __init__(self, world: World) -> None:
        self.http = world.operator.admin

    def put(self, scope: str, name: str, value: str) -> str:
        self.http.json("PUT", f"/admin/{scope}/{name}", {"name": name, "value": value})
        return value

    def delete(self, scope: str, name: str) -> None:
        self.http.json("DELETE", f"/admin/{scope}/{name}")

    def all(self) -> dict[str, dict[str, str]]:
        """Scope -> name -> value."""
        scopes = ["host/keys", *(f"functions/{name}/keys" for name in ROUTES)]
        return {
            scope: {
                key["name"]: key["value"]
                for key in self.http.json("GET", f"/admin/{scope}")["keys"]
            }
            for scope in scopes
        }


@pytest.fixture
def keys(world: World) -> KeyAdmin:
    return KeyAdmin(world)


def stop(world: World, key: str, body: Any = None, in_query: bool = False) -> Any:
    return Caller(world, key, in_query).answer("POST", "/api/flows/contacts/stop", body)


def test_every_route_asks_for_a_key_and_is_in_the_table() -> None:
    assert {trigger.auth_level for trigger in ROUTES.values()} == {func.AuthLevel.FUNCTION}
    assert {"console_pages"} == ANONYMOUS, "people sign in to the console; no key opens it"
    assert set().union(*OPENS.values()) == ROUTES.keys()
    assert {caller: set(functions) for caller, (_, functions) in OPENED.items()} == OPENS


@pytest.mark.parametrize("in_query", [False, True], ids=["header", "query"])
def test_every_key_on_every_route(world: World, keys: KeyAdmin, in_query: bool) -> None:
    """The whole table: all keys that the host has, and what is no key, on all routes of the app."""
    expected: dict[str | None, set[str]] = {
        None: set(),
        "": set(),
        "wrong": set(),
        "dataverse.": set(),
    }
    expected |= {
        world.stack.facts["keys"][caller]: functions for caller, functions in OPENS.items()
    }
    expected |= {
        world.stack.facts["master_key"]: set(ROUTES),
        world.stack.facts["function_key"]: set(ROUTES),
    }
    held = {value: scope for scope, named in keys.all().items() for value in named.values()}
    assert held.keys() <= expected.keys()
    opened = {
        key: {name for name in ROUTES if Caller(world, key, in_query).opens(name)}
        for key in expected
    }
    assert opened == expected


def test_what_dataverse_holds_opens_its_endpoint_and_stops_nothing(world: World) -> None:
    """F1. The keys are read from the emulated Dataverse's own database."""
    held = registered(world.stack.directory / "dataverse.sqlite")
    assert held.keys() == {"contact", "contact/opt-out"}
    for path, endpoint in held.items():
        function = {"contact": "contacts_webhook", "contact/opt-out": "opt_out_webhook"}[path]
        assert {name for name in ROUTES if Caller(world, endpoint.key).opens(name)} == {function}
        for in_query in (False, True):
            assert stop(world, endpoint.key, {}, in_query).status_code == 401
    assert world.operator.status()["status"] == "running"


def test_who_stopped_a_flow_is_told_by_the_key(world: World, keys: KeyAdmin) -> None:
    """F2."""
    anna = keys.put("functions/console_command/keys", "anna", "anna.0123456789abcdef")
    plain = keys.put("functions/console_command/keys", "plain", "0123456789abcdef")
    for key, in_query, who in [
        (world.stack.facts["keys"]["commands"], False, "key commands"),
        (anna, False, "key anna"),
        (plain, False, "a key without a name"),
        (anna, True, "key anna"),
        (world.stack.facts["function_key"], True, "key default"),
        (world.stack.facts["master_key"], False, "key master"),
    ]:
        assert stop(world, key, {}, in_query).status_code == 200
        wait_until(lambda who=who: world.operator.status()["by"] == who, f"the stop by {who}")
    nobody = Caller(world, None)
    assert nobody.ask("POST", f"/api/flows/contacts/start?CODE={anna}", {}) == 200
    started = {"status": "running", "by": "key anna"}
    wait_until(
        lambda: started.items() <= world.operator.status().items(),
        "the start by another spelling of the parameter",
    )


def test_by_in_a_body_is_refused_and_nothing_is_stopped(world: World) -> None:
    for command in ("start", "stop", "replay", "discard"):
        body = {"by": "somebody.else@example.org"}
        commands = Caller(world, world.stack.facts["keys"]["commands"])
        answer = commands.answer("POST", f"/api/flows/contacts/{command}", body)
        assert (
            answer.status_code,
            "call with a key that carries your name" in answer.json()["error"],
        ) == (400, True)
    status = world.operator.status()
    assert (status["status"], "somebody" in str(status)) == ("running", False)


@pytest.mark.parametrize("caller", OPENS)
def test_old_and_new_key_overlap(world: World, keys: KeyAdmin, caller: str) -> None:
    old = world.stack.facts["keys"][caller]
    name, functions = OPENED[caller]
    new = f"{name}.renewed-{caller}"
    scopes = [f"functions/{function}/keys" for function in functions]
    for scope in scopes:
        keys.put(scope, f"{name}-2", new)
    both = [{route for route in ROUTES if Caller(world, key).opens(route)} for key in (old, new)]
    assert both == [OPENS[caller]] * 2
    for scope in scopes:
        keys.delete(scope, name)
    assert [
        {route for route in ROUTES if Caller(world, key).opens(route)} for key in (old, new)
    ] == [set(), OPENS[caller]]
    for scope in scopes:
        keys.put(scope, name, old)
        keys.delete(scope, f"{name}-2")


def test_a_webhooks_key_is_renewed_and_no_change_is_lost(
    world: World,
    keys: KeyAdmin,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The steps of docs/set-up.md, "Renew a webhook's key", while Dataverse sends."""
    scope, old = "functions/contacts_webhook/keys", world.stack.facts["keys"]["contacts_webhook"]
    new = keys.put(scope, "dataverse-2", "dataverse.fedcba9876543210")
    file = tmp_path / "keys.json"
    file.write_text(f'{{"contacts_webhook": "{new}"}}')
    with monkeypatch.context() as environment:
        for setting, value in world.stack.environment.items():
            environment.setenv(setting, value)
        assert (
            run_setup(
                [
                    "dataverse",
                    "--stack",
                    "--directory",
                    str(world.stack.directory),
                    "--function-keys",
                    str(file),
                ]
            )
            == 0
        )
    said = capsys.readouterr().out
    assert "updated    webhook of contact: credential" in said
    assert "kept       webhook of contact/opt-out with its key" in said
    first = world.dynamics.create_contact(
        firstname="Ana", lastname="Overlap", emailaddress1="ana@example.org"
    )
    world.wait_for_profile(first, firstName="Ana")
    wait_until(
        lambda: world.dynamics.emulator.json("GET", "/webhooks")["pending"] == 0,
        "the webhooks under way",
    )
    keys.delete(scope, "dataverse")
    assert not Caller(world, old).opens("contacts_webhook")
    world.dynamics.change_contact(first, firstname="Bea")
    wait_until(
        lambda: world.dynamics.emulator.json("GET", "/webhooks")["pending"] == 0,
        "the webhooks of the new key",
    )
    assert world.dynamics.emulator.json("GET", "/webhooks")["failed"] == 0
    world.wait_for_profile(first, firstName="Bea")
    keys.put(scope, "dataverse", old)
    world.stack.register_webhooks()
    keys.delete(scope, "dataverse-2")


def test_no_key_is_in_a_log_a_table_a_message_or_an_answer(
    world: World,
    keys: KeyAdmin,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Everything is driven with every key, rightly and wrongly, and the commands of manage.py run;
    then all is searched.
    """
    mark = "mark0fakeythatnobodymaysee"
    values = [
        keys.put("functions/console_command/keys", "marked", f"marked.{mark}"),
        f"wrong.{mark}",
        f"{mark}",
    ]
    values += world.stack.facts["keys"].values()
    answers = []
    for value in values:
        for in_query in (False, True):
            caller = Caller(world, value, in_query)
            for command in ("stop", "start", "replay", "discard", "none"):
                for body in ({}, {"by": "x"}, [], {"what": "record"}, {"deletes": "skip"}):
                    answers.append(
                        caller.answer("POST", f"/api/flows/contacts/{command}", body).text
                    )
            answers += [
                caller.answer("GET", path).text
                for path in ("/api/status", "/api/opt-out", "/api/safe-to-send")
            ]
            answers.append(
                caller.answer("POST", "/api/dataverse/contact", {"PrimaryEntityName": value}).text
            )
    with monkeypatch.context() as environment:
        for setting, value in world.stack.environment.items():
            environment.setenv(setting, value)
        run_setup(["dataverse", "--stack", "--directory", str(world.stack.directory)])
        run_check(["--stack", "--directory", str(world.stack.directory)])
    out = capsys.readouterr()
    secrets = [mark, *(value.partition(".")[2] for value in world.stack.facts["keys"].values())]
    searched = {"answers": "\n".join(answers), "commands": out.out + out.err, **at_rest(world)}
    assert ("key commands" in searched["tables"], "flow_changed" in searched["host-1.log"]) == (
        True,
        True,
    )
    found = {place for place, text in searched.items() for secret in secrets if secret in text}
    assert found == set()
    keys.delete("functions/console_command/keys", "marked")


class Shell:
    """Runs the blocks of a page as they stand, with `az` at the local host's key API and what a
    person fills in.
    """

    def __init__(self, world: World, directory: Path) -> None:
        self.directory = directory
        (directory / ".local").mkdir()
        az = directory / "az"
        az.write_text(
            f'#!/bin/sh\nexec "{sys.executable}" "{Path(__file__).with_name("az_keys.py")}" "$@"\n'
        )
        az.chmod(0o755)
        path = f"{directory}:{os.environ['PATH']}"
        self.environment = {**os.environ, "PATH": path, "FUNCTIONS": world.stack.facts["functions"]}
        self.environment["MASTER_KEY"] = world.stack.facts["master_key"]

    def run(self, page: str, heading: str) -> list[str]:
        """The lines that the section's blocks print; what is piped on is printed instead."""
        section = (
            (ROOT / "docs" / page).read_text().partition(f"\n{heading}\n")[2].partition("\n#")[0]
        )
        blocks = [
            found[0]
            for found in BLOCK.finditer(section)
            if " keys " in found[0] or "umask" in found[0]
        ]
        assert blocks, heading
        script = re.sub(
            r" \| \\\n\s+python3 .*",
            "",
            PLACE.sub("filled-in", "\n".join(textwrap.dedent(one) for one in blocks)),
        )
        done = subprocess.run(
            ["bash", "-euc", script],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()


@pytest.fixture
def shell(world: World, tmp_path: Path) -> Shell:
    return Shell(world, tmp_path)


def opened(world: World, key: str) -> set[str]:
    return {name for name in ROUTES if Caller(world, key).opens(name)}


def test_the_page_on_deployment_makes_a_key_for_each_webhook(world: World, shell: Shell) -> None:
    """docs/deploy.md, "Dataverse", steps 3 and 4.

    The keys of the stack have the same name and are replaced, then put back.
    """
    shell.run("deploy.md", "## Dataverse")
    file = shell.directory / ".local" / "function-keys.json"
    made = given_keys(file)
    assert file.stat().st_mode & 0o077 == 0
    assert {function: opened(world, key) for function, key in made.items()} == {
        name: {name} for name in made
    }
    assert made.keys() == {"contacts_webhook", "custom_entities_webhook", "opt_out_webhook"}
    for function in made:
        KeyAdmin(world).put(
            f"functions/{function}/keys", "dataverse", world.stack.facts["keys"][function]
        )


def test_the_page_on_keys_makes_renews_and_takes_away(
    world: World, shell: Shell, keys: KeyAdmin
) -> None:
    """docs/operating.md, "Keys"."""
    anna, reading, safe = shell.run("operating.md", "### Make a key")
    assert [opened(world, key) for key in (anna, reading, safe)] == [
        {"console_command"},
        READERS,
        {"opt_out_safe"},
    ]
    assert [key.partition(".")[0] for key in (anna, reading, safe)] == [
        "anna",
        "reading",
        "safe-to-send",
    ]
    shell.run("operating.md", "### Renew a key")
    second = keys.all()["functions/console_command/keys"]["anna-2"]
    assert [opened(world, key) for key in (anna, second)] == [{"console_command"}] * 2
    shell.run("operating.md", "### Take a key away")
    assert [opened(world, key) for key in (anna, second)] == [set(), {"console_command"}]
    assert second.startswith("anna.")
    keys.delete("functions/console_command/keys", "anna-2")
    for caller in ("reading", "safe_to_send"):
        name, functions = OPENED[caller]
        for function in functions:
            keys.put(f"functions/{function}/keys", name, world.stack.facts["keys"][caller])


def test_the_page_on_the_set_up_renews_a_webhooks_key(
    world: World, shell: Shell, keys: KeyAdmin
) -> None:
    """docs/set-up.md.

    What is piped to the set-up is printed here; that the set-up renews the endpoint is tested
    above.
    """
    file = shell.directory / ".local" / "printed.json"
    file.write_text("\n".join(shell.run("set-up.md", "### Renew a webhook's key")))
    new = given_keys(file)["contacts_webhook"]
    assert (opened(world, new), opened(world, world.stack.facts["keys"]["contacts_webhook"])) == (
        {"contacts_webhook"},
        set(),
    )
    keys.put(
        "functions/contacts_webhook/keys",
        "dataverse",
        world.stack.facts["keys"]["contacts_webhook"],
    )
    keys.delete("functions/contacts_webhook/keys", "dataverse-2")


def at_rest(world: World) -> dict[str, str]:
    """What the bridge's storage holds, and what each program has logged."""
    connection = world.stack.facts["storage"]
    tables, queues = (
        TableServiceClient.from_connection_string(connection),
        QueueServiceClient.from_connection_string(connection),
    )
    blobs = BlobServiceClient.from_connection_string(connection)
    rows = [
        dict(row)
        for table in tables.list_tables()
        for row in tables.get_table_client(table.name).list_entities()
    ]
    messages = [
        m.content
        for q in queues.list_queues()
        for m in queues.get_queue_client(q.name).peek_messages(32)
    ]
    config = [
        blobs.get_blob_client(container.name, blob.name)
        .download_blob()
        .readall()
        .decode(errors="replace")
        for container in blobs.list_containers()
        for blob in blobs.get_container_client(container.name).list_blobs()
    ]
    logs = {
        file.name: file.read_text(errors="replace") for file in world.stack.directory.rglob("*.log")
    }
    assert logs
    return {"tables": str(rows), "queues": "\n".join(messages), "blobs": "\n".join(config), **logs}
