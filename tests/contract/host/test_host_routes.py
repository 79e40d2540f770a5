"""Route templates and HTTP answers, without a host."""

import pytest

from dev.host.answers import cookie_header
from dev.host.protocol import protos
from dev.host.routes import compile_route
from dev.host.settings import ConfigurationError

GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/contacts", "/API/contacts/", {}),
        ("api/contacts/{id}", "/api/contacts", None),
        ("api/contacts/{id?}", "/api/contacts", {}),
        ("api/contacts/{id=7}", "/api/contacts", {"id": "7"}),
        ("api/{id:guid}", f"/api/{GUID}", {"id": GUID}),
        ("api/{id:guid}", "/api/12", None),
        ("api/{n:int}", "/api/-12", {"n": "-12"}),
        ("api/{n:int}", "/api/3000000000", None),
        ("api/{n:long}", "/api/3000000000", {"n": "3000000000"}),
        ("api/{n:range(1,5)}", "/api/5", {"n": "5"}),
        ("api/{n:range(1,5)}", "/api/6", None),
        ("api/{n:min(2):max(3)}", "/api/x", None),
        ("api/{w:alpha:length(2,3)}", "/api/ab", {"w": "ab"}),
        ("api/{w:alpha:length(2)}", "/api/abc", None),
        ("api/{w:minlength(2)}", "/api/a", None),
        ("api/{w:regex(^a.c$)}", "/api/abc", {"w": "abc"}),
        ("api/{d:datetime}", "/api/2026-11-23", {"d": "2026-11-23"}),
        ("api/{b:bool}", "/api/TRUE", {"b": "TRUE"}),
        ("api/{file}.{ext}", "/api/report.csv", {"file": "report", "ext": "csv"}),
        ("api/files/{*path}", "/api/files/a/b", {"path": "a/b"}),
        ("api/files/{**path}", "/api/files", {}),
        ("{a}/{b?}", "/x", {"a": "x"}),
        ("{*rest}", "/", {}),
        ("api/{name}", "/api/a%2Fb%20c", {"name": "a%2Fb c"}),
        ("api/flows/{flow}/start", "/api/flows/contacts/stop", None),
    ],
)
def test_a_template_matches_what_asp_net_would_match(template: str, path: str, values: dict[str, str] | None) -> None:
    assert compile_route(template).match(path) == values


def test_the_more_exact_route_comes_first() -> None:
    templates = ["api/{*rest}", "api/{id}", "api/{id:int}", "api/all", "api/all/{id}"]
    ranked = sorted(templates, key=lambda template: compile_route(template).rank)
    assert ranked == ["api/all", "api/all/{id}", "api/{id:int}", "api/{id}", "api/{*rest}"]


@pytest.mark.parametrize("template", ["api/{id:even}", "api/{id", "api/id}", "api/{i-d}"])
def test_a_template_that_is_not_understood_is_refused(template: str) -> None:
    with pytest.raises(ConfigurationError):
        compile_route(template)


def test_a_cookie_with_all_attributes_is_written_as_one_header() -> None:
    cookie = protos.RpcHttpCookie(
        name="a",
        value="1",
        domain=protos.NullableString(value="example.org"),
        path=None,
        expires=protos.NullableTimestamp(value=protos.Timestamp(seconds=0)),
        secure=protos.NullableBool(value=True),
        http_only=protos.NullableBool(value=False),
        same_site=protos.RpcHttpCookie.SameSite.ExplicitNone,
        max_age=protos.NullableDouble(value=0.0),
    )
    expected = "a=1; Domain=example.org; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Secure; SameSite=None"
    assert cookie_header(cookie) == expected
