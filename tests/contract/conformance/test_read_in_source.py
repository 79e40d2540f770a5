"""What a function returned, beyond what was recorded: read in the host's source.

azure-functions-host, HttpBinding (CreateResult, ParseResponseObject, TryParseStatusCode) and
RawScriptResult; Newtonsoft.Json, JsonTextReader; Microsoft Learn, Double.ToString.
"""

import json
from typing import Any

import pytest

from dev.host.answers import answer
from dev.host.protocol import protos

LIST = "System.Collections.Generic.List`1[System.Object]"


def answered(text: str) -> tuple[int, str]:
    response = answer(protos.TypedData(string=text))
    body = response.body or b""
    assert isinstance(body, bytes)
    return response.status, body.decode()


@pytest.mark.parametrize(
    ("text", "body"),
    [
        (" ", ""),
        ("\n\t", ""),
        ("/* c */", ""),
        ("// c\n5", "5"),
        ("/* c */ [1]", "[\n  1\n]"),
        ("/ c", "/ c"),
        ("1.0", "1"),
        ("100.0", "100"),
        ("-0.0", "-0"),
        ("1e3", "1000"),
        ("1e15", "1E+15"),
        ("123456789012345.0", "123456789012345"),
        ("1.5e20", "1.5E+20"),
        ("-2.5e-7", "-2.5E-07"),
        ("0.0001", "0.0001"),
        ("0.00001", "1E-05"),
        ("1e100", "1E+100"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("007", "7"),
        ("01234", "668"),
        ("08", "08"),
        ("0x1F", "31"),
        ("0", "0"),
        ("false", "False"),
        ("True", "True"),
        ("1 2", "1 2"),
        ("[]", "[]"),
        ("{}", "{}"),
    ],
)
def test_a_text(text: str, body: str) -> None:
    assert answered(text) == (200, body)


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ({"status": 201, "statusCode": 418}, 418),
        ({"statusCode": 418, "status": 201}, 418),
        ({"STATUS": 201}, 201),
        ({"StatusCode": "404"}, 404),
        ({"status": " +404 "}, 404),
        ({"status": "abc"}, 200),
        ({"status": "404.0"}, 200),
        ({"status": 404.0}, 200),
        ({"status": True}, 200),
        ({"status": None}, 200),
        ({"statusCode": None, "status": 404}, 200),
        ({"status": []}, 200),
        ({"status": "99999999999"}, 200),
        ({"status": 99999999999}, 500),
    ],
    ids=json.dumps,
)
def test_a_status(parts: dict[str, Any], status: int) -> None:
    body = "" if status == 500 else "x"
    assert answered(json.dumps({"body": "x", **parts})) == (status, body)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (None, ""),
        (1.0, "1"),
        (True, "True"),
        ([1, 2], LIST),
        ({}, "{}"),
        ({"a": [1.0]}, '{"a":[1.0]}'),
        ("2020-01-01T00:00:00Z", "01/01/2020 00:00:00"),
    ],
    ids=json.dumps,
)
def test_a_body_in_an_object(body: Any, text: str) -> None:
    assert answered(json.dumps({"body": body})) == (200, text)


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ({"X-A": 1.0}, "1"),
        ({"X-A": False}, "False"),
        ({"X-A": [1]}, LIST),
        ({"X-A": {"b": 1}}, "System.Dynamic.ExpandoObject"),
        ({"X-A": ""}, ""),
        ([1], None),
        ("x", None),
        (None, None),
    ],
    ids=json.dumps,
)
def test_a_header_in_an_object(headers: Any, sent: str | None) -> None:
    response = answer(protos.TypedData(string=json.dumps({"body": "x", "headers": headers})))
    assert (response.status, response.headers.get("X-A")) == (200, sent)


@pytest.mark.parametrize("name", ["X-A", "content-type"])
def test_a_header_that_is_null_is_500_without_a_body(name: str) -> None:
    assert answered(json.dumps({"body": "x", "headers": {name: None}})) == (500, "")


@pytest.mark.parametrize(
    ("value", "body"),
    [
        (protos.TypedData(double=5.0), b"5"),
        (protos.TypedData(double=1e15), b"1E+15"),
        (protos.TypedData(int=10**16), b"10000000000000000"),
    ],
    ids=["whole", "large", "a large whole number"],
)
def test_a_number(value: Any, body: bytes) -> None:
    assert answer(value).body == body


@pytest.mark.parametrize(
    ("given", "status"),
    [("+404", 404), (" 404", 404), ("٤٠٤", 200), ("99999999999", 200), ("4 04", 200)],
)
def test_the_status_of_a_response(given: str, status: int) -> None:
    http = protos.RpcHttp(
        status_code=given, body=protos.TypedData(string="x"), headers={}, cookies=[]
    )
    assert answer(protos.TypedData(http=http)).status == status
