"""Verbs on activity tables, for the tests beside it."""

from typing import Any

PREFIX = "Microsoft.Dynamics.CRM."
COLUMN_LENGTHS = {"acs_eventid": 100, "acs_campaignname": 200}


def label(text: str) -> dict[str, Any]:
    one = {"@odata.type": f"{PREFIX}LocalizedLabel", "Label": text, "LanguageCode": 1033}
    return {"@odata.type": f"{PREFIX}Label", "LocalizedLabels": [one]}


def text_column(schema: str, longest: int, **facts: Any) -> dict[str, Any]:
    named = {
        "@odata.type": f"{PREFIX}StringAttributeMetadata",
        "SchemaName": schema,
        "DisplayName": label(schema),
    }
    return {**named, "MaxLength": longest, "FormatName": {"Value": "Text"}, **facts}


def definition(schema: str = "acs_emailsend", **facts: Any) -> dict[str, Any]:
    """A table definition that keeps all rules of activities; `facts` breaks them."""
    rules = {
        "IsActivity": True,
        "HasActivities": False,
        "HasNotes": True,
        "IsAvailableOffline": True,
        "ActivityTypeMask": 0,
    }
    names = {
        "SchemaName": schema,
        "DisplayName": label(schema),
        "DisplayCollectionName": label(f"{schema}s"),
    }
    primary = text_column("Subject", 200, IsPrimaryName=True)
    whole = {
        "@odata.type": f"{PREFIX}EntityMetadata",
        **names,
        "OwnershipType": "UserOwned",
        **rules,
        "Attributes": [primary],
    }
    return {**whole, **facts}


def create_activity_table(org: Any, schema: str = "acs_emailsend") -> None:
    assert org.request("POST", "EntityDefinitions", definition(schema)).status_code == 204
    for column, longest in COLUMN_LENGTHS.items():
        created = org.request(
            "POST",
            f"EntityDefinitions(LogicalName='{schema}')/Attributes",
            text_column(column, longest),
        )
        assert created.status_code == 204


def regarding(contact: str, table: str = "acs_emailsend") -> dict[str, str]:
    return {f"regardingobjectid_contact_{table}@odata.bind": f"/contacts({contact})"}


def targets(*rows: dict[str, Any], table: str = "acs_emailsend") -> dict[str, Any]:
    return {"Targets": [{"@odata.type": f"{PREFIX}{table}", **row} for row in rows]}


def subjects(org: Any, entity_set: str = "acs_emailsends") -> list[str]:
    return sorted(row["subject"] for row in org.get(f"{entity_set}?$select=subject")["value"])
