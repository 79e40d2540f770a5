"""Every line that cannot be read has a next step, which names the document's key or the line."""

import ast
from pathlib import Path

import pytest

from shared.sftp.next_steps import next_step, refusal_of

SHARED = Path(__file__).parents[3] / "shared"


def rules() -> set[str]:
    """The codes of all parse errors of files, but those of a file as a whole."""
    found = set()
    for path in [
        *SHARED.glob("events/*.py"),
        *SHARED.glob("sftp/**/*.py"),
        *SHARED.glob("opt_out/*.py"),
    ]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "ParseError"
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(str(node.args[0].value))
    return found - {"unreadable_file"} | {"unknown_status", "unknown_type", "unknown_failure"}


def test_every_code_has_a_next_step() -> None:
    assert {"broken_line", "unknown_flag", "unknown_channel"} <= rules()
    for rule in rules():
        assert next_step(rule, "deliveryLogs_1.txt:3").endswith("ut the file back."), rule
        assert next_step(rule, "journal:7"), rule
        assert "file back" not in next_step(rule, "journal:7")


def test_the_documents_name_every_code() -> None:
    reported = (SHARED.parent / "docs/email-events.md").read_text("utf-8")
    assert not [rule for rule in rules() if f"`{rule}`" not in reported]


@pytest.mark.parametrize(
    ("rule", "key"),
    [
        ("unknown_status", "values.status"),
        ("unknown_type", "values.type"),
        ("unknown_failure", "values.failure_type"),
        ("unknown_channel", "values.channel"),
    ],
)
@pytest.mark.parametrize("origin", ["deliveryLogs_1.txt:3", "journal:7"])
def test_the_documents_key_is_named(rule: str, key: str, origin: str) -> None:
    refusal = refusal_of(
        {"rule": rule, "field": "x", "sentence": "Line 3 of file x has a thing."}, origin
    )
    assert refusal.sentence.startswith(
        f"Line 3 of file x has a thing. Add its label to {key} in the document"
    )


def test_a_file_as_a_whole_says_it_itself() -> None:
    fault = {"rule": "unreadable_file", "field": "", "sentence": "File x was deleted. Put it back."}
    assert refusal_of(fault, "x").sentence == "File x was deleted. Put it back."
