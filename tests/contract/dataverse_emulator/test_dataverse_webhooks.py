"""Webhooks as they arrive.

Microsoft Learn: Use webhooks to create external handlers for server events; Register a webhook.
"""

import json
import re
from typing import Any

import pytest

HANG = 0
CONTRACTS = "http://schemas.microsoft.com/xrm/2011/Contracts"


def test_an_update_arrives_with_the_documented_headers_and_key(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url)
    row_id = org.create("contacts", lastname="A")
    org.update(f"contacts({row_id})", donotemail=True)
    (arrival,) = endpoint.wait()
    assert arrival.path == "/api/dataverse/contact?code=a+key"
    assert arrival.headers["content-type"] == "application/json"
    assert arrival.headers["x-ms-dynamics-organization"] == org.base.removeprefix("http://")
    assert arrival.headers["x-ms-dynamics-entity-name"] == "contact"
    assert arrival.headers["x-ms-dynamics-request-name"] == "Update"
    assert arrival.headers["x-ms-correlation-request-id"] == arrival.context["RequestId"]
    assert org.quiet() == {"delivered": 1, "failed": 0, "pending": 0, "attempts": 1}


def test_the_body_of_an_update_has_the_shape_of_the_platform(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url)
    row_id = org.create("contacts", firstname="Ana", lastname="A")
    org.update(f"contacts({row_id})", donotemail=True, preferredcontactmethodcode=3, birthdate=None)
    (arrival,) = endpoint.wait()
    context, target, attributes = arrival.context, arrival.target, arrival.attributes
    assert list(context) == sorted(context)
    assert (context["MessageName"], context["PrimaryEntityName"], context["PrimaryEntityId"]) == (
        "Update",
        "contact",
        row_id,
    )
    assert (context["Stage"], context["Mode"], context["Depth"]) == (40, 1, 1)
    assert target["__type"] == f"Entity:{CONTRACTS}"
    assert target["RowVersion"] == str(
        org.get(f"contacts({row_id})?$select=versionnumber")["versionnumber"]
    )
    assert attributes["donotemail"] is True
    assert attributes["birthdate"] is None
    assert attributes["preferredcontactmethodcode"] == {
        "__type": f"OptionSetValue:{CONTRACTS}",
        "Value": 3,
    }
    assert attributes["modifiedby"]["LogicalName"] == "systemuser"
    assert re.fullmatch(r"/Date\(\d{13}\)/", attributes["modifiedon"])
    assert re.fullmatch(r"/Date\(\d{13}\+0000\)/", context["OperationCreatedOn"])
    assert "lastname" not in attributes
    (image,) = context["PostEntityImages"]
    assert image["key"] == "AsynchronousStepPrimaryName"
    assert {"key": "fullname", "value": "Ana A"} in image["value"]["Attributes"]
    assert "__type" not in image["value"]


def test_slashes_are_escaped_and_types_come_first(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url)
    org.update(
        f"contacts({org.create('contacts', lastname='A')})",
        websiteurl="https://example.org/a",
        gendercode=1,
    )
    (arrival,) = endpoint.wait()
    assert b"https:\\/\\/example.org\\/a" in arrival.body
    assert (
        b'{"__type":"OptionSetValue:http:\\/\\/schemas.microsoft.com\\/xrm\\/2011\\/Contracts","Value":1}'
        in arrival.body
    )
    assert not re.search(rb"[^\\]/", arrival.body)


def test_the_parent_context_holds_what_the_caller_sent(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url)
    org.update(f"contacts({org.create('contacts', lastname='A')})", lastname="B")
    parent = endpoint.wait()[0].context["ParentContext"]
    target = parent["InputParameters"][0]["value"]
    assert (parent["Stage"], parent["ParentContext"]) == (30, None)
    assert {pair["key"] for pair in target["Attributes"]} == {"lastname", "contactid"}
    assert parent["InputParameters"][1] == {"key": "SuppressDuplicateDetection", "value": False}


def test_a_creation_carries_the_defaults_and_the_computed_name(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url, message="Create")
    row_id = org.create(
        "contacts", firstname="A", lastname="B", annualincome=12.5, birthdate="2000-01-02"
    )
    (arrival,) = endpoint.wait()
    attributes = arrival.attributes
    assert (attributes["fullname"], attributes["donotemail"], attributes["followemail"]) == (
        "A B",
        False,
        True,
    )
    assert attributes["statecode"]["Value"] == 0
    assert attributes["annualincome"] == {"__type": f"Money:{CONTRACTS}", "Value": 12.5}
    assert attributes["birthdate"] == "/Date(946771200000)/"
    assert (
        attributes["ownerid"]["Id"]
        == org.get("WhoAmI")["UserId"]
        == arrival.context["InitiatingUserId"]
    )
    assert "middlename" not in attributes
    assert arrival.target["RowVersion"] is None
    assert arrival.context["OutputParameters"] == [{"key": "id", "value": row_id}]
    assert {"key": "DefaultsAddedFlag", "value": True} in arrival.context["SharedVariables"]


