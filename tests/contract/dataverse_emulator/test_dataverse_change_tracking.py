"""Change tracking, point by point.

Microsoft Learn: Use change tracking to synchronize data with external systems.
"""

from typing import Any
from urllib.parse import unquote

import pytest

TRACK = "odata.track-changes"
SELECTION = "contacts?$select=lastname,statecode"


@pytest.fixture
def link(org: Any) -> str:
    """A delta link taken with three contacts in the organization."""
    for number in range(3):
        org.create("contacts", lastname=f"Old {number}")
    return org.get(SELECTION, Prefer=TRACK)["@odata.deltaLink"]


def deleted(org: Any, row_id: str) -> dict[str, str]:
    return {
        "@odata.context": f"{org.api}/$metadata#contacts/$deletedEntity",
        "id": row_id,
        "reason": "deleted",
    }


def test_the_first_read_gives_all_rows_and_a_link(org: Any) -> None:
    row_id = org.create("contacts", lastname="A")
    response = org.request("GET", SELECTION, Prefer=TRACK)
    body = response.json()
    assert response.headers["Preference-Applied"] == TRACK
    assert list(body) == ["@odata.context", "@odata.deltaLink", "value"]
    assert body["@odata.context"] == f"{org.api}/$metadata#contacts(lastname,statecode)"
    assert [(row["contactid"], row["lastname"], row["statecode"]) for row in body["value"]] == [
        (row_id, "A", 0)
    ]
    assert body["@odata.deltaLink"].startswith(
        f"{org.api}/contacts?$select=lastname,statecode&$deltatoken="
    )


def test_the_first_read_has_no_deletions(org: Any) -> None:
    org.delete(f"contacts({org.create('contacts', lastname='Gone')})")
    assert org.get(SELECTION, Prefer=TRACK)["value"] == []


def test_a_token_is_a_version_and_a_time_in_us_form(org: Any) -> None:
    org.control("clock", {"now": "2027-08-22T08:10:44Z"})
    org.renew_token()
    row_id = org.create("contacts", lastname="A")
    token = org.get(SELECTION, Prefer=TRACK)["@odata.deltaLink"].partition("$deltatoken=")[2]
    version = org.get(f"contacts({row_id})?$select=versionnumber")["versionnumber"]
    assert token.startswith(f"{version}%2108%2f22%2f2027%2008%3a10%3a4")
    assert unquote(token).startswith(f"{version}!08/22/2027 08:10:4")


def test_nothing_changed_gives_an_empty_delta_with_a_link(org: Any, link: str) -> None:
    body = org.get(link)
    assert body["@odata.context"] == f"{org.api}/$metadata#contacts(lastname,statecode)/$delta"
    assert body["value"] == []
    assert "$deltatoken=" in body["@odata.deltaLink"]


def test_a_row_changed_twice_comes_once_as_it_is_now(org: Any, link: str) -> None:
    row_id = org.create("contacts", lastname="First")
    org.update(f"contacts({row_id})", lastname="Second")
    assert [row["lastname"] for row in org.get(link)["value"]] == ["Second"]


def test_created_and_changed_rows_look_alike(org: Any, link: str) -> None:
    created = org.create("contacts", lastname="New")
    changed = org.get("contacts?$select=contactid&$filter=lastname eq 'Old 1'")["value"][0][
        "contactid"
    ]
    org.update(f"contacts({changed})", lastname="Changed")
    rows = org.get(link)["value"]
    assert [row["contactid"] for row in rows] == [created, changed]
    assert {tuple(row) for row in rows} == {("@odata.etag", "lastname", "statecode", "contactid")}


def test_a_row_created_and_deleted_comes_as_deletion_only(org: Any, link: str) -> None:
    row_id = org.create("contacts", lastname="Short")
    org.delete(f"contacts({row_id})")
    assert org.get(link)["value"] == [deleted(org, row_id)]


def test_a_row_deleted_and_created_again_comes_as_a_row(org: Any, link: str) -> None:
    row_id = org.create("contacts", lastname="First life")
    org.delete(f"contacts({row_id})")
    org.create("contacts", contactid=row_id, lastname="Second life")
    assert [row.get("lastname") for row in org.get(link)["value"]] == ["Second life"]


