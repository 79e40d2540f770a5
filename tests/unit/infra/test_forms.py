"""azure.yaml and host.json have only keys that their readers know: azd and the Functions host pass
over any other without a word.

Sources: "Azure Developer CLI's azure.yaml schema", "host.json reference for Azure Functions 2.x and
later". Both files were also checked against the published JSON schemas when this was written.
"""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
TIME = re.compile(r"\d{2}:[0-5]\d:[0-5]\d")
LEVELS = {"Trace", "Debug", "Information", "Warning", "Error", "Critical", "None"}
SERVICE = {"project": str, "language": {"python"}, "host": {"function"}, "remoteBuild": bool}
AZURE = {
    "name": re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
    "requiredVersions": {"azd": re.compile(r">= \d+\.\d+\.\d+")},
    "infra": {"provider": {"bicep"}, "path": str, "module": str},
    "services": {"bridge": SERVICE},
}
HOST = {
    "version": {"2.0"},
    "functionTimeout": TIME,
    "logging": {
        "logLevel": {"default": LEVELS, "Azure.Core": LEVELS},
        "applicationInsights": {"samplingSettings": {"isEnabled": bool,
                                                     "excludedTypes": re.compile(r"\w+(;\w+)*")}},
    },
    "extensions": {
        "http": {"routePrefix": str},
        "queues": {
            "batchSize": range(1, 33), "newBatchThreshold": range(1, 1000),
            "maxDequeueCount": range(1, 10_000), "visibilityTimeout": TIME,
            "maxPollingInterval": TIME, "messageEncoding": {"base64", "none"},
        },
    },
    "extensionBundle": {"id": {"Microsoft.Azure.Functions.ExtensionBundle"},
                        "version": re.compile(r"\[4\.\*, 5\.0\.0\)")},
}  # fmt: skip


def problems(value: Any, form: Any, path: str) -> list[str]:
    """Where a value is not of its form: a dict of forms, a pattern, a set or range of values, or a
    type.
    """
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return [f"{path} is not a set of keys"]
        unknown = [f"{path}.{key} is unknown" for key in value if key not in form]
        return unknown + [
            found
            for key in value
            if key in form
            for found in problems(value[key], form[key], f"{path}.{key}")
        ]
    if isinstance(form, re.Pattern):
        good = isinstance(value, str) and form.fullmatch(value)
    else:
        good = isinstance(value, form) if isinstance(form, type) else value in form
    return [] if good else [f"{path} may not be {value}"]


def test_azure_yaml_is_in_the_form_that_azd_reads() -> None:
    assert problems(yaml.safe_load((ROOT / "azure.yaml").read_text()), AZURE, "azure.yaml") == []


def test_host_json_is_in_the_form_that_the_host_reads() -> None:
    assert problems(json.loads((ROOT / "host.json").read_text()), HOST, "host.json") == []


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"extension": {}}, "host.json.extension is unknown"),
        ({"functionTimeout": "10 minutes"}, "host.json.functionTimeout may not be"),
        (
            {"extensions": {"queues": {"batchSize": 64}}},
            "host.json.extensions.queues.batchSize may not be 64",
        ),
        ({"extensions": {"queues": {"batchsize": 4}}}, "batchsize is unknown"),
        ({"logging": []}, "host.json.logging is not a set of keys"),
    ],
)
def test_what_is_misspelt_is_named(changed: dict[str, Any], said: str) -> None:
    assert said in " ".join(problems(changed, HOST, "host.json"))
