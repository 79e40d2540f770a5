"""What is asked for of a table's definition (Microsoft Learn, "Query table definitions using the
Web API").
"""

from urllib.parse import quote

DEFINITION = "LogicalName,EntitySetName,PrimaryIdAttribute,ChangeTrackingEnabled,DisplayName"
ATTRIBUTE = "LogicalName,AttributeType,AttributeTypeName,IsValidForRead,DisplayName"
TRACKED_TABLES = (
    "EntityDefinitions?$select=LogicalName,DisplayName&$filter=ChangeTrackingEnabled eq true"
)
DETAILS = {
    "StringAttributeMetadata": "?$select=LogicalName,MaxLength",
    "MemoAttributeMetadata": "?$select=LogicalName,MaxLength",
    "DateTimeAttributeMetadata": "?$select=LogicalName,DateTimeBehavior,Format",
    "LookupAttributeMetadata": "?$select=LogicalName,Targets",
    "BooleanAttributeMetadata": "?$select=LogicalName&$expand=OptionSet",
    "PicklistAttributeMetadata": "?$select=LogicalName&$expand=OptionSet,GlobalOptionSet",
    "MultiSelectPicklistAttributeMetadata": (
        "?$select=LogicalName&$expand=OptionSet,GlobalOptionSet"
    ),
    "StateAttributeMetadata": "?$select=LogicalName&$expand=OptionSet",
    "StatusAttributeMetadata": "?$select=LogicalName&$expand=OptionSet",
}


def definition_paths(logical_name: str) -> tuple[str, list[str]]:
    """The path of a table's definition, and those of the details of its columns."""
    table = f"EntityDefinitions(LogicalName='{quote(logical_name)}')"
    return f"{table}?$select={DEFINITION}&$expand=Attributes($select={ATTRIBUTE})", [
        f"{table}/Attributes/Microsoft.Dynamics.CRM.{kind}{query}"
        for kind, query in DETAILS.items()
    ]
