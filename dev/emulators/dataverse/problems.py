"""Errors as the Dataverse Web API answers them: an HTTP status, a code, a sentence.

Source: Microsoft Learn, "Web service error codes" and "Compose HTTP requests and handle errors".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

HELP_LINK = "https://go.microsoft.com/fwlink/?linkid=2195293"


@dataclass
class ApiError(Exception):
    """One refused request; `code` is the eight-digit hexadecimal of the platform."""

    status: int
    code: str
    message: str
    headers: Mapping[str, str] = field(default_factory=dict)


def not_emulated(what: str) -> ApiError:
    return ApiError(501, "0x80040216", f"This emulator does not do {what}.")


def no_such_row(table: str, row_id: str) -> ApiError:
    return ApiError(404, "0x80040217", f"{table} With Id = {row_id} Does Not Exist")


def no_such_key(table: str) -> ApiError:
    return ApiError(
        404,
        "0x80060891",
        f"A record with the specified key values does not exist in {table} entity",
    )


def no_such_path(segment: str) -> ApiError:
    return ApiError(404, "0x80060888", f"Resource not found for the segment '{segment}'.")


def no_such_property(name: str, table: str) -> ApiError:
    return ApiError(
        400,
        "0x80060888",
        f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{table}'.",
    )


def bad_query(message: str) -> ApiError:
    return ApiError(400, "0x80060888", message)


def bad_payload(entity_set: str, why: str) -> ApiError:
    message = (
        f"Error identified in Payload provided by the user for Entity :'{entity_set}', For more"
        f" information on this error please follow this help link {HELP_LINK}  ----> "
        f" InnerException : {why}"
    )
    return ApiError(400, "0x80048d19", message)


def undeclared_property(entity_set: str, name: str) -> ApiError:
    why = (
        f"Microsoft.OData.ODataException: An undeclared property '{name}' which only has property"
        " annotations in the payload but no property value was found in the payload. In OData,"
        " only declared navigation properties and declared named streams can be represented as"
        " properties without values."
    )
    return bad_payload(entity_set, why)


def unsupported_message(message: str, table: str) -> ApiError:
    """SdkEntityDoesNotSupportMessage; its HTTP status is not documented."""
    why = "MessageProcessorCache returned MessageProcessor.Empty. "
    return ApiError(
        400,
        "0x80040800",
        f"The '{message}' method does not support entities of type '{table}'. {why}",
    )


def not_a_key(table: str) -> ApiError:
    message = (
        f"The key in the request URI is not valid for resource 'Microsoft.Dynamics.CRM.{table}'."
        " Ensure that the names and number of key properties match the declared or alternate key"
        f" properties for the resource 'Microsoft.Dynamics.CRM.{table}'."
    )
    return ApiError(400, "0x80060890", message)


def duplicate_id() -> ApiError:
    return ApiError(412, "0x80040237", "Cannot insert duplicate key.")


def already_exists() -> ApiError:
    return ApiError(412, "0x80040237", "A record with matching key values already exists.")


def duplicate_key(key: str, columns: list[str], fragment: str) -> ApiError:
    message = (
        f"Entity Key {key} violated. A record with the same value for {', '.join(columns)} already"
        " exists. A duplicate record cannot be created. Select one or more unique values and try"
        f" again. {fragment}"
    )
    return ApiError(412, "0x80060892", message)


def version_mismatch() -> ApiError:
    return ApiError(
        412,
        "0x80060882",
        "The version of the existing record doesn't match the RowVersion property provided.",
    )


def missing_privilege(
    user_id: str, privilege: str, privilege_id: str, table: str, code: int, status: int = 403
) -> ApiError:
    message = (
        f"Principal user (Id={user_id}, type=8) is missing {privilege} privilege"
        f" (Id={privilege_id}) on OTC={code} for entity '{table}'."
    )
    return ApiError(status, "0x80040220", message)


def no_access_to_row(user_id: str, action: str, row_id: str, table: str) -> ApiError:
    message = (
        f"Principal with id {user_id} does not have {action}Access right(s) for record with id"
        f" {row_id} of entity {table}"
    )
    return ApiError(403, "0x80040220", message)


def missing_platform_privilege(user_id: str, privilege: str, privilege_id: str) -> ApiError:
    message = (
        f"Principal user (Id={user_id}, type=8) is missing {privilege} privilege"
        f" (Id={privilege_id})."
    )
    return ApiError(403, "0x80040220", message)


def expired_version_stamp() -> ApiError:
    """The HTTP status is not documented; 400 is the platform's usual status for an argument that is
    no longer valid.
    """
    return ApiError(
        400,
        "0x80044352",
        "Version stamp associated with the client has expired. Please perform a full sync.",
    )


def tracking_not_enabled(table: str) -> ApiError:
    return ApiError(400, "0x80072491", f"Entity {table} isn't enabled for change tracking.")
