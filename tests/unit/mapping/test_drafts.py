"""`mapping check` and `mapping apply` of hostile files: each is refused with a sentence, at once and in little memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from dev.commands.processes import ROOT

SECONDS = 30  # a start of Python takes two of them on a busy machine; each of these files took minutes, or had no end
MEMORY_BYTES = 2 << 30
PROGRAM = f"""
import resource, sys
from pathlib import Path
from admin.mapping import read_draft
from shared.mapping import InvalidDocument
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
try:
    read_draft(Path(sys.argv[1]))
except InvalidDocument as refused:
    print(refused)
"""


def merges() -> str:
    """Each line holds what nine of the line before hold."""
    first = "table: contact\na0: &a0 {k: v}\n"
    return first + "".join(f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 16))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        pytest.param(merges(), "too many parts", id="merges of merges"),
        pytest.param("table: contact\n" + "x: [1, 2, 3]\n" * 500_000, "longer than", id="six megabytes"),
        pytest.param("a: " + "[" * 100_000, "too deep", id="deep"),
    ],
)
def test_a_hostile_document_is_refused_at_once(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "contact.yaml"
    file.write_text(text)
    assert sentence in told(file)


def test_a_file_without_an_end_is_refused_at_once() -> None:
    assert "longer than" in told(Path("/dev/zero"))


def told(file: Path) -> str:
    command = [sys.executable, "-c", PROGRAM, str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True).stdout
