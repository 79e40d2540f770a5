"""The commands of manage.py are found, and a word that is none is named."""

import re
from pathlib import Path

import pytest

from dev.commands.__main__ import COMMANDS, main


@pytest.mark.parametrize("argv", [[], ["-h"], ["--help"]])
def test_help_lists_every_command(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(argv) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name:<8} {purpose}\n" in out for name, (_, purpose) in COMMANDS.items())


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("dmeo", "There is no command dmeo. Did you mean demo?"),
        ("Check", "There is no command Check. Did you mean check?"),
        ("status", "There is no command status."),
        ("--instances", "There is no command --instances."),
    ],
)
def test_a_command_that_is_none_is_named(
    name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([name]) == 2
    assert capsys.readouterr().err.startswith(f"{said}")


def test_manage_py_names_every_command_in_its_first_sentence() -> None:
    text = (Path(__file__).parents[2] / "manage.py").read_text("utf-8")
    named = re.findall(r"[a-z]+", text.split('"""')[1].partition("manage.py ")[2].partition(".")[0])
    assert sorted(named) == sorted(COMMANDS), "name each command in the first sentence of manage.py"
