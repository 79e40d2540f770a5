"""`mapping check` and `mapping apply` of hostile files: each is refused with a sentence, at once
and in little memory.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from dev.commands.processes import ROOT

# a start of Python takes two of them on a busy machine; each of these files took minutes, or had no
# end
SECONDS = 30
MEMORY_BYTES = 2 << 30
PROGRAM = f"""
import resource, sys
from pathlib import Path
from admin.mapping import read_draft
from shared.mapping import InvalidDocument
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY_BYTES}, {MEMORY_BYTES}))
for name in sys.argv[1:]:
    try:
        print("taken:", read_draft(Path(name)).name)
    except InvalidDocument as refused:
        print(repr(str(refused)))
"""


def merges() -> str:
    """Each line holds what nine of the line before hold."""
    first = "table: contact\na0: &a0 {k: v}\n"
    return first + "".join(
        f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 16)
    )


HOSTILE = {
    "merges of merges": (merges(), "too many parts"),
    "six megabytes": ("table: contact\n" + "x: [1, 2, 3]\n" * 500_000, "longer than"),
    "deep": ("a: " + "[" * 100_000, "too deep"),
}


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What one start of the reader says of all of them, and of a file without an end."""
    files = {name: tmp_path_factory.mktemp("draft") / "contact.yaml" for name in HOSTILE}
    for name, file in files.items():
        file.write_text(HOSTILE[name][0])
    files["without an end"] = Path("/dev/zero")
    command = [sys.executable, "-c", PROGRAM, *map(str, files.values())]
    said = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS, check=True
    ).stdout
    return dict(zip(files, said.splitlines(), strict=True))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_document_is_refused_at_once(reported: dict[str, str], name: str) -> None:
    assert HOSTILE[name][1] in reported[name]


def test_a_file_without_an_end_is_refused_at_once(reported: dict[str, str]) -> None:
    assert "longer than" in reported["without an end"]
