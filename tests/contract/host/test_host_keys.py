"""Named keys of the local host and its key management API, as wiki and source of
azure-functions-host tell them.
"""

from collections.abc import Callable
from typing import Any

import pytest

from tests.contract.host.conftest import GUARDED

HEADER = "x-functions-key"


class Admin:
    """Whoever has the master key."""

    def __init__(self, host: Any) -> None:
        self.host = host

    def ask(self, method: str, path: str, body: Any = None, key: str | None = None) -> Any:
        headers = {HEADER: key or self.host.app.keys()["_master"]}
        return self.host.call(f"/admin/{path}", method, headers=headers, json=body)


@pytest.fixture(scope="module")
def host(new_app: Callable[..., Any], launch: Callable[..., Any]) -> Any:
    return launch(new_app(GUARDED))


@pytest.fixture
def admin(host: Any) -> Admin:
    return Admin(host)


def status(host: Any, path: str, key: str) -> int:
    return int(host.call(f"/api/{path}", headers={HEADER: key}).status_code)


def test_the_shapes_of_the_key_api(host: Any, admin: Admin) -> None:
    url = f"{host.url}/admin/functions/guarded/keys"
    made = admin.ask("PUT", "functions/guarded/keys/anna", {"name": "anna", "value": "anna.1"})
    own = {"name": "anna", "value": "anna.1", "links": [{"rel": "self", "href": f"{url}/anna"}]}
    assert (made.status_code, made.json()) == (201, own)
    assert admin.ask("PUT", "functions/GUARDED/keys/ANNA", {"value": "anna.2"}).status_code == 200
    listed = admin.ask("GET", "functions/guarded/keys").json()
    assert listed["links"] == [{"rel": "self", "href": url}]
    assert {entry["name"]: entry["value"] for entry in listed["keys"]}["anna"] == "anna.2"
    plain = admin.ask("PUT", "functions/guarded/keys/carl", {"Value": 7})
    assert (plain.status_code, plain.json()["value"]) == (201, "7")
    assert admin.ask("DELETE", "functions/guarded/keys/carl").status_code == 204
    generated = admin.ask("POST", "functions/guarded/keys/bert")
    assert (generated.status_code, len(generated.json()["value"]) > 40) == (201, True)
    assert (
        admin.ask("GET", "functions/guarded/keys/bert").json()["value"] == generated.json()["value"]
    )
    assert [
        admin.ask("DELETE", f"functions/guarded/keys/{name}").status_code
        for name in ("anna", "bert", "bert")
    ] == [
        204,
        204,
        404,
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "code"),
    [
        pytest.param("GET", "functions/nobody/keys", None, 404, id="no such function"),
        pytest.param(
            "PUT", "functions/nobody/keys/a", {"value": "v"}, 404, id="key of no function"
        ),
        pytest.param("PUT", "functions/guarded/keys/a", {}, 400, id="no value"),
        pytest.param("PUT", "functions/guarded/keys/a", [], 400, id="no object"),
        pytest.param("PUT", "functions/guarded/keys/a", {"value": [7]}, 400, id="no text"),
        pytest.param("PUT", "functions/guarded/keys/a", None, 415, id="not said to be JSON"),
        pytest.param("DELETE", "host/systemkeys/_MASTER", None, 400, id="it stays in any case"),
        pytest.param("DELETE", "host/keys/_other", None, 404, id="another name that begins so"),
        pytest.param("GET", "functions/guarded/keys/a", None, 404, id="no such key"),
        pytest.param("DELETE", "host/keys/_master", None, 400, id="the master key stays"),
        pytest.param("GET", "host/otherkeys", None, 404, id="no such scope"),
    ],
)
def test_what_the_key_api_refuses(
    admin: Admin, method: str, path: str, body: Any, code: int
) -> None:
    assert admin.ask(method, path, body).status_code == code


@pytest.mark.parametrize(
    "path", ["host/keys", "host/functionkeys", "host/systemkeys/_master", "functions/guarded/keys"]
)
def test_the_key_api_is_for_the_master_key(host: Any, admin: Admin, path: str) -> None:
    keys = host.app.keys()
    assert {
        admin.ask("GET", path, key=keys[name]).status_code for name in ("default", "guarded")
    } <= {401, 403}
    assert admin.ask("GET", path).status_code == 200


