"""Bulk messages and who may do what.

Microsoft Learn: Use bulk operation messages; Use OAuth authentication; Security roles.
"""

from typing import Any

import pytest

NOBODY = "00000000-0000-0000-0000-00000000dead"


@pytest.fixture
def row_id(org: Any) -> str:
    return org.create("contacts", firstname="Ana", lastname="Test")


@pytest.fixture
def key(org: Any) -> None:
    body = {"SchemaName": "acs_External", "KeyAttributes": ["externaluseridentifier"]}
    assert (
        org.request("POST", "EntityDefinitions(LogicalName='contact')/Keys", body).status_code
        == 204
    )


def bulk(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"Targets": [{"@odata.type": "Microsoft.Dynamics.CRM.contact", **row} for row in rows]}


def test_update_multiple_counts_the_first_of_equal_targets_and_needs_all_rows(
    org: Any, row_id: str
) -> None:
    action = "contacts/Microsoft.Dynamics.CRM.UpdateMultiple"
    body = bulk(
        {"contactid": row_id, "lastname": "First"}, {"contactid": row_id, "lastname": "Second"}
    )
    assert org.request("POST", action, body).status_code == 204
    assert org.get(f"contacts({row_id})?$select=lastname")["lastname"] == "First"
    body = bulk({"contactid": row_id, "lastname": "Third"}, {"contactid": NOBODY, "lastname": "X"})
    assert org.refused("POST", action, body) == (
        404,
        "0x80040217",
        f"contact With Ids = {NOBODY} Do Not Exist",
    )
    assert org.get(f"contacts({row_id})?$select=lastname")["lastname"] == "First"


@pytest.mark.usefixtures("key")
def test_upsert_multiple_takes_ids_and_keys_and_refuses_duplicates(org: Any, row_id: str) -> None:
    action = "contacts/Microsoft.Dynamics.CRM.UpsertMultiple"
    by_key = {"@odata.id": "contacts(externaluseridentifier='k')", "lastname": "By key"}
    assert (
        org.request(
            "POST", action, bulk({"contactid": row_id, "lastname": "By id"}, by_key)
        ).status_code
        == 204
    )
    assert sorted(row["lastname"] for row in org.get("contacts?$select=lastname")["value"]) == [
        "By id",
        "By key",
    ]
    assert org.refused("POST", action, bulk(by_key, by_key))[0] == 400


def test_delete_multiple_is_not_there_for_standard_tables(org: Any) -> None:
    status, _, message = org.refused(
        "POST", "contacts/Microsoft.Dynamics.CRM.DeleteMultiple", bulk()
    )
    assert (status, message) == (400, "DeleteMultiple has not yet been implemented.")


def test_a_caller_without_a_privilege_is_refused(org: Any, row_id: str) -> None:
    org.control(
        "access",
        {
            "privileges": {
                "prvWriteContact": "None",
                "prvCreateContact": "None",
                "prvDeleteContact": "None",
            }
        },
    )
    for method, path in (
        ("PATCH", f"contacts({row_id})"),
        ("POST", "contacts"),
        ("DELETE", f"contacts({row_id})"),
    ):
        status, code, message = org.refused(method, path, {"lastname": "B"})
        assert (status, code) == (403, "0x80040220")
        assert message.startswith("Principal user (Id=")


def test_a_token_that_is_missing_expired_or_meant_for_others_is_refused_as_the_front_end_does(
    org: Any,
) -> None:
    stale = org.token(org.base)
    org.control("clock", {"advance_seconds": 3600})
    for token in ("", "nonsense", stale, org.token("https://other.example.org")):
        response = org.request("GET", "WhoAmI", Authorization=f"Bearer {token}")
        assert response.status_code == 401
        assert response.text == "HTTP Error 401 - Unauthorized: Access is denied"
        assert response.headers["WWW-Authenticate"].startswith(
            "Bearer authorization_uri=https://login.microsoftonline.com/"
        )


