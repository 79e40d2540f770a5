"""The four activity tables of e-mail events, as data, and as the metadata that Dataverse takes.

Source: Microsoft Learn, "Custom activities", "Create and update table definitions using the Web
API".
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

PREFIX = "acs"
SOLUTION = "AdobeCampaignBridge"
ENGLISH = 1033
TYPES = "Microsoft.Dynamics.CRM."
PUBLISHER = {
    "uniquename": "adobecampaignbridge",
    "friendlyname": "Adobe Campaign Bridge",
    "customizationprefix": PREFIX,
    "customizationoptionvalueprefix": 41000,
}
Body = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """`longest` is in characters and 0 for dates; `format` is Text or Url, and DateAndTime for
    dates.
    """

    name: str
    label: str
    longest: int
    format: str = "Text"

    @property
    def type(self) -> str:
        return "String" if self.longest else "DateTime"

    def body(self) -> Body:
        return {
            "@odata.type": f"{TYPES}{self.type}AttributeMetadata",
            "SchemaName": self.name,
            "AttributeType": self.type,
            "AttributeTypeName": {"Value": f"{self.type}Type"},
            "DisplayName": label(self.label),
            "RequiredLevel": optional(),
            **self.details(),
        }

    def details(self) -> Body:
        if self.longest:
            return {"MaxLength": self.longest, "FormatName": {"Value": self.format}}
        return {"Format": self.format, "DateTimeBehavior": {"Value": "UserLocal"}}


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    label: str
    description: str
    columns: tuple[Column, ...]

    def body(self) -> Body:
        """HasNotes, IsAvailableOffline and the primary attribute Subject are what activities must
        have.
        """
        return {
            "@odata.type": f"{TYPES}EntityMetadata",
            "SchemaName": self.name,
            "DisplayName": label(self.label),
            "DisplayCollectionName": label(f"{self.label}s"),
            "Description": label(self.description),
            "OwnershipType": "UserOwned",
            "IsActivity": True,
            "HasActivities": False,
            "HasNotes": True,
            "IsAvailableOffline": True,
            "ActivityTypeMask": 0,
            "Attributes": [{**Column("Subject", "Subject", 200).body(), "IsPrimaryName": True}],
        }


def label(text: str) -> Body:
    one = {"@odata.type": f"{TYPES}LocalizedLabel", "Label": text, "LanguageCode": ENGLISH}
    return {"@odata.type": f"{TYPES}Label", "LocalizedLabels": [one]}


def optional() -> Body:
    return {
        "Value": "None",
        "CanBeChanged": True,
        "ManagedPropertyLogicalName": "canmodifyrequirementlevelsettings",
    }


def publish_order(tables: Iterable[Table]) -> Body:
    listed = "".join(f"<entity>{table.name}</entity>" for table in tables)
    return {"ParameterXml": f"<importexportxml><entities>{listed}</entities></importexportxml>"}


COMMON = (
    Column("acs_eventid", "Event ID", 100),
    Column("acs_campaignname", "Campaign Name", 200),
    Column("acs_deliveryname", "Delivery Name", 200),
    Column("acs_eventdate", "Event Date", 0, "DateAndTime"),
    Column("acs_mirrorpageurl", "Mirror Page URL", 2000, "Url"),
)
CLICK = (Column("acs_trackingurl", "Tracking URL", 2000, "Url"),)
BOUNCE = (
    Column("acs_bouncetype", "Bounce Type", 50),
    Column("acs_bouncereason", "Bounce Reason", 100),
)
TABLES = (
    Table(
        "acs_emailsend", "Adobe Campaign Email Send", "An e-mail that Adobe Campaign sent", COMMON
    ),
    Table(
        "acs_emailopen",
        "Adobe Campaign Email Open",
        "An e-mail of Adobe Campaign that was opened",
        COMMON,
    ),
    Table(
        "acs_emailclick",
        "Adobe Campaign Email URL Click",
        "A link in an e-mail of Adobe Campaign that was clicked",
        COMMON + CLICK,
    ),
    Table(
        "acs_emailbounce",
        "Adobe Campaign Email Bounce",
        "An e-mail of Adobe Campaign that came back",
        COMMON + BOUNCE,
    ),
)
