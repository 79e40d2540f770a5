"""Settings over host.json, and what of them stops the host.

The values are those of .NET's configuration.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dev.host.config import HostConfig, read_config
from dev.host.cors import allowed_origins
from dev.host.settings import ConfigurationError
from dev.host.spans import seconds_of


def config(
    folder: Path, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch, **settings: str
) -> HostConfig:
    (folder / "host.json").write_text(json.dumps(document), "utf-8")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return read_config(folder)


@pytest.mark.parametrize(
    "name",
    [
        "AzureFunctionsJobHost__extensions__queues__batchSize",
        "AZUREFUNCTIONSJOBHOST__EXTENSIONS__QUEUES__BATCHSIZE",
        "azurefunctionsjobhost:extensions:queues:batchsize",
    ],
)
@pytest.mark.parametrize(
    "document",
    [
        {"extensions": {"queues": {"batchSize": 4}}},
        {"Extensions": {"QUEUES": {"BatchSize": 4}}},
        {},
    ],
)
def test_a_setting_beats_host_json_in_any_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, document: dict[str, Any]
) -> None:
    assert config(tmp_path, document, monkeypatch, **{name: "7"}).queues.batch_size == 7


def test_what_no_setting_names_stays_as_the_file_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {
        "extensions": {
            "queues": {"batchSize": 4, "maxDequeueCount": 3},
            "http": {"routePrefix": "x"},
        }
    }
    over = {
        "AzureFunctionsJobHost__logging__logLevel__Function.contacts": "debug",
        "AzureFunctionsJobHost__extensions__queues__newBatchThreshold": " 9 ",
        "AzureFunctionsJobHost__functionTimeout": "00:02:00",
        "AzureFunctionsJobHost__nothing__known": "1",
        "AzureFunctionsJobHost": "1",
    }
    found = config(tmp_path, document, monkeypatch, **over)
    assert (
        found.queues.batch_size,
        found.queues.max_dequeue_count,
        found.queues.new_batch_threshold,
    ) == (4, 3, 9)
    assert (found.route_prefix, found.function_timeout_seconds) == ("x", 120)
    assert found.log_levels == {"Function.contacts": "Debug"}
    assert found.not_applied == ["nothing"]


@pytest.mark.parametrize(
    ("text", "limit"), [("00:10:00", 600), ("-1", None), ("-00:00:01", None), ("00:00:01", 1)]
)
def test_a_negative_function_timeout_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, limit: float | None
) -> None:
    assert (
        config(tmp_path, {"functionTimeout": text}, monkeypatch).function_timeout_seconds == limit
    )


@pytest.mark.parametrize("text", ["00:00:00", "00:00:00.5", "", "soon"])
def test_a_function_timeout_that_cannot_be_stops_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    with pytest.raises(ConfigurationError):
        config(tmp_path, {"functionTimeout": text}, monkeypatch)


def test_a_text_where_a_section_should_be_leaves_the_defaults(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = config(tmp_path, {"logging": None}, monkeypatch, AzureFunctionsJobHost__extensions="x")
    assert (found.queues.batch_size, found.route_prefix, found.log_levels) == (16, "api", {})


def test_a_value_for_a_section_or_below_a_value_changes_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is a key of its own in .NET's configuration."""
    document = {
        "functionTimeout": "00:10:00",
        "extensions": {"queues": {"batchSize": 4, "visibilityTimeout": "00:00:10"}},
        "logging": {"logLevel": {"default": "Warning"}},
    }
    over = {
        "AzureFunctionsJobHost__extensions__queues": "x",
        "AzureFunctionsJobHost__extensions__queues__batchSize__x": "1",
        "AzureFunctionsJobHost__functionTimeout__x": "1",
        "AzureFunctionsJobHost__logging__logLevel": "Error",
    }
    found = config(tmp_path, document, monkeypatch, **over)
    queues = found.queues
    assert (queues.batch_size, queues.visibility_timeout_seconds) == (4, 10)
    assert (found.function_timeout_seconds, found.log_levels) == (600, {"default": "Warning"})


def test_a_number_may_be_as_large_as_dot_net_has_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = {"extensions": {"queues": {"maxDequeueCount": 2**31 - 1}}}
    assert config(tmp_path, document, monkeypatch).queues.max_dequeue_count == 2**31 - 1


def test_the_threshold_is_half_a_batch_for_each_processor_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    assert config(tmp_path, {}, monkeypatch).queues.new_batch_threshold == 32


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("batchSize", ["0", "33", "", " ", "many", "4.5", "true", "٨"]),
        ("newBatchThreshold", ["-1", ""]),
        ("maxDequeueCount", ["0", "-1", "", "2147483648"]),
        ("visibilityTimeout", ["", "soon", "-00:00:01", "00:61"]),
        ("maxPollingInterval", ["", "00:00:00", "00:00:00.05", "two"]),
        ("messageEncoding", ["", "utf8"]),
    ],
)
def test_a_value_of_queues_that_cannot_be_stops_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, values: list[str]
) -> None:
    for value in values:
        with pytest.raises(ConfigurationError, match="a setting over it"):
            config(
                tmp_path,
                {},
                monkeypatch,
                **{f"AzureFunctionsJobHost__extensions__queues__{name}": value},
            )
        monkeypatch.delenv(f"AzureFunctionsJobHost__extensions__queues__{name}")
        with pytest.raises(ConfigurationError):
            config(tmp_path, {"extensions": {"queues": {name: value}}}, monkeypatch)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("00:00:10", 10),
        ("01:30", 5400),
        ("2", 172_800),
        ("1.02:00:00", 93_600),
        ("1:02:00:00", 93_600),
        ("24:00:00", 24 * 86_400),
        ("00:00:00.25", 0.25),
        ("-00:00:01", -1),
        ("00:60", None),
        ("1.5", None),
        ("", None),
    ],
)
def test_a_time_span_as_dot_net_reads_it(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("local", "given", "origins"),
    [
        ({}, "", []),
        (
            {"Host": {"CORS": "https://A.example.org/, https://b.example.org"}},
            "",
            ["https://a.example.org", "https://b.example.org"],
        ),
        ({"Host": {"CORS": "*"}}, "", ["*"]),
        ({"Host": {"CORS": "*"}}, "https://c.example.org", ["https://c.example.org"]),
        ({"Host": {"CORS": None}}, "", []),
    ],
)
def test_allowed_origins_are_those_of_the_command_line_then_of_local_settings(
    tmp_path: Path, local: dict[str, Any], given: str, origins: list[str]
) -> None:
    (tmp_path / "local.settings.json").write_text(json.dumps(local), "utf-8")
    assert allowed_origins(tmp_path, given) == origins