def test_the_callers_application_decides_who_writes(org: Any) -> None:
    user = org.create(
        "systemusers", fullname="Bridge", applicationid="77777777-0000-4000-8000-000000000001"
    )
    other = {
        "Authorization": (
            f"Bearer {org.token(org.base, appid='77777777-0000-4000-8000-000000000001')}"
        )
    }
    assert org.refused("GET", "WhoAmI", **other)[:2] == (403, "0x80042f09")
    (role,) = org.get("roles?$select=roleid&$filter=name eq 'System Administrator'")["value"]
    give_role(org, user, role["roleid"])
    assert org.get("WhoAmI", **other)["UserId"] == user
    org.update(f"systemusers({user})", isdisabled=True)
    assert org.refused("GET", "WhoAmI", **other)[:2] == (403, "0x80040225")
    org.control("access", {"strict": True})
    stranger = {
        "Authorization": (
            f"Bearer {org.token(org.base, appid='77777777-0000-4000-8000-000000000002')}"
        )
    }
    assert org.refused("GET", "WhoAmI", **stranger) == (
        403,
        "0x80072560",
        "The user is not a member of the organization.",
    )


def give_role(org: Any, user: str, role: str) -> None:
    body = {"@odata.id": f"{org.api}/roles({role})"}
    assert (
        org.request(
            "POST", f"systemusers({user})/systemuserroles_association/$ref", body
        ).status_code
        == 204
    )


def test_a_user_may_do_what_its_roles_hold_and_nothing_else(org: Any, row_id: str) -> None:
    application = "77777777-0000-4000-8000-000000000003"
    user = org.create("systemusers", fullname="Bridge", applicationid=application)
    unit = org.get("businessunits?$select=businessunitid")["value"][0]["businessunitid"]
    role = org.create(
        "roles", **{"name": "Reader", "businessunitid@odata.bind": f"/businessunits({unit})"}
    )
    give_role(org, user, role)
    own = {"Authorization": f"Bearer {org.token(org.base, appid=application)}"}
    assert org.refused("GET", f"contacts({row_id})", **own)[:2] == (403, "0x80040220")
    (privilege,) = org.get("privileges?$select=privilegeid&$filter=name eq 'prvReadContact'")[
        "value"
    ]
    action = f"roles({role})/Microsoft.Dynamics.CRM.ReplacePrivilegesRole"
    order = {"Privileges": [{"PrivilegeId": privilege["privilegeid"], "Depth": "Basic"}]}
    assert org.request("POST", action, order).status_code == 204
    assert org.request("GET", f"contacts({row_id})", **own).status_code == 200
    assert org.refused("GET", "contacts", **own, Prefer="odata.track-changes")[0] == 403
    assert org.refused("GET", "EntityDefinitions", **own)[2].startswith("Principal user (Id=")
    held = org.get(f"systemusers({user})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges")[
        "RolePrivileges"
    ]
    assert [(item["PrivilegeName"], item["Depth"]) for item in held] == [
        ("prvReadContact", "Basic")
    ]
    assert org.get(f"RetrieveRolePrivilegesRole(RoleId={role})")["RolePrivileges"] == held
    listed = org.get(f"systemusers({user})/systemuserroles_association?$select=name")["value"]
    assert listed == [{"roleid": role, "name": "Reader"}]
    assert (
        org.request(
            "DELETE", f"systemusers({user})/systemuserroles_association({role})/$ref"
        ).status_code
        == 204
    )
    assert org.refused("GET", "WhoAmI", **own)[:2] == (403, "0x80042f09")


def test_a_lookup_takes_append_on_both_rows(org: Any, row_id: str) -> None:
    task = {"subject": "Call", "regardingobjectid_contact_task@odata.bind": f"/contacts({row_id})"}
    for missing in ("prvAppendActivity", "prvAppendToContact"):
        org.control("access", {"privileges": {missing: "None"}})
        status, code, message = org.refused("POST", "tasks", task)
        assert (status, code, f"missing {missing} privilege" in message) == (
            403,
            "0x80040220",
            True,
        )


def test_impersonation_is_refused_with_a_sentence(org: Any) -> None:
    for header in ("CallerObjectId", "MSCRMCallerID"):
        assert org.refused("GET", "WhoAmI", **{header: NOBODY}) == (
            501,
            "0x80040216",
            "This emulator does not do impersonation.",
        )
