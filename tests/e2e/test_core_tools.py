"""`--host func`, with a `func` that takes what Core Tools take and reads the keys where they do."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.commands import core_tools
from dev.commands.stack import Stack
from dev.verbs import Http
from dev.world import World, world_of

FUNC = '''#!{python}
"""Stands for Azure Functions Core Tools: `func start --port N --enableAuth`.

Keys are in azure-webjobs-secrets.
"""

import argparse, json, os, sys, tempfile
from azure.storage.blob import ContainerClient

parser = argparse.ArgumentParser(prog="func")
parser.add_argument("command", choices=["start"])
parser.add_argument("--port", required=True)
parser.add_argument("--enableAuth", action="store_true", required=True)
given = parser.parse_args()
assert os.path.exists("host.json"), "func start runs in the folder of the app"
account = os.environ["AzureWebJobsStorage"]
secrets = ContainerClient.from_connection_string(account, "azure-webjobs-secrets")
place = os.environ["AzureFunctionsWebHost__hostid"]

def named(entries):
    return {{entry["name"]: entry["value"] for entry in entries if not entry["encrypted"]}}

kept = {{"functions": {{}}}}
for blob in secrets.list_blobs(name_starts_with=place + "/"):
    found = json.loads(secrets.download_blob(blob.name).readall())
    if blob.name.endswith("/host.json"):
        kept |= {{"master": found["masterKey"]["value"], "host": named(found["functionKeys"])}}
    else:
        kept["functions"][blob.name.rpartition("/")[2].removesuffix(".json")] = named(found["keys"])
keys = os.path.join(tempfile.mkdtemp(), "keys.json")
open(keys, "w").write(json.dumps(kept))
host = [sys.executable, "-m", "dev.host", os.getcwd(), "--port", given.port, "--keys", keys]
os.execv(sys.executable, host)
'''


@pytest.fixture(scope="module")
def path_with_func(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bin")
    script = folder / "func"
    script.write_text(FUNC.format(python=sys.executable), "utf-8")
    script.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, path_with_func: Path) -> Iterator[World]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(path_with_func), prepend=":")
        with Stack(directory=tmp_path_factory.mktemp("func"), host_kind="func") as stack:
            yield world_of(stack)


def test_what_drives_the_stand_in_drives_core_tools(world: World) -> None:
    contact_id = world.dynamics.create_contact(firstname="Ada", emailaddress1="ada@example.org")
    world.wait_for_profile(contact_id, firstName="Ada")


def test_keys_are_checked_and_are_those_of_the_stack(world: World) -> None:
    facts = world.stack.facts
    statuses = {
        caller: (
            Http(facts["functions"], {"x-functions-key": value})
            .session.get(f"{facts['functions']}/api/status")
            .status_code
        )
        for caller, value in {**facts["keys"], "none": ""}.items()
    }
    assert [caller for caller, status in statuses.items() if status == 200] == ["reading"]


def test_groups_are_refused_with_what_to_leave_out(
    tmp_path: Path, path_with_func: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(path_with_func), prepend=":")
    with pytest.raises(core_tools.DidNotStart, match="leave out --groups"):
        Stack(directory=tmp_path, host_kind="func", groups=True).start()


def test_without_core_tools_one_sentence_says_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core_tools.shutil, "which", lambda _: None)
    with pytest.raises(core_tools.DidNotStart) as refused:
        core_tools.CoreTools("host-1", tmp_path, {}, "key").start()
    assert str(refused.value) == core_tools.HOW_TO_GET_IT
