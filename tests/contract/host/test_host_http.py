"""HTTP triggers, keys and the admin API of the local host."""

import concurrent.futures
import stat
from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.host.conftest import GUARDED

ROUTES = """
@app.route("contacts/{id:guid}", methods=["GET", "POST"])
def a_contact(req: func.HttpRequest) -> func.HttpResponse:
    return func.HttpResponse("contact " + req.route_params["id"])

@app.route("contacts/all")
def an_everyone(req: func.HttpRequest) -> str:
    return "everyone"

@app.route("contacts/{name}")
def by_name(req: func.HttpRequest) -> str:
    return "named " + req.route_params["name"]

@app.route("pages/{number:int:min(1)?}")
def page(req: func.HttpRequest) -> str:
    return "page " + req.route_params.get("number", "none")

@app.route("files/{*path}")
def file(req: func.HttpRequest) -> str:
    return "file " + req.route_params.get("path", "none")

@app.route("echo", methods=["POST"])
def echo(req: func.HttpRequest, context: func.Context) -> func.HttpResponse:
    facts = {"query": dict(req.params), "mark": req.headers.get("X-Mark"), "url": req.url,
             "trace": context.trace_context.Traceparent, "function": context.function_name}
    return func.HttpResponse(req.get_body(), status_code=202,
                             headers={"X-Facts": json.dumps(facts)},
                             mimetype="application/octet-stream")

@app.route("cookies")
def cookies(req: func.HttpRequest) -> func.HttpResponse:
    response = func.HttpResponse(status_code=204)
    response.headers.add("Set-Cookie", "a=1; Path=/; HttpOnly; SameSite=Lax")
    response.headers.add("Set-Cookie", "b=2; Max-Age=60")
    return response

@app.route("fails")
def fails(req: func.HttpRequest) -> str:
    raise LookupError("the marked failure")

@app.route("master", auth_level=func.AuthLevel.ADMIN)
def master(req: func.HttpRequest) -> str:
    return "in"

@app.route("off")
def off(req: func.HttpRequest) -> str:
    return "off"

meeting = threading.Barrier(8)

@app.route("together")
def together(req: func.HttpRequest) -> str:
    meeting.wait(10)
    return "met"

@app.route("logs")
def logs(req: func.HttpRequest) -> str:
    logging.info("a line for the log")
    logging.debug("a line that nobody asked for")
    return "logged"
"""
SOURCE = GUARDED + ROUTES
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"


@pytest.fixture(scope="module")
def host(new_app: Callable[..., Any], launch: Callable[..., Any]) -> Any:
    return launch(new_app(SOURCE, **{"AzureWebJobs.off.Disabled": "true"}))


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"/api/contacts/{GUID}", f"contact {GUID}"),
        (f"/API/Contacts/{GUID}/", f"contact {GUID}"),
        ("/api/contacts/all", "everyone"),
        ("/api/contacts/O%27Neil%20%2F%20Co", "named O'Neil %2F Co"),
        ("/api/pages", "page none"),
        ("/api/pages/7", "page 7"),
        ("/api/files", "file none"),
        ("/api/files/a/b.txt", "file a/b.txt"),
        ("/", "Your Functions host is up and running."),
    ],
)
def test_a_path_reaches_the_first_function_by_name_whose_route_fits(
    host: Any, path: str, text: str
) -> None:
    answer = host.call(path)
    assert (answer.status_code, answer.text) == (200, text)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/none"),
        ("GET", "/api/pages/0"),
        ("GET", "/api/pages/x"),
        ("GET", "/api/echo"),
        ("GET", "/echo"),
    ],
)
def test_a_path_or_method_without_a_route_is_404(host: Any, method: str, path: str) -> None:
    assert host.call(path, method).status_code == 404


def test_query_headers_body_and_trace_reach_the_function_and_its_answer_comes_back_whole(
    host: Any,
) -> None:
    body = bytes(range(256)) * 20_000
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    answer = host.call(
        "/api/echo?a=1&a=2&b=", "POST", data=body, headers={"X-Mark": "m", "traceparent": trace}
    )
    facts = answer.headers["X-Facts"]
    assert (answer.status_code, answer.content == body) == (202, True)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert '"mark": "m"' in facts
    assert '"a": "1,2"' in facts
    assert trace in facts
    assert '"function": "echo"' in facts


