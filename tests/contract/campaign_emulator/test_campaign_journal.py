"""The journal of Adobe I/O Events: pages by position, at least once, in any order."""

from typing import Any

import pytest
import requests

from tests.contract.campaign_emulator.conftest import Instance

CAMPAIGN = "https://ns.adobe.com/experience/campaign"


@pytest.fixture
def sent(campaign: Instance) -> Instance:
    campaign.people("a-1", "a-2", "a-3")
    campaign.control(
        "POST", "deliveries", {"name": "DM101", "label": "Spring sale", "campaign": "CMP1"}
    )
    return campaign


def react(campaign: Instance, kind: str, external_id: str = "a-1", **more: Any) -> Any:
    return campaign.control(
        "POST", "events", {"delivery": "DM101", "kind": kind, "externalId": external_id, **more}
    )


def following(response: requests.Response) -> str:
    return response.links["next"]["url"]


def read(campaign: Instance, link: str = "") -> list[dict[str, Any]]:
    """All events from a link to the end of the journal."""
    found: list[dict[str, Any]] = []
    while (response := campaign.journal(link)).status_code == 200:
        found += response.json()["events"]
        link = following(response)
    assert response.status_code == 204
    return found


def ids(events: list[dict[str, Any]]) -> list[str]:
    return [entry["event"]["@id"].rpartition("experienceid-")[2] for entry in events]


def test_a_page_has_its_events_its_last_position_and_a_relative_link_to_the_next(
    sent: Instance,
) -> None:
    response = sent.journal()
    page = response.json()
    assert page["_page"] == {"last": page["events"][-1]["position"], "count": 3}
    assert following(response).startswith("/events/organizations/")
    end = sent.journal(following(response))
    assert (end.status_code, end.content, end.headers["Retry-After"]) == (204, b"", "10")
    assert following(end) == following(response)
    assert "/validate?since=" in end.links["validate"]["url"]


def test_new_events_stand_behind_the_position_that_was_reached(sent: Instance) -> None:
    end = following(sent.journal())
    react(sent, "open")
    (entry,) = read(sent, end)
    assert "xdm:opens" in entry["event"]["xdm:directMarketing"]


def test_an_empty_journal_is_followed_from_its_beginning(campaign: Instance) -> None:
    start = campaign.journal()
    assert start.status_code == 204
    campaign.people("a-1")
    campaign.control("POST", "deliveries", {"name": "DM101"})
    assert len(read(campaign, following(start))) == 1


def test_an_event_says_who_which_delivery_and_which_row_of_the_log(sent: Instance) -> None:
    end = following(sent.journal())
    answer = react(
        sent, "click", "a-2", url="https://www.example.org/shop", at="2026-05-04T10:20:30Z"
    )
    (entry,) = read(sent, end)
    event = entry["event"]
    message, delivery = event[f"{CAMPAIGN}/message"], event[f"{CAMPAIGN}/delivery"]
    assert (event["xdm:timestamp"], event["xdm:directMarketing"]) == (
        "2026-05-04T10:20:30+00:00",
        {"xdm:clicks": {"xdm:value": 1}},
    )
    assert message["xdm:profile"] == {"xdm:externalID": "a-2"}
    assert (message["xdm:broadLogID"], message["xdm:trackingLogID"]) == (
        answer["broadLogId"],
        answer["logId"],
    )
    assert (delivery["xdm:deliveryName"], delivery["xdm:deliveryLabel"]) == ("DM101", "Spring sale")
    assert event[f"{CAMPAIGN}/marketingCampaign"]["xdm:campaignName"] == "CMP1"
    assert event[f"{CAMPAIGN}/link"]["xdm:url"] == "https://www.example.org/shop"


@pytest.mark.parametrize(
    ("type_", "reason", "name"),
    [("hard", "user unknown", "unknown_user"), ("soft", "", "mailbox_full")],
)
def test_a_bounce_says_why(sent: Instance, type_: str, reason: str, name: str) -> None:
    end = following(sent.journal())
    order = {"delivery": "DM101", "externalId": "a-1", "type": type_, "reason": reason}
    broad_log = sent.control("POST", "bounce", order)["logId"]
    (entry,) = read(sent, end)
    assert entry["event"][f"{CAMPAIGN}/mutation"] == {"xdm:reason": name, "xdm:type": type_}
    assert entry["event"][f"{CAMPAIGN}/message"]["xdm:broadLogID"] == broad_log


def test_every_kind_is_counted_by_its_name(sent: Instance) -> None:
    end = following(sent.journal())
    for kind in ("open", "click", "mirror", "unsubscribe"):
        react(sent, kind)
    counters = [next(iter(entry["event"]["xdm:directMarketing"])) for entry in read(sent, end)]
    assert counters == ["xdm:opens", "xdm:clicks", "xdm:mirrorPages", "xdm:unsubscriptions"]


def test_a_limit_is_kept_in_the_next_link(sent: Instance) -> None:
    first = sent.journal(sent.child.facts["journal"] + "?limit=2")
    second = sent.journal(following(first))
    assert (first.json()["_page"]["count"], second.json()["_page"]["count"]) == (2, 1)
    assert "limit=2" in following(second)


