"""Definitions of tables and columns.

Microsoft Learn: Query table definitions using the Web API; Create and update table
definitions using the Web API; Contact table reference.
"""

from typing import Any

import pytest

PREFIX = "Microsoft.Dynamics.CRM."
CONTACT = "EntityDefinitions(LogicalName='contact')"


def label(text: str) -> dict[str, Any]:
    one = {"@odata.type": f"{PREFIX}LocalizedLabel", "Label": text, "LanguageCode": 1033}
    return {"@odata.type": f"{PREFIX}Label", "LocalizedLabels": [one]}


def columns(org: Any, kind: str, query: str = "") -> dict[str, dict[str, Any]]:
    found = org.get(f"{CONTACT}/Attributes/{PREFIX}{kind}AttributeMetadata{query}")["value"]
    return {column["LogicalName"]: column for column in found}


def test_a_table_is_found_in_the_list_by_name_and_by_id(org: Any) -> None:
    query = "$select=LogicalName,EntitySetName,PrimaryIdAttribute"
    listed = org.get(f"EntityDefinitions?{query}&$filter=LogicalName eq 'contact'")
    (found,) = listed["value"]
    assert (
        listed["@odata.context"]
        == f"{org.api}/$metadata#EntityDefinitions(LogicalName,EntitySetName,PrimaryIdAttribute)"
    )
    assert (found["EntitySetName"], found["PrimaryIdAttribute"]) == ("contacts", "contactid")
    assert org.get(f"EntityDefinitions({found['MetadataId']})?{query}")["LogicalName"] == "contact"
    assert org.get(f"{CONTACT}?{query}")["MetadataId"] == found["MetadataId"]
    assert org.refused("GET", "EntityDefinitions(LogicalName='nosuch')")[0] == 404


def test_the_list_can_be_filtered_by_what_tables_can_do(org: Any) -> None:
    tracked = org.get(
        "EntityDefinitions?$select=LogicalName&$filter=ChangeTrackingEnabled eq true"
    )["value"]
    assert {table["LogicalName"] for table in tracked} == {"contact", "account", "systemuser"}
    owned = (
        "OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned' and"
        " CanChangeTrackingBeEnabled/Value eq true"
    )
    found = {
        table["LogicalName"]
        for table in org.get(f"EntityDefinitions?$select=LogicalName&$filter={owned}")["value"]
    }
    assert found == {"contact", "account", "task", "activitypointer"}
    assert org.refused("GET", "EntityDefinitions?$top=1")[0] == 400
    assert org.refused("GET", "EntityDefinitions?$select=NoSuch")[0] == 400


def test_a_table_comes_with_its_columns_keys_and_relationships(org: Any) -> None:
    expand = (
        "Attributes($select=LogicalName,AttributeType,RequiredLevel),Keys,"
        "ManyToOneRelationships,OneToManyRelationships"
    )
    table = org.get(f"{CONTACT}?$select=LogicalName,DisplayName,ObjectTypeCode&$expand={expand}")
    found = {column["LogicalName"]: column for column in table["Attributes"]}
    assert (table["ObjectTypeCode"], table["DisplayName"]["UserLocalizedLabel"]["Label"]) == (
        2,
        "Contact",
    )
    assert found["donotemail"]["@odata.type"] == f"#{PREFIX}BooleanAttributeMetadata"
    assert found["lastname"]["RequiredLevel"]["Value"] == "ApplicationRequired"
    assert found["parentcustomerid"]["AttributeType"] == "Customer"
    parents = {
        (r["ReferencingEntityNavigationPropertyName"], r["ReferencedEntity"])
        for r in table["ManyToOneRelationships"]
    }
    assert {
        ("parentcustomerid_account", "account"),
        ("parentcustomerid_contact", "contact"),
    } <= parents
    assert ("contact", "masterid") in {
        (r["ReferencingEntity"], r["ReferencingAttribute"]) for r in table["OneToManyRelationships"]
    }
    assert table["Keys"] == []


