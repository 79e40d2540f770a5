"""Whether a file beside the code holds secrets, where a package or a commit may take it along."""

from collections.abc import Iterator

from admin.private import ADVICE, misplaced
from shared.checks.findings import Finding
from shared.checks.look import Look


def settings_files(look: Look) -> Iterator[Finding]:
    found = misplaced()
    if not found:
        yield Finding("settings files", "", "ok", "No file beside the code holds secrets.")
    for name in found:
        yield Finding(
            "settings files", name, "warning", "It holds secrets and lies beside the code.", ADVICE
        )
