"""`manage.py stop`: the stack of `up` ends by itself, and no stranger with an old number does."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dev.commands import stop
from dev.commands.folders import hold
from dev.commands.processes import ROOT, Child, DidNotStart, runs, stack_processes
from dev.commands.stack import Stack
from dev.commands.up import run as up_command
from dev.verbs import Campaign, Dynamics, Operator, wait_until

MANAGE = [sys.executable, "manage.py"]
HANGS_MS = 60_000


class Up:
    """An `up` in a window of its own, with its first contact under way to a slow Campaign."""

    def __init__(self, directory: Path) -> None:
        command = [*MANAGE, "up", "--directory", str(directory)]
        self.directory = directory
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout
        lines = iter(self.process.stdout)
        assert next((line for line in lines if "Ctrl-C" in line), "")
        self.facts = json.loads((directory / "stack.json").read_text())
        self.campaign = Campaign(self.facts)
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def deliver(self, milliseconds: int) -> None:
        """Returns when Campaign has a creation under way, which it answers after this time."""
        wait_until(Operator(self.facts).settled, "quiet", 60)
        self.campaign.latency(milliseconds)
        Dynamics(self.facts).create_contact(firstname="Olga", lastname="Late")
        wait_until(lambda: self.campaign.write_calls()["POST"], "the creation", 60)

    def log(self, name: str) -> str:
        return (self.directory / "logs" / f"{name}.log").read_text(errors="replace")


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    started = Up(tmp_path)
    yield started
    started.process.terminate()
    started.process.wait(60)
    assert started.process.stdout
    started.process.stdout.close()


def stopped(directory: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [*MANAGE, "stop", "--directory", str(directory), *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=90)


@pytest.mark.parametrize(
    ("options", "latency_ms", "is_cut_off"),
    [
        pytest.param([], 2_000, False, id="what runs has its time"),
        pytest.param(["--now"], HANGS_MS, True, id="now: what runs is cut off"),
    ],
)
def test_a_stack_ends_with_all_its_processes(
    up: Up, options: list[str], latency_ms: int, is_cut_off: bool
) -> None:
    up.deliver(latency_ms)
    done = stopped(up.directory, *options)
    assert (done.returncode, up.process.wait(5)) == (0, 0)
    assert not [process.pid for process in up.family if runs(process)]
    assert ("are cut off" in up.log("host-1")) == is_cut_off
    seconds = float(done.stdout.split()[-2])
    assert seconds < HANGS_MS / 1000 / 2
    assert "There is nothing to stop." in stopped(up.directory).stdout


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield process
    process.kill()
    process.wait()


def listed(directory: Path, pid: int) -> Path:
    path = directory / "stack.json"
    path.write_text(json.dumps({"pids": {"host-1": pid}}))
    return path


def test_a_process_whose_owner_is_gone_is_ended(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    listed(tmp_path, sleeper.pid)
    assert stop.run(["--directory", str(tmp_path)]) == 0
    assert not psutil.pid_exists(sleeper.pid)


@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"functions": "http://127',
        "{}",
        "[]",
        '{"pids": []}',
        '{"pids": {"a": "1", "b": null, "c": -1, "d": 0, "e": 1, "f": 99999999999999999999}}',
        "\ufeff{",
    ],
)
def test_a_stack_json_that_is_none_names_no_process(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stack.json").write_text(text, "utf-8")
    assert stop.run(["--directory", str(tmp_path)]) == 0
    assert "There is nothing to stop." in capsys.readouterr().out
    assert (tmp_path / "stack.json").read_text("utf-8") == text


def test_a_folder_has_one_stack_from_its_first_moment(tmp_path: Path) -> None:
    """Also while the other is only starting, and then nothing of the other is touched."""
    with hold(tmp_path):
        (tmp_path / "stack.json").write_text("{}")
        with pytest.raises(DidNotStart, match="Another stack has the folder"):
            Stack(tmp_path, host=False).start()
        assert (tmp_path / "stack.json").exists()
        assert not (tmp_path / "logs").exists()
    hold(tmp_path).close()


def test_a_process_that_was_killed_lets_go_of_its_folder(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from dev.commands.folders import hold;"
        " held = hold(Path(sys.argv[1])); print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(DidNotStart):
        hold(tmp_path)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    hold(tmp_path).close()


def test_who_got_the_number_of_a_process_that_is_gone_goes_on(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    """After a restart of the machine an old stack.json names numbers that others have now."""
    path = listed(tmp_path, sleeper.pid)
    os.utime(path, times=(psutil.Process(sleeper.pid).create_time() - 3600,) * 2)
    assert stack_processes(tmp_path) == {}
    assert stop.run(["--directory", str(tmp_path)]) == 0
    assert psutil.pid_exists(sleeper.pid)


def test_a_process_that_does_not_end_is_killed_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stop, "LIMIT_SECONDS", 0.2)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True);"
        " time.sleep(600)"
    )
    process = subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE)
    assert process.stdout
    process.stdout.readline()
    listed(tmp_path, process.pid)
    assert stop.run(["--directory", str(tmp_path)]) == 1
    process.wait(10)
    assert not psutil.pid_exists(process.pid)
    assert (
        f"Process {process.pid} did not end within 0.2 s. It was killed." in capsys.readouterr().out
    )
    process.stdout.close()


HAS_WORK = """
import signal, time
def told(*_):
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    print("told", flush=True)
    time.sleep(0.3)
    raise SystemExit(0)
