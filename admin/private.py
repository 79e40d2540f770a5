"""Settings files that hold secrets: they live under .local/, which git and the package leave
out.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACE = ROOT / ".local"
LARGEST_BYTES = 1_000_000  # a settings file is far smaller
LEFT_OUT = {
    "local.settings.json",
    "local.settings.json.example",
}  # git and every packer leave the first out
NAMES = re.compile(
    r"""["']?\b(\w*(?:CLIENT_SECRET|WEBHOOK_SECRET|CERTIFICATE|PRIVATE_KEY|SESSION_KEY(?:_BEFORE)?)|AzureWebJobsStorage)["']?\s*[:=]\s*["']?"""
    r"""(?!@Microsoft\.KeyVault|[<"'\s]|UseDevelopmentStorage)[^"'\s]""",
)
WORDS = (
    *("CLIENT_SECRET", "WEBHOOK_SECRET", "CERTIFICATE", "PRIVATE_KEY", "SESSION_KEY"),
    "AzureWebJobsStorage",
)
"""One of them is in whatever NAMES finds: found first, for NAMES takes long in a long file."""

ADVICE = (
    "Move it to the folder .local, which git and the package leave out; the commands look there."
)


def settings_file(given: Path | None, usual: str) -> Path | None:
    """The file to read: the one that is given, here or under .local; without one `.local/<usual>`
    if it is there, else None.
    """
    if given is None:
        return PLACE / usual if (PLACE / usual).exists() else None
    return PLACE / given if not given.exists() and (PLACE / given).exists() else given


def misplaced(root: Path = ROOT, given: Path | None = None) -> list[str]:
    """Names of files beside the code that hold secrets, and of the file that was given if it is
    one.
    """
    found = {path for path in candidates(root, given) if holds_secrets(path)}
    return sorted(path.relative_to(root).as_posix() for path in found)


def candidates(root: Path, given: Path | None) -> Iterator[Path]:
    yield from (path for path in root.iterdir() if path.is_file() and path.name not in LEFT_OUT)
    file = Path(os.path.abspath(given)) if given else None  # noqa: PTH100 # a link stays where it lies
    if (
        file
        and file.is_file()
        and file.is_relative_to(root)
        and not file.is_relative_to(root / ".local")
    ):
        yield from [] if file.name in LEFT_OUT else [file]


def holds_secrets(path: Path) -> bool:
    """Whether one of the secret settings has a value here, or a private key lies here."""
    if path.suffix in (".py", ".md") or path.stat().st_size > LARGEST_BYTES:
        return False
    text = path.read_text("utf-8", errors="replace")
    if "PRIVATE KEY-----" in text:
        return True
    return any(word in text for word in WORDS) and bool(NAMES.search(text))
