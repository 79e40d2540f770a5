"""`python -m dev.settings_page` makes docs/settings.md from shared/settings.py: every setting with
its default and range.
"""

import typing
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from dev.settings_bicep import tunable
from shared.setting_types import sound_url
from shared.settings import Settings, environment_name

FILE = Path(__file__).parents[1] / "docs" / "settings.md"
HEAD = """\
# Settings

<!-- Made from shared/settings.py by `python -m dev.settings_page`: do not edit. -->

Every setting of the function app, by its name in the environment.
In Azure the deployment gives them all. The last column says how:

- `settings`: by the parameter `settings`, under the name of the setting
  ([deploy.md](deploy.md#parameters)).
- own: by a parameter of its own, or by what the deployment makes.
- secret: by a secret in the Key Vault ([deploy.md](deploy.md#secrets)).
- never: it is for a laptop alone.

A changed setting restarts the app.
While one is missing or out of range, the app answers HTTP 503 and names it.
On the local stack `manage.py up --set NAME=VALUE` changes one ([local-stack.md](local-stack.md)).
"""
GROUPS = (
    ("Storage", ("AzureWebJobsStorage",)),
    ("Dataverse", ("DATAVERSE_",)),
    ("Campaign", ("CAMPAIGN_",)),
    ("Campaign's SFTP server", ("SFTP_",)),
    ("Flows", ("CONTACTS_", "CUSTOM_ENTITIES_", "EMAIL_EVENTS_", "OPT_OUT_")),
    ("Console", ("CONSOLE_",)),
    ("Pace, waiting and brakes", ("",)),
)
"""Heading, and how the names of its settings begin; the first that fits."""


def text() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(part for title, _ in GROUPS for part in section(title))])


def section(title: str) -> list[str]:
    head = [
        f"## {title}",
        "",
        "| setting | what it is | default | values | in Azure |",
        "|---|---|---|---|---|",
    ]
    named = ((environment_name(field), info) for field, info in Settings.model_fields.items())
    return [*head, *(row(name, info) for name, info in named if group_of(name) == title), ""]


def group_of(name: str) -> str:
    return next(title for title, starts in GROUPS if name.startswith(starts))


def row(name: str, info: FieldInfo) -> str:
    cells = [f"`{name}`", str(info.description), default(info), values(info), place(name, info)]
    return "| " + " | ".join(cell.replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"


def default(info: FieldInfo) -> str:
    """In words where there is none."""
    value = info.get_default()
    if value is PydanticUndefined:
        return "must be given"
    if isinstance(value, SecretStr):
        return "none"
    return f"`{value}`" if str(value) else "none"


def values(info: FieldInfo) -> str:
    """What is taken: the words, or the range."""
    if typing.get_origin(info.annotation) is typing.Literal:
        return ", ".join(f"`{word}`" for word in typing.get_args(info.annotation))
    if info.annotation in (int, float):
        return f"{'whole number' if info.annotation is int else 'number'}, {limits(info)}"
    shortest = bound(info, "min_length") or 0
    return (
        f"text, {shortest} characters or more"
        if shortest > 1
        else "address"
        if is_address(info)
        else "text"
    )


def is_address(info: FieldInfo) -> bool:
    return any(getattr(rule, "func", None) is sound_url for rule in info.metadata)


def limits(info: FieldInfo) -> str:
    least, above, most = bound(info, "ge"), bound(info, "gt"), bound(info, "le")
    begin = f"above {above:,}" if above is not None else f"{least:,}"
    return f"{begin} to {most:,}" if most is not None else f"{begin} or more"


def bound(info: FieldInfo, kind: str) -> int | None:
    return next((getattr(rule, kind) for rule in info.metadata if hasattr(rule, kind)), None)


def place(name: str, info: FieldInfo) -> str:
    if name == "AzureWebJobsStorage":
        return "never"
    if info.annotation is SecretStr:
        return "secret"
    return "`settings`" if name in tunable() else "own"


if __name__ == "__main__":
    FILE.write_text(text())
    print(f"Wrote {FILE.name}.")
