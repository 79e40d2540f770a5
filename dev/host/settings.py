"""App settings as a function app sees them: the process environment, and %NAME% in bindings."""

import json
import os
import re
from pathlib import Path
from typing import Any

AZURITE_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
DEVELOPMENT_STORAGE = (
    f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={AZURITE_KEY};"
    "BlobEndpoint=http://127.0.0.1:10000/devstoreaccount1;QueueEndpoint=http://127.0.0.1:10001/devstoreaccount1;"
    "TableEndpoint=http://127.0.0.1:10002/devstoreaccount1;"
)


class ConfigurationError(Exception):
    """The app, its settings or its host.json ask for something that cannot be run; the text says
    what.
    """


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; {} when there is no such file."""
    if not path.exists():
        return {}
    try:
        value = json.loads(path.read_text("utf-8-sig"))
    except ValueError as error:
        raise ConfigurationError(f"{path.name} is not valid JSON: {error}") from error
    if not isinstance(value, dict):
        raise ConfigurationError(f"{path.name} must hold a JSON object")
    return value


def load_local_settings(app_dir: Path) -> None:
    """Puts Values of local.settings.json into the environment; what is set there already wins, as
    in Core Tools.
    """
    settings = read_json(app_dir / "local.settings.json")
    if settings.get("IsEncrypted"):
        raise ConfigurationError(
            "local.settings.json is encrypted; decrypt it with `func settings decrypt`"
        )
    for name, value in settings.get("Values", {}).items():
        os.environ.setdefault(name, str(value))


def resolve(value: Any) -> Any:
    """Replaces %NAME% in every string of a binding; raises ConfigurationError when there is no such
    setting.
    """
    if isinstance(value, dict):
        return {key: resolve(item) for key, item in value.items()}
    return re.sub(r"%([^%]+)%", _setting, value) if isinstance(value, str) else value


def _setting(match: re.Match[str]) -> str:
    value = os.environ.get(match[1], "")
    if not value:
        raise ConfigurationError(f"'{match[0]}' does not resolve to a value.")
    return value


def connection_string(binding: dict[str, Any]) -> str:
    """The storage connection of a binding: setting AzureWebJobs<name>, then <name>;
    AzureWebJobsStorage by default.
    """
    name = binding.get("connection") or "AzureWebJobsStorage"
    value = (os.environ.get(f"AzureWebJobs{name}") or os.environ.get(name) or "").strip()
    if not value:
        raise ConfigurationError(
            f"the storage connection '{name}' has no connection string; set {name}"
        )
    return (
        DEVELOPMENT_STORAGE if value.rstrip(";").lower() == "usedevelopmentstorage=true" else value
    )
