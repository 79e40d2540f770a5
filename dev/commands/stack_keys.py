"""The function keys of the local stack: one for each caller, as docs/operating.md has them for
Azure.
"""

import secrets
from typing import Any

HOST_KEYS = "host-keys.json"
COMMANDS = ("console_command",)
READING = (
    "console_status",
    "console_dead_letters",
    "console_record",
    "console_jobs",
    "console_job",
    "console_question",
    "opt_out_contact",
    "opt_out_decisions",
)
SAFE_TO_SEND = ("opt_out_safe",)
WEBHOOKS = ("contacts_webhook", "custom_entities_webhook", "opt_out_webhook")
OPENED = {
    "commands": ("commands", COMMANDS),
    "reading": ("reading", READING),
    "safe_to_send": ("safe-to-send", SAFE_TO_SEND),
    **{function: ("dataverse", (function,)) for function in WEBHOOKS},
}
"""Caller -> the name of its key, and the functions that have it."""


class StackKeys:
    """New ones for each stack; every value carries its name."""

    def __init__(self) -> None:
        self.master, self.host = new_value("master"), new_value("default")
        self.callers = {caller: new_value(name) for caller, (name, _) in OPENED.items()}

    def as_the_host_keeps_them(self) -> dict[str, Any]:
        """The file that dev/host reads."""
        functions: dict[str, dict[str, str]] = {}
        for caller, (name, opened) in OPENED.items():
            functions |= {function: {name: self.callers[caller]} for function in opened}
        return {"master": self.master, "host": {"default": self.host}, "functions": functions}


def new_value(name: str) -> str:
    return f"{name}.{secrets.token_hex(32)}"