def test_a_deletion_carries_a_reference_and_a_pre_image(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url, message="Delete")
    row_id = org.create("contacts", lastname="Gone")
    org.delete(f"contacts({row_id})")
    (arrival,) = endpoint.wait()
    assert arrival.target == {
        "__type": f"EntityReference:{CONTRACTS}",
        "Id": row_id,
        "KeyAttributes": [],
        "LogicalName": "contact",
        "Name": None,
        "RowVersion": None,
    }
    assert [image["key"] for image in arrival.context["PreEntityImages"]] == [
        "AsynchronousStepPrimaryName"
    ]
    assert arrival.context["PostEntityImages"] == []


def test_registered_images_show_the_row_before_and_after(org: Any, endpoint: Any) -> None:
    step = org.listen(endpoint.url)
    org.create(
        "sdkmessageprocessingstepimages",
        name="both",
        entityalias="both",
        imagetype=2,
        messagepropertyname="Target",
        attributes="lastname",
        **{"sdkmessageprocessingstepid@odata.bind": f"/sdkmessageprocessingsteps({step})"},
    )
    org.update(f"contacts({org.create('contacts', lastname='Before')})", lastname="After")
    context = endpoint.wait()[0].context
    for name, expected in (("PreEntityImages", "Before"), ("PostEntityImages", "After")):
        image = next(pair["value"] for pair in context[name] if pair["key"] == "both")
        assert {"key": "lastname", "value": expected} in image["Attributes"]


def test_a_filtered_step_fires_for_its_columns_only_even_if_the_value_is_the_same(
    org: Any, endpoint: Any
) -> None:
    org.listen(endpoint.url, filteringattributes="emailaddress1, donotemail")
    row_id = org.create("contacts", lastname="A")
    org.update(f"contacts({row_id})", lastname="B")
    org.update(f"contacts({row_id})", donotemail=False)
    assert org.quiet()["delivered"] == 1
    assert endpoint.arrivals[0].attributes["donotemail"] is False


@pytest.mark.parametrize(
    "headers",
    [
        {"MSCRM.BypassBusinessLogicExecution": "CustomSync,CustomAsync"},
        {"MSCRM.BypassBusinessLogicExecution": "CustomAsync"},
    ],
)
def test_the_bypass_header_keeps_webhooks_away(
    org: Any, endpoint: Any, headers: dict[str, str]
) -> None:
    org.listen(endpoint.url, message="Create")
    org.create("contacts", _headers=headers, lastname="Quiet")
    assert org.quiet() == {"delivered": 0, "failed": 0, "pending": 0, "attempts": 0}


def test_steps_can_be_bypassed_by_id_and_synchronous_bypass_does_not_concern_them(
    org: Any, endpoint: Any
) -> None:
    step = org.listen(endpoint.url, message="Create")
    org.create(
        "contacts",
        _headers={"MSCRM.BypassBusinessLogicExecutionStepIds": step.upper()},
        lastname="Quiet",
    )
    org.create(
        "contacts", _headers={"MSCRM.BypassBusinessLogicExecution": "CustomSync"}, lastname="Loud"
    )
    assert org.quiet()["delivered"] == 1
    assert endpoint.arrivals[0].attributes["lastname"] == "Loud"


def test_a_tag_travels_as_shared_variable(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url, message="Create")
    org.create("contacts?tag=bridge", lastname="A")
    assert {"key": "tag", "value": "bridge"} in endpoint.wait()[0].context["SharedVariables"]


@pytest.mark.parametrize("status", [502, 503, 504])
def test_one_more_attempt_is_made_for_gateway_errors(org: Any, endpoint: Any, status: int) -> None:
    endpoint.answers = [status]
    org.listen(endpoint.url, message="Create")
    org.create("contacts", lastname="A")
    assert org.quiet() == {"delivered": 1, "failed": 0, "pending": 0, "attempts": 2}
    assert endpoint.arrivals[0].body == endpoint.arrivals[1].body


