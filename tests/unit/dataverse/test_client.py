"""Reads of Dataverse: a page without its list, or without the pages behind it, says nothing of what
is there.
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from shared.dataverse import wire
from shared.dataverse.batch import BatchWriter
from shared.errors import BridgeError, Cause, Misconfigured, Rejected, Retryable, TokenExpired
from shared.http.transport import Request, Response
from tests.unit.dataverse.kit import CONTACT, ID, URL, always, client

OTHER = "11111111-0000-0000-0000-000000000002"
NEXT = f"{URL}/api/data/v9.2/contacts?$skiptoken=2"
PRIVILEGE = (
    "Principal user (Id=1, type=8) is missing prvWriteContact privilege (Id=2) on OTC=2 for entity"
    " 'contact'."
)
RECORD = (
    f"Principal with id 1 does not have WriteAccess right(s) for record with id {ID} of entity"
    " contact"
)


def paged(*pages: Mapping[str, Any]) -> Any:
    """A client that is given one page after the other, and then the last one again and again."""
    left = list(pages)

    def send(_: Request) -> Response:
        page = left.pop(0) if len(left) > 1 else left[0]
        return Response(200, {}, json.dumps(page).encode())

    return client(send)


def test_the_pages_of_a_look_up_are_read_to_the_end() -> None:
    dataverse = paged(
        {"value": [{"contactid": ID}], "@odata.nextLink": NEXT},
        {"value": [{"contactid": OTHER.upper()}]},
    )
    assert dataverse.existing(CONTACT, [ID, OTHER]) == {ID, OTHER}


def test_an_empty_page_with_a_next_link_is_not_the_end() -> None:
    dataverse = paged({"value": [], "@odata.nextLink": NEXT}, {"value": [{"contactid": ID}]})
    assert dataverse.existing(CONTACT, [ID]) == {ID}


def test_the_lists_of_the_batch_writer_are_read_to_the_end() -> None:
    writer = BatchWriter(
        paged({"value": [], "@odata.nextLink": NEXT}, {"value": [{"sdkmessagefilterid": ID}]})
    )
    assert writer.supports("CreateMultiple", "task")


def test_a_list_that_never_ends_is_read_again_later() -> None:
    with pytest.raises(Retryable, match="does not end"):
        paged({"value": [], "@odata.nextLink": NEXT}).existing(CONTACT, [ID])


def test_a_next_link_to_another_host_is_not_followed() -> None:
    with pytest.raises(Misconfigured, match="another host"):
        paged({"value": [], "@odata.nextLink": "https://evil.example.org/contacts"}).existing(
            CONTACT, [ID]
        )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{}", id="no list"),
        pytest.param('{"value": null}', id="null"),
        pytest.param('{"value": {}}', id="an object"),
        pytest.param('{"value": ["a"]}', id="no rows"),
        pytest.param('{"value": [{"lastname": "x"}]}', id="a row without its id"),
        pytest.param("[]", id="a bare list"),
        pytest.param("null", id="nothing"),
        pytest.param('{"value": [', id="cut off"),
        pytest.param("<html>Sign in</html>", id="HTML"),
        pytest.param("", id="empty"),
        pytest.param("[" * 100_000, id="too deep"),
        pytest.param('{"error": {"code": "0x80040216", "message": "It failed."}}', id="an error"),
        pytest.param('{"error": {"code": "0x80040216"}, "value": []}', id="an error with a list"),
    ],
)
def test_an_answer_that_is_no_list_says_nothing_of_what_is_there(body: str) -> None:
    with pytest.raises(Retryable):
        always(200, body).existing(CONTACT, [ID])


@pytest.mark.parametrize("status", [206, 202, 204, 302, 304])
def test_another_status_is_no_answer(status: int) -> None:
    with pytest.raises(Retryable):
        always(status, '{"value": []}').existing(CONTACT, [ID])


def test_an_error_with_status_200_is_classified_by_its_code() -> None:
    with pytest.raises(Misconfigured, match="Track changes"):
        always(200, '{"error": {"code": "0x80072491"}}').tracked(CONTACT, ["contactid"])


@pytest.mark.parametrize("body", ["{}", '{"UserId": null}', "<html>"])
def test_an_answer_without_a_user_is_none(body: str) -> None:
    with pytest.raises(Retryable):
        always(200, body).who_am_i()


def update(dataverse: Any) -> dict[str, Any]:
    found: dict[str, Any] = dataverse.update(
        CONTACT, ID, {"donotemail": True}, 'W/"1"', ["contactid", "donotemail"]
    )
    return found


def row(**columns: Any) -> str:
    return json.dumps({"@odata.etag": 'W/"2"', "contactid": ID, **columns})


def test_an_update_gives_the_row() -> None:
    assert update(always(200, row(donotemail=True)))["donotemail"] is True


def test_an_update_without_a_representation_is_read() -> None:
    def send(request: Request) -> Response:
        if request.method == "PATCH":
            return Response(204, {}, b"")
        return Response(200, {}, json.dumps({"value": [json.loads(row(donotemail=True))]}).encode())

    assert update(client(send))["donotemail"] is True


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("", id="empty"),
        pytest.param("<html>", id="HTML"),
        pytest.param("{}", id="no row"),
        pytest.param('{"error": {"code": "0x80040216"}}', id="an error"),
        pytest.param(json.dumps({"contactid": OTHER, "donotemail": True}), id="another row"),
        pytest.param(json.dumps({"contactid": ID}), id="a row without the column"),
    ],
)
def test_an_update_that_is_not_answered_with_its_row_may_have_been_done(body: str) -> None:
    with pytest.raises(Retryable) as raised:
        update(always(200, body))
    assert raised.value.uncertain


def refused(
    message: str, held: str | None = "prvWriteContact", code: str = "0x80040220"
) -> BridgeError:
    """What a refused PATCH means to a role that holds a privilege (None: that may not be read)."""

    def send(request: Request) -> Response:
        if request.method == "PATCH":
            return Response(
                403, {}, json.dumps({"error": {"code": code, "message": message}}).encode()
            )
        if held is None:
            return Response(403, {}, b'{"error": {"code": "0x80040220", "message": ""}}')
        listed = [{"PrivilegeName": held, "PrivilegeId": "2", "Depth": "Local"}]
        return Response(200, {}, json.dumps({"UserId": ID, "RolePrivileges": listed}).encode())

    with pytest.raises(BridgeError) as raised:
        update(client(send))
    return raised.value


@pytest.mark.parametrize(
    "message",
    [PRIVILEGE, RECORD, "Access is denied.", ""],
    ids=["privilege", "record", "text", "nothing"],
)
@pytest.mark.parametrize("code", ["0x80040220", "0x80048306", "0x80040231", ""])
def test_a_row_of_a_table_that_may_be_written_is_rejected_alone(message: str, code: str) -> None:
    error = refused(message, code=code)
    assert isinstance(error, Rejected)
    assert error.reason == "access_denied"
    assert "prvWriteContact" in str(error)
    assert ID not in str(error)


def test_the_text_that_names_the_record_needs_no_look_at_the_role() -> None:
    assert isinstance(refused(RECORD, held=None), Rejected)


@pytest.mark.parametrize("held", ["prvReadContact", None], ids=["another privilege", "unknown"])
def test_without_the_privilege_the_flow_pauses_and_names_it(held: str | None) -> None:
    error = refused(PRIVILEGE, held)
    assert isinstance(error, Misconfigured)
    assert error.setting == "security role"
    assert "prvWriteContact" in str(error)


def test_a_secured_column_pauses_the_flow() -> None:
    error = refused(
        "Caller user with Id 1 does not have update permissions for a secured field.",
        code="0x8004f507",
    )
    assert isinstance(error, Misconfigured)
    assert error.setting == "column security profile"


def test_a_missing_user_is_no_refused_row() -> None:
    error = refused("The user is not a member of the organization.", code="0x80072560")
    assert isinstance(error, Misconfigured)
    assert error.setting == "application user"


def reading(depth: str, rows: list[dict[str, str]]) -> Any:
    """A client whose role reads contacts at a depth, "" for one that does not tell."""

    def send(request: Request) -> Response:
        listed = (
            [{"PrivilegeName": "prvReadContact", "PrivilegeId": "1", "Depth": depth}]
            if depth
            else []
        )
        return Response(
            200, {}, json.dumps({"UserId": ID, "RolePrivileges": listed, "value": rows}).encode()
        )

    return client(send)


@pytest.mark.parametrize("depth", ["Basic", "Local", "Deep"])
def test_what_the_role_may_not_read_is_not_absent(depth: str) -> None:
    with pytest.raises(Misconfigured, match="prvReadContact") as raised:
        reading(depth, [{"contactid": ID}]).existing(CONTACT, [ID, OTHER])
    assert raised.value.setting == "security role"
    assert reading(depth, [{"contactid": ID}]).existing(CONTACT, [ID]) == {ID}


@pytest.mark.parametrize("depth", ["Global", ""])
def test_what_a_role_that_reads_everything_does_not_find_is_absent(depth: str) -> None:
    assert reading(depth, [{"contactid": ID}]).existing(CONTACT, [ID, OTHER]) == {ID}


@pytest.mark.parametrize(
    "row",
    [
        pytest.param({"contactid": OTHER, "a": 1}, id="another row"),
        pytest.param({"contactid": f"{{{ID}}}", "a": 1}, id="an id in braces"),
        pytest.param({"contactid": ID}, id="a row without a column that was asked for"),
    ],
)
def test_rows_that_were_not_asked_for_show_no_absence(row: dict[str, object]) -> None:
    with pytest.raises(Retryable):
        always(200, json.dumps({"value": [row]})).rows(CONTACT, ["contactid", "a"], [ID])


@pytest.mark.parametrize("given", [f"{{{ID.upper()}}}", ID.upper(), ID.replace("-", "")])
def test_a_change_is_known_by_its_id_in_any_form(given: str) -> None:
    assert wire.change({"contactid": given}, "contactid", 1.0).record_id == ID
    assert wire.change({"id": given, "reason": "deleted"}, "contactid", 1.0).record_id == ID


@pytest.mark.parametrize("given", ["", "../x", 5, None, "a" * 36])
def test_a_change_without_an_id_is_asked_for_again(given: object) -> None:
    for item in ({"contactid": given}, {"id": given, "reason": "deleted"}):
        with pytest.raises(Retryable):
            wire.change(item, "contactid", 1.0)


DEFINED = {
    "LogicalName": "contact",
    "EntitySetName": "contacts",
    "PrimaryIdAttribute": "contactid",
    "Attributes": [],
}
OPTION = {"LogicalName": "a", "OptionSet": {"Options": [{"Value": None}]}}
UNNAMED_LANGUAGE = {
    "LogicalName": "a",
    "OptionSet": {"Options": [{"Value": 1, "Label": {"LocalizedLabels": [{"Label": "x"}]}}]},
}


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param({**DEFINED, "Attributes": [{}], "value": []}, id="a column without a name"),
        pytest.param({**DEFINED, "Attributes": None, "value": []}, id="no columns"),
        pytest.param({**DEFINED, "value": [OPTION]}, id="an option without a value"),
        pytest.param({**DEFINED, "value": [UNNAMED_LANGUAGE]}, id="a label without a language"),
        pytest.param({"LogicalName": "contact", "value": []}, id="a table without its set"),
    ],
)
def test_metadata_of_another_form_is_asked_for_again(answer: dict[str, object]) -> None:
    dataverse = always(200, json.dumps(answer))
    for ask in (dataverse.table, BatchWriter(dataverse).table):
        with pytest.raises(Retryable):
            ask("contact")


@pytest.mark.parametrize(
    "row",
    [{}, {"languagecode": None, "expirechangetrackingindays": None}, {"languagecode": "English"}],
)
def test_an_organization_of_another_form_is_asked_for_again(row: dict[str, object]) -> None:
    dataverse = always(200, json.dumps({"value": [row]}))
    for ask in (dataverse.base_language, dataverse.change_window_days):
        with pytest.raises(Retryable):
            ask()


def test_privileges_of_another_form_are_asked_for_again() -> None:
    with pytest.raises(Retryable):
        always(200, json.dumps({"UserId": ID, "RolePrivileges": [None]})).privileges()


@pytest.mark.parametrize("link", [None, ""])
def test_a_link_that_is_empty_is_none(link: str | None) -> None:
    answer = {
        "value": [],
        "@odata.nextLink": link,
        "@odata.deltaLink": f"{URL}/api/data/v9.2/contacts?$deltatoken=2",
    }
    dataverse = always(200, json.dumps(answer))
    assert dataverse.tracked(CONTACT, ["contactid"])[2]
    assert dataverse.listed(f"{URL}/api/data/v9.2/contacts", "contacts") == []


POSITION = f"{URL}/api/data/v9.2/contacts?$deltatoken=1"
OLD = "Version stamp associated with the client has expired. Please perform a full sync."


def tracked(status: int, code: str = "", message: str = "", link: str = POSITION) -> None:
    body = json.dumps({"error": {"code": code, "message": message}})
    always(status, body).tracked(CONTACT, ["contactid"], link)


@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "0x80044352", ""),
        (412, "0x80044352", OLD),
        (500, "0x80044352", ""),
        (400, "", OLD),
        (400, "0x0", "ExpiredVersionStamp"),
        (410, "", ""),
    ],
)
def test_only_a_position_that_is_said_to_have_expired_begins_the_read_anew(
    status: int, code: str, message: str
) -> None:
    with pytest.raises(TokenExpired):
        tracked(status, code, message)


@pytest.mark.parametrize(
    ("status", "code", "setting"),
    [
        (400, "0x80040203", "position"),
        (412, "", "position"),
        (400, "0x80060888", "mapping"),
        (404, "", "mapping"),
    ],
)
def test_a_position_that_is_refused_otherwise_fails_the_flow_with_a_cause(
    status: int, code: str, setting: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        tracked(status, code)
    assert caught.value.setting == setting


@pytest.mark.parametrize("status", [200, 206, 302, 405, 409, 413, 423, 425, 451, 500, 501, 505])
@pytest.mark.parametrize("link", [POSITION, ""], ids=["delta", "full"])
def test_an_answer_that_nobody_can_use_ends_some_day(status: int, link: str) -> None:
    """For an hour it is asked for again (tests/unit/test_troubles.py)."""
    with pytest.raises(Retryable) as caught:
        tracked(status, link=link)
    assert caught.value.cause is Cause.ANSWER


@pytest.mark.parametrize("status", [408, 502, 503, 504])
def test_an_outage_is_told_from_an_answer(status: int) -> None:
    with pytest.raises(Retryable) as caught:
        tracked(status)
    assert caught.value.cause is not Cause.ANSWER
