"""Activity tables, their columns, binds, states and base rows.

Microsoft Learn: Custom activities; Task table reference; Create and update table definitions using
the Web API.
"""

from typing import Any

import pytest

from tests.contract.dataverse_emulator.activity_kit import PREFIX, definition, label, regarding

NOBODY = "00000000-0000-0000-0000-00000000dead"
SEND = "EntityDefinitions(LogicalName='acs_emailsend')"
USUAL = [
    "activityid", "subject", "description", "actualstart", "actualend", "actualdurationminutes",
    "scheduledstart", "scheduledend", "sortdate", "prioritycode", "_regardingobjectid_value",
    "_ownerid_value", "statecode", "statuscode", "overriddencreatedon", "createdon", "modifiedon",
    "senton", "activitytypecode", "versionnumber",
]  # fmt: skip


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        ({"OwnershipType": "OrganizationOwned"}, "0x8004F120"),
        ({"HasActivities": True}, "0x8004F121"),
        ({"IsAvailableOffline": False}, "0x8004F122"),
        ({"HasNotes": False}, "0x8004F123"),
        ({"IsMailMergeEnabled": {"Value": True}}, "0x8004F124"),
        (
            {"Attributes": [{**definition()["Attributes"][0], "SchemaName": "acs_Name"}]},
            "0x8004F126",
        ),
    ],
)
def test_a_definition_that_breaks_the_rules_of_activities_is_refused(
    org: Any, facts: dict[str, Any], code: str
) -> None:
    status, found, message = org.refused("POST", "EntityDefinitions", definition(**facts))
    assert (status, found) == (400, code)
    assert message.startswith("A custom entity defined as an activity must ")
    assert org.refused("GET", SEND)[0] == 404


def test_a_new_activity_table_has_all_usual_columns(sends: Any, contact: str) -> None:
    facts = {
        "PrimaryIdAttribute": "activityid",
        "PrimaryNameAttribute": "subject",
        "IsActivity": True,
        "HasNotes": True,
    }
    facts |= {"HasActivities": False, "ActivityTypeMask": 0}
    found = sends.get(f"{SEND}?$select={','.join(facts)}")
    assert {name: found[name] for name in facts} == facts
    row_id = sends.create(
        "acs_emailsends", subject="Sent", acs_eventid="DM1:1", **regarding(contact)
    )
    row = sends.get(f"acs_emailsends({row_id})?$select={','.join(USUAL)}")
    assert (row["activitytypecode"], row["prioritycode"], row["statecode"], row["statuscode"]) == (
        "acs_emailsend",
        1,
        0,
        1,
    )
    assert (row["_regardingobjectid_value"], row["_ownerid_value"]) == (
        contact,
        sends.get("WhoAmI")["UserId"],
    )
    assert row["senton"] is None


def test_activities_share_the_privileges_of_activities(sends: Any) -> None:
    privileges = sends.get(f"{SEND}?$select=Privileges")["Privileges"]
    assert "prvReadActivity" in {privilege["Name"] for privilege in privileges}
    sends.control("access", {"privileges": {"prvCreateActivity": "None"}})
    assert sends.refused("POST", "acs_emailsends", {"subject": "x"})[:2] == (403, "0x80040220")


@pytest.mark.parametrize("table", ["acs_emailsend", "task"])
def test_navigation_properties_carry_the_tables_name_and_metadata_tells_them(
    sends: Any, table: str
) -> None:
    selected = (
        "$select=ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
    )
    relationships = sends.get(
        f"EntityDefinitions(LogicalName='{table}')/ManyToOneRelationships?{selected}"
    )["value"]
    names = {
        (r["ReferencingAttribute"], r["ReferencedEntity"]): r[
            "ReferencingEntityNavigationPropertyName"
        ]
        for r in relationships
    }
    assert names["regardingobjectid", "contact"] == f"regardingobjectid_contact_{table}"
    assert names["regardingobjectid", "account"] == f"regardingobjectid_account_{table}"
    assert names["ownerid", "systemuser"] == names["ownerid", "team"] == f"ownerid_{table}"
    assert names["createdby", "systemuser"] == f"createdby_{table}"
    assert names["activityid", "activitypointer"] == f"activityid_{table}"