def test_helper_columns_name_the_column_they_help(org: Any) -> None:
    found = org.get(
        f"{CONTACT}/Attributes?$select=LogicalName,AttributeOf&$filter=AttributeOf ne null"
    )["value"]
    helpers = {column["LogicalName"]: column["AttributeOf"] for column in found}
    assert helpers["gendercodename"] == "gendercode"
    assert helpers["parentcustomeridtype"] == "parentcustomerid"


@pytest.mark.parametrize(
    ("kind", "column", "facts"),
    [
        ("String", "emailaddress1", {"MaxLength": 100, "FormatName": {"Value": "Email"}}),
        ("Memo", "description", {"MaxLength": 2000}),
        ("Integer", "numberofchildren", {"MinValue": 0, "MaxValue": 1000000000}),
        ("BigInt", "versionnumber", {"IsValidForUpdate": False}),
        ("Decimal", "exchangerate", {"Precision": 12}),
        ("Double", "address1_latitude", {"MinValue": -90, "MaxValue": 90, "Precision": 5}),
        ("Money", "annualincome", {"Precision": 2}),
        (
            "DateTime",
            "birthdate",
            {"Format": "DateOnly", "DateTimeBehavior": {"Value": "DateOnly"}},
        ),
        ("DateTime", "modifiedon", {"DateTimeBehavior": {"Value": "UserLocal"}}),
        ("Boolean", "followemail", {"DefaultValue": True}),
        ("Lookup", "ownerid", {"Targets": ["systemuser", "team"]}),
        ("UniqueIdentifier", "contactid", {"IsPrimaryId": True}),
        ("Picklist", "preferredcontactmethodcode", {"DefaultFormValue": 1}),
    ],
)
def test_every_type_has_its_own_details(
    org: Any, kind: str, column: str, facts: dict[str, Any]
) -> None:
    found = columns(org, kind)[column]
    assert {name: found[name] for name in facts} == facts
    assert "OptionSet" not in found


def test_details_of_a_type_need_the_cast(org: Any) -> None:
    assert org.refused("GET", f"{CONTACT}/Attributes?$select=LogicalName,MaxLength")[0] == 400
    assert org.refused("GET", f"{CONTACT}/Attributes/{PREFIX}EnumAttributeMetadata")[0] == 400
    lastname = org.get(
        f"{CONTACT}/Attributes(LogicalName='lastname')/{PREFIX}StringAttributeMetadata?$select=MaxLength"
    )
    assert lastname["MaxLength"] == 50
    assert (
        org.refused(
            "GET", f"{CONTACT}/Attributes(LogicalName='lastname')/{PREFIX}MemoAttributeMetadata"
        )[0]
        == 404
    )
    assert (
        org.get(f"{CONTACT}/Attributes(LogicalName='lastname')?$select=AttributeType")[
            "AttributeType"
        ]
        == "String"
    )


def test_choices_come_with_labels_when_expanded(org: Any) -> None:
    gender = columns(
        org, "Picklist", "?$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet"
    )["gendercode"]
    options = {
        option["Value"]: option["Label"]["UserLocalizedLabel"]["Label"]
        for option in gender["OptionSet"]["Options"]
    }
    assert options == {1: "Male", 2: "Female"}
    assert gender["GlobalOptionSet"] is None
    emails = columns(org, "Boolean", "?$select=LogicalName&$expand=OptionSet")["donotemail"][
        "OptionSet"
    ]
    assert (
        emails["TrueOption"]["Value"],
        emails["TrueOption"]["Label"]["LocalizedLabels"][0]["Label"],
    ) == (1, "Do Not Allow")
    state = columns(org, "State", "?$expand=OptionSet")["statecode"]["OptionSet"]["Options"]
    assert [(option["Value"], option["DefaultStatus"]) for option in state] == [(0, 1), (1, 2)]
    status = columns(org, "Status", "?$expand=OptionSet")["statuscode"]["OptionSet"]["Options"]
    assert [(option["Value"], option["State"]) for option in status] == [(1, 0), (2, 1)]


def test_the_bulk_messages_of_a_table_can_be_asked_for(org: Any) -> None:
    query = "sdkmessageid/name eq @m and primaryobjecttypecode eq @t"
    for table, expected in (("contact", 1), ("team", 0)):
        found = org.get(
            f"sdkmessagefilters?$select=sdkmessagefilterid&$filter={query}&@m='CreateMultiple'&@t='{table}'"
        )
        assert len(found["value"]) == expected


