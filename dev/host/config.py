"""host.json and the settings over it, as far as this host applies them.

Source: Microsoft Learn, host.json reference for Azure Functions 2.x and later. Values come as JSON
or, from a setting, as text.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.host.overrides import with_settings
from dev.host.settings import ConfigurationError, read_json
from dev.host.spans import seconds_of

APPLIED = {
    "": {"version", "functionTimeout", "logging", "extensions", "extensionBundle"},
    "logging": {"logLevel", "applicationInsights"},
    "extensions": {"http", "queues"},
    "extensions.http": {"routePrefix"},
    "extensions.queues": {
        "batchSize",
        "newBatchThreshold",
        "maxDequeueCount",
        "visibilityTimeout",
        "maxPollingInterval",
        "messageEncoding",
    },
}
SHORTEST_POLL_SECONDS = 0.1
LARGEST_NUMBER = 2**31 - 1
LOG_LEVELS = {
    "Trace": 5,
    "Debug": 10,
    "Information": 20,
    "Warning": 30,
    "Error": 40,
    "Critical": 50,
    "None": 100,
}


@dataclass(frozen=True, slots=True)
class QueueOptions:
    batch_size: int
    """Messages fetched at a time, 1 to 32."""
    new_batch_threshold: int
    """The next batch is fetched when no more than this many messages are being processed."""
    max_dequeue_count: int
    visibility_timeout_seconds: int
    """How long a failed message stays hidden until its next attempt."""
    max_polling_interval_seconds: float
    base64: bool


@dataclass(frozen=True, slots=True)
class HostConfig:
    function_timeout_seconds: float | None
    """None: a function may run for ever."""
    log_levels: dict[str, str]
    """Category -> a name of LOG_LEVELS."""
    route_prefix: str
    queues: QueueOptions
    not_applied: list[str]
    """Paths in host.json that this host does not know, such as `extensions.http.hsts`."""


def seconds(timespan: str) -> float:
    """Length of a .NET TimeSpan; raises ConfigurationError for anything else."""
    length = seconds_of(str(timespan))
    if length is None:
        raise ConfigurationError(
            f"host.json or a setting over it: '{timespan}' is not a time span (hh:mm:ss)"
        )
    return length


def read_config(app_dir: Path) -> HostConfig:
    """Reads and checks APP_DIR/host.json; raises ConfigurationError for a missing file or an
    impossible value.
    """
    if not (app_dir / "host.json").exists():
        raise ConfigurationError(f"{app_dir} has no host.json: not the root of a function app")
    document = with_settings(read_json(app_dir / "host.json"), os.environ, APPLIED)
    return HostConfig(
        function_timeout_seconds=_function_timeout(
            str(document.get("functionTimeout", "00:30:00"))
        ),
        log_levels=_log_levels(_section(document, "logging", "logLevel")),
        route_prefix=str(_section(document, "extensions", "http").get("routePrefix", "api")).strip(
            "/"
        ),
        queues=_queue_options(_section(document, "extensions", "queues")),
        not_applied=sorted(_not_applied(document)),
    )


def _section(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """Empty where there is none, and where a text stands in its place."""
    for name in names:
        found = document.get(name)
        document = found if isinstance(found, dict) else {}
    return document


def _function_timeout(text: str) -> float | None:
    """A negative one is none; less than a second stops the host."""
    length = seconds(text)
    if 0 <= length < 1:
        raise ConfigurationError(
            f"host.json or a setting over it: functionTimeout must be 1 s or more, not {text!r}"
        )
    return length if length > 0 else None


def _log_levels(levels: dict[str, str]) -> dict[str, str]:
    usual = {level.lower(): level for level in LOG_LEVELS}
    for category, level in levels.items():
        if str(level).lower() not in usual:
            raise ConfigurationError(
                f"host.json or a setting over it: the log level of {category} must be one of"
                f" {', '.join(LOG_LEVELS)}"
            )
    return {category: usual[str(level).lower()] for category, level in levels.items()}


def _queue_options(queues: dict[str, Any]) -> QueueOptions:
    batch_size = _between(queues, "batchSize", 16, 1, 32)
    encoding = str(queues.get("messageEncoding", "base64")).lower()
    if encoding not in ("base64", "none"):
        raise ConfigurationError(
            "host.json or a setting over it: messageEncoding must be base64 or none, not"
            f" '{encoding}'"
        )
    return QueueOptions(
        batch_size=batch_size,
        new_batch_threshold=_between(
            queues, "newBatchThreshold", batch_size // 2 * (os.cpu_count() or 1), 0, LARGEST_NUMBER
        ),
        max_dequeue_count=_between(queues, "maxDequeueCount", 5, 1, LARGEST_NUMBER),
        visibility_timeout_seconds=int(_at_least(queues, "visibilityTimeout", "00:00:00", 0)),
        max_polling_interval_seconds=_at_least(
            queues, "maxPollingInterval", "00:01:00", SHORTEST_POLL_SECONDS
        ),
        base64=encoding == "base64",
    )


def _between(section: dict[str, Any], name: str, default: int, least: int, most: int) -> int:
    value = section.get(name, default)
    number = int(str(value)) if re.fullmatch(r"\s*[+-]?[0-9]+\s*", str(value)) else None
    if number is None or not least <= number <= most:
        raise ConfigurationError(
            f"host.json or a setting over it: {name} must be a number from {least} to {most}, not"
            f" {value!r}"
        )
    return number


def _at_least(section: dict[str, Any], name: str, default: str, least: float) -> float:
    length = seconds(section.get(name, default))
    if length < least:
        raise ConfigurationError(
            f"host.json or a setting over it: {name} must be {least:g} s or more, not"
            f" {section[name]!r}"
        )
    return length


def _not_applied(document: dict[str, Any]) -> set[str]:
    unknown = set()
    for path, applied in APPLIED.items():
        section = _section(document, *(path.split(".") if path else ()))
        unknown |= {f"{path}.{key}".lstrip(".") for key in section if key not in applied}
    return unknown
