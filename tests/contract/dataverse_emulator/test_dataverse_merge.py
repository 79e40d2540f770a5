"""What becomes of a contact's rows when it is merged or deleted.

Microsoft Learn: Merge table rows using the Web API; Contact table reference (cascade configurations
of the one-to-many relationships).
"""

from typing import Any

import pytest

from tests.contract.dataverse_emulator.activity_kit import create_activity_table, regarding

NOBODY = "00000000-0000-0000-0000-00000000dead"


@pytest.fixture
def pair(org: Any) -> tuple[str, str]:
    """Two contacts: the one to stay, the one to go."""
    return org.create("contacts", lastname="Master"), org.create("contacts", lastname="Loser")


def order(master: str, loser: str, **facts: Any) -> dict[str, Any]:
    contact = {"@odata.type": "Microsoft.Dynamics.CRM.contact"}
    rows = {
        "Target": {**contact, "contactid": master},
        "Subordinate": {**contact, "contactid": loser},
    }
    return {**rows, "PerformParentingChecks": False, **facts}


def merge(org: Any, *pair: str, **facts: Any) -> None:
    assert org.request("POST", "Merge", order(*pair, **facts)).status_code == 204


def test_the_loser_becomes_inactive_and_names_its_master(org: Any, pair: tuple[str, str]) -> None:
    merge(org, *pair)
    row = org.get(f"contacts({pair[1]})?$select=_masterid_value,merged,statecode,statuscode")
    assert (row["_masterid_value"], row["merged"], row["statecode"], row["statuscode"]) == (
        pair[0],
        True,
        1,
        2,
    )
    assert org.get(f"contacts({pair[0]})?$select=merged,statecode")["merged"] is False


def test_the_master_takes_what_is_to_be_kept(org: Any, pair: tuple[str, str]) -> None:
    content = {
        "@odata.type": "Microsoft.Dynamics.CRM.contact",
        "contactid": pair[0],
        "firstname": "Kept",
    }
    merge(org, *pair, UpdateContent=content)
    assert org.get(f"contacts({pair[0]})?$select=fullname")["fullname"] == "Kept Master"


def test_a_merge_is_seen_by_webhooks_and_change_tracking(
    org: Any, pair: tuple[str, str], endpoint: Any
) -> None:
    org.listen(endpoint.url, "Update", filteringattributes="masterid,merged,statecode")
    link = org.get(
        "contacts?$select=lastname,merged,_masterid_value", Prefer="odata.track-changes"
    )["@odata.deltaLink"]
    merge(org, *pair)
    (arrival,) = endpoint.wait()
    assert (arrival.context["PrimaryEntityId"], arrival.attributes["masterid"]["Id"]) == (
        pair[1],
        pair[0],
    )
    (changed,) = org.get(link)["value"]
    assert (changed["contactid"], changed["merged"], changed["_masterid_value"]) == (
        pair[1],
        True,
        pair[0],
    )


def test_activities_and_children_move_to_the_master(org: Any, pair: tuple[str, str]) -> None:
    create_activity_table(org)
    send = org.create("acs_emailsends", subject="Sent", **regarding(pair[1]))
    child = org.create(
        "contacts",
        lastname="Child",
        **{"parentcustomerid_contact@odata.bind": f"/contacts({pair[1]})"},
    )
    account = org.create(
        "accounts", name="Contoso", **{"primarycontactid@odata.bind": f"/contacts({pair[1]})"}
    )
    merge(org, *pair)
    moved = [
        org.get(f"acs_emailsends({send})?$select=_regardingobjectid_value")[
            "_regardingobjectid_value"
        ],
        org.get(f"contacts({child})?$select=_parentcustomerid_value")["_parentcustomerid_value"],
        org.get(f"accounts({account})?$select=_primarycontactid_value")["_primarycontactid_value"],
    ]
    assert moved == [pair[0]] * 3


def test_a_merge_of_what_is_not_there_changes_nothing(org: Any, pair: tuple[str, str]) -> None:
    content = {"firstname": "Lost"}
    assert org.refused("POST", "Merge", order(pair[0], NOBODY, UpdateContent=content))[:2] == (
        404,
        "0x80040217",
    )
    assert org.get(f"contacts({pair[0]})?$select=firstname")["firstname"] is None


@pytest.mark.parametrize(
    ("facts", "status", "words"),
    [
        ({"PerformParentingChecks": None}, 400, "PerformParentingChecks"),
        (
            {"Subordinate": {"@odata.type": "Microsoft.Dynamics.CRM.account", "accountid": NOBODY}},
            501,
            "but two contacts",
        ),
        (
            {"Target": {"@odata.type": "Microsoft.Dynamics.CRM.contact"}},
            400,
            "should have the key property value set",
        ),
    ],
)
def test_an_order_that_is_not_complete_is_refused(
    org: Any, pair: tuple[str, str], facts: dict[str, Any], status: int, words: str
) -> None:
    found, _, message = org.refused("POST", "Merge", order(*pair, **facts))
    assert (found, words in message) == (status, True)


def test_what_merges_cannot_be_told_from_the_documents_is_refused(
    org: Any, pair: tuple[str, str]
) -> None:
    org.update(
        f"contacts({pair[0]})",
        **{"parentcustomerid_account@odata.bind": f"/accounts({org.create('accounts', name='A')})"},
    )
    assert org.refused("POST", "Merge", order(*pair, PerformParentingChecks=True))[0] == 501
    assert org.refused("POST", "Merge", order(pair[0], pair[0]))[0] == 501
    merge(org, *pair)
    assert org.refused("POST", "Merge", order(*pair))[0] == 501


def test_a_caller_who_may_not_write_contacts_may_not_merge_them(
    org: Any, pair: tuple[str, str]
) -> None:
    org.control("access", {"privileges": {"prvWriteContact": "None"}})
    assert org.refused("POST", "Merge", order(*pair))[:2] == (403, "0x80040220")


def test_a_deleted_contact_takes_its_activities_along(
    org: Any, pair: tuple[str, str], endpoint: Any
) -> None:
    create_activity_table(org)
    org.listen(endpoint.url, "Delete", "acs_emailsend")
    send = org.create("acs_emailsends", subject="Sent", **regarding(pair[1]))
    task = org.create("tasks", subject="Call", **regarding(pair[0], "task"))
    org.delete(f"contacts({pair[1]})")
    assert [row["activityid"] for row in org.get("activitypointers?$select=subject")["value"]] == [
        task
    ]
    assert endpoint.wait()[0].context["PrimaryEntityId"] == send
