"""Exact decimals, labels by language, new options: as the bridge and its tests need them."""

from decimal import Decimal
from typing import Any

import pytest

from tests.contract.dataverse_emulator.conftest import Organization

TYPES = "Microsoft.Dynamics.CRM."
COLUMNS = "EntityDefinitions(LogicalName='contact')/Attributes"


def add_column(org: Organization, kind: str, name: str, **facts: Any) -> None:
    response = org.request(
        "POST",
        COLUMNS,
        {"@odata.type": f"{TYPES}{kind}AttributeMetadata", "SchemaName": name, **facts},
    )
    assert response.status_code == 204, response.text


def write(org: Organization, text: str) -> str:
    """A contact from a body as it stands, for a float would round it."""
    headers = {"Content-Type": "application/json"}
    response = org.session.post(
        f"{org.api}/contacts", data=text.encode(), headers=headers, timeout=30
    )
    assert response.status_code == 204, response.text
    return response.headers["OData-EntityId"][-37:-1]


@pytest.mark.parametrize(
    ("kind", "facts", "given", "answered"),
    [
        ("Money", {"Precision": 4}, "922337203685477.5807", "922337203685477.5807"),
        ("Money", {"Precision": 4}, "-0.0001", "-0.0001"),
        ("Money", {"Precision": 2}, "1", "1.0000"),
        ("Decimal", {"Precision": 10}, "99999999999.9999999999", "99999999999.9999999999"),
        ("Decimal", {"Precision": 10}, "1e-5", "0.0000100000"),
        ("Decimal", {"Precision": 0}, "7", "7"),
        ("Decimal", {"Precision": 2}, "null", "null"),
        ("Money", {"Precision": 4}, "null", "null"),
    ],
)
def test_decimals_come_back_with_the_digits_of_their_column(
    org: Organization, kind: str, facts: dict[str, Any], given: str, answered: str
) -> None:
    bounds = {"MaxValue": 922337203685478, "MinValue": -922337203685478}
    add_column(org, kind, "new_amount", **facts, **bounds)
    row = write(org, f'{{"lastname":"Test","new_amount":{given}}}')
    assert (
        f'"new_amount":{answered}'.encode()
        in org.request("GET", f"contacts({row})?$select=new_amount").content
    )


def test_money_that_was_never_given_is_null_and_so_is_its_base_amount(org: Organization) -> None:
    row = org.get(
        f"contacts({org.create('contacts', lastname='Test')})"
        "?$select=annualincome,annualincome_base"
    )
    assert (row["annualincome"], row["annualincome_base"]) == (None, None)


def test_decimals_compare_and_stand_in_order_as_numbers(org: Organization) -> None:
    for amount in ("9", "10.5", "100"):
        write(org, f'{{"lastname":"{amount}","annualincome":{amount}}}')
    above = org.get(
        "contacts?$select=lastname&$filter=annualincome gt 9.5&$orderby=annualincome desc"
    )["value"]
    assert [row["lastname"] for row in above] == ["100", "10.5"]
    assert [
        row["lastname"]
        for row in org.get("contacts?$select=lastname&$filter=annualincome eq 10.50")["value"]
    ] == ["10.5"]


def test_a_webhook_tells_money_as_a_number(org: Organization, endpoint: Any) -> None:
    org.listen(endpoint.url, "Create")
    write(org, '{"lastname":"Test","annualincome":922337203685.47}')
    (arrival,) = endpoint.wait()
    assert b'"Value":922337203685.4700' in arrival.body
    assert Decimal(str(arrival.attributes["annualincome"]["Value"])) == Decimal("922337203685.47")


def options(org: Organization, name: str) -> dict[int, dict[str, Any]]:
    column = f"{COLUMNS}(LogicalName='{name}')/{TYPES}PicklistAttributeMetadata"
    path = f"{column}?$select=LogicalName&$expand=OptionSet"
    return {option["Value"]: option["Label"] for option in org.get(path)["OptionSet"]["Options"]}


def test_labels_are_by_language_and_the_users_own_may_be_null(org: Organization) -> None:
    labels = [{"Label": "Gut", "LanguageCode": 1031}, {"Label": "Bon", "LanguageCode": 1036}]
    listed = [
        {"Value": 1, "Label": {"LocalizedLabels": labels}},
        {"Value": 2, "Label": {"LocalizedLabels": []}},
    ]
    add_column(org, "Picklist", "new_mood", OptionSet={"Options": listed})
    found = options(org, "new_mood")
    assert found[1]["UserLocalizedLabel"] is None
    assert [(label["LanguageCode"], label["Label"]) for label in found[1]["LocalizedLabels"]] == [
        (1031, "Gut"),
        (1036, "Bon"),
    ]
    assert found[2] == {"LocalizedLabels": [], "UserLocalizedLabel": None}


def insert(org: Organization, **facts: Any) -> Any:
    label = {"LocalizedLabels": [{"Label": "Diverse", "LanguageCode": 1033}]}
    body = {
        "EntityLogicalName": "contact",
        "AttributeLogicalName": "gendercode",
        "Label": label,
        **facts,
    }
    return org.request("POST", "InsertOptionValue", body)


def test_an_inserted_option_is_there_once_it_is_published(org: Organization) -> None:
    assert insert(org, Value=7).json()["NewOptionValue"] == 7
    assert 7 not in options(org, "gendercode")
    assert org.refused("POST", "contacts", {"lastname": "Test", "gendercode": 7})[1] == "0x8004431a"
    published = {
        "ParameterXml": (
            "<importexportxml><entities><entity>account</entity></entities></importexportxml>"
        )
    }
    org.request("POST", "PublishXml", published)
    assert 7 not in options(org, "gendercode")
    org.request(
        "POST",
        "PublishXml",
        {"ParameterXml": published["ParameterXml"].replace("account", "contact")},
    )
    assert options(org, "gendercode")[7]["UserLocalizedLabel"]["Label"] == "Diverse"
    row = org.create("contacts", lastname="Test", gendercode=7)
    annotation = "OData.Community.Display.V1.FormattedValue"
    shown = org.get(
        f"contacts({row})?$select=gendercode", Prefer=f'odata.include-annotations="{annotation}"'
    )
    assert shown[f"gendercode@{annotation}"] == "Diverse"


def test_an_option_may_choose_its_value_and_none_is_given_twice(org: Organization) -> None:
    first = insert(org).json()["NewOptionValue"]
    assert insert(org).json()["NewOptionValue"] == first + 1
    assert insert(org, Value=first).status_code == 400
    assert insert(org, AttributeLogicalName="lastname", Value=9).status_code == 400


def test_new_options_do_not_make_change_tokens_useless(org: Organization) -> None:
    link = org.get("contacts?$select=lastname", Prefer="odata.track-changes")["@odata.deltaLink"]
    insert(org, Value=7)
    org.request("POST", "PublishAllXml", {})
    assert org.get(link)["value"] == []
