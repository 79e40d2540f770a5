"""manage.py and the stack: found, started, stopped, and nothing left behind."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from dev.commands.azurite import start_azurite
from dev.commands.processes import ROOT, Child, DidNotStart
from dev.seed import vehicles
from dev.verbs import Campaign, Dynamics, Operator, wait_until

KEYS = {
    "functions", "function_key", "master_key", "keys", "dataverse", "dataverse_token", "campaign",
    "campaign_token", "campaign_api_key", "ims", "ims_organization", "identity", "journal",
    "storage", "sftp", "console", "pids",
}  # fmt: skip


@pytest.fixture
def manage() -> ModuleType:
    spec = importlib.util.spec_from_file_location("manage", ROOT / "manage.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def python(folder: Path, name: str, version: str) -> None:
    """A program that answers as a Python of that version would."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
    (folder / name).chmod(0o755)


def test_a_python_3_13_is_found_on_the_path(
    manage: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python(tmp_path / "bin", "python3", "3 11")
    python(tmp_path / "bin", "python3.13", "3 13")
    monkeypatch.setattr(manage.sys, "executable", str(tmp_path / "bin" / "python3"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + ":/usr/bin:/bin")
    assert manage.find_python() == [str(tmp_path / "bin" / "python3.13")]


def test_a_python_3_13_is_found_in_pyenv(
    manage: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python(tmp_path / "bin", "python3", "3 11")
    python(tmp_path / "pyenv" / "versions" / "3.13.9" / "bin", "python", "3 13")
    monkeypatch.setattr(manage.sys, "executable", str(tmp_path / "bin" / "python3"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setattr(manage.shutil, "which", lambda name: None)
    monkeypatch.setattr(manage, "version_of", lambda c: (3, 13) if "3.13" in c[0] else (3, 11))
    assert "3.13.9" in manage.find_python()[0]


def test_without_a_python_3_13_one_sentence_says_what_to_install(
    manage: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(manage, "version_of", lambda command: (3, 11))
    with pytest.raises(manage.CannotSetUp, match=r"No Python 3\.13 was found: install it"):
        manage.find_python()


def test_manage_py_is_read_by_an_old_python(manage: ModuleType) -> None:
    import ast

    ast.parse((ROOT / "manage.py").read_text(), feature_version=(3, 8))


def test_azurite_ends_with_its_context_and_two_run_side_by_side() -> None:
    with start_azurite() as one, start_azurite() as other:
        assert one.connection_string != other.connection_string
        pids = [one.pid, other.pid]
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def test_a_child_that_does_not_start_tells_the_end_of_its_log(tmp_path: Path) -> None:
    child = Child("broken", ["dev.emulators.nothing"], tmp_path)
    child.start()
    with pytest.raises(DidNotStart, match="No module named"):
        child.wait()
    child.stop()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_up_writes_its_facts_and_a_signal_ends_all_that_it_started(
    tmp_path: Path, name: str
) -> None:
    command = [
        sys.executable,
        "manage.py",
        "up",
        "--directory",
        str(tmp_path),
        "--contacts",
        "10",
        "--instances",
        "2",
    ]
    # A shell that runs the tests in the background has them ignore SIGINT, and their children would
    # inherit that.
    heard = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    up = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, preexec_fn=heard
    )
    facts_file = tmp_path / "stack.json"
    wait_until(facts_file.exists, "stack.json", 60)
    facts = json.loads(facts_file.read_text())
    ran = {process for process, pid in facts["pids"].items() if psutil.pid_exists(pid)}
    up.send_signal(getattr(signal, name))
    up.wait(60)
    wait_until(
        lambda: not [pid for pid in facts["pids"].values() if running(pid)],
        "the end of all processes",
        60,
    )
    assert up.stderr
    up.stderr.close()
    assert set(facts) == KEYS
    assert {"host-1", "host-2", "azurite", "dataverse", "campaign", "identity", "sftp"} == ran
    assert ran == set(facts["pids"])


def test_a_second_up_says_that_one_runs_already(tmp_path: Path) -> None:
    (tmp_path / "stack.json").write_text(json.dumps({"pids": {"host-1": os.getpid()}}))
    command = [sys.executable, "manage.py", "up", "--directory", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, "runs already" in done.stdout) == (1, True)


def test_paths_start_from_the_folder_in_which_the_command_was_given(tmp_path: Path) -> None:
    """The file is read: it is its content that is refused."""
    (tmp_path / "mine.yaml").write_text("contact: 5")
    command = [sys.executable, str(ROOT / "manage.py"), "up", "--tables", "mine.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Line 1, contact must hold" in done.stdout


def running(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_up_without_a_host_writes_settings_for_core_tools(tmp_path: Path) -> None:
    settings_file = ROOT / "local.settings.json"
    before = settings_file.read_bytes() if settings_file.exists() else None
    command = [sys.executable, "manage.py", "up", "--no-host", "--directory", str(tmp_path)]
    up = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        wait_until((tmp_path / "stack.json").exists, "stack.json", 60)
        wait_until(
            lambda: settings_file.exists() and settings_file.read_bytes() != before,
            "local.settings.json",
            30,
        )
        values = json.loads(settings_file.read_text())["Values"]
        assert (
            values["DATAVERSE_URL"]
            == json.loads((tmp_path / "stack.json").read_text())["dataverse"]
        )
    finally:
        up.terminate()
        up.wait(60)
        settings_file.unlink() if before is None else settings_file.write_bytes(before)


def test_up_takes_settings_what_campaign_published_tables_and_documents(tmp_path: Path) -> None:
    """As docs/local-stack.md has it for the vehicles: a vehicle arrives, linked, with nothing done
    by hand.
    """
    seed = ROOT / "dev" / "seed"
    command = [sys.executable, "manage.py", "up", "--directory", str(tmp_path / "up")]
    command += [
        "--set",
        "PARENT_WAIT_DAYS=3",
        "--set",
        "OPT_OUT_MODE=both",
        "--publication",
        str(seed / "vehicles.publication.yaml"),
    ]
    command += ["--tables", str(seed / "vehicles.tables.yaml")]
    command += [
        "--document",
        str(seed / "acs_vehicle.yaml"),
        "--document",
        str(seed / "acs_visit.yaml"),
    ]
    up = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert up.stdout
        assert any(line.startswith("Keys, tokens") for line in up.stdout)
        facts = json.loads((tmp_path / "up" / "stack.json").read_text())
        settings = json.loads((tmp_path / "up" / "app.settings.json").read_text())["Values"]
        assert (settings["PARENT_WAIT_DAYS"], settings["OPT_OUT_MODE"]) == ("3", "both")
        dynamics, campaign = Dynamics(facts), Campaign(facts)
        contact = dynamics.create_contact(
            firstname="Ana", lastname="Reader", emailaddress1="ana@example.org"
        )
        vehicles.create(
            dynamics, "acs_vehicle", "A red one", "acs_ownerid", f"/contacts({contact})"
        )
        (row,) = wait_until(lambda: list(campaign.records("cusVehicle")), "the vehicle")
        assert (row["name"], row["contactId"]) == ("A red one", contact)
        assert Operator(facts).status("opt_out")["status"] == "running"
    finally:
        up.terminate()
        up.wait(60)
        assert up.stdout
        up.stdout.close()