def test_several_cookies_keep_their_attributes(host: Any) -> None:
    answer = host.call("/api/cookies")
    assert answer.status_code == 204
    cookies = answer.raw.headers.getlist("Set-Cookie")
    assert cookies == ["a=1; path=/; samesite=lax; httponly", "b=2; max-age=60; path="]


def test_a_function_that_raises_answers_500_and_its_stack_trace_is_in_the_log(host: Any) -> None:
    answer = host.call("/api/fails")
    assert (answer.status_code, answer.text) == (500, "")
    assert "LookupError: the marked failure" in host.log()
    assert 'raise LookupError("the marked failure")' in host.log()


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("guarded", None, 401),
        ("guarded", "nonsense", 401),
        ("guarded", "guarded", 200),
        ("guarded", "other", 401),
        ("guarded", "default", 200),
        ("guarded", "_master", 200),
        ("master", "default", 401),
        ("master", "master", 401),
        ("master", "_master", 200),
    ],
)
def test_a_key_opens_what_it_is_for(host: Any, path: str, key: str | None, status: int) -> None:
    value = host.app.keys().get(key, "not a key") if key else ""
    by_header = host.call(f"/api/{path}", headers={"x-functions-key": value} if key else {})
    by_query = host.call(f"/api/{path}", params={"code": value} if key else {})
    assert (by_header.status_code, by_query.status_code) == (status, status)


def test_the_key_file_is_for_its_owner_only_and_names_every_function(host: Any) -> None:
    assert stat.S_IMODE(host.app.keys_file.stat().st_mode) == 0o600
    assert {"_master", "default", "guarded", "a_contact"} <= host.app.keys().keys()
    assert len(set(host.app.keys().values())) == len(host.app.keys())


def test_a_disabled_function_is_there_for_the_master_key_only(host: Any) -> None:
    assert host.call("/api/off").status_code == 404
    assert (
        host.call("/api/off", headers={"x-functions-key": host.app.keys()["_master"]}).text == "off"
    )


def test_synchronous_functions_run_side_by_side(host: Any) -> None:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(host.call, ["/api/together"] * 8))
    assert [answer.text for answer in answers] == ["met"] * 8


def test_log_lines_of_a_function_carry_its_invocation_id(host: Any) -> None:
    host.call("/api/logs")
    lines = host.log().splitlines()
    started = next(line for line in lines if "Executing 'Functions.logs'" in line)
    invocation = started.rpartition("Id=")[2].rstrip(")")
    assert any("a line for the log" in line and f" {invocation[:8]}:" in line for line in lines)
    assert any(f"Executed 'Functions.logs' (Succeeded, Id={invocation}" in line for line in lines)
    assert "a line that nobody asked for" not in host.log()


def test_the_admin_api_is_closed_without_the_master_key(host: Any) -> None:
    with_host_key = {"x-functions-key": host.app.keys()["default"]}
    assert host.call("/admin/functions").status_code == 401
    assert (
        host.call("/admin/functions/echo", "POST", headers=with_host_key, json={}).status_code
        == 403
    )
    assert host.call("/admin/host/ping").status_code == 200


def test_the_admin_api_lists_functions_and_reports_the_state(host: Any) -> None:
    headers = {"x-functions-key": host.app.keys()["_master"]}
    listed = host.call("/admin/functions", headers=headers).json()
    assert {entry["name"] for entry in listed if entry["isDisabled"]} == {"off"}
    described = host.call("/admin/functions/ECHO", headers=headers).json()
    assert described["config"]["bindings"][0]["type"] == "httpTrigger"
    assert host.call("/admin/host/status", headers=headers).json()["state"] == "Running"
    assert host.call("/admin/functions/nobody", headers=headers).status_code == 404


def test_an_http_function_is_not_fired_by_hand(host: Any) -> None:
    assert host.fire("echo").status_code == 400
