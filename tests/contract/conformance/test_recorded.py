"""What the real host was recorded to answer, row by row: routes, returned values, cookies."""

import ast
import importlib.util
import json
import re
from types import ModuleType
from typing import Any

import pytest

from dev.host.answers import answer, cookie_header
from dev.host.protocol import protos
from dev.host.returned import CannotBeSent
from dev.host.routes import RouteNotBuilt, build
from dev.host.templates import TemplateRefused
from tests.contract.conformance.conftest import APP, Target

NOT_PLAYED = {
    "http no content type": "func.HttpResponse always has one",
    "http no content type, empty": "func.HttpResponse always has one",
    "http HEAD body": "played as a request, not as a label",
    "http HEAD 204 body": "played as a request, not as a label",
    "http status '99'": "no client reads a status of two digits",
    "http status '100'": "a client takes it for the announcement of an answer",
    "http status '101'": "a client takes it for a change of protocol",
    "http status '199'": "a client takes it for the announcement of an answer",
    "http status '1000'": "no client reads a status of four digits",
    "http status '0'": "no client reads a status of one digit",
    "http status '-1'": "no client reads it",
    "http two spellings of a header": "func.HttpResponse keeps one spelling",
    "http two spellings of content-type": "func.HttpResponse keeps one spelling",
    "http content-length too big": (
        "the client waits for the rest; that it is sent is the row with the right length"
    ),
    "http transfer-encoding set": "breaks the answer's form",
    "http content-type bad": "func.HttpResponse adds a character set",
    "http content-type empty": "func.HttpResponse always has one",
    "http body string json": "func.HttpResponse sends bytes",
    "http no body": "func.HttpResponse always has one",
    "http body none": "func.HttpResponse always has one",
}
"""Rows of answers.tsv that this app cannot send or no client can read, and why."""


def app() -> ModuleType:
    spec = importlib.util.spec_from_file_location("conformance_app", APP / "function_app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


APPLICATION = app()


def rows(name: str) -> list[str]:
    return (APP / name).read_text("utf-8").splitlines()


def recorded_routes() -> list[Any]:
    """(template, path, the function's parameters or None for 404)."""
    found = []
    for row in rows("routes.tsv"):
        if not (match := re.fullmatch(r"(.*?)\s*<- '(.*)'\s(404|200)(.*)", row)):
            continue
        template, value, status, rest = match.groups()
        path = f"/api/{template.split('/')[0]}/{value.replace(chr(9), '')}"
        wanted = json.loads(rest[rest.index("{") :]) if status == "200" else None
        found.append(pytest.param(template, path, wanted, id=row.replace("\t", " ")))
    return found


@pytest.mark.parametrize(("template", "path", "wanted"), recorded_routes())
def test_a_route_as_recorded(
    target: Target, template: str, path: str, wanted: dict[str, str] | None
) -> None:
    status, body = target.get(path)
    assert (status, json.loads(body) if status == 200 else None) == (
        200 if wanted is not None else 404,
        wanted,
    )


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/q", 404),
        ("/q", 404),
        ("/api/~/q", 200),
        ("/api/p68/trail", 200),
        ("/api/p69/dbl//e", 404),
        ("/api/p72/%C3%A9", 200),
    ],
)
def test_a_path_of_its_own_form_as_recorded(target: Target, path: str, status: int) -> None:
    assert target.get(path)[0] == status


@pytest.mark.parametrize(
    "template",
    [*sorted(APPLICATION.STOPS_THE_APP), "a/{x:even}", "a/{x:min(few)}", "a/{x:regex(()}"],
)
def test_a_template_that_parses_and_cannot_be_built_stops_the_app(template: str) -> None:
    with pytest.raises(RouteNotBuilt):
        build(template, "api")


@pytest.mark.parametrize("template", ["{x}/k/{x}", "{x}{y}", "a?b", "a//b"])
def test_a_template_that_does_not_parse_is_refused(template: str) -> None:
    with pytest.raises(TemplateRefused):
        build(template, "api")