def test_a_second_gateway_error_fails_the_job(org: Any, endpoint: Any) -> None:
    endpoint.answers = [503, 503]
    step = org.listen(endpoint.url, message="Create")
    row_id = org.create("contacts", lastname="A")
    assert org.quiet() == {"delivered": 0, "failed": 1, "pending": 0, "attempts": 2}
    query = f"asyncoperations?$filter=statuscode eq 31 and _owningextensionid_value eq {step}"
    (job,) = org.get(query)["value"]
    assert (job["statecode"], job["messagename"], job["_regardingobjectid_value"]) == (
        3,
        "Create",
        row_id,
    )
    assert job["errorcode"] == 0x80050201 - 2**32
    assert "503" in job["message"]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 302])
def test_no_other_answer_is_tried_again(org: Any, endpoint: Any, status: int) -> None:
    endpoint.answers = [status]
    org.listen(endpoint.url, message="Create")
    org.create("contacts", lastname="A")
    assert org.quiet() == {"delivered": 0, "failed": 1, "pending": 0, "attempts": 1}


def test_an_endpoint_that_is_not_there_fails_the_job(org: Any) -> None:
    org.listen("http://127.0.0.1:9/nobody", message="Create")
    org.create("contacts", lastname="A")
    assert org.quiet()["failed"] == 1
    assert (
        org.get("asyncoperations?$select=errorcode")["value"][0]["errorcode"] == 0x80050205 - 2**32
    )


def test_an_endpoint_that_takes_too_long_fails_the_job_without_another_attempt(
    start_emulator: Any, endpoint: Any
) -> None:
    _, impatient = start_emulator("--webhook-seconds", "0.1")
    endpoint.answers = [HANG]
    impatient.listen(endpoint.url, message="Create")
    impatient.create("contacts", lastname="A")
    assert impatient.quiet() == {"delivered": 0, "failed": 1, "pending": 0, "attempts": 1}
    assert (
        impatient.get("asyncoperations?$select=errorcode")["value"][0]["errorcode"]
        == 0x80050202 - 2**32
    )


def test_a_body_over_256_kb_loses_parameters_and_images(org: Any, endpoint: Any) -> None:
    wide = {f"new_Text{number}": "x" * 100_000 for number in range(2)}
    for name in wide:
        column = {
            "@odata.type": "Microsoft.Dynamics.CRM.MemoAttributeMetadata",
            "SchemaName": name,
            "MaxLength": 1_000_000,
        }
        assert (
            org.request(
                "POST", "EntityDefinitions(LogicalName='contact')/Attributes", column
            ).status_code
            == 204
        )
    org.listen(endpoint.url, message="Create")
    row_id = org.create(
        "contacts", lastname="Wide", **{name.lower(): text for name, text in wide.items()}
    )
    (arrival,) = endpoint.wait()
    assert arrival.headers["x-ms-dynamics-msg-size-exceeded"] == "true"
    assert (
        not {"InputParameters", "ParentContext", "PreEntityImages", "PostEntityImages"}
        & arrival.context.keys()
    )
    assert (arrival.context["PrimaryEntityId"], arrival.context["PrimaryEntityName"]) == (
        row_id,
        "contact",
    )
    assert arrival.context["MessageName"] == "Create"


def test_http_header_authentication_sends_the_settings_as_headers(org: Any, endpoint: Any) -> None:
    settings = (
        '<settings><setting name="x-key" value="s&amp;cret"/><setting name="x-other"'
        ' value="1"/></settings>'
    )
    org.listen(endpoint.url, message="Create", authtype=5, authvalue=settings)
    org.create("contacts", lastname="A")
    (arrival,) = endpoint.wait()
    assert (arrival.headers["x-key"], arrival.headers["x-other"]) == ("s&cret", "1")
    assert "?" not in arrival.path


def test_query_string_authentication_sends_the_settings_in_the_url(org: Any, endpoint: Any) -> None:
    org.listen(
        endpoint.url,
        message="Create",
        authtype=6,
        authvalue='<settings><setting name="k" value="a b"/></settings>',
    )
    org.create("contacts", lastname="A")
    assert endpoint.wait()[0].path == "/api/dataverse/contact?k=a+b"


@pytest.mark.parametrize(
    "columns",
    [
        {"contract": 2},
        {"authtype": 1},
        {"url": "ftp://example.org"},
        {"authtype": 5, "authvalue": "<settings>"},
    ],
)
def test_an_endpoint_that_could_never_be_called_is_refused(
    org: Any, columns: dict[str, Any]
) -> None:
    body = {
        "name": "bad",
        "url": "https://example.org",
        "contract": 8,
        "authtype": 4,
        "authvalue": "x",
        **columns,
    }
    assert org.refused("POST", "serviceendpoints", body)[0] in {400, 501}


