"""Nothing that is printed shows a secret or a value of a record: settings, dataclasses, exceptions,
lines of libraries.
"""

import dataclasses
import http.client
import importlib
import logging
import pkgutil
import re
import traceback
from collections.abc import Iterator
from types import ModuleType
from typing import Any, cast

import pytest
import urllib3
from aiohttp.http_exceptions import BadHttpMessage
from pydantic import BaseModel, SecretStr

import admin
import dev.commands
import functions
import shared
from dev.host.logs import CategoryFilter
from shared.errors import Bug, Retryable
from shared.http.transport import Request, Response, pooled
from shared.library_logs import LIBRARIES, quiet_libraries
from shared.pipeline.attempts import attempt
from shared.pipeline.flow import Bridge, Flow
from shared.records import Change, Kind, Outcome, Page, Settlement
from shared.settings import Settings
from shared.state.envelope import Envelope
from shared.state.handoff import Received

SENTINEL = "jane.doe@example.org"
SECRET_NAMES = re.compile(
    r"secret|token|password|private_key|function_key|fingerprint_key|credential|headers|body|facts|authvalue"
)
RECORD_NAMES = re.compile(r"(^|_)(row|record|update|create_only|answer|values|agreed|task|url)$")
RECORD_TYPES = re.compile(r"Mapping\[str, typing\.Any\]|dict\[str, typing\.Any\]|\bbytes\b")
HARMLESS = {  # what a name or a type has in common with a secret, and why it is none
    "FlagDecision.agreed": "yes or no, of nobody",
    "CompiledMapping.create_only": "names of flags and columns: the document's",
    "TargetField.values": "names and labels of an enumeration: metadata",
    "Comparable.values": "values of a filter in a mapping document",
    "SettingOrigin.is_secret": "whether a setting is a secret, not its value",
    "Azurite.process": "a process: Popen[bytes]",
}


def modules() -> Iterator[ModuleType]:
    for package in (shared, functions, admin, dev.commands):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.endswith("__main__"):
                yield importlib.import_module(found.name)


def classes(kind: str) -> list[type]:
    """Every class that the app and its commands define."""
    found = [
        item
        for module in modules()
        for item in vars(module).values()
        if isinstance(item, type) and item.__module__ == module.__name__
    ]
    return [
        item
        for item in found
        if (dataclasses.is_dataclass(item) if kind == "dataclass" else issubclass(item, BaseModel))
    ]


def is_sensitive(name: str, annotation: object) -> bool:
    function = "Callable" in str(annotation)
    named = SECRET_NAMES.search(name) or RECORD_NAMES.search(name)
    return not function and bool(named or RECORD_TYPES.search(str(annotation)))


def own_repr(item: type) -> bool:
    """A __repr__ that somebody wrote: it has a test of its own below."""
    return "__repr__" in vars(item) and not hasattr(vars(item)["__repr__"], "__wrapped__")


def test_no_dataclass_prints_a_secret_or_a_record() -> None:
    shown = [
        f"{item.__name__}.{one.name}"
        for item in classes("dataclass")
        if not own_repr(item)
        for one in dataclasses.fields(item)
        if one.repr and is_sensitive(one.name, one.type)
    ]
    assert set(shown) == set(HARMLESS)


def test_the_walk_sees_the_dataclasses_that_hold_secrets() -> None:
    names = {item.__name__ for item in classes("dataclass")}
    assert {
        "Request",
        "Response",
        "Server",
        "TableFlow",
        "Change",
        "Mapped",
        "Receiver",
        "Place",
    } <= names


def test_no_model_prints_a_secret() -> None:
    shown = [
        f"{item.__name__}.{name}"
        for item in classes("model")
        for name, one in item.model_fields.items()
        if SECRET_NAMES.search(name) and one.repr and one.annotation is not SecretStr
    ]
    assert shown == []
    masked = {name for name, one in Settings.model_fields.items() if one.annotation is SecretStr}
    assert {
        name
        for name in Settings.model_fields
        if re.search("secret|private_key|certificate|webjobsstorage$|session_key", name)
    } == masked


