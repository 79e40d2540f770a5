"""`$batch` on the wire. Microsoft Learn: Execute batch operations using the Web API."""

import json
import re
from typing import Any

import pytest

JSON = "Content-Type: application/json; type=entry"
CRLF = "\r\n"


def part(
    method: str, target: str, body: Any = None, *headers: str, content_id: int | None = None
) -> str:
    """One operation as a part, without a boundary."""
    outer = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id is not None:
        outer.append(f"Content-ID: {content_id}")
    lines = [
        *outer,
        "",
        f"{method} {target} HTTP/1.1",
        *([JSON] if body is not None else []),
        *headers,
        "",
    ]
    return CRLF.join([*lines, json.dumps(body) if body is not None else ""])


def multipart(boundary: str, *parts: str) -> str:
    return "".join(f"--{boundary}{CRLF}{one}{CRLF}" for one in parts) + f"--{boundary}--{CRLF}"


def change_set(*parts: str) -> str:
    return (
        "Content-Type: multipart/mixed;"
        f' boundary="changeset_1"{CRLF}{CRLF}{multipart("changeset_1", *parts)}'
    )


def send(org: Any, *parts: str, prefer: str = "", body: str | None = None) -> Any:
    headers = {
        "Content-Type": 'multipart/mixed; boundary="batch_1"',
        **({"Prefer": prefer} if prefer else {}),
    }
    text = multipart("batch_1", *parts) if body is None else body
    return org.session.post(f"{org.api}/$batch", data=text.encode(), headers=headers, timeout=30)


def statuses(response: Any) -> list[int]:
    return [int(found) for found in re.findall(r"^HTTP/1\.1 (\d{3}) ", response.text, re.MULTILINE)]


def names(org: Any) -> list[str]:
    return sorted(row["lastname"] for row in org.get("contacts?$select=lastname")["value"])


def test_operations_run_one_by_one_and_answer_in_order(org: Any) -> None:
    response = send(
        org,
        part("POST", "/api/data/v9.2/contacts", {"lastname": "Host-relative"}),
        part("POST", f"{org.api}/contacts", {"lastname": "Absolute"}),
        part("POST", "contacts", {"lastname": "Relative"}),
        part("GET", "/api/data/v9.2/contacts?$select=lastname&$filter=lastname%20eq%20'Absolute'"),
    )
    assert response.status_code == 200
    assert re.fullmatch(
        r"multipart/mixed; boundary=batchresponse_[0-9a-f-]{36}", response.headers["Content-Type"]
    )
    assert statuses(response) == [204, 204, 204, 200]
    assert re.search(rf"OData-EntityId: {org.api}/contacts\([0-9a-f-]{{36}}\)\r\n", response.text)
    assert '"lastname":"Absolute"' in response.text
    assert names(org) == ["Absolute", "Host-relative", "Relative"]


def test_it_stops_at_the_first_error_with_that_status(org: Any) -> None:
    response = send(
        org,
        part("POST", "contacts", {"lastname": "First"}),
        part("POST", "contacts", {"lastname": "x" * 51}),
        part("POST", "contacts", {"lastname": "Third"}),
    )
    assert response.status_code == 400
    assert statuses(response) == [204, 400]
    assert '"code":"0x80044331"' in response.text
    assert names(org) == ["First"]


def test_it_goes_on_when_told_to(org: Any) -> None:
    response = send(
        org,
        part("POST", "contacts", {"lastname": "x" * 51}),
        part("DELETE", "contacts(00000000-0000-0000-0000-00000000dead)"),
        part("POST", "contacts", {"lastname": "Third"}),
        prefer="odata.continue-on-error",
    )
    assert (response.status_code, statuses(response)) == (200, [400, 404, 204])
    assert names(org) == ["Third"]


def test_a_change_set_is_all_or_nothing_and_answers_with_one_error(org: Any) -> None:
    bad = change_set(
        part("POST", "contacts", {"lastname": "In"}, content_id=1),
        part("POST", "contacts", {"lastname": "x" * 51}, content_id=2),
    )
    response = send(
        org, bad, part("POST", "contacts", {"lastname": "After"}), prefer="odata.continue-on-error"
    )
    assert statuses(response) == [400, 204]
    assert names(org) == ["After"]


def test_operations_of_a_change_set_refer_to_each_other(org: Any) -> None:
    response = send(
        org,
        change_set(
            part("POST", "accounts", {"name": "Contoso"}, content_id=1),
            part(
                "POST",
                "contacts",
                {"lastname": "A", "parentcustomerid_account@odata.bind": "$1"},
                content_id=2,
            ),
            part("PATCH", "$2", {"firstname": "B"}, content_id=3),
        ),
    )
    assert statuses(response) == [204, 204, 204]
    assert re.findall(r"^Content-ID: (\d)", response.text, re.MULTILINE) == ["1", "2", "3"]
    assert "boundary=changesetresponse_" in response.text
    (row,) = org.get("contacts?$select=fullname&$expand=parentcustomerid_account($select=name)")[
        "value"
    ]
    assert (row["fullname"], row["parentcustomerid_account"]["name"]) == ("B A", "Contoso")


def test_an_unknown_reference_and_a_get_in_a_change_set_are_refused(org: Any) -> None:
    unknown = send(org, change_set(part("PATCH", "$7", {"lastname": "A"}, content_id=1)))
    assert unknown.status_code == 400
    assert "Content-ID Reference: '$7' does not exist in the batch context." in unknown.text
    assert send(org, change_set(part("GET", "contacts", content_id=1))).status_code == 400


def test_conditions_stand_on_the_inner_requests(org: Any) -> None:
    row_id = org.create("contacts", lastname="Here")
    response = send(
        org,
        part("PATCH", f"contacts({row_id})", {"lastname": "Again"}, "If-None-Match: *"),
        part(
            "PATCH",
            "contacts(00000000-0000-0000-0000-00000000dead)",
            {"lastname": "New"},
            "If-None-Match: *",
        ),
        prefer="odata.continue-on-error",
    )
    assert statuses(response) == [412, 204]
    assert names(org) == ["Here", "New"]


def test_headers_of_the_batch_do_not_reach_its_operations(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url, message="Create")
    bypass = "MSCRM.BypassBusinessLogicExecution: CustomAsync"
    org.session.headers["MSCRM.BypassBusinessLogicExecution"] = "CustomAsync"
    try:
        send(
            org,
            part("POST", "contacts", {"lastname": "Loud"}),
            part("POST", "contacts", {"lastname": "Quiet"}, bypass),
        )
    finally:
        del org.session.headers["MSCRM.BypassBusinessLogicExecution"]
    assert org.quiet()["delivered"] == 1
    assert endpoint.arrivals[0].attributes["lastname"] == "Loud"


def test_a_thousand_operations_are_the_most(org: Any) -> None:
    many = [part("GET", "contacts?$top=1&$select=lastname")] * 1001
    assert send(org, *many).status_code == 400
    assert send(org, *many[:1000]).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        "",
        "--batch_1\r\nContent-Type: application/http\r\n\r\nGET contacts HTTP/1.1\r\n\r\n",
        "nonsense",
    ],
)
def test_a_batch_without_its_end_is_refused(org: Any, body: str) -> None:
    response = send(org, body=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "0x80048d19"


def test_a_body_may_hold_text_that_looks_like_line_ends(org: Any) -> None:
    text = "first\n\nsecond \r\n--batch_2\r\n 山田 🎉"
    assert statuses(
        send(org, part("POST", "contacts", {"lastname": "A", "description": text}))
    ) == [204]
    assert org.get("contacts?$select=description")["value"][0]["description"] == text
