"""A function as the host sees it: its trigger, its outputs, its retry policy."""

import json
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from dev.host.schedule import Schedule
from dev.host.settings import ConfigurationError, connection_string, resolve

TRIGGERS = {"httpTrigger", "timerTrigger", "queueTrigger"}
OUTPUTS = {"http", "queue"}

Binding = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Function:
    id: str
    name: str
    trigger: Binding
    outputs: dict[str, Binding]
    """Binding name (`$return` for the returned value) -> binding."""
    retry: Any
    """RpcRetryOptions, or None."""
    disabled: bool

    @property
    def kind(self) -> str:
        return str(self.trigger["type"])

    @property
    def bindings(self) -> list[Binding]:
        return [self.trigger, *self.outputs.values()]

    def retry_delay_seconds(self, attempt: int) -> float:
        """Pause after the failed attempt number `attempt` (0 = the first)."""
        fixed = getattr(self.retry, "delay_interval", None)
        if fixed is not None:
            return float(fixed.total_seconds())
        least: timedelta = self.retry.minimum_interval
        most: timedelta = self.retry.maximum_interval
        return min(least.total_seconds() * 2.0**attempt, most.total_seconds())


def read_function(metadata: Any) -> Function:
    """From the worker's RpcFunctionMetadata; raises ConfigurationError when this host cannot run
    the function.
    """
    bindings = [resolve(json.loads(binding)) for binding in metadata.raw_bindings]
    outputs = {
        binding["name"]: binding
        for binding in bindings
        if str(binding["direction"]).upper() == "OUT"
    }
    inputs = [binding for binding in bindings if binding["name"] not in outputs]
    for binding in bindings:
        _check(binding, OUTPUTS if binding["name"] in outputs else TRIGGERS)
    if len(inputs) != 1:
        raise ConfigurationError(f"expected one trigger, found {len(inputs)}")
    return Function(
        metadata.function_id,
        metadata.name,
        inputs[0],
        outputs,
        metadata.retry_options,
        is_disabled(metadata.name),
    )


def is_disabled(name: str) -> bool:
    """By AzureWebJobs.<name>.Disabled or AzureWebJobs_<name>_Disabled, in any case."""
    settings = {setting.lower(): value for setting, value in os.environ.items()}
    values = (settings.get(f"azurewebjobs{sign}{name.lower()}{sign}disabled", "") for sign in "._")
    return any(value.lower() in ("1", "true") for value in values)


def _check(binding: Binding, supported: set[str]) -> None:
    if binding["type"] not in supported:
        raise ConfigurationError(
            f"the binding '{binding['name']}' ({binding['type']}) is not supported by this host"
        )
    if binding["type"] in ("queueTrigger", "queue", "timerTrigger"):
        connection_string(binding if "queueName" in binding else {})
    if binding["type"] == "timerTrigger":
        Schedule(binding["schedule"])
