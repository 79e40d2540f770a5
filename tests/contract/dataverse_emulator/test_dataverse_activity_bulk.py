"""Many activities in one request.

Microsoft Learn: Use bulk operation messages; Execute batch operations using the Web API.
"""

import json
import uuid
from typing import Any

import pytest

from tests.contract.dataverse_emulator.activity_kit import regarding, subjects, targets

NOBODY = "00000000-0000-0000-0000-00000000dead"
CREATE = "acs_emailsends/Microsoft.Dynamics.CRM.CreateMultiple"
UPDATE = "acs_emailsends/Microsoft.Dynamics.CRM.UpdateMultiple"
UPSERT = "acs_emailsends/Microsoft.Dynamics.CRM.UpsertMultiple"
CRLF = "\r\n"


def event(number: int) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"event {number}"))


def test_five_hundred_are_created_with_their_own_ids_and_completed(
    sends: Any, contact: str
) -> None:
    rows = [
        {"activityid": event(n), "subject": f"Sent {n}", **regarding(contact)} for n in range(500)
    ]
    created = sends.request("POST", CREATE, targets(*rows))
    assert (created.status_code, created.json()["Ids"]) == (200, [event(n) for n in range(500)])
    done = [{"activityid": event(n), "statecode": 1, "statuscode": 2} for n in range(500)]
    assert sends.request("POST", UPDATE, targets(*done)).status_code == 204
    completed = sends.get(
        f"activitypointers?$filter=_regardingobjectid_value eq {contact} and statecode eq"
        " 1&$count=true"
    )
    assert completed["@odata.count"] == 500


def test_rows_without_an_id_get_one_and_every_row_its_own_columns(sends: Any) -> None:
    found = sends.request(
        "POST",
        CREATE,
        targets({"subject": "a", "acs_eventid": "1"}, {"subject": "b", "prioritycode": 2}),
    ).json()
    first, second = (sends.get(f"acs_emailsends({row_id})") for row_id in found["Ids"])
    assert (first["acs_eventid"], first["prioritycode"], first["statuscode"]) == ("1", 1, 1)
    assert (second["acs_eventid"], second["prioritycode"], second["versionnumber"]) == (
        None,
        2,
        first["versionnumber"] + 1,
    )


@pytest.mark.parametrize(
    ("bad", "status", "code"),
    [
        ({"subject": "x" * 201}, 400, "0x80044331"),
        ({"subject": "x", "statuscode": 2}, 400, "0x80048408"),
        ({"subject": "x", **regarding(NOBODY)}, 404, "0x80040217"),
        ({"subject": "x", "activityid": event(1)}, 412, "0x80040237"),
    ],
)
def test_one_refused_row_undoes_all(
    sends: Any, bad: dict[str, Any], status: int, code: str
) -> None:
    sends.create("acs_emailsends", activityid=event(1), subject="Before")
    assert sends.refused("POST", CREATE, targets({"subject": "Good"}, bad))[:2] == (status, code)
    assert subjects(sends) == ["Before"]


def test_an_id_that_is_taken_is_refused_without_saying_whose(sends: Any) -> None:
    body = targets(
        {"activityid": event(1), "subject": "a"}, {"activityid": event(1), "subject": "b"}
    )
    assert sends.refused("POST", CREATE, body) == (
        412,
        "0x80040237",
        "Cannot insert duplicate key.",
    )
    assert (
        sends.request("POST", CREATE, targets({"activityid": event(1), "subject": "a"})).status_code
        == 200
    )
    assert sends.refused("POST", CREATE, body) == (
        412,
        "0x80040237",
        "Cannot insert duplicate key.",
    )
    key = {"SchemaName": "acs_EventKey", "KeyAttributes": ["acs_eventid"]}
    assert (
        sends.request(
            "POST", "EntityDefinitions(LogicalName='acs_emailsend')/Keys", key
        ).status_code
        == 204
    )
    status, code, message = sends.refused(
        "POST", CREATE, targets(*[{"subject": n, "acs_eventid": "DM1:1"} for n in "cd"])
    )
    assert (status, code, "DM1:1" in message) == (412, "0x80060892", False)
    assert subjects(sends) == ["a"]


def test_a_row_comes_back_after_its_deletion(sends: Any) -> None:
    sends.create("acs_emailsends", activityid=event(1), subject="First")
    sends.delete(f"acs_emailsends({event(1)})")
    assert (
        sends.request(
            "POST", CREATE, targets({"activityid": event(1), "subject": "Again"})
        ).status_code
        == 200
    )
    assert subjects(sends) == ["Again"]


def test_of_equal_targets_the_first_update_counts(sends: Any) -> None:
    sends.create("acs_emailsends", activityid=event(1), subject="x")
    body = targets(
        {"activityid": event(1), "subject": "First"},
        {"activityid": event(1).upper(), "subject": "Second"},
    )
    assert sends.request("POST", UPDATE, body).status_code == 204
    assert subjects(sends) == ["First"]
    missing = targets(
        {"activityid": event(1), "subject": "Lost"}, {"activityid": NOBODY, "subject": "x"}
    )
    assert sends.refused("POST", UPDATE, missing) == (
        404,
        "0x80040217",
        f"acs_emailsend With Ids = {NOBODY} Do Not Exist",
    )
    assert subjects(sends) == ["First"]


