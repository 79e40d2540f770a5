"""Single rows: conditions, keys, states, values and their refusals.

Microsoft Learn: Perform conditional operations using the Web API; Use Upsert to create or update a
record; Use an alternate key to reference a record; Web service error codes.
"""

import uuid
from typing import Any

import pytest

NOBODY = "00000000-0000-0000-0000-00000000dead"
LINK = "https://go.microsoft.com/fwlink/?linkid=2195293"


@pytest.fixture
def row_id(org: Any) -> str:
    return org.create("contacts", firstname="Ana", lastname="Test", emailaddress1="ana@example.org")


@pytest.fixture
def key(org: Any) -> None:
    body = {"SchemaName": "acs_External", "KeyAttributes": ["externaluseridentifier"]}
    assert (
        org.request("POST", "EntityDefinitions(LogicalName='contact')/Keys", body).status_code
        == 204
    )


def etag(org: Any, row_id: str) -> str:
    return org.get(f"contacts({row_id})?$select=lastname")["@odata.etag"]


def test_a_creation_answers_with_the_rows_address(org: Any) -> None:
    response = org.request("POST", "contacts", {"lastname": "A"})
    row_id = response.headers["OData-EntityId"][-37:-1]
    assert (response.status_code, response.content) == (204, b"")
    assert response.headers["OData-EntityId"] == f"{org.api}/contacts({uuid.UUID(row_id)})"
    assert response.headers["OData-Version"] == "4.0"


def test_a_creation_can_return_the_row(org: Any) -> None:
    response = org.request(
        "POST",
        "contacts?$select=fullname,donotemail",
        {"lastname": "A"},
        Prefer="return=representation",
    )
    body = response.json()
    assert response.status_code == 201
    assert response.headers["Preference-Applied"] == "return=representation"
    assert body["@odata.context"] == f"{org.api}/$metadata#contacts(fullname,donotemail)/$entity"
    assert (body["fullname"], body["donotemail"]) == ("A", False)


def test_an_own_id_can_be_given_but_only_once(org: Any) -> None:
    own = str(uuid.uuid4())
    assert org.create("contacts", contactid=own.upper(), lastname="A") == own
    assert org.refused("POST", "contacts", {"contactid": own, "lastname": "B"})[:2] == (
        412,
        "0x80040237",
    )


def test_defaults_owner_and_times_are_filled_in(org: Any, row_id: str) -> None:
    row = org.get(f"contacts({row_id})")
    me = org.get("WhoAmI")
    assert (row["statecode"], row["statuscode"], row["donotemail"], row["followemail"]) == (
        0,
        1,
        False,
        True,
    )
    assert row["preferredcontactmethodcode"] == 1
    assert (
        row["_ownerid_value"] == row["_createdby_value"] == row["_modifiedby_value"] == me["UserId"]
    )
    assert row["_owningbusinessunit_value"] == me["BusinessUnitId"]
    assert row["createdon"] == row["modifiedon"]
    assert row["createdon"].endswith("Z")
    assert row["middlename"] is None


def test_the_full_name_follows_its_parts(org: Any, row_id: str) -> None:
    org.update(f"contacts({row_id})", firstname=None)
    assert org.get(f"contacts({row_id})?$select=fullname,yomifullname")["fullname"] == "Test"
    org.update(f"contacts({row_id})", firstname="Zoé", fullname="ignored")
    assert org.get(f"contacts({row_id})?$select=fullname")["fullname"] == "Zoé Test"


def test_every_write_makes_a_new_version_even_without_a_difference(org: Any, row_id: str) -> None:
    before = etag(org, row_id)
    org.update(f"contacts({row_id})", lastname="Test")
    after = etag(org, row_id)
    assert int(after[3:-1]) > int(before[3:-1])
    assert org.get(f"contacts({row_id})?$select=versionnumber")["versionnumber"] == int(after[3:-1])