def test_privileges_are_named_in_the_definition(org: Any) -> None:
    found = {
        table["LogicalName"]: table["Privileges"]
        for table in org.get("EntityDefinitions?$select=LogicalName,Privileges")["value"]
    }
    assert [p["Name"] for p in found["systemuser"] if p["PrivilegeType"] == "Read"] == [
        "prvReadUser"
    ]
    assert [p["Name"] for p in found["contact"] if p["PrivilegeType"] == "Read"] == [
        "prvReadContact"
    ]


def test_a_key_needs_columns_that_can_be_keys_and_unique_values(org: Any) -> None:
    for name in ("description", "nosuch", "donotemail"):
        assert (
            org.refused("POST", f"{CONTACT}/Keys", {"SchemaName": "bad", "KeyAttributes": [name]})[
                0
            ]
            == 400
        )
    for _ in range(2):
        org.create("contacts", lastname="A", employeeid="same")
    assert (
        org.refused(
            "POST", f"{CONTACT}/Keys", {"SchemaName": "dup", "KeyAttributes": ["employeeid"]}
        )[0]
        == 400
    )
    assert org.get(f"{CONTACT}/Keys")["value"] == []


def test_a_new_table_with_a_lookup_works_like_any_other(org: Any) -> None:
    name = {
        "@odata.type": f"{PREFIX}StringAttributeMetadata",
        "SchemaName": "acs_Name",
        "IsPrimaryName": True,
        "MaxLength": 40,
        "DisplayName": label("Name"),
    }
    body = {
        "@odata.type": f"{PREFIX}EntityMetadata",
        "SchemaName": "acs_Order",
        "DisplayName": label("Order"),
        "DisplayCollectionName": label("Orders"),
        "OwnershipType": "UserOwned",
        "ChangeTrackingEnabled": True,
        "Attributes": [name],
    }
    created = org.request("POST", "EntityDefinitions", body)
    assert created.status_code == 204
    assert created.headers["OData-EntityId"].startswith(f"{org.api}/EntityDefinitions(")
    lookup = {
        "@odata.type": f"{PREFIX}OneToManyRelationshipMetadata",
        "SchemaName": "acs_contact_orders",
        "ReferencedEntity": "contact",
        "ReferencingEntity": "acs_order",
        "Lookup": {
            "@odata.type": f"{PREFIX}LookupAttributeMetadata",
            "SchemaName": "acs_ContactId",
            "DisplayName": label("Contact"),
        },
    }
    assert org.request("POST", "RelationshipDefinitions", lookup).status_code == 204
    buyer = org.create("contacts", lastname="Buyer")
    order = org.create(
        "acs_orders", acs_name="First", **{"acs_ContactId@odata.bind": f"/contacts({buyer})"}
    )
    (row,) = org.get(
        "acs_orders?$select=acs_name,_acs_contactid_value", Prefer="odata.track-changes"
    )["value"]
    assert (row["acs_orderid"], row["_acs_contactid_value"]) == (order, buyer)
    expanded = org.get(
        f"acs_orders({order})?$select=acs_name&$expand=acs_ContactId($select=lastname)"
    )
    assert expanded["acs_ContactId"]["lastname"] == "Buyer"
    relationships = org.get("EntityDefinitions(LogicalName='acs_order')/ManyToOneRelationships")[
        "value"
    ]
    assert "acs_contact_orders" in {relationship["SchemaName"] for relationship in relationships}
    assert org.refused("POST", "acs_orders", {"acs_name": "x" * 41})[1] == "0x80044331"


def test_what_cannot_be_defined_is_refused_with_a_sentence(org: Any) -> None:
    assert org.refused("PATCH", CONTACT, {})[:2] == (405, "0x80060888")
    status, _, message = org.refused(
        "POST",
        f"{CONTACT}/Attributes",
        {"@odata.type": f"{PREFIX}FileAttributeMetadata", "SchemaName": "x"},
    )
    assert status == 501
    assert "FileAttributeMetadata" in message
    assert org.refused("GET", "$metadata")[0] == 501
