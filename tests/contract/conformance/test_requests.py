"""How a request reaches a function: path, query, headers, body, keys.

One test for each row of the comparison with Azure.
"""

import gzip
import json
from typing import Any

import pytest

from dev.host.incoming import decoded_path, query_of, without_dots
from tests.contract.conformance.conftest import Target


def seen(target: Target, path: str = "/api/seen", *headers: str) -> dict[str, Any]:
    status, body = target.get(path, *headers)
    assert status == 200
    found: dict[str, Any] = json.loads(body)
    return found


def post(target: Target, body: bytes, *headers: str) -> dict[str, Any]:
    head = "\r\n".join(
        ["POST /api/seen HTTP/1.1", "Host: host", "Connection: close", *headers, "", ""]
    )
    status, answered = target.raw(head.encode() + body)
    assert status == 200
    found: dict[str, Any] = json.loads(answered)
    return found


def test_the_first_route_in_the_order_of_function_names_wins_not_the_most_exact(
    target: Target,
) -> None:
    assert target.get("/api/order/exact") == (200, b"order_a")


def test_the_same_route_and_method_twice_is_the_first_functions(target: Target) -> None:
    assert target.get("/api/double") == (200, b"double_a")
    assert target.call("/api/double", "POST").status_code == 404


def test_a_route_that_begins_as_one_of_the_host_is_in_error(target: Target) -> None:
    assert target.get("/api/administration/x")[0] == 404


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api//seen", 404),
        ("//api/seen", 404),
        ("/api/seen/", 200),
        ("/API/SEEN", 200),
        ("/api/x/../seen", 200),
        ("/api/x/%2e%2E/seen", 200),
        ("/api/./seen", 200),
        ("/api/seen/a%00b", 400),
        ("/none", 404),
    ],
)
def test_a_path_is_decoded_and_rid_of_dots_before_a_route_is_looked_for(
    target: Target, path: str, status: int
) -> None:
    assert target.get(path)[0] == status


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a%2Fb", "a%2Fb"),
        ("%E9", "%E9"),
        ("%C3%A9", "é"),
        ("%41%E9%42", "A%E9B"),
        ("%25", "%"),
        ("a+b", "a+b"),
        ("a%20b", "a b"),
    ],
)
def test_a_parameter_is_decoded_but_for_slashes_and_what_is_no_utf_8(
    target: Target, path: str, value: str
) -> None:
    assert seen(target, f"/api/seen/{path}")["route"] == {"x": value}


def test_bytes_that_are_no_ascii_in_the_path_are_400(target: Target) -> None:
    assert (
        target.raw("GET /api/seen/é HTTP/1.1\r\nHost: host\r\nConnection: close\r\n\r\n".encode())[
            0
        ]
        == 400
    )


def test_a_header_that_is_no_utf_8_is_400(target: Target) -> None:
    request = b"GET /api/seen HTTP/1.1\r\nHost: host\r\nX-Mark: \xe9\r\nConnection: close\r\n\r\n"
    assert target.raw(request)[0] == 400


def test_a_request_without_host_is_400(target: Target) -> None:
    assert target.raw(b"GET /api/seen HTTP/1.1\r\nConnection: close\r\n\r\n")[0] == 400


@pytest.mark.parametrize(
    ("query", "params"),
    [
        ("a=1", {"a": "1"}),
        ("a=", {}),
        ("a", {}),
        ("a=1&A=2", {"a": "1,2"}),
        ("a=1&a=2", {"a": "1,2"}),
        ("a=&a=1&A=&a=2", {"a": "1,2"}),
        ("a=&A", {}),
        ("limit=&flow=", {}),
        ("a=x%20y+z", {"a": "x y z"}),
        ("a=%C3%A9", {"a": "é"}),
        ("a=b=c", {"a": "b=c"}),
    ],
)
def test_a_query_as_the_function_sees_it(
    target: Target, query: str, params: dict[str, str]
) -> None:
    assert seen(target, f"/api/seen?{query}")["params"] == params


def test_a_body_of_a_said_length_arrives(target: Target) -> None:
    assert post(target, b"x" * 1000, "Content-Length: 1000")["body"] == 1000


