"""What docs/set-up.md shows of `setup` and `check` is what they print on such a stack."""

import os
import re
from collections.abc import Iterator

import pytest

from admin.check.__main__ import run as check
from admin.setup.__main__ import run as setup
from dev.commands.processes import ROOT
from dev.commands.stack import Stack
from dev.verbs import Campaign, Dynamics

PAGE = (ROOT / "docs" / "set-up.md").read_text("utf-8")
CHANGED = "put what is printed now (left) into the example of docs/set-up.md (right)"
VARYING = {
    r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}": "<id>",
    r"\d+ s behind": "<n> s behind",
    r"\d+ are set": "<n> are set",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """As `up --no-host` starts it, with the webhooks of functions that would be there.

    The app's user has signed in once.
    """
    before = dict(os.environ)
    with Stack(directory=tmp_path_factory.mktemp("page"), host=False) as running:
        running.facts["functions"] = "http://127.0.0.1:7071"
        running.write_facts()
        running.register_webhooks()
        check(arguments(running))
        yield running
    os.environ.clear()
    os.environ.update(before)


def shown(command: str) -> list[str]:
    """The lines that the page has below this command."""
    return same(PAGE.split(f"$ {command}\n")[1].split("```")[0])


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    out = capsys.readouterr()
    return same(out.out + out.err)


def same(text: str) -> list[str]:
    for varying, word in VARYING.items():
        text = re.sub(varying, word, text)
    return text.splitlines()


def arguments(stack: Stack, *words: str) -> list[str]:
    return [*words, "--stack", "--directory", str(stack.directory)]


def test_the_check_of_the_page_is_what_check_prints(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    Campaign(stack.facts).accept_secret("a-renewed-secret")
    dynamics = Dynamics(stack.facts).emulator
    dynamics.json("POST", "/access", {"privileges": {"prvReadContact": "Basic"}})
    dynamics.json("POST", "/clock", {"advance_seconds": 120})
    assert check(arguments(stack)) == 2
    assert printed(capsys) == shown("python3 manage.py check --stack"), CHANGED


def test_the_plan_of_the_page_is_what_setup_prints(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    Dynamics(stack.facts).emulator.json("POST", "/access", {})
    Dynamics(stack.facts).emulator.json("POST", "/clock", {})
    assert setup(arguments(stack, "dataverse", "--plan")) == 0
    assert printed(capsys) == shown("python3 manage.py setup dataverse --stack --plan"), CHANGED