def returned(label: str) -> tuple[int, str, bytes]:
    """Status, content type and body that were recorded."""
    row = next(row for row in rows("answers.tsv") if row.startswith(f"{label}\t"))
    status, headers, body = re.fullmatch(
        r"(-?\d+) (?:(\[.*\]) )?(b'.*'|b\".*\")", row.partition("\t")[2]
    ).groups()  # type: ignore[union-attr]
    named = dict(
        header.split(": ", 1) for header in ast.literal_eval(headers or "[]") if ": " in header
    )
    return int(status), named.get("Content-Type", ""), ast.literal_eval(body)


@pytest.mark.parametrize(
    "label", [row.partition("\t")[0] for row in rows("answers.tsv") if row.startswith("str ")]
)
def test_a_returned_text_as_recorded(target: Target, label: str) -> None:
    answered = target.call("/api/returned-text", params={"label": label})
    assert (answered.status_code, answered.headers["Content-Type"], answered.content) == returned(
        label
    )


@pytest.mark.parametrize("label", APPLICATION.RESPONSES)
def test_a_returned_response_as_recorded(target: Target, label: str) -> None:
    status, body = target.get(f"/api/returned-response?label={label.replace(' ', '%20')}")
    assert (status, body) == (returned(label)[0], returned(label)[2])


def test_every_recorded_answer_is_played_or_said_why_not() -> None:
    labels = {row.partition("\t")[0] for row in rows("answers.tsv")}
    played = (
        {label for label in labels if label.startswith("str ")}
        | set(APPLICATION.RESPONSES)
        | set(BY_KIND)
    )
    assert labels == played | set(NOT_PLAYED)


BY_KIND: dict[str, Any] = {
    "None (no return value)": None,
    "json kind (dict)": protos.TypedData(json='{"a": 1}'),
    "json kind (list)": protos.TypedData(json="[1, 2]"),
    "json with body": protos.TypedData(json='{"body": "x", "status": 201}'),
    "int": protos.TypedData(int=5),
    "double": protos.TypedData(double=1.5),
    "bytes": protos.TypedData(bytes=b"\x00\xffabc"),
}


@pytest.mark.parametrize("label", BY_KIND)
def test_a_value_of_another_kind_as_recorded(label: str) -> None:
    answered = answer(BY_KIND[label])
    status, content_type, body = returned(label)
    assert (answered.status, answered.headers.get("Content-Type", ""), answered.body or b"") == (
        status,
        content_type,
        body,
    )


def test_head_has_no_body(target: Target) -> None:
    answered = target.call("/api/returned-response", "HEAD", params={"label": "http 200 body"})
    assert (answered.status_code, answered.content) == (200, b"")


COOKIES: dict[str, dict[str, Any]] = {
    "plain, path '' as Python sends it": {
        "path": protos.NullableString(value=""),
        "domain": protos.NullableString(value=""),
    },
    "path /": {"path": protos.NullableString(value="/")},
    "no path at all": {},
    "value with = / + space": {"value": "x=y/z+w v"},
    "value with quotes, semicolon, é": {"value": '"é;,'},
    "all": {
        "domain": protos.NullableString(value="example.org"),
        "max_age": protos.NullableDouble(value=60.0),
        "secure": protos.NullableBool(value=True),
        "http_only": protos.NullableBool(value=True),
        "same_site": 1,
    },
    "samesite none": {"secure": protos.NullableBool(value=True), "same_site": 3},
    "max-age 1.5": {"max_age": protos.NullableDouble(value=1.5)},
    "name with space": {"name": "a b"},
}


@pytest.mark.parametrize("row", rows("cookies.tsv"), ids=lambda row: row.partition("\t")[0])
def test_a_cookie_as_recorded(row: str) -> None:
    label, _, answered = row.partition("\t")
    fields = {"name": "a", "value": "1", "same_site": 0} | COOKIES[label]
    if answered.startswith("500"):
        with pytest.raises(CannotBeSent):
            cookie_header(protos.RpcHttpCookie(**fields))
        return
    headers = ast.literal_eval(re.search(r"\[.*\]", answered)[0])  # type: ignore[index]
    assert f"Set-Cookie: {cookie_header(protos.RpcHttpCookie(**fields))}" in headers