def test_upserts_create_and_update_and_refuse_equal_targets(sends: Any) -> None:
    sends.create("acs_emailsends", activityid=event(1), subject="Old")
    both = [
        {"activityid": event(1), "subject": "New"},
        {"activityid": event(2), "subject": "Second"},
    ]
    assert sends.request("POST", UPSERT, targets(*both)).status_code == 204
    assert subjects(sends) == ["New", "Second"]
    assert sends.refused("POST", UPSERT, targets(both[0], both[0]))[1] == "0x80040237"


def filters(org: Any, message: str, table: str = "acs_emailsend") -> list[int]:
    """How many filter rows a message has, asked with parameter aliases and with literals."""
    start = "sdkmessagefilters?$select=sdkmessagefilterid&$filter=sdkmessageid/name eq "
    aliases = (
        f"{start}@message and primaryobjecttypecode eq @table&@message='{message}'&@table='{table}'"
    )
    literals = f"{start}'{message}' and primaryobjecttypecode eq '{table}'"
    return [len(org.get(query)["value"]) for query in (aliases, literals)]


def test_message_filters_tell_which_bulk_messages_a_table_has(sends: Any) -> None:
    assert filters(sends, "CreateMultiple") == filters(sends, "UpdateMultiple") == [1, 1]
    assert filters(sends, "CreateMultiple", "task") == [1, 1]
    assert filters(sends, "UpsertMultiple") == filters(sends, "CreateMultiple", "team") == [0, 0]


def test_a_table_can_be_made_to_lack_the_bulk_messages(sends: Any) -> None:
    sends.control("bulk", {"without": ["acs_emailsend"]})
    assert filters(sends, "CreateMultiple") == filters(sends, "UpdateMultiple") == [0, 0]
    for path, message in (
        (CREATE, "CreateMultiple"),
        (UPDATE, "UpdateMultiple"),
        (UPSERT, "UpsertMultiple"),
    ):
        status, code, text = sends.refused("POST", path, targets({"subject": "x"}))
        assert (status, code) == (400, "0x80040800")
        assert text.startswith(
            f"The '{message}' method does not support entities of type 'acs_emailsend'."
        )
    assert filters(sends, "CreateMultiple", "task") == [1, 1]
    sends.control("bulk", {})
    assert filters(sends, "CreateMultiple") == [1, 1]
    assert sends.request("POST", CREATE, targets({"subject": "x"})).status_code == 200


def test_a_switch_for_a_table_that_does_not_exist_is_refused(org: Any) -> None:
    answer = org.session.post(
        f"{org.base}/_emulator/bulk", json={"without": ["nosuch"]}, timeout=30
    )
    assert (answer.status_code, answer.json()) == (400, {"error": "no such table: nosuch"})


def operation(
    method: str, target: str, body: dict[str, Any], content_id: int, *headers: str
) -> str:
    lines = [
        "Content-Type: application/http",
        "Content-Transfer-Encoding: binary",
        f"Content-ID: {content_id}",
        "",
    ]
    return CRLF.join(
        [
            *lines,
            f"{method} {target} HTTP/1.1",
            "Content-Type: application/json",
            *headers,
            "",
            json.dumps(body),
        ]
    )


def change_sets(*sets: list[str]) -> str:
    """A batch body in which each list is one change set."""
    text = ""
    for number, operations in enumerate(sets, 1):
        text += (
            f"--batch_1{CRLF}Content-Type: multipart/mixed; boundary=changeset_{number}{CRLF}{CRLF}"
        )
        text += (
            "".join(f"--changeset_{number}{CRLF}{one}{CRLF}" for one in operations)
            + f"--changeset_{number}--{CRLF}"
        )
    return f"{text}--batch_1--{CRLF}"


def test_change_sets_create_and_complete_together_or_not_at_all(sends: Any, contact: str) -> None:
    def pair(number: int, **columns: Any) -> list[str]:
        new = {
            "activityid": event(number),
            "subject": f"Sent {number}",
            **regarding(contact),
            **columns,
        }
        return [
            operation("POST", "/api/data/v9.2/acs_emailsends", new, 1),
            operation("PATCH", "$1", {"statecode": 1, "statuscode": 2}, 2, "If-Match: *"),
        ]

    body = change_sets(pair(1), pair(2, subject="x" * 201), pair(1), pair(3))
    headers = {
        "Content-Type": "multipart/mixed; boundary=batch_1",
        "Prefer": "odata.continue-on-error",
    }
    answer = sends.session.post(
        f"{sends.api}/$batch", data=body.encode(), headers=headers, timeout=30
    )
    assert answer.status_code == 200
    assert [code in answer.text for code in ("0x80044331", "0x80040237")] == [True, True]
    found = sends.get("acs_emailsends?$select=subject,statecode&$orderby=subject")["value"]
    assert [(row["subject"], row["statecode"]) for row in found] == [("Sent 1", 1), ("Sent 3", 1)]
