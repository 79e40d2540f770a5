"""The name of a caller is the part of the key's value before the first dot; the rest of the value
is never shown.
"""

from collections.abc import Mapping

import azure.functions as func
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.console.callers import NAMELESS, caller

KEY = "3f9c0d1e"


def request(headers: Mapping[str, str], query: Mapping[str, str]) -> func.HttpRequest:
    return func.HttpRequest(
        "POST", "/api/flows/contacts/stop", headers=headers, params=query, body=b""
    )


@pytest.mark.parametrize(
    ("headers", "query", "who"),
    [
        pytest.param({"x-functions-key": f"anna.{KEY}"}, {}, "key anna", id="header"),
        pytest.param(
            {"X-Functions-Key": f"anna.{KEY}"}, {}, "key anna", id="header in another case"
        ),
        pytest.param({}, {"code": f"anna.{KEY}"}, "key anna", id="query"),
        pytest.param({}, {"CODE": f"anna.{KEY}"}, "key anna", id="query in capitals"),
        pytest.param(
            {"x-functions-key": f"anna.{KEY}"},
            {"code": f"bert.{KEY}"},
            "key anna",
            id="the header wins",
        ),
        pytest.param(
            {"x-functions-key": ""}, {"code": f"bert.{KEY}"}, NAMELESS, id="an empty header wins"
        ),
        pytest.param(
            {"x-functions-key": f"anna.{KEY},bert.{KEY}"},
            {},
            "key anna",
            id="the first of two headers",
        ),
        pytest.param(
            {"x-functions-key": f"{KEY},bert.{KEY}"},
            {},
            NAMELESS,
            id="the first of two headers, without a name",
        ),
        pytest.param(
            {}, {"code": f"anna.{KEY},bert.{KEY}"}, "key anna", id="the first of two codes"
        ),
        pytest.param(
            {"x-functions-key": f"ci-Deploy_2.{KEY}"},
            {},
            "key ci-Deploy_2",
            id="all that a name may have",
        ),
        pytest.param(
            {"x-functions-key": f"anna.b.{KEY}"}, {}, "key anna", id="the first dot counts"
        ),
        pytest.param(
            {"x-functions-key": f"{'n' * 64}.{KEY}"}, {}, f"key {'n' * 64}", id="64 characters"
        ),
        pytest.param({"x-functions-key": f"{'n' * 65}.{KEY}"}, {}, NAMELESS, id="65 characters"),
        pytest.param({"x-functions-key": KEY}, {}, NAMELESS, id="no dot"),
        pytest.param({"x-functions-key": f".{KEY}"}, {}, NAMELESS, id="no name"),
        pytest.param({"x-functions-key": "anna."}, {}, NAMELESS, id="nothing but a name"),
        pytest.param({"x-functions-key": f"anna smith.{KEY}"}, {}, NAMELESS, id="a blank"),
        pytest.param({"x-functions-key": f"anna@example.org.{KEY}"}, {}, NAMELESS, id="an address"),
        pytest.param({"x-functions-key": f"änna.{KEY}"}, {}, NAMELESS, id="another alphabet"),
        pytest.param({"x-functions-key": f"anna\n.{KEY}"}, {}, NAMELESS, id="a line break"),
        pytest.param({}, {}, NAMELESS, id="no key"),
    ],
)
def test_who_called(headers: dict[str, str], query: dict[str, str], who: str) -> None:
    asked = request(headers, query)
    assert caller(asked.headers, asked.params) == who


@given(st.text(max_size=200), st.text(max_size=200))
def test_nothing_but_a_name_is_told(header: str, code: str) -> None:
    reported = caller({"x-functions-key": header}, {"code": code})
    assert reported == NAMELESS or (
        header.startswith(f"{reported.removeprefix('key ')}.") and "." not in reported
    )
