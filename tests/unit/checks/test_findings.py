"""How checks are run and reported: each for itself, in its order, and nothing of what broke one is
shown.
"""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from azure.core.exceptions import AzureError, HttpResponseError

from admin.check.checks import CHECKS
from shared.checks import connections, storage
from shared.checks.findings import STORAGE_ADVICE, Check, Finding, run_all
from shared.checks.look import Clients, Look
from shared.errors import BridgeError, Misconfigured, Retryable
from shared.mapping import InvalidDocument
from shared.setting_problems import CAUSES, SettingProblem
from shared.settings import Settings

ROOT = Path(__file__).parents[3]
SOURCES = sorted([*(ROOT / "shared/checks").glob("*.py"), *(ROOT / "admin/check").glob("*.py")])
VALUE = "jane.doe@example.org"


def nobody() -> Clients:
    raise Misconfigured("settings", "Settings are missing.")


def not_signed_in(settings: Settings) -> None:
    raise Misconfigured("AzureWebJobsStorage", "No identity is signed in: run `az login`.")


def look(*problems: SettingProblem, outside: bool = False) -> Look:
    return Look(problems, nobody, not_signed_in if outside else None)


def raising(error: Exception) -> Callable[[Look], Iterator[Finding]]:
    def work(_: Look) -> Iterator[Finding]:
        yield Finding("it", "first", "ok", "Said before.")
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "message", "next_step"),
    [
        (Misconfigured("X", "It is wrong: mend it."), "It is wrong.", "Mend it."),
        (Misconfigured("X", "It is wrong."), "It is wrong.", "The advice."),
        (InvalidDocument(["Line 1: no key: name one."]), "Line 1: no key.", "Name one."),
        (Retryable("It timed out; it is tried again."), "It timed out.", "The advice."),
        (BridgeError("It is so."), "It is so.", "The advice."),
        (
            HttpResponseError(VALUE),
            "The storage account refuses it (None, HttpResponseError).",
            STORAGE_ADVICE,
        ),
        (AzureError(VALUE), "The storage account does not answer (AzureError).", STORAGE_ADVICE),
        (KeyError(VALUE), "It could not be looked at (KeyError).", "The advice."),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_what_breaks_a_check_is_a_finding_of_it(
    error: Exception, message: str, next_step: str
) -> None:
    first, found = run_all([Check("it", raising(error), advice="The advice.")], look())
    assert first.state == "ok"
    assert (found.check, found.state, found.message, found.next) == (
        "it",
        "error",
        message,
        next_step,
    )
    assert VALUE not in str(found)


def test_who_needs_what_failed_is_skipped_and_so_is_who_needs_that() -> None:
    sound = Check("sound", lambda _: [Finding("sound", "", "ok", "It is.")])
    checks = [
        Check("a", raising(KeyError())),
        Check("b", sound.run, ("a",)),
        Check("c", sound.run, ("b",)),
        sound,
    ]
    assert [(one.check, one.state) for one in run_all(checks, look())][1:] == [
        ("a", "error"), ("b", "skipped"), ("c", "skipped"), ("sound", "ok"),
    ]  # fmt: skip


def test_a_check_needs_only_what_stands_before_it() -> None:
    names = [check.name for check in CHECKS]
    assert len(names) == len(set(names))
    for place, check in enumerate(CHECKS):
        assert set(check.needs) <= set(names[:place]), check.name


def without_next(tree: ast.AST) -> list[int]:
    """The lines of the findings that may not be ok and do not say what to do next."""
    made = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "Finding"
    ]
    return [
        node.lineno
        for node in made
        if ast.unparse(node.args[2]) != "'ok'"
        and len(node.args) < 5
        and not any(isinstance(given, ast.Starred) for given in node.args)
        and not any(given.arg == "next" for given in node.keywords)
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_a_finding_that_is_not_ok_says_what_to_do_next(path: Path) -> None:
    lines = without_next(ast.parse(path.read_text("utf-8")))
    assert not lines, f"{path.name}, lines {lines}: give the Finding its `next`"


def test_a_finding_without_a_next_step_is_named() -> None:
    text = 'Finding("it", "", "ok", "Fine.")\nFinding("it", "", "warning", "Not so.")'
    assert without_next(ast.parse(text)) == [2]


REFERENCE = SettingProblem(
    "CAMPAIGN_CLIENT_SECRET",
    "CAMPAIGN_CLIENT_SECRET is still a Key Vault reference",
    unresolved=True,
)


@pytest.mark.parametrize(
    ("outside", "next_step"),
    [(False, CAUSES), (True, "Put the secret itself into the settings that this check reads.")],
)
def test_a_reference_is_mended_where_it_is_read(outside: bool, next_step: str) -> None:
    (found,) = connections.settings(look(REFERENCE, outside=outside))
    assert (found.subject, found.state, found.next) == (
        "CAMPAIGN_CLIENT_SECRET",
        "error",
        next_step,
    )
    assert "Key Vault reference" in found.message


@pytest.mark.parametrize(
    ("problem", "subject"),
    [
        (SettingProblem("CAMPAIGN_URL", "CAMPAIGN_URL is missing"), "CAMPAIGN_URL"),
        (SettingProblem("", "OPT_OUT_SOURCE=file needs SFTP_HOST"), "OPT_OUT_SOURCE=file"),
    ],
)
def test_a_setting_s_problem_is_a_finding_with_its_name(
    problem: SettingProblem, subject: str
) -> None:
    (found,) = connections.settings(look(problem))
    assert (found.subject, found.state, found.message) == (subject, "error", f"{problem.sentence}.")


def test_the_clients_are_opened_by_who_needs_them() -> None:
    (found,) = run_all([Check("storage", storage.storage)], look(outside=True))
    assert (found.state, found.message) == ("error", "Settings are missing.")


@pytest.mark.parametrize(
    ("finding", "line"),
    [
        pytest.param(
            Finding("settings", "CAMPAIGN_URL", "error", "CAMPAIGN_URL is missing.", "Set it."),
            "error    settings: CAMPAIGN_URL is missing. Set it.",
            id="the message names it",
        ),
        pytest.param(
            Finding("keys", "profile", "ok", "None is doubled."),
            "ok       keys: profile: None is doubled.",
            id="the message does not",
        ),
        pytest.param(
            Finding("journal", "", "ok", "It answers."),
            "ok       journal: It answers.",
            id="of the check itself",
        ),
    ],
)
def test_a_line_names_what_was_looked_at_once(finding: Finding, line: str) -> None:
    assert str(finding) == line
