"""Throttling, injected faults, the clock, seeding, persistence.

Microsoft Learn: Service protection API limits.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

SELECTION = "contacts?$select=lastname&$top=1"


def test_too_many_requests_are_refused_until_the_window_has_passed(org: Any) -> None:
    org.control("limits", {"requests": 3})
    last = [org.request("GET", SELECTION) for _ in range(3)][-1]
    refused = org.request("GET", SELECTION)
    assert last.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "0"
    assert refused.status_code == 429
    assert 299 <= int(refused.headers["Retry-After"]) <= 300
    assert refused.json() == {
        "error": {
            "code": "0x80072322",
            "message": (
                "Number of requests exceeded the limit of 3 over time window of 300 seconds."
            ),
        }
    }
    org.control("clock", {"advance_seconds": 301})
    org.renew_token()
    assert org.request("GET", SELECTION).status_code == 200


def test_execution_time_is_counted_together(org: Any) -> None:
    org.control("faults", [{"match": {}, "action": {"delay_seconds": 0.02}}])
    org.control("limits", {"execution_ms": 30, "window_seconds": 10})
    answers = [org.request("GET", SELECTION) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[-1].json()["error"]["code"] == "0x80072321"
    assert (
        answers[-1]
        .json()["error"]["message"]
        .startswith("Combined execution time of incoming requests exceeded limit of 30 mil")
    )


def test_requests_at_the_same_time_are_limited(org: Any) -> None:
    org.control("faults", [{"match": {"route": "contacts"}, "action": {"delay_seconds": 0.3}}])
    org.control("limits", {"concurrency": 2})
    headers = dict(org.session.headers)
    with ThreadPoolExecutor(6) as pool:
        answers = list(
            pool.map(
                lambda _: requests.get(f"{org.api}/{SELECTION}", headers=headers, timeout=10),
                range(6),
            )
        )
    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429, 429, 429]
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 429} == {
        "0x80072326"
    }


def test_coming_back_too_early_lengthens_the_wait(org: Any) -> None:
    org.control("limits", {"requests": 1, "window_seconds": 60, "lengthen_seconds": 10})
    org.request("GET", SELECTION)
    waits = [int(org.request("GET", SELECTION).headers["Retry-After"]) for _ in range(3)]
    assert waits == [waits[0], waits[0] + 10, waits[0] + 20]


def test_each_application_has_its_own_budget_and_limits_can_be_switched_off(org: Any) -> None:
    org.control("limits", {"requests": 1})
    other = {
        "Authorization": (
            f"Bearer {org.token(org.base, appid='99999999-0000-4000-8000-000000000001')}"
        )
    }
    assert [org.request("GET", SELECTION).status_code for _ in range(2)] == [200, 429]
    assert org.request("GET", SELECTION, **other).status_code == 200
    org.control("limits", {})
    assert org.request("GET", SELECTION).status_code == 200


def test_limits_that_do_not_exist_are_refused(org: Any) -> None:
    assert (
        org.session.post(
            f"{org.base}/_emulator/limits", json={"request": 1}, timeout=10
        ).status_code
        == 400
    )
    answer = org.session.post(
        f"{org.base}/_emulator/access", json={"privileges": {"prvReadContact": "Some"}}, timeout=10
    )
    assert answer.status_code == 400


def test_a_fault_answers_in_place_of_the_work_for_its_times(org: Any) -> None:
    fault = {
        "status": 429,
        "headers": {"Retry-After": "7"},
        "body": {"error": {"code": "0x80072322", "message": "m"}},
    }
    org.control(
        "faults",
        [{"match": {"method": "POST", "route": "^/contacts$"}, "action": fault, "times": 2}],
    )
    answers = [org.request("POST", "contacts", {"lastname": "A"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 204]
    assert answers[0].headers["Retry-After"] == "7"
    assert len(org.get("contacts?$select=lastname")["value"]) == 1


def test_a_connection_dropped_after_the_work_leaves_the_work_done(org: Any) -> None:
    org.control("faults", [{"match": {"method": "POST"}, "action": {"drop": "after"}, "times": 1}])
    with pytest.raises(requests.ConnectionError):
        org.request("POST", "contacts", {"lastname": "Written"})
    assert [row["lastname"] for row in org.get("contacts?$select=lastname")["value"]] == ["Written"]


def test_a_connection_dropped_before_the_work_leaves_it_undone(org: Any) -> None:
    org.control("faults", [{"match": {"method": "POST"}, "action": {"drop": "before"}, "times": 1}])
    with pytest.raises(requests.ConnectionError):
        org.request("POST", "contacts", {"lastname": "Lost"})
    assert org.get("contacts?$select=lastname")["value"] == []


def test_calls_are_counted_by_verb_and_template(org: Any) -> None:
    org.control("reset", {})
    row_id = org.create("contacts", lastname="A")
    org.update(f"contacts({row_id})", lastname="B")
    org.get(f"contacts({row_id})?$select=lastname")
    org.get("contacts?$select=lastname")
    org.get("EntityDefinitions(LogicalName='contact')/Keys")
    assert org.control("calls") == {
        "GET /EntityDefinitions({key})/Keys": 1,
        "GET /contacts": 1,
        "GET /contacts({key})": 1,
        "PATCH /contacts({key})": 1,
        "POST /contacts": 1,
    }


def test_times_follow_the_emulators_clock(org: Any) -> None:
    org.control("clock", {"now": "2031-01-31T12:00:00Z"})
    org.renew_token()
    row_id = org.create("contacts", lastname="A")
    assert org.get(f"contacts({row_id})?$select=modifiedon")["modifiedon"].startswith(
        "2031-01-31T12:00:0"
    )


COLUMNS = (
    "$select=contactid,fullname,emailaddress1,birthdate,statecode,statuscode,donotemail,"
    "description,address1_composite"
)


def read_all(org: Any) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    page = org.get(f"contacts?{COLUMNS}")
    rows |= {row["contactid"]: row for row in page["value"]}
    while "@odata.nextLink" in page:
        page = org.get(page["@odata.nextLink"])
        rows |= {row["contactid"]: row for row in page["value"]}
    return {
        row_id: {name: value for name, value in row.items() if name != "@odata.etag"}
        for row_id, row in rows.items()
    }


def test_seeded_contacts_are_the_same_for_the_same_seed_and_in_any_slices(org: Any) -> None:
    org.control("seed", {"contacts": 300, "seed": 5})
    whole = read_all(org)
    org.control("reset", {})
    org.control("seed", {"contacts": 100, "seed": 5, "offset": 200})
    org.control("seed", {"contacts": 200, "seed": 5})
    assert read_all(org) == whole
    org.control("seed", {"contacts": 200, "seed": 5})
    assert len(read_all(org)) == len(whole) == 300
    org.control("seed", {"contacts": 50, "seed": 6})
    assert len(read_all(org)) == 350


def test_seeded_contacts_are_varied_valid_and_reachable_on_reserved_domains_only(
    org: Any, endpoint: Any
) -> None:
    org.listen(endpoint.url, message="Create")
    org.control("seed", {"contacts": 3000, "seed": 1})
    rows = list(read_all(org).values())
    addresses = [row["emailaddress1"] for row in rows if row["emailaddress1"]]
    text = " ".join(row["fullname"] for row in rows)
    assert all(address.endswith("@example.org") for address in addresses)
    assert len(set(addresses)) < len(addresses) < len(rows)
    assert 20 < sum(row["statecode"] for row in rows) < 400
    assert all(row["statuscode"] == row["statecode"] + 1 for row in rows)
    assert 20 < sum(row["donotemail"] for row in rows) < 1000
    for piece in ("山", "محمد", "🎉", "'", '"', "𠮷"):
        assert piece in text
    assert any(row["birthdate"] is None for row in rows)
    assert max(len(row["description"] or "") for row in rows) == 2000
    assert org.quiet()["attempts"] == 0


def test_a_seeded_contact_passes_the_emulators_own_checks(org: Any) -> None:
    org.control("seed", {"contacts": 60, "seed": 9})
    for row in org.get("contacts")["value"]:
        kept = {
            name: value
            for name, value in row.items()
            if name[0] not in "@_" and name not in ("contactid", "createdon")
        }
        response = org.request(
            "POST", "contacts", kept | ({"statuscode": 1} if row["statecode"] else {})
        )
        assert response.status_code == 204, response.text


def test_a_database_file_outlives_the_process_with_tokens_registrations_and_new_columns(
    start_emulator: Any, endpoint: Any, tmp_path: Path
) -> None:
    database = str(tmp_path / "dataverse.sqlite")
    process, first = start_emulator("--database", database)
    column = {
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": "new_Code",
        "MaxLength": 20,
    }
    assert (
        first.request(
            "POST", "EntityDefinitions(LogicalName='contact')/Attributes", column
        ).status_code
        == 204
    )
    first.listen(endpoint.url, message="Create")
    row_id = first.create("contacts", lastname="Before", new_code="x")
    token = first.get("contacts?$select=new_code", Prefer="odata.track-changes")[
        "@odata.deltaLink"
    ].partition("$deltatoken=")[2]
    organization = first.get("WhoAmI")["OrganizationId"]
    first.quiet()
    process.kill()
    process.wait(10)
    _, second = start_emulator("--database", database)
    assert second.get("WhoAmI")["OrganizationId"] == organization
    assert second.get(f"contacts({row_id})?$select=new_code")["new_code"] == "x"
    after = second.create("contacts", lastname="After")
    second.delete(f"contacts({row_id})")
    delta = second.get(f"contacts?$select=new_code&$deltatoken={token}")["value"]
    assert [row.get("contactid", row.get("id")) for row in delta] == [after, row_id]
    assert second.quiet()["delivered"] == 1
