"""Every command of docs, README, CHANGELOG and workflows is one that its tool takes.

Read by the grammar of `az` and `azd` and by our own commands' parsers, and run where it can run
here.
"""

import re
import subprocess
import zipfile
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.bench.__main__ import BENCHES
from dev.commands import package
from dev.commands.__main__ import COMMANDS
from dev.commands.stack_keys import READING, WEBHOOKS
from dev.commands.test import split
from dev.settings_bicep import functions
from tests.unit.cli_words import Command, az_problems, azd_problems, of_page, of_script, table

ROOT = Path(__file__).parents[3]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def of_workflow(path: Path) -> list[Command]:
    jobs: dict[str, Any] = yaml.safe_load(path.read_text())["jobs"]
    steps = [step for job in jobs.values() for step in job.get("steps", [])]
    return [command for step in steps for command in of_script(step.get("run", ""))]


def commands(program: str) -> list[Any]:
    """Each command of a program once, with the file that names it as its id."""
    found = [(path, list(of_page(path.read_text()))) for path in PAGES] + [
        (path, of_workflow(path)) for path in WORKFLOWS
    ]
    once = {
        command: path for path, listed in found for command in listed if command.words[0] == program
    }
    return [pytest.param(command, id=f"{path.name}: {command}") for command, path in once.items()]


def parser(command: Command) -> Callable[[list[str]], object]:
    return import_module(COMMANDS[command.words[2]][0]).parse  # type: ignore[no-any-return]


@pytest.mark.parametrize("command", commands("az"))
def test_az_takes_it(command: Command) -> None:
    assert az_problems(command) == []


@pytest.mark.parametrize("command", commands("azd"))
def test_azd_takes_it(command: Command) -> None:
    assert azd_problems(command) == []


@pytest.mark.parametrize("command", commands("python3"))
def test_manage_py_takes_it(command: Command) -> None:
    if command.words == ("python3", "--version"):
        return
    assert command.words[1] == "manage.py"
    name, *rest = command.words[2:]
    assert name in COMMANDS
    if name == "test":
        parser(command)(split(rest)[0])
    elif name == "bench":
        assert set(rest[:1]) <= set(BENCHES)
    elif rest == ["--help"]:
        assert callable(parser(command))
    elif command.whole or rest:
        parser(command)(rest)


@pytest.mark.parametrize("command", [one for one in commands("git") if one.values[0].whole])
def test_git_does_it(command: Command, tmp_path: Path) -> None:
    assert command.words[1] == "archive"
    words = [str(tmp_path / word) if word.endswith(".zip") else word for word in command.words]
    subprocess.run(words, cwd=ROOT, check=True)
    with zipfile.ZipFile(tmp_path / "app.zip") as archive:
        assert "function_app.py" in archive.namelist()


def test_the_zip_of_the_page_is_where_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = list(of_page((ROOT / "docs" / "deploy.md").read_text()))
    (made,) = [
        one
        for one in page
        if one.words[:3] == ("python3", "manage.py", "package") and "--remote-build" in one.words
    ]
    sources = {one.words[one.words.index("--src") + 1] for one in page if "--src" in one.words}
    assert sources == {package.parse(list(made.words[3:])).output.relative_to(ROOT).as_posix()}
    assert package.run([*made.words[3:], "--output", str(tmp_path / "app.zip")]) == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("az group creat --name a --location b", "no command"),
        ("az group create --name a", "needs --location"),
        ("az group create --nam a --location b", "no option --nam"),
        ("az group create --name a --location b --output tabel", "takes no tabel"),
        ("az group create a --name a --location b", "takes no word a"),
    ],
)
def test_a_misspelt_az_command_is_found(words: str, said: str) -> None:
    assert said in " ".join(az_problems(Command.of(words.split(), True)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("azd upp", "no command"),
        ("azd up now", "0 to 0 words"),
        ("azd env set", "1 to 2 words"),
        ("azd deploy --al", "no option"),
    ],
)
def test_a_misspelt_azd_command_is_found(words: str, said: str) -> None:
    assert said in " ".join(azd_problems(Command.of(words.split(), True)))


def test_a_command_that_goes_on_in_the_next_line_is_read_as_one() -> None:
    script = (
        "group=$(az group show --name a --query id)\naz group create --name a \\\n  --location 'b\n"
        "  c'\necho done\n"
    )
    read = [str(command) for command in of_script(script)]
    assert read == [
        "az group show --name a --query id",
        "az group create --name a --location b   c",
    ]


def test_keys_are_made_for_functions_that_the_app_has() -> None:
    """Those that a command names, and those of its loops, which are the ones that the local stack's
    keys open.
    """
    pages = "\n".join(page.read_text() for page in PAGES)
    loops = {
        frozenset(found.split()) for found in re.findall(r"for function in ([\w ]+); do", pages)
    }
    assert loops == {frozenset(READING), frozenset(WEBHOOKS)}
    single = set(re.findall(r"--function-name (\w+)", pages))
    assert single
    assert single <= functions().keys()


def test_the_tables_have_no_command_that_nothing_uses() -> None:
    used = {" ".join(one.values[0].words[1:]) for one in commands("az")}
    assert [
        name for name in table("az")["commands"] if not any(text.startswith(name) for text in used)
    ] == []