def test_a_key_opens_its_function_beside_the_others_until_it_is_taken_away(
    host: Any, admin: Admin
) -> None:
    for name in ("old", "new"):
        admin.ask("PUT", f"functions/guarded/keys/{name}", {"value": f"dataverse.{name}"})
    assert [status(host, "guarded", f"dataverse.{name}") for name in ("old", "new")] == [200, 200]
    assert status(host, "other", "dataverse.new") == 401
    admin.ask("DELETE", "functions/guarded/keys/old")
    assert [status(host, "guarded", f"dataverse.{name}") for name in ("old", "new")] == [401, 200]


def test_host_keys_open_every_function_and_have_two_addresses(host: Any, admin: Admin) -> None:
    admin.ask("PUT", "host/functionkeys/second", {"value": "a second host key"})
    assert [status(host, path, "a second host key") for path in ("guarded", "other")] == [200, 200]
    assert admin.ask("GET", "host/keys/second").json()["value"] == "a second host key"
    admin.ask("DELETE", "host/keys/second")
    assert status(host, "other", "a second host key") == 401


def test_a_system_key_opens_no_function(host: Any, admin: Admin) -> None:
    admin.ask("PUT", "host/systemkeys/extension", {"value": "a system key"})
    assert status(host, "guarded", "a system key") == 401


def test_a_renewed_master_key_replaces_the_old_one(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    admin = Admin(launch(new_app(GUARDED)))
    old = admin.host.app.keys()["_master"]
    assert (
        admin.ask("PUT", "host/systemkeys/_master", {"value": "another master key"}).status_code
        == 200
    )
    assert (
        admin.ask("GET", "host/keys", key=old).status_code,
        admin.ask("GET", "host/keys").status_code,
    ) == (401, 200)


@pytest.mark.parametrize(
    ("headers", "query", "code"),
    [
        pytest.param({}, "?code={key}", 200, id="query"),
        pytest.param({}, "?CODE={key}", 200, id="query in capitals"),
        pytest.param({HEADER: ""}, "?code={key}", 401, id="an empty header wins"),
        pytest.param({HEADER: "wrong"}, "?code={key}", 401, id="a wrong header wins"),
        pytest.param({HEADER: "{key}"}, "?code=wrong", 200, id="a good header wins"),
        pytest.param({}, "?code={key}&Code=wrong", 200, id="the first of two counts"),
        pytest.param({}, "?code=&code={key}", 401, id="the first counts, empty or not"),
        pytest.param({HEADER: "{key}x"}, "", 401, id="the whole value is checked"),
        pytest.param({HEADER: "{key}".upper()}, "", 401, id="with its case"),
    ],
)
def test_where_a_key_is_looked_for(
    host: Any, headers: dict[str, str], query: str, code: int
) -> None:
    key = host.app.keys()["guarded"]
    filled = {
        name: value.replace("{key}", key).replace("{KEY}", key.swapcase())
        for name, value in headers.items()
    }
    assert (
        host.call("/api/guarded" + query.replace("{key}", key), headers=filled).status_code == code
    )


def test_keys_survive_a_restart(new_app: Callable[..., Any], launch: Callable[..., Any]) -> None:
    first = launch(new_app(GUARDED))
    Admin(first).ask("PUT", "functions/guarded/keys/anna", {"value": "anna.kept"})
    before = first.app.keys_file.read_text("utf-8")
    first.stop()
    assert status(launch(first.app), "guarded", "anna.kept") == 200
    assert first.app.keys_file.read_text("utf-8") == before


def test_another_instance_learns_of_a_new_key_at_the_first_miss(
    new_app: Callable[..., Any], launch: Callable[..., Any]
) -> None:
    app = new_app(GUARDED)
    one, other = launch(app), launch(app)
    Admin(one).ask("PUT", "functions/guarded/keys/anna", {"value": "anna.shared"})
    assert [status(host, "guarded", "anna.shared") for host in (one, other)] == [200, 200]