def test_the_authentication_value_is_never_read_back(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url)
    (found,) = org.get("serviceendpoints?$filter=contract eq 8")["value"]
    assert "authvalue" not in found
    assert found["isauthvalueset"] is True
    assert org.refused("GET", "serviceendpoints?$select=authvalue")[0] == 400


def test_a_step_can_be_switched_off_on_and_deleted(org: Any, endpoint: Any) -> None:
    step = org.listen(endpoint.url, message="Create")
    org.update(f"sdkmessageprocessingsteps({step})", statecode=1, statuscode=2)
    org.create("contacts", lastname="Unheard")
    org.update(f"sdkmessageprocessingsteps({step})", statecode=0, statuscode=1)
    org.create("contacts", lastname="Heard")
    org.delete(f"sdkmessageprocessingsteps({step})")
    org.create("contacts", lastname="Unheard again")
    assert org.quiet()["delivered"] == 1
    assert endpoint.arrivals[0].attributes["lastname"] == "Heard"


def test_bulk_writes_raise_one_event_for_each_row(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url, message="Create")
    targets = [
        {"@odata.type": "Microsoft.Dynamics.CRM.contact", "lastname": f"Row {n}"} for n in range(20)
    ]
    assert (
        org.request(
            "POST", "contacts/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": targets}
        ).status_code
        == 200
    )
    assert org.quiet()["delivered"] == 20
    assert {arrival.attributes["lastname"] for arrival in endpoint.arrivals} == {
        f"Row {n}" for n in range(20)
    }


def test_a_write_that_is_rolled_back_raises_no_event(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url, message="Create")
    bad = [
        {"@odata.type": "Microsoft.Dynamics.CRM.contact", "lastname": name}
        for name in ("good", "x" * 51)
    ]
    assert (
        org.refused("POST", "contacts/Microsoft.Dynamics.CRM.CreateMultiple", {"Targets": bad})[0]
        == 400
    )
    org.create("contacts", lastname="after")
    assert org.quiet()["attempts"] == 1
    assert endpoint.arrivals[0].attributes["lastname"] == "after"


def test_webhooks_over_tls_are_trusted_by_the_given_authority_only(
    org: Any, start_emulator: Any
) -> None:
    org.listen(f"{org.tls_base}/api/data/v9.2/WhoAmI", message="Create")
    org.create("contacts", lastname="A")
    counts = org.quiet()
    (job,) = org.get("asyncoperations?$select=message")["value"]
    assert counts["failed"] == 1
    assert "401" in job["message"]
    _, stranger = start_emulator()
    stranger.listen(f"{org.tls_base}/api/data/v9.2/WhoAmI", message="Create")
    stranger.create("contacts", lastname="A")
    assert stranger.quiet()["failed"] == 1
    assert (
        stranger.get("asyncoperations?$select=errorcode")["value"][0]["errorcode"]
        == 0x80050205 - 2**32
    )


def test_successful_jobs_remain_unless_the_step_deletes_them(org: Any, endpoint: Any) -> None:
    org.listen(endpoint.url, message="Create", asyncautodelete=False)
    org.create("contacts", lastname="A")
    org.quiet()
    (job,) = org.get("asyncoperations?$select=statuscode")["value"]
    assert job["statuscode"] == 30


@pytest.mark.parametrize(("column", "value"), [("mode", 0), ("stage", 20)])
def test_steps_that_would_run_in_the_operation_are_refused_with_a_sentence(
    org: Any, column: str, value: int
) -> None:
    body = {"name": "sync", "mode": 1, "stage": 40, column: value}
    status, _, message = org.refused("POST", "sdkmessageprocessingsteps", body)
    assert status == 501
    assert "asynchronous" in message


def test_a_lookup_in_a_target_is_a_typed_reference(org: Any, endpoint: Any) -> None:
    account = org.create("accounts", name="Contoso")
    org.listen(endpoint.url, message="Create")
    org.create(
        "contacts",
        **{"lastname": "A", "parentcustomerid_account@odata.bind": f"/accounts({account})"},
    )
    parent = endpoint.wait()[0].attributes["parentcustomerid"]
    assert (parent["__type"], parent["LogicalName"], parent["Id"]) == (
        f"EntityReference:{CONTRACTS}",
        "account",
        account,
    )
    assert json.dumps(parent).startswith('{"__type"')