def test_the_base_table_has_the_plain_names(org: Any) -> None:
    found = org.get("EntityDefinitions(LogicalName='activitypointer')/ManyToOneRelationships")[
        "value"
    ]
    names = {relationship["ReferencingEntityNavigationPropertyName"] for relationship in found}
    assert {"regardingobjectid_contact", "ownerid", "createdby"} <= names


@pytest.mark.parametrize(
    "name",
    ["regardingobjectid_contact", "regardingobjectid", "ownerid", "regardingobjectid_contact_task"],
)
def test_a_wrong_bind_name_is_refused_in_the_platforms_words(
    sends: Any, contact: str, name: str
) -> None:
    status, code, message = sends.refused(
        "POST", "acs_emailsends", {"subject": "x", f"{name}@odata.bind": f"/contacts({contact})"}
    )
    assert (status, code) == (400, "0x80048d19")
    assert message.startswith(
        "Error identified in Payload provided by the user for Entity :'acs_emailsends', "
    )
    assert (
        f"An undeclared property '{name}' which only has property annotations in the payload"
        in message
    )


def test_a_contact_that_is_gone_is_named(sends: Any) -> None:
    refused = sends.refused("POST", "acs_emailsends", {"subject": "x", **regarding(NOBODY)})
    assert refused == (404, "0x80040217", f"contact With Id = {NOBODY} Does Not Exist")


def test_an_owner_can_be_given(sends: Any, contact: str) -> None:
    user = sends.create("systemusers", fullname="Somebody else")
    owner = {"ownerid_acs_emailsend@odata.bind": f"/systemusers({user})"}
    row_id = sends.create("acs_emailsends", subject="x", **regarding(contact), **owner)
    assert sends.get(f"acs_emailsends({row_id})?$select=_ownerid_value")["_ownerid_value"] == user


def test_a_new_activity_is_open_whatever_state_was_sent(sends: Any) -> None:
    row_id = sends.create("acs_emailsends", subject="x", statecode=1)
    row = sends.get(f"acs_emailsends({row_id})?$select=statecode,statuscode")
    assert (row["statecode"], row["statuscode"]) == (0, 1)
    status, code, message = sends.refused("POST", "tasks", {"subject": "x", "statuscode": 6})
    assert (status, code) == (400, "0x80048408")
    assert message.startswith("6 is not a valid status code for state code TaskState.Open")


def test_an_activity_is_completed_by_state_and_reason_that_fit(sends: Any) -> None:
    row = f"acs_emailsends({sends.create('acs_emailsends', subject='x')})"
    assert sends.refused("PATCH", row, {"statecode": 1, "statuscode": 3})[:2] == (400, "0x80048408")
    sends.update(row, statecode=1, statuscode=2)
    found = sends.get(f"{row}?$select=statecode,statuscode", Prefer='odata.include-annotations="*"')
    assert (found["statecode"], found["statuscode"]) == (1, 2)
    assert found["statecode@OData.Community.Display.V1.FormattedValue"] == "Completed"


def test_the_states_are_those_of_the_table(sends: Any) -> None:
    def options(table: str, kind: str) -> list[dict[str, Any]]:
        path = (
            f"EntityDefinitions(LogicalName='{table}')/Attributes/{PREFIX}{kind}AttributeMetadata"
        )
        return sends.get(f"{path}?$expand=OptionSet")["value"][0]["OptionSet"]["Options"]

    custom = [
        (o["InvariantName"], o["Value"], o["DefaultStatus"])
        for o in options("acs_emailsend", "State")
    ]
    assert custom == [("Open", 0, 1), ("Completed", 1, 2), ("Canceled", 2, 3), ("Scheduled", 3, 4)]
    assert [(o["Value"], o["DefaultStatus"]) for o in options("task", "State")] == [
        (0, 2),
        (1, 5),
        (2, 6),
    ]
    assert [(o["Value"], o["State"]) for o in options("task", "Status")] == [
        (2, 0),
        (3, 0),
        (4, 0),
        (5, 1),
        (6, 2),
        (7, 0),
    ]


