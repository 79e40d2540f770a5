"""The Campaign emulator against what Adobe documents and what live instances have shown."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.campaign_emulator.conftest import Instance

EXT, BASE = "/profileAndServicesExt/profile", "/profileAndServices/profile"
RST = "RST-360011 An error has occurred - please contact your administrator."


def create(campaign: Instance, **fields: Any) -> dict[str, Any]:
    response = campaign.api("POST", EXT, fields)
    assert response.status_code == 201, response.text
    return dict(response.json())


def test_a_token_is_issued_for_the_right_credential_only(campaign: Instance) -> None:
    assert campaign.token().json()["expires_in"] == 86399
    assert (
        campaign.token(client_secret="wrong").status_code,
        campaign.token(scope="").status_code,
    ) == (401, 400)
    assert campaign.token(client_secret="wrong").json()["error"] == "invalid_client"


def test_a_token_ends_by_the_clock_or_when_the_secret_changes(campaign: Instance) -> None:
    campaign.control("POST", "clock", {"advance_seconds": 86400})
    assert campaign.api("GET", EXT).json() == {
        "error_code": "401013",
        "message": "Oauth token is not valid",
    }
    campaign.control("POST", "clock", {})
    assert campaign.api("GET", EXT).status_code == 200
    campaign.control("POST", "secret", {"client_secret": "other"})
    assert campaign.api("GET", EXT).status_code == 401
    assert campaign.token().status_code == 401


def test_the_gateway_refuses_a_wrong_key_and_an_unknown_organization(campaign: Instance) -> None:
    assert campaign.api("GET", EXT, X_Api_Key="wrong").status_code == 403
    response = campaign.api("GET", f"{campaign.root}/nobody/campaign{EXT}")
    assert (response.status_code, response.json()["message"]) == (
        500,
        "Oops. Something went wrong. Check your URI and try again.",
    )


def test_a_created_profile_comes_back_whole(campaign: Instance) -> None:
    profile = create(
        campaign,
        firstName="Ana",
        lastName="Test",
        email="ana@example.org",
        location={"city": "Lyon", "zipCode": "69001"},
    )
    assert next(iter(profile)) == "PKey"
    assert list(profile) == sorted(profile)
    assert profile["PKey"].startswith("@")
    assert len(profile["PKey"]) in (92, 113)
    assert (profile["title"], profile["domain"], profile["age"]) == (
        "Ana Test (ana@example.org)",
        "example.org",
        0,
    )
    assert (
        profile["birthDate"],
        profile["blackList"],
        profile["cusLoyaltyPoints"],
        profile["orgUnit"],
    ) == ("", False, 0, None)
    assert profile["location"]["city"] == "Lyon"
    assert profile["postalAddress"]["serialized"] == "Ana TEST\n\n\n\n\n69001 LYON"
    assert campaign.api("GET", profile["href"]).json() == profile


def test_a_change_answers_with_key_and_href(campaign: Instance) -> None:
    profile = create(campaign, externalId="a-1", firstName="Ana")
    for place in (profile["PKey"], "a-1"):
        response = campaign.api(
            "PATCH", f"{EXT}/{place}", {"firstName": "Anna", "location": {"city": "Lyon"}}
        )
        assert (response.status_code, set(response.json())) == (200, {"PKey", "href"})
    held = campaign.api("GET", f"{EXT}/a-1").json()
    assert (held["firstName"], held["location"]["city"]) == ("Anna", "Lyon")


def test_last_modified_moves_only_when_something_differs(campaign: Instance) -> None:
    profile = create(campaign, externalId="a-1", firstName="Ana")
    campaign.control("POST", "clock", {"advance_seconds": 60})
    campaign.api("PATCH", f"{EXT}/a-1", {"firstName": "Ana"})
    assert campaign.api("GET", f"{EXT}/a-1").json()["lastModified"] == profile["lastModified"]
    campaign.api("PATCH", f"{EXT}/a-1", {"firstName": "Anna"})
    assert campaign.api("GET", f"{EXT}/a-1").json()["lastModified"] > profile["lastModified"]


def test_each_opt_out_has_its_own_time(campaign: Instance) -> None:
    create(campaign, externalId="a-1", blackListEmail=True)
    first = campaign.api("GET", f"{EXT}/a-1").json()
    assert (first["blackListEmailLastModified"], first["blackListPhoneLastModified"]) == (
        first["created"],
        "",
    )
    campaign.control("POST", "clock", {"advance_seconds": 60})
    campaign.api("PATCH", f"{EXT}/a-1", {"blackListPhone": True, "blackListEmail": True})
    second = campaign.api("GET", f"{EXT}/a-1").json()
    assert second["blackListEmailLastModified"] == first["blackListEmailLastModified"]
    assert second["blackListPhoneLastModified"] == second["lastModified"]


def test_a_deleted_profile_is_gone(campaign: Instance) -> None:
    create(campaign, externalId="a-1")
    assert campaign.api("DELETE", f"{EXT}/a-1").status_code == 200
    response = campaign.api("DELETE", f"{EXT}/a-1")
    assert (response.status_code, response.text) == (
        404,
        (
            f"{RST} Unable to find document with path 'Profiles' from key 'a-1:0' (document with"
            " schema 'recipient' and name 'a-1')"
        ),
    )


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            {"gender": "invalid"},
            (
                f"{RST} The value 'invalid' is not valid for the 'nms:recipient:gender' enumeration"
                " of the '@gender' field"
            ),
        ),
        ({"age": 3}, "Cannot update the 'age' property that is read-only"),
        ({"shoeSize": 42}, "'shoeSize' property is not valid for the 'profile' resource."),
        (
            {"denyListEmail": True},
            "'denyListEmail' property is not valid for the 'profile' resource.",
        ),
        ({"email": "nobody"}, "'@email'"),
        ({"firstName": "x" * 31}, "'@firstName' field is too long"),
        ({"birthDate": "31.12.1999"}, "'@birthDate'"),
        ({"cusLoyaltyPoints": "many"}, "'@cusLoyaltyPoints'"),
    ],
)
def test_a_clients_mistake_is_a_500_with_text(
    campaign: Instance, body: dict[str, Any], text: str
) -> None:
    response = campaign.api("POST", EXT, body)
    assert (response.status_code, response.headers["Content-Type"].split(";")[0]) == (
        500,
        "text/plain",
    )
    assert text in response.text
    campaign.control("POST", "options", {"errorsAsJson": True})
    assert text in campaign.api("POST", EXT, body).json()


def test_a_taken_key_is_refused_as_postgresql_does(campaign: Instance) -> None:
    create(campaign, externalId="a-1")
    response = campaign.api("POST", EXT, {"externalId": "a-1"})
    assert response.status_code == 500
    assert (
        "PGS-220000 PostgreSQL error: ERROR:  duplicate key value violates unique constraint"
        in response.text
    )


def test_empty_keys_are_not_compared(campaign: Instance) -> None:
    create(campaign, firstName="one")
    create(campaign, firstName="two")


def test_a_key_cannot_be_changed_through_itself(campaign: Instance) -> None:
    create(campaign, externalId="a-1")
    response = campaign.api("PATCH", f"{EXT}/a-1", {"externalId": "a-2"})
    assert (response.status_code, "Inconsistent operation" in response.text) == (500, True)


def test_a_made_up_pkey_is_refused_as_an_unknown_attribute(campaign: Instance) -> None:
    response = campaign.api("GET", f"{EXT}/@O5iRp40EGA")
    assert response.status_code == 500
    assert (
        response.text
        == "'O5iRp40EGA' attribute unknown (see definition of 'Profiles (nms:recipient)' schema). "
        "XTK-170036 Unable to parse expression '@id = @O5iRp40EGA'."
    )


def test_a_pkey_of_one_api_means_nothing_in_the_other(campaign: Instance) -> None:
    profile = create(campaign, externalId="a-1")
    other = campaign.api("GET", f"{BASE}/a-1").json()
    assert other["PKey"] != profile["PKey"]
    assert campaign.api("GET", f"{BASE}/{profile['PKey']}").status_code == 500


def test_fields_of_the_companys_own_are_shown_by_the_extended_api_only(campaign: Instance) -> None:
    create(campaign, externalId="a-1", cusDisplayName="Ana")
    assert "cusDisplayName" not in campaign.api("GET", f"{BASE}/a-1").json()
    assert campaign.api("PATCH", f"{BASE}/a-1", {"cusDisplayName": "x"}).status_code == 500


@pytest.mark.parametrize("key", ["a/b", "a b", "ü", "50%", "a?b=c&d", "a+b", "#"])
def test_keys_with_odd_characters_are_found_when_escaped(campaign: Instance, key: str) -> None:
    from shared.campaign.wire import key_in_url

    create(campaign, externalId=key)
    assert campaign.api("GET", f"{EXT}/{key_in_url(key)}").json()["externalId"] == key


def test_rows_survive_a_restart_and_pkeys_do_not(tmp_path: Path) -> None:
    first = Instance(tmp_path, "--database", str(tmp_path / "rows"))
    profile = create(first, externalId="a-1", firstName="Ana")
    first.stop()
    second = Instance(tmp_path, "--database", str(tmp_path / "rows"))
    held = second.api("GET", f"{EXT}/a-1").json()
    assert (held["firstName"], held["PKey"] == profile["PKey"]) == ("Ana", False)
    assert second.api("GET", f"{EXT}/{profile['PKey']}").status_code == 500
    second.stop()


def test_a_list_has_pages_that_only_next_leads_to(campaign: Instance) -> None:
    for number in range(30):
        create(campaign, externalId=f"a-{number:02}", firstName=f"n{29 - number:02}")
    page = campaign.api("GET", f"{EXT}?_order=firstName").json()
    assert (len(page["content"]), page["content"][0]["firstName"]) == (25, "n00")
    rest = campaign.api("GET", page["next"]["href"]).json()
    assert ([row["firstName"] for row in rest["content"]], "next" in rest) == (
        [f"n{n}" for n in range(25, 30)],
        False,
    )
    assert campaign.api("GET", page["count"]["href"]).json() == {"count": 30}
    assert campaign.api("GET", f"{EXT}?_lineStart=@AAAA").status_code == 500
    assert (
        campaign.api("GET", f"{EXT}?_order=firstName%20desc&_lineCount=1").json()["content"][0][
            "firstName"
        ]
        == "n29"
    )
    assert campaign.api("GET", f"{EXT}?_order=shoeSize").status_code == 500


def test_a_big_table_gives_next_only_when_it_is_forced(campaign: Instance) -> None:
    campaign.control("POST", "options", {"bigTable": 2})
    for number in range(3):
        create(campaign, externalId=f"a-{number}")
    assert "next" not in campaign.api("GET", f"{EXT}?_lineCount=1").json()
    assert "next" in campaign.api("GET", f"{EXT}?_lineCount=1&_forcePagination=true").json()


def test_filters_out_of_the_box_and_published(campaign: Instance) -> None:
    create(campaign, externalId="a-1", email="ana@example.org", lastName="Test")
    create(campaign, externalId="a-2", email="bob@example.org", lastName="Other")

    def found(query: str) -> list[str]:
        return [
            row["externalId"] for row in campaign.api("GET", f"{EXT}/{query}").json()["content"]
        ]

    assert found("byEmail?email=ana@example.org") == ["a-1"]
    assert found("byText?text=Te") == ["a-1"]
    assert found("byText?text=te") == []
    assert found("byExternalid?externalId_parameter=a-2") == ["a-2"]
    assert found("byExternalid?externalId_parameter=nobody") == []
    assert found("byLastmodified?lastModified_parameter=2000-01-01%2000:00:00.000Z") == [
        "a-1",
        "a-2",
    ]
    assert found("byLastmodified?lastModified_parameter=2100-01-01%2000:00:00.000Z") == []
    assert campaign.api("GET", f"{EXT}/byNothing?x=1").status_code == 404
    assert campaign.api("GET", f"{EXT}/byExternalid").status_code == 500


def test_metadata_has_its_documented_shape(campaign: Instance) -> None:
    content = campaign.api("GET", "/profileAndServicesExt/resourceType/profile").json()["content"]
    assert (
        content["email"]["dataPolicy"],
        content["email"]["length"],
        content["age"]["readOnly"],
    ) == ("email", "128", True)
    assert set(content["gender"]["values"]) >= {"unknown", "male", "female", "__Invalid_value__"}
    assert "city" in content["location"]["content"]
    assert content["subscriptions"]["type"] == "collection"
    assert (
        "cusDisplayName"
        not in campaign.api("GET", "/profileAndServices/profile/metadata").json()["content"]
    )
    filters = campaign.api("GET", "/profileAndServicesExt/resourceType/profile/filters/").json()
    assert filters["byExternalid"]["data"].endswith("byExternalid?externalId_parameter=$value")
    assert campaign.api("GET", "/profileAndServicesExt/resourceType/cusNothing").status_code == 404


def test_calls_are_counted_by_route_and_faults_happen_as_asked(campaign: Instance) -> None:
    create(campaign, externalId="a-1")
    campaign.api("PATCH", f"{EXT}/a-1", {"firstName": "Ana"})
    campaign.api("GET", f"{EXT}/byEmail?email=x")
    calls = campaign.control("GET", "calls")
    assert (
        calls[f"POST {EXT}"] == calls[f"PATCH {EXT}/{{key}}"] == calls[f"GET {EXT}/{{filter}}"] == 1
    )
    campaign.control(
        "POST",
        "faults",
        [
            {
                "match": {"method": "PATCH"},
                "action": {"status": 429, "headers": {"Retry-After": "7"}},
                "times": 1,
            }
        ],
    )
    assert campaign.api("PATCH", f"{EXT}/a-1", {"firstName": "Bea"}).headers["Retry-After"] == "7"
    assert campaign.api("PATCH", f"{EXT}/a-1", {"firstName": "Bea"}).status_code == 200


def test_what_is_not_done_is_said(campaign: Instance) -> None:
    assert campaign.api("POST", "/workflow/execution/WKF1/commands", {}).status_code == 501
    assert campaign.api("POST", EXT, None).status_code == 201
    assert (
        campaign.http.post(
            f"{campaign.root}/acme-mkt-stage1/campaign{EXT}", data=b"{", timeout=30
        ).status_code
        == 400
    )


def test_version_8_answers_in_its_own_way(v8: Instance) -> None:
    create(v8, externalId="a-1")
    assert v8.api("GET", f"{EXT}/@jksad").text == "Unable to decrypt PKey. (PKey=@jksad)"
    assert v8.api("GET", f"{EXT}/nobody").text.startswith("Unable to find document")
    assert v8.api("POST", EXT, {"externalId": "a-1"}).text == RST.partition(" ")[2]
    assert v8.api("PATCH", f"{EXT}/a-1", {}).status_code == 204
    assert v8.api("PATCH", f"{EXT}/a-1", {"location": {"zipCode": "1"}}).status_code == 500
    assert len(v8.api("GET", f"{EXT}/externalid?externalId_parameter=a-1").json()["content"]) == 1


NAMES = st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=30)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    first=NAMES, last=st.sampled_from(["田中", "محمد", "Zoë 🎉", 'O\'Brien "Bob"', "𠜎𠜱", "\\"])
)
def test_names_come_back_as_they_went(campaign: Instance, first: str, last: str) -> None:
    profile = create(campaign, firstName=first, lastName=last)
    held = campaign.api("GET", profile["href"]).json()
    assert (held["firstName"], held["lastName"]) == (first, last)


def test_the_most_calls_under_way_at_once_are_counted_and_can_be_counted_anew(
    campaign: Instance,
) -> None:
    campaign.control(
        "POST", "faults", [{"match": {"method": "GET"}, "action": {"delay_seconds": 0.5}}]
    )
    campaign.control("POST", "peaks", {})
    with ThreadPoolExecutor(2) as callers:
        answers = list(callers.map(lambda _: campaign.api("GET", EXT).status_code, range(2)))
    create(campaign, firstName="Ana")
    assert answers == [200, 200]
    assert campaign.control("GET", "peaks") == {f"GET {EXT}": 2, f"POST {EXT}": 1}
    campaign.control("POST", "peaks", {})
    assert campaign.control("GET", "peaks") == {}