def test_a_receiver_prints_its_address_alone() -> None:
    from admin.setup.webhooks import Receiver

    given = {one.name: SENTINEL for one in dataclasses.fields(Receiver)} | {
        "address": "https://bridge.example.org"
    }
    assert SENTINEL not in repr(Receiver(**given))


CHANGE = Change("8f0e1d2c-3b4a-4c5d-8e6f-708192a3b4c5", Kind.ROW, 1, {"emailaddress1": SENTINEL})


@pytest.mark.parametrize(
    "thing",
    [
        CHANGE,
        Page((CHANGE,), f"https://org.example.org?x={SENTINEL}", complete=True),
        Settlement(CHANGE, Outcome.CREATED, agreed={"a": SENTINEL}, answer=SENTINEL.encode()),
        Envelope(flow="contacts", table="contact", bucket=0, mapping_version=1, changes=(CHANGE,)),
        Request(
            "GET",
            f"https://org.example.org/{SENTINEL}",
            "GET x",
            {"Authorization": f"Bearer {SENTINEL}"},
            SENTINEL.encode(),
        ),
        Response(200, {"set-cookie": SENTINEL}, SENTINEL.encode()),
        Received(SENTINEL, "id", "receipt", 1),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_what_carries_a_record_prints_none_of_it(thing: object) -> None:
    for text in (repr(thing), str(thing), f"{thing!r:>1}"):
        assert SENTINEL not in text


def test_what_a_bug_raises_is_told_with_its_place_and_without_its_words() -> None:
    """The host writes what is raised into the table AppExceptions."""

    def cursed() -> Settlement:
        raise KeyError(SENTINEL) from ValueError(SENTINEL)

    settlement = attempt(cast(Flow, None), cast(Bridge, None), CHANGE, cursed)
    assert settlement.fault is not None
    with pytest.raises(Bug) as caught:
        raise settlement.fault
    message = "".join(traceback.format_exception(caught.value))
    assert SENTINEL not in message + repr(settlement)
    assert "KeyError in the bridge." in message
    assert "in cursed" in message


def test_the_local_host_does_not_quote_a_request_that_is_no_http() -> None:
    error = BadHttpMessage(f"Invalid header value char: b'x-functions-key: {SENTINEL}'")
    line = logging.LogRecord(
        "aiohttp.server",
        logging.ERROR,
        "",
        0,
        "Error handling request",
        (),
        (BadHttpMessage, error, None),
    )
    assert not CategoryFilter({}, {}).filter(line)


class Pool:
    """A pool whose every request ends in one exception."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def request(self, *given: object, **named: object) -> Any:
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        ValueError(f"Invalid header value b'Bearer {SENTINEL}'"),
        UnicodeEncodeError("latin-1", SENTINEL, 0, 1, "ordinal not in range(256)"),
        http.client.InvalidURL(f"URL can't contain control characters. {SENTINEL}"),
        http.client.CannotSendRequest(SENTINEL),
        urllib3.exceptions.LocationParseError(SENTINEL),
        urllib3.exceptions.MaxRetryError(Pool(ValueError()), f"/x?email={SENTINEL}"),  # type: ignore[arg-type]
        urllib3.exceptions.ProtocolError(SENTINEL),
        urllib3.exceptions.ReadTimeoutError(Pool(ValueError()), "/x", SENTINEL),  # type: ignore[arg-type]
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_library_raises_is_told_without_its_words(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(urllib3, "PoolManager", lambda **options: Pool(error))
    with pytest.raises(Retryable) as caught:
        pooled("Campaign", 1, 1)(Request("GET", "https://mc.example.org/x", "GET profile/{key}"))
    assert SENTINEL not in "".join(traceback.format_exception(caught.value))
    assert "GET profile/{key}" in str(caught.value)


@pytest.mark.parametrize("name", sorted(LIBRARIES))
def test_no_library_writes_lines_of_its_requests(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    quiet_libraries()
    with caplog.at_level(logging.DEBUG):
        quiet_libraries()
        logging.getLogger(f"{name}.inner").info(
            "Request URL: https://org.example.org?sig=%s", SENTINEL
        )
        logging.getLogger(name).debug("body: %s", SENTINEL)
    assert SENTINEL not in caplog.text