def test_the_creation_date_can_be_set_back_on_creation_only(sends: Any) -> None:
    row_id = sends.create("acs_emailsends", subject="x", overriddencreatedon="2020-05-01T00:00:00Z")
    sends.update(f"acs_emailsends({row_id})", overriddencreatedon="2019-01-01T00:00:00Z")
    assert (
        sends.get(f"acs_emailsends({row_id})?$select=createdon")["createdon"]
        == "2020-05-01T00:00:00Z"
    )


def test_the_base_rows_of_a_contact_are_listed_whatever_their_table(
    sends: Any, contact: str
) -> None:
    send = sends.create("acs_emailsends", subject="Sent", **regarding(contact))
    task = sends.create("tasks", subject="Call", **regarding(contact, "task"))
    sends.create("tasks", subject="Nobody's")
    query = (
        "$select=subject,activitytypecode&$filter=_regardingobjectid_value eq"
        f" {contact}&$orderby=subject&$count=true"
    )
    listed = sends.get(f"activitypointers?{query}")
    assert [(row["activityid"], row["activitytypecode"]) for row in listed["value"]] == [
        (task, "task"),
        (send, "acs_emailsend"),
    ]
    assert listed["@odata.count"] == 2
    one = sends.get(
        f"activitypointers({send})?$select=subject&$expand=regardingobjectid_contact($select=lastname)"
    )
    assert (one["subject"], one["regardingobjectid_contact"]["lastname"]) == ("Sent", "Test")
    assert sends.get(f"acs_emailsends({send})?$expand=activityid_acs_emailsend($select=subject)")[
        "activityid_acs_emailsend"
    ]


def test_activity_and_base_row_go_together(sends: Any) -> None:
    first, second = (sends.create("acs_emailsends", subject=name) for name in "ab")
    sends.delete(f"acs_emailsends({first})")
    assert sends.refused("GET", f"activitypointers({first})")[1] == "0x80040217"
    sends.delete(f"activitypointers({second})")
    assert sends.refused("GET", f"acs_emailsends({second})")[1] == "0x80040217"
    assert sends.refused("DELETE", f"activitypointers({second})")[:2] == (404, "0x80040217")


def test_base_rows_are_written_through_their_own_table_only(sends: Any) -> None:
    row_id = sends.create("acs_emailsends", subject="x")
    for method, path in (("POST", "activitypointers"), ("PATCH", f"activitypointers({row_id})")):
        status, _, message = sends.refused(method, path, {"subject": "y"})
        assert (status, message) == (
            501,
            "This emulator does not do writing to activitypointers; write to the activity's own "
            "table.",
        )  # fmt: skip


def test_a_new_column_of_an_activity_is_its_own(sends: Any) -> None:
    body = {"@odata.type": f"{PREFIX}DateTimeAttributeMetadata", "SchemaName": "acs_eventdate"}
    behavior = {
        "Format": "DateAndTime",
        "DateTimeBehavior": {"Value": "UserLocal"},
        "DisplayName": label("Event Date"),
    }
    assert sends.request("POST", f"{SEND}/Attributes", {**body, **behavior}).status_code == 204
    row_id = sends.create("acs_emailsends", subject="x", acs_eventdate="2026-03-01T08:30:00Z")
    assert (
        sends.get(f"acs_emailsends({row_id})?$select=acs_eventdate")["acs_eventdate"]
        == "2026-03-01T08:30:00Z"
    )
    assert sends.refused("GET", f"activitypointers({row_id})?$select=acs_eventdate")[0] == 400


def test_events_of_an_activity_are_delivered_like_any_other(
    sends: Any, endpoint: Any, contact: str
) -> None:
    sends.listen(endpoint.url, "Create", "acs_emailsend")
    sends.create("acs_emailsends", subject="Sent", **regarding(contact))
    (arrival,) = endpoint.wait()
    assert arrival.attributes["subject"] == "Sent"
    assert (arrival.attributes["regardingobjectid"]["LogicalName"],
            arrival.attributes["regardingobjectid"]["Id"]) == (
        "contact", contact,
    )  # fmt: skip