def test_an_update_of_a_missing_row_creates_it_unless_told_not_to(org: Any) -> None:
    assert org.refused("PATCH", f"contacts({NOBODY})", {"lastname": "A"}, If_Match="*") == (
        404,
        "0x80040217",
        f"contact With Id = {NOBODY} Does Not Exist",
    )
    created = org.request("PATCH", f"contacts({NOBODY})", {"lastname": "A"})
    assert (created.status_code, created.headers["OData-EntityId"]) == (
        204,
        f"{org.api}/contacts({NOBODY})",
    )
    updated = org.request(
        "PATCH",
        f"contacts({NOBODY})?$select=lastname",
        {"lastname": "B"},
        Prefer="return=representation",
    )
    assert (updated.status_code, updated.json()["lastname"]) == (200, "B")


def test_an_upsert_that_creates_says_201_with_representation(org: Any) -> None:
    created = org.request(
        "PATCH",
        f"contacts({NOBODY})?$select=lastname",
        {"lastname": "A"},
        Prefer="return=representation",
    )
    assert created.status_code == 201


def test_create_only_is_refused_for_a_row_that_is_there(org: Any, row_id: str) -> None:
    assert org.refused("PATCH", f"contacts({row_id})", {"lastname": "B"}, If_None_Match="*") == (
        412,
        "0x80040237",
        "A record with matching key values already exists.",
    )
    assert (
        org.request(
            "PATCH", f"contacts({NOBODY})", {"lastname": "B"}, If_None_Match="*"
        ).status_code
        == 204
    )


def test_the_cache_header_null_is_no_condition(org: Any, row_id: str) -> None:
    assert (
        org.request(
            "PATCH", f"contacts({row_id})", {"lastname": "B"}, If_None_Match="null"
        ).status_code
        == 204
    )


def test_an_optimistic_update_needs_the_current_version(org: Any, row_id: str) -> None:
    current = etag(org, row_id)
    assert (
        org.request("PATCH", f"contacts({row_id})", {"lastname": "B"}, If_Match=current).status_code
        == 204
    )
    assert org.refused("PATCH", f"contacts({row_id})", {"lastname": "C"}, If_Match=current) == (
        412,
        "0x80060882",
        "The version of the existing record doesn't match the RowVersion property provided.",
    )
    assert org.refused("DELETE", f"contacts({row_id})", If_Match=current)[:2] == (412, "0x80060882")


def test_a_conditional_read_answers_304_while_nothing_changed(org: Any, row_id: str) -> None:
    current = etag(org, row_id)
    assert (
        org.request(
            "GET", f"contacts({row_id})?$select=lastname", If_None_Match=current
        ).status_code
        == 304
    )
    org.update(f"contacts({row_id})", lastname="B")
    assert (
        org.request(
            "GET", f"contacts({row_id})?$select=lastname", If_None_Match=current
        ).status_code
        == 200
    )


def test_a_deleted_row_is_gone(org: Any, row_id: str) -> None:
    org.delete(f"contacts({row_id})")
    assert org.refused("GET", f"contacts({row_id})")[:2] == (404, "0x80040217")
    assert org.refused("DELETE", f"contacts({row_id})")[:2] == (404, "0x80040217")


def test_a_deletion_takes_its_children_along_or_cuts_the_link_as_the_relationship_has_it(
    org: Any, row_id: str
) -> None:
    account = org.create(
        "accounts", name="Contoso", **{"primarycontactid@odata.bind": f"/contacts({row_id})"}
    )
    link = org.get("accounts?$select=name", Prefer="odata.track-changes")["@odata.deltaLink"]
    org.delete(f"contacts({row_id})")
    assert (
        org.get(f"accounts({account})?$select=_primarycontactid_value")["_primarycontactid_value"]
        is None
    )
    assert [row["accountid"] for row in org.get(link)["value"]] == [account]
    org.create(
        "contacts",
        **{"lastname": "Child", "parentcustomerid_account@odata.bind": f"/accounts({account})"},
    )
    org.delete(f"accounts({account})")
    assert org.get("contacts?$select=lastname")["value"] == []