def test_the_server_may_give_less_than_was_asked_for(sent: Instance) -> None:
    sent.control("POST", "journal", {"limit": 1})
    assert sent.journal(sent.child.facts["journal"] + "?limit=100").json()["_page"]["count"] == 1
    assert len(read(sent)) == 3


def test_no_answer_is_larger_than_its_cap(sent: Instance) -> None:
    react(sent, "click", url="https://www.example.org/shop?" + "x" * 1_400_000)
    react(sent, "click", url="https://www.example.org/shop?" + "y" * 1_400_000)
    pages, link = [], ""
    while (response := sent.journal(link)).status_code == 200:
        pages.append(len(response.content))
        link = following(response)
    assert (len(pages), max(pages) <= 1_500_000) == (2, True)


def test_the_latest_position_is_the_end(sent: Instance) -> None:
    latest = sent.journal(sent.child.facts["journal"] + "?latest=true")
    assert latest.status_code == 204
    react(sent, "open")
    assert len(read(sent, following(latest))) == 1


def test_a_duration_seeks_back(sent: Instance) -> None:
    sent.journal()
    sent.control("POST", "clock", {"advance_seconds": 3 * 3600})
    react(sent, "open")
    journal = sent.child.facts["journal"]
    assert len(read(sent, f"{journal}?seek=-PT2H")) == 1
    assert len(read(sent, f"{journal}?seek=-PT4H")) == 4
    assert sent.journal(f"{journal}?seek=PT2H").status_code == 400
    assert sent.journal(f"{journal}?seek=-PT2H&since=x").status_code == 400


def test_events_come_twice_with_one_id_and_another_position(sent: Instance) -> None:
    sent.control("POST", "reset", {})
    sent.control("POST", "journal", {"duplicate": 1.0})
    sent.people("b-1", "b-2")
    sent.control("POST", "deliveries", {"name": "DM101"})
    events = read(sent)
    assert len({entry["position"] for entry in events}) == 4
    assert sorted(ids(events)) == sorted(2 * ids(events[:2]))


def test_the_order_is_none_that_is_promised_and_the_same_for_the_same_seed(
    campaign: Instance,
) -> None:
    orders = []
    for _ in range(2):
        campaign.control("POST", "reset", {})
        campaign.control("POST", "journal", {"shuffle": True, "duplicate": 0.5, "seed": 3})
        campaign.people(*(f"a-{number}" for number in range(20)))
        campaign.control("POST", "deliveries", {"name": "DM101"})
        orders.append(ids(read(campaign)))
    assert orders[0] == orders[1] != sorted(orders[0])
    assert len(set(orders[0])) == 20 < len(orders[0])


def test_what_was_read_is_read_again_at_the_same_position(sent: Instance) -> None:
    once = read(sent)
    sent.control("POST", "journal", {"shuffle": True, "duplicate": 1.0})
    assert read(sent) == once


def test_an_expired_position_is_gone_and_the_journal_goes_on_with_the_oldest_it_has(
    sent: Instance,
) -> None:
    events = read(sent)
    journal = sent.child.facts["journal"]
    sent.control("POST", "journal", {"expire": events[1]["position"]})
    assert [
        sent.journal(f"{journal}?since={entry['position']}").status_code for entry in events
    ] == [410, 410, 204]
    assert ids(read(sent)) == ids(events[2:])


def test_all_positions_may_expire(sent: Instance) -> None:
    held = following(sent.journal())
    sent.control("POST", "journal", {"expire": True})
    assert sent.journal(held).status_code == 410
    anew = sent.journal()
    assert anew.status_code == 204
    react(sent, "open")
    assert len(read(sent, following(anew))) == 1


def test_events_are_kept_for_seven_days(sent: Instance) -> None:
    held = following(sent.journal())
    sent.control("POST", "clock", {"advance_seconds": 7 * 24 * 3600 + 60})
    sent.renew()
    react(sent, "open")
    assert sent.journal(held).status_code == 410
    assert len(read(sent)) == 1


def test_a_position_of_before_a_reset_has_expired(sent: Instance) -> None:
    held = following(sent.journal())
    sent.control("POST", "reset", {})
    assert sent.journal(held).status_code == 410


def test_who_may_not_read_is_refused(sent: Instance) -> None:
    assert sent.journal(Authorization="Bearer forged").status_code == 401
    assert sent.journal(X_Api_Key="another").status_code == 403
    assert sent.journal(x_ims_org_id="0@AdobeOrg").status_code == 403
    assert sent.journal("/events/organizations/1/integrations/2/3").status_code == 404
    assert sent.journal(sent.child.facts["journal"] + "?since=gibberish").status_code == 400
    assert sent.journal(sent.child.facts["journal"] + "?order=desc").status_code == 501


def test_calls_of_the_journal_are_counted_and_may_fail(sent: Instance) -> None:
    sent.control(
        "POST", "faults", [{"match": {"path": "/events/"}, "action": {"status": 429}, "times": 1}]
    )
    assert [sent.journal().status_code for _ in range(2)] == [429, 200]
    name = "GET /events/organizations/{organization}/integrations/{credential}/{registration}"
    assert sent.control("GET", "calls")[name] == 2