def test_deletions_come_last_and_changes_in_order_of_version(org: Any, link: str) -> None:
    first = org.create("contacts", lastname="First")
    gone = org.create("contacts", lastname="Gone")
    org.delete(f"contacts({gone})")
    second = org.create("contacts", lastname="Second")
    org.update(f"contacts({first})", lastname="Touched")
    assert [row.get("contactid", row.get("id")) for row in org.get(link)["value"]] == [
        second,
        first,
        gone,
    ]


def test_a_delta_comes_in_pages_and_only_the_last_has_the_link(org: Any, link: str) -> None:
    created = [org.create("contacts", lastname=f"New {number}") for number in range(5)]
    for row_id in created[:2]:
        org.delete(f"contacts({row_id})")
    pages = [org.get(link, Prefer="odata.maxpagesize=2")]
    while "@odata.nextLink" in pages[-1]:
        assert "@odata.deltaLink" not in pages[-1]
        pages.append(org.get(pages[-1]["@odata.nextLink"], Prefer="odata.maxpagesize=2"))
    seen = [row.get("contactid", row.get("id")) for page in pages for row in page["value"]]
    assert [len(page["value"]) for page in pages] == [2, 2, 1]
    assert seen == created[2:] + created[:2]
    assert org.get(pages[-1]["@odata.deltaLink"])["value"] == []


def test_pages_of_a_tracked_read_say_so_in_their_cookie(org: Any, link: str) -> None:
    body = org.get(SELECTION, Prefer=f"{TRACK},odata.maxpagesize=2")
    token = unquote(body["@odata.nextLink"].partition("$skiptoken=")[2])
    assert token.startswith(
        '<cookie pagenumber="2"'
        ' pagingcookie="%3ccookie%20page%3d%221%22%3e%3ccontactid%20last%3d%22%7b'
    )
    assert token.endswith('istracking="True" />')


def test_a_row_that_changes_while_pages_are_read_is_not_lost(org: Any) -> None:
    ids = [org.create("contacts", lastname=f"Row {number}") for number in range(4)]
    first = org.get(SELECTION, Prefer=f"{TRACK},odata.maxpagesize=2")
    org.update(f"contacts({ids[3]})", lastname="Moved")
    org.update(f"contacts({ids[0]})", lastname="Read before")
    last = org.get(first["@odata.nextLink"], Prefer=f"{TRACK},odata.maxpagesize=2")
    delta = org.get(last["@odata.deltaLink"])
    assert [row["contactid"] for row in first["value"] + last["value"]] == ids[:3]
    assert [row["lastname"] for row in delta["value"]] == ["Moved", "Read before"]


@pytest.mark.parametrize(
    ("option", "word"),
    [("$filter=statecode eq 0", "filter"), ("$orderby=lastname", "orderby"), ("$top=1", "top")],
)
def test_options_that_tracking_forbids_are_refused_by_name(
    org: Any, option: str, word: str
) -> None:
    status, _, message = org.refused("GET", f"contacts?$select=lastname&{option}", Prefer=TRACK)
    assert status == 400
    assert (
        message
        == f'The "${word}" query parameter isn\'t supported when Change Tracking is enabled.'
    )


def test_expand_is_forbidden_too(org: Any, link: str) -> None:
    _, _, message = org.refused("GET", f"{link}&$expand=parentcustomerid_account")
    assert (
        message == 'The "$expand" query parameter isn\'t supported when Change Tracking is enabled.'
    )


def test_a_token_expires_after_the_days_that_the_organization_sets(org: Any, link: str) -> None:
    days = org.get("organizations?$select=expirechangetrackingindays")["value"][0][
        "expirechangetrackingindays"
    ]
    org.control("clock", {"advance_seconds": days * 86400 - 60})
    org.renew_token()
    assert org.get(link)["value"] == []
    org.control("clock", {"advance_seconds": 120})
    org.renew_token()
    assert org.refused("GET", link) == (
        400,
        "0x80044352",
        "Version stamp associated with the client has expired. Please perform a full sync.",
    )


def test_the_window_can_be_made_shorter(org: Any, link: str) -> None:
    organization = org.get("organizations?$select=organizationid")["value"][0]["organizationid"]
    org.update(f"organizations({organization})", expirechangetrackingindays=1)
    org.control("clock", {"advance_seconds": 86400 + 1})
    org.renew_token()
    assert org.refused("GET", link)[1] == "0x80044352"