def test_one_column_can_be_set_read_and_cleared(org: Any, row_id: str) -> None:
    address = f"contacts({row_id})/emailaddress1"
    assert org.request("PUT", address, {"value": "new@example.org"}).status_code == 204
    assert org.get(address)["value"] == "new@example.org"
    assert org.request("GET", f"{address}/$value").text == "new@example.org"
    assert org.request("DELETE", address).status_code == 204
    assert org.request("GET", address).status_code == 204


@pytest.mark.usefixtures("key")
def test_an_alternate_key_addresses_a_row(org: Any) -> None:
    created = org.request(
        "PATCH", "contacts(externaluseridentifier='O''Brien-1')", {"lastname": "A"}
    )
    assert created.headers["OData-EntityId"].endswith(
        "/contacts(externaluseridentifier='O''Brien-1')"
    )
    row = org.get(
        "contacts(externaluseridentifier='o''brien-1')?$select=lastname,externaluseridentifier"
    )
    assert (row["lastname"], row["externaluseridentifier"]) == ("A", "O'Brien-1")
    org.update("contacts(externaluseridentifier='O''Brien-1')", lastname="B")
    assert org.get(f"contacts({row['contactid']})?$select=lastname")["lastname"] == "B"
    org.delete("contacts(externaluseridentifier='O''Brien-1')")
    assert org.refused("GET", "contacts(externaluseridentifier='O''Brien-1')")[:2] == (
        404,
        "0x80060891",
    )


@pytest.mark.usefixtures("key")
def test_a_second_row_with_the_same_key_is_refused_and_nulls_are_not_compared(org: Any) -> None:
    org.create("contacts", lastname="A", externaluseridentifier="x")
    status, code, message = org.refused(
        "POST", "contacts", {"lastname": "B", "externaluseridentifier": "X"}
    )
    assert (status, code) == (412, "0x80060892")
    assert message.startswith(
        "Entity Key acs_External violated. A record with the same value for External User"
        " Identifier"
    )
    org.create("contacts", lastname="C")
    org.create("contacts", lastname="D")


def test_columns_that_are_no_key_do_not_address_a_row(org: Any, row_id: str) -> None:
    status, code, message = org.refused("GET", "contacts(emailaddress1='ana@example.org')")
    assert (status, code) == (400, "0x80060890")
    assert message.startswith(
        "The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.contact'."
    )


@pytest.mark.usefixtures("key")
def test_a_slash_in_a_key_value_breaks_the_address(org: Any) -> None:
    org.create("contacts", lastname="A", externaluseridentifier="a/b")
    assert org.refused("GET", "contacts(externaluseridentifier='a%2Fb')")[0] == 404


def test_a_state_brings_its_reason_along_and_a_wrong_pair_is_refused(org: Any, row_id: str) -> None:
    org.update(f"contacts({row_id})", statecode=1)
    assert org.get(f"contacts({row_id})?$select=statuscode")["statuscode"] == 2
    org.update(f"contacts({row_id})", statuscode=1)
    assert org.get(f"contacts({row_id})?$select=statecode")["statecode"] == 0
    assert org.refused("PATCH", f"contacts({row_id})", {"statecode": 1, "statuscode": 1}) == (
        400,
        "0x80048408",
        (
            "1 is not a valid status code for state code ContactState.Inactive on contact with Id"
            f" {row_id}."
        ),
    )


def test_a_state_on_creation_is_ignored_and_a_reason_of_another_state_refused(org: Any) -> None:
    row_id = org.create("contacts", lastname="A", statecode=1)
    assert org.get(f"contacts({row_id})?$select=statecode")["statecode"] == 0
    assert org.refused("POST", "contacts", {"lastname": "A", "statuscode": 2})[:2] == (
        400,
        "0x80048408",
    )