signal.signal(signal.SIGTERM, told)
print("started", flush=True)
time.sleep(600)
"""


def test_a_child_is_told_once_so_that_it_ends_what_it_does(tmp_path: Path) -> None:
    """A host that is told twice does not."""
    child = Child("busy", [], tmp_path)
    child.process = subprocess.Popen(
        [sys.executable, "-c", HAS_WORK], stdout=subprocess.PIPE, stdin=subprocess.PIPE
    )
    assert child.process.stdout
    assert child.process.stdout.readline() == b"started\n"
    child.ask_to_stop()
    assert child.process.stdout.readline() == b"told\n"
    child.stop()
    child.process.stdout.close()
    assert child.process.returncode == 0


def test_what_a_killed_stack_has_left_is_taken_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stack.json").write_text('{"pids": {}}')
    (tmp_path / "app.settings.json").write_text("{}")
    assert stop.run(["--directory", str(tmp_path)]) == 0
    assert "had ended without `manage.py stop`" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []
    assert stop.run(["--directory", str(tmp_path)]) == 0
    assert "There is nothing to stop." in capsys.readouterr().out


def owner(directory: Path, *words: str) -> subprocess.Popen[bytes]:
    """A process that has just begun to start the stack of this folder: no stack.json yet."""
    program = "import time; print(flush=True); time.sleep(600)"
    process = subprocess.Popen([sys.executable, "-c", program, *words], stdout=subprocess.PIPE)
    assert process.stdout
    with process.stdout:
        process.stdout.readline()
    (directory / "owner.pid").write_text(str(process.pid))
    return process


def test_a_stack_that_is_starting_is_there_and_is_stopped(tmp_path: Path) -> None:
    process = owner(tmp_path, "dev.commands", "up")
    assert list(stack_processes(tmp_path)) == ["owner"]
    assert up_command(["--directory", str(tmp_path)]) == 1
    assert stop.run(["--directory", str(tmp_path)]) == 0
    process.wait(10)
    assert stack_processes(tmp_path) == {}


def test_the_number_of_an_owner_that_is_gone_may_be_a_stranger_s(tmp_path: Path) -> None:
    process = owner(tmp_path, "a stranger")
    assert stack_processes(tmp_path) == {}
    assert stop.run(["--directory", str(tmp_path)]) == 0
    assert process.poll() is None
    process.kill()
    process.wait()