def test_a_body_without_a_length_arrives_empty(target: Target) -> None:
    assert post(target, b"5\r\nhello\r\n0\r\n\r\n", "Transfer-Encoding: chunked")["body"] == 0


def test_a_packed_body_arrives_as_it_was_sent(target: Target) -> None:
    packed = gzip.compress(b"x" * 1000)
    found = post(target, packed, "Content-Encoding: gzip", f"Content-Length: {len(packed)}")
    assert (found["body"], found["start"][:4]) == (len(packed), "1f8b")


def test_a_body_of_more_than_100_mib_is_500(target: Target) -> None:
    head = (
        "POST /api/seen HTTP/1.1\r\nHost: host\r\nConnection: close\r\nContent-Length:"
        f" {100 * 1024 * 1024 + 1}\r\n\r\n"
    )
    assert target.raw(head.encode())[0] == 500


@pytest.mark.parametrize(
    ("path", "headers", "url"),
    [
        ("/api/seen?a=1", (), "http://host/api/seen?a=1"),
        ("/api/seen", ("X-Forwarded-Proto: https",), "https://host/api/seen"),
        ("/api/seen/%C3%A9%41", (), "http://host/api/seen/%C3%A9A"),
        ("/api/x/../seen", (), "http://host/api/seen"),
    ],
)
def test_the_url_that_a_function_sees(
    target: Target, path: str, headers: tuple[str, ...], url: str
) -> None:
    assert seen(target, path, *headers)["url"] == url


def test_repeated_headers_are_joined_with_a_comma(target: Target) -> None:
    assert seen(target, "/api/seen", "X-Mark: a", "X-Mark: b")["mark"] == "a,b"
    assert seen(target, "/api/seen", "X-Mark: a", "X-Mark:", "X-Mark: b")["mark"] == "a,b"


@pytest.mark.parametrize(
    ("query", "headers", "status"),
    [
        ("", (), 401),
        ("?code={key}", (), 200),
        ("?CODE={key}", (), 200),
        ("", ("x-functions-key: {key}",), 200),
        ("?code={key}", ("x-functions-key: nonsense",), 401),
        ("?code={key}", ("x-functions-key:",), 401),
    ],
)
def test_a_key_in_the_header_goes_before_one_in_the_query(
    target: Target, query: str, headers: tuple[str, ...], status: int
) -> None:
    given = [header.format(key=target.master_key) for header in headers]
    assert target.get("/api/guarded" + query.format(key=target.master_key), *given)[0] == status


def test_a_disabled_function_asks_for_the_key_first(target: Target) -> None:
    assert target.get("/api/off")[0] == 401
    assert target.get("/api/off", "x-functions-key: nonsense")[0] == 401


def test_a_named_http_output_is_the_answer(target: Target) -> None:
    assert target.get("/api/named-output") == (202, b"by name")


def test_a_principal_is_passed_on_as_the_caller_made_it_up(target: Target) -> None:
    assert seen(target, "/api/seen", "x-ms-client-principal: anybody")["principal"] == "anybody"


@pytest.mark.parametrize(
    ("path", "status"),
    [("/api/guarded", 401), ("/api/none", 404), ("/api/returned-response?label=raise", 500)],
)
def test_a_refusal_has_no_body(target: Target, path: str, status: int) -> None:
    assert target.get(path) == (status, b"")


def test_a_wrong_method_is_404(target: Target) -> None:
    assert target.call("/api/seen", "DELETE").status_code == 404


@pytest.mark.parametrize(
    ("path", "decoded"),
    [
        ("/x/..", "/"),
        ("/a/./b/.", "/a/b/"),
        ("/..", "/"),
        ("/%2e%2e/a", "/a"),
        ("/a%2f..%2fb", "/a%2f..%2fb"),
        ("/%f0%9f%98%80%80", "/😀%80"),
    ],
)
def test_a_path_is_read_as_the_server_reads_it(path: str, decoded: str) -> None:
    assert without_dots(decoded_path(path)) == decoded


def test_values_of_keys_in_two_spellings_are_joined_under_the_first() -> None:
    assert query_of("Ab=1&aB=&ab=2") == {"Ab": "1,2"}