def test_a_new_column_makes_old_tokens_useless(org: Any, link: str) -> None:
    column = {
        "@odata.type": "Microsoft.Dynamics.CRM.StringAttributeMetadata",
        "SchemaName": "new_Code",
        "MaxLength": 20,
    }
    assert (
        org.request(
            "POST", "EntityDefinitions(LogicalName='contact')/Attributes", column
        ).status_code
        == 204
    )
    assert org.refused("GET", link)[1] == "0x80044352"
    assert len(org.get("contacts?$select=new_code", Prefer=TRACK)["value"]) == 3


def test_a_test_can_expire_all_tokens_at_once(org: Any, link: str) -> None:
    org.control(
        "faults",
        [{"match": {"path": "deltatoken"}, "action": {"expire_change_tokens": True}, "times": 1}],
    )
    assert org.refused("GET", link)[1] == "0x80044352"
    fresh = org.get(SELECTION, Prefer=TRACK)["@odata.deltaLink"]
    assert org.get(fresh)["value"] == []


def test_a_token_of_a_time_before_a_reset_does_not_serve_after_it(org: Any, link: str) -> None:
    org.control("reset", {})
    assert org.refused("GET", link)[1] == "0x80044352"


def test_a_text_that_is_no_token_is_refused(org: Any) -> None:
    assert org.refused("GET", "contacts?$deltatoken=nonsense")[0] == 400


def test_a_caller_who_may_not_read_the_whole_organization_may_not_track(
    org: Any, link: str
) -> None:
    org.control("access", {"privileges": {"prvReadContact": "Local"}})
    status, code, message = org.refused("GET", link)
    assert (status, code) == (403, "0x80040220")
    assert "is missing prvReadContact privilege" in message
    assert len(org.get("contacts?$select=lastname")["value"]) == 3


def test_a_deactivated_contact_is_a_changed_row(org: Any, link: str) -> None:
    row_id = org.get("contacts?$select=contactid&$top=1")["value"][0]["contactid"]
    org.update(f"contacts({row_id})", statecode=1, statuscode=2)
    assert [(row["contactid"], row["statecode"]) for row in org.get(link)["value"]] == [(row_id, 1)]


def test_changes_can_be_counted(org: Any, link: str) -> None:
    org.create("contacts", lastname="New")
    org.delete(f"contacts({org.create('contacts', lastname='Gone')})")
    response = org.request(
        "GET", f"{org.api}/contacts/$count?$deltatoken={link.partition('$deltatoken=')[2]}"
    )
    assert response.headers["Content-Type"].startswith("text/plain")
    assert response.content.decode("utf-8-sig") == "2"


def test_a_table_that_is_not_tracked_says_so_until_it_is(org: Any) -> None:
    assert org.refused("GET", "teams?$select=name", Prefer=TRACK) == (
        400,
        "0x80072491",
        "Entity team isn't enabled for change tracking.",
    )
    team = org.get("EntityDefinitions(LogicalName='team')?$select=ChangeTrackingEnabled")
    assert team["ChangeTrackingEnabled"] is False
    change = {**team, "ChangeTrackingEnabled": True}
    assert org.request("PUT", f"EntityDefinitions({team['MetadataId']})", change).status_code == 204
    assert "@odata.deltaLink" in org.get("teams?$select=name", Prefer=TRACK)


def test_a_selection_given_without_names_brings_all_columns(org: Any) -> None:
    org.create("contacts", lastname="A")
    body = org.get("contacts", Prefer=TRACK)
    assert body["@odata.context"] == f"{org.api}/$metadata#contacts"
    assert {"donotemail", "emailaddress1", "_ownerid_value", "versionnumber"} <= body["value"][
        0
    ].keys()
    assert "$select" not in body["@odata.deltaLink"]


def test_a_write_that_bypasses_webhooks_is_in_the_delta_all_the_same(org: Any, link: str) -> None:
    bypass = {"MSCRM.BypassBusinessLogicExecution": "CustomSync,CustomAsync"}
    org.create("contacts", _headers=bypass, lastname="Quiet")
    assert [row["lastname"] for row in org.get(link)["value"]] == ["Quiet"]


def test_a_write_that_is_refused_leaves_no_trace(org: Any, link: str) -> None:
    assert org.refused("POST", "contacts", {"lastname": "x" * 51})[0] == 400
    assert org.get(link)["value"] == []


def test_links_keep_the_version_that_was_asked_for(org: Any) -> None:
    older = f"{org.base}/api/data/v9.1"
    body = org.get(f"{older}/contacts?$select=lastname", Prefer=TRACK)
    assert body["@odata.deltaLink"].startswith(f"{older}/contacts?")
