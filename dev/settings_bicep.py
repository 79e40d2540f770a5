"""`python -m dev.settings_bicep` makes infra/modules/settings.bicep from shared/settings.py and the
triggers of the code.

Bicep then knows the name and form of every setting, so that a typo or a bad value ends before
anything is deployed.
"""

import math
import typing
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

import function_app
from shared.settings import Settings, environment_name

FILE = Path(__file__).parents[1] / "infra" / "modules" / "settings.bicep"
# by parameters of their own, by other resources, or as secrets: modules/function_app.bicep has them
GIVEN = {
    "AzureWebJobsStorage__accountName", "AzureWebJobsStorage__clientId", "DATAVERSE_URL",
    "DATAVERSE_AUTH", "DATAVERSE_CLIENT_ID", "DATAVERSE_TENANT_ID", "DATAVERSE_CLIENT_SECRET",
    "DATAVERSE_CERTIFICATE", "DATAVERSE_AUTHORITY_URL", "DATAVERSE_WEBHOOK_SECRET",
    "DATAVERSE_MAX_CONCURRENCY", "CAMPAIGN_URL", "CAMPAIGN_CLIENT_ID", "CAMPAIGN_CLIENT_SECRET",
    "CAMPAIGN_MAX_CONCURRENCY", "CAMPAIGN_JOURNAL_URL", "CAMPAIGN_IMS_ORGANIZATION", "SFTP_HOST",
    "SFTP_USER", "SFTP_PRIVATE_KEY", "SFTP_HOST_KEY", "SFTP_FOLDER", "EMAIL_EVENTS_SOURCE",
    "EMAIL_EVENTS_SCHEDULE", "OPT_OUT_MODE", "OPT_OUT_SOURCE", "OPT_OUT_SCHEDULE",
    "CONSOLE_URL", "CONSOLE_CLIENT_ID", "CONSOLE_TENANT_ID", "CONSOLE_AUTH",
    "CONSOLE_CLIENT_SECRET", "CONSOLE_IDENTITY_CLIENT_ID", "CONSOLE_AUTHORITY_URL",
    "CONSOLE_SESSION_KEY", "CONSOLE_SESSION_KEY_BEFORE", "CONSOLE_ENVIRONMENT",
    "CONTACTS_SCHEDULE", "CUSTOM_ENTITIES_SCHEDULE",
}  # fmt: skip
LOCAL_ONLY = {"AzureWebJobsStorage"}  # a connection string: never in Azure


class NotForBicep(Exception):
    """A setting whose form Bicep cannot say, or a secret that would be a parameter."""


def tunable() -> dict[str, FieldInfo]:
    """The settings that the parameter `settings` may give, by their name in the environment."""
    every = {environment_name(field): info for field, info in Settings.model_fields.items()}
    return {name: info for name, info in every.items() if name not in GIVEN | LOCAL_ONLY}


def bounds(info: FieldInfo) -> tuple[int | None, int | None]:
    """Least and most whole number of a setting: what lies between two whole numbers Bicep cannot
    say.
    """
    least = most = None
    for rule in info.metadata:
        if (low := getattr(rule, "ge", None)) is not None:
            least = math.ceil(low)
        if (low := getattr(rule, "gt", None)) is not None:
            least = math.floor(low) + 1
        if (high := getattr(rule, "le", None)) is not None:
            most = math.floor(high)
        if (high := getattr(rule, "lt", None)) is not None:
            most = math.ceil(high) - 1
    return least, most


def form(name: str, info: FieldInfo) -> list[str]:
    """Decorators and type of one setting."""
    kind = info.annotation
    if typing.get_origin(kind) is typing.Literal:
        return [f"{name}: {' | '.join(quoted(value) for value in typing.get_args(kind))}?"]
    if kind is bool:
        return [f"{name}: bool?"]
    if kind in (int, float):
        least, most = bounds(info)
        limits = [f"@minValue({least})"] if least is not None else []
        limits += [f"@maxValue({most})"] if most is not None else []
        return [*limits, f"{name}: int?"]
    if kind is str:
        return ["@minLength(1)", f"{name}: string?"]
    secret = kind is SecretStr
    raise NotForBicep(
        f"{name} {'is a secret' if secret else f'is a {kind}'}: give it in function_app.bicep and"
        " name it in GIVEN."
    )


def quoted(value: object) -> str:
    """A text as Bicep writes it."""
    return "'" + str(value).replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${") + "'"


def default(info: FieldInfo) -> str:
    """A default as an application setting has it."""
    value = info.get_default()
    return quoted(str(value).lower() if isinstance(value, bool) else value)


@cache
def functions() -> dict[str, Any]:
    """The app's functions by name; the library lists them once in a process."""
    return {
        str(function.get_function_name()): function for function in function_app.app.get_functions()
    }


def triggers() -> dict[str, Any]:
    return {name: function.get_trigger() for name, function in functions().items()}


def ready_groups() -> list[str]:
    """What may be kept ready: all HTTP functions together, every other function on its own."""
    names = [name for name, trigger in triggers().items() if trigger.type != "httpTrigger"]
    return ["http", *(f"function:{name}" for name in sorted(names))]


def text() -> str:
    """The whole file."""
    lines = [
        (
            "metadata description = 'Made from shared/settings.py by `python -m"
            " dev.settings_bicep`: do not edit.'"
        ),
        "",
        "@export()",
        (
            "@description('Settings in place of their defaults. Those that a parameter of its own"
            " gives are not among them.')"
        ),
        "@sealed()",
        "type Settings = {",
    ]
    for name, info in tunable().items():
        lines += [
            f"  @description({quoted(f'{info.description}.')})",
            *(f"  {line}" for line in form(name, info)),
            "",
        ]
    lines[-1:] = [
        "}",
        "",
        "@export()",
        "@description('Their defaults, as application settings have them.')",
        "var defaults = {",
    ]
    lines += [f"  {name}: {default(info)}" for name, info in tunable().items()]
    lines += [
        "}",
        "",
        "@export()",
        "@description('Function groups of which instances may be kept ready.')",
    ]
    lines += ["type ReadyGroup =", *(f"  | {quoted(group)}" for group in ready_groups()), ""]
    lines += [
        "@export()",
        "@description('Instances of a function group that are kept ready.')",
        "@sealed()",
        "type ReadyInstances = {",
        "  name: ReadyGroup",
        "",
        "  @minValue(1)",
        "  @maxValue(1000)",
        "  instanceCount: int",
        "}",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
    print(f"Wrote {FILE.name}.")