@pytest.mark.parametrize(
    ("column", "value", "code", "words"),
    [
        (
            "lastname",
            "x" * 51,
            "0x80044331",
            (
                "The length of the 'lastname' attribute of the 'contact' entity exceeded the"
                " maximum allowed length of '50'."
            ),
        ),
        ("lastname", "𠮷" * 26, "0x80044331", "maximum allowed length of '50'"),
        ("description", "x" * 2001, "0x80044331", "maximum allowed length of '2000'"),
        (
            "gendercode",
            9,
            "0x8004431a",
            "The value 9 of 'gendercode' on record of type 'contact' is outside the valid range.",
        ),
        ("numberofchildren", -1, "0x8004432f", "is outside the valid range of 0 to 1000000000"),
        ("address1_latitude", 90.5, "0x80044330", "is outside the valid range of -90 to 90"),
        ("annualincome", -1, "0x80044330", "is outside the valid range"),
        (
            "lastname",
            5,
            "0x80048d19",
            "Cannot convert the literal '5' to the expected type 'Edm.String'",
        ),
        ("donotemail", "true", "0x80048d19", "to the expected type 'Edm.Boolean'"),
        ("donotemail", 1, "0x80048d19", "to the expected type 'Edm.Boolean'"),
        ("gendercode", "Male", "0x80048d19", "to the expected type 'Edm.Int32'"),
        ("numberofchildren", 2**31, "0x80048d19", "to the expected type 'Edm.Int32'"),
        ("numberofchildren", True, "0x80048d19", "to the expected type 'Edm.Int32'"),
        ("birthdate", "01/02/2000", "0x80048d19", "to the expected type 'Edm.Date'"),
        ("birthdate", "2000-02-30", "0x80048d19", "to the expected type 'Edm.Date'"),
        ("birthdate", "2000-01-02T00:00:00Z", "0x80048d19", "to the expected type 'Edm.Date'"),
        ("birthdate", "1752-12-31", "0x80040239", "Actual value: 12/31/1752 00:00:00"),
        (
            "overriddencreatedon",
            "yesterday",
            "0x80048d19",
            "to the expected type 'Edm.DateTimeOffset'",
        ),
        ("address1_addressid", "no guid", "0x80048d19", "to the expected type 'Edm.Guid'"),
        (
            "nosuchcolumn",
            "x",
            "0x80048d19",
            "Invalid property 'nosuchcolumn' was found in entity 'Microsoft.Dynamics.CRM.contact'",
        ),
        ("LastName", "x", "0x80048d19", "Invalid property 'LastName'"),
        (
            "_ownerid_value",
            NOBODY,
            "0x80048d19",
            "CRM do not support direct update of Entity Reference properties",
        ),
        (
            "nav@odata.bind",
            "/accounts(1)",
            "0x80048d19",
            "An undeclared property 'nav' which only has property annotations",
        ),
        (
            "parentcustomerid@odata.bind",
            f"/accounts({NOBODY})",
            "0x80048d19",
            "An undeclared property 'parentcustomerid'",
        ),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_platforms_code(
    org: Any, column: str, value: Any, code: str, words: str
) -> None:
    status, found, message = org.refused("POST", "contacts", {column: value})
    assert (status, found) == (400, code)
    assert words in message
    if code == "0x80048d19":
        assert message.startswith(
            "Error identified in Payload provided by the user for Entity :'contacts', "
        )
        assert LINK in message


def test_values_of_every_type_come_back_as_they_went_in(org: Any) -> None:
    sent = {
        "lastname": '山田 "O\'Brien" \\ / \u2028 🎉',
        "description": "line 1\r\nline 2\t\u0001",
        "birthdate": "1999-12-31",
        "gendercode": 2,
        "donotemail": True,
        "numberofchildren": 3,
        "address1_latitude": 48.8566,
        "annualincome": 20000.5,
        "importsequencenumber": -7,
        "address1_addressid": "5f7a2b9c-1111-4222-8333-444455556666",
    }
    row_id = org.create("contacts", **sent)
    row = org.get(f"contacts({row_id})")
    assert {name: row[name] for name in sent} == sent
    assert row["annualincome_base"] == 20000.5
    assert b'"annualincome":20000.5000' in org.request("GET", f"contacts({row_id})").content
    assert row["_transactioncurrencyid_value"] is not None


def test_an_empty_string_stays_one_and_null_clears(org: Any, row_id: str) -> None:
    org.update(f"contacts({row_id})", emailaddress1="", firstname=None)
    row = org.get(f"contacts({row_id})?$select=emailaddress1,firstname")
    assert (row["emailaddress1"], row["firstname"]) == ("", None)


def test_times_are_kept_in_utc_and_to_the_second(org: Any) -> None:
    row_id = org.create(
        "contacts", lastname="A", overriddencreatedon="2020-05-06T07:08:09.987+02:00"
    )
    assert org.get(f"contacts({row_id})?$select=createdon")["createdon"] == "2020-05-06T05:08:09Z"


def test_a_lookup_is_bound_moved_and_cleared(org: Any, row_id: str) -> None:
    account = org.create("accounts", name="Contoso")
    other = org.create("contacts", lastname="Parent")
    address = f"contacts({row_id})"
    for reference in (
        f"/accounts({account})",
        f"accounts({account})",
        f"{org.api}/accounts({account})",
    ):
        org.update(address, **{"parentcustomerid_account@odata.bind": reference})
        assert (
            org.get(f"{address}?$select=_parentcustomerid_value")["_parentcustomerid_value"]
            == account
        )
    org.update(address, **{"parentcustomerid_contact@odata.bind": f"/contacts({other})"})
    expanded = org.get(
        f"{address}?$select=lastname&$expand=parentcustomerid_account($select=name),parentcustomerid_contact"
    )
    assert expanded["parentcustomerid_account"] is None
    assert expanded["parentcustomerid_contact"]["lastname"] == "Parent"
    assert org.request("DELETE", f"{address}/parentcustomerid_contact/$ref").status_code == 204
    assert org.get(f"{address}?$select=_parentcustomerid_value")["_parentcustomerid_value"] is None


def test_a_lookup_to_a_missing_row_is_refused(org: Any) -> None:
    body = {"lastname": "A", "parentcustomerid_account@odata.bind": f"/accounts({NOBODY})"}
    assert org.refused("POST", "contacts", body) == (
        404,
        "0x80040217",
        f"account With Id = {NOBODY} Does Not Exist",
    )


def test_a_row_can_be_given_to_another_owner(org: Any, row_id: str) -> None:
    user = org.create("systemusers", fullname="Somebody")
    org.update(f"contacts({row_id})", **{"ownerid@odata.bind": f"/systemusers({user})"})
    assert org.get(f"contacts({row_id})?$select=_ownerid_value")["_ownerid_value"] == user


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b'{"lastname": "\\ud800"}', b'{"revenue": NaN}', b"\xff\xfe"],
)
def test_a_body_that_is_no_json_object_is_refused(org: Any, body: bytes) -> None:
    response = org.session.post(
        f"{org.api}/contacts", data=body, headers={"Content-Type": "application/json"}, timeout=10
    )
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "0x80048d19"


def test_deep_insert_is_not_done_and_says_so(org: Any) -> None:
    status, _, message = org.refused(
        "POST", "contacts", {"lastname": "A", "parentcustomerid_account": {"name": "New"}}
    )
    assert (status, message) == (
        501,
        "This emulator does not do creating related rows in one request (deep insert).",
    )


def test_unknown_paths_versions_and_methods_are_refused(org: Any, row_id: str) -> None:
    assert org.refused("GET", "contact")[:2] == (404, "0x80060888")
    assert org.refused("GET", f"{org.base}/api/data/v8.2/contacts")[0] == 404
    assert org.refused("DELETE", "contacts")[0] == 405
    assert org.refused("POST", f"contacts({row_id})", {})[0] == 405
    assert org.refused("GET", f"contacts({row_id})/nosuchcolumn")[0] == 404


def test_errors_carry_annotations_for_those_who_ask(org: Any) -> None:
    response = org.request("GET", f"contacts({NOBODY})", Prefer='odata.include-annotations="*"')
    assert response.json()["error"]["@Microsoft.PowerApps.CDS.ErrorDetails.HttpStatusCode"] == "404"
    assert list(org.request("GET", f"contacts({NOBODY})").json()["error"]) == ["code", "message"]
