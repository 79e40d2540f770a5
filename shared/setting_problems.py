"""What is wrong with settings, without their values."""

from dataclasses import dataclass

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from shared.errors import Misconfigured
from shared.setting_types import FAULTY, UNRESOLVED

CAUSES = (
    "The secret is missing, or the app's identity lacks the role Key Vault Secrets User, or the"
    " vault's firewall refuses it. A new role takes up to 10 minutes. Fix it, then let the app"
    " fetch it again: docs/deploy.md, 'Secrets', steps 3 and 4. A restart alone may not. Outside"
    " Azure nothing resolves it: give the secret itself."
)


@dataclass(frozen=True, slots=True)
class SettingProblem:
    """What is wrong with one setting. Holds no value."""

    setting: str
    """Its name in the environment; "" for what concerns more than one."""
    sentence: str
    """Without a full stop."""
    unresolved: bool = False
    """It is still a Key Vault reference."""


def refused(error: ValidationError) -> Misconfigured:
    """All problems as one message.

    It names the settings that nobody has resolved, where that is all.
    """
    items = error.errors(include_input=False)
    names = [setting_name(item) for item in items if item["type"] == UNRESOLVED]
    others = [problem(item)[1] for item in items if item["type"] != UNRESOLVED]
    sentences = (
        ["Set these application settings and restart: " + "; ".join(others)] if others else []
    )
    if names:
        still = (
            "is still a Key Vault reference"
            if len(names) == 1
            else "are still Key Vault references"
        )
        sentences.insert(
            0, f"{', '.join(names)} {still}, which the platform has not resolved. {CAUSES}"
        )
    return Misconfigured("settings" if others else ", ".join(names), " ".join(sentences))


def problem(item: ErrorDetails) -> tuple[str, str]:
    name, message = setting_name(item), item["msg"]
    if not name:
        return "", message.removeprefix("Value error, ")
    if item["type"] == "missing":
        return name, f"{name} is missing"
    return name, (
        f"{name} {message}" if item["type"] in (FAULTY, UNRESOLVED) else f"{name}: {message}"
    )


def setting_name(item: ErrorDetails) -> str:
    """As it stands in the environment; "" for what concerns more than one."""
    name = str(item["loc"][0]) if item["loc"] else ""
    return name if "AzureWebJobs" in name else name.upper()
