"""Deliveries and their logs: who gets the mail, what people do with it, what comes back later."""

from typing import Any

import pytest

from tests.contract.campaign_emulator.conftest import Instance

EXT = "/profileAndServicesExt/profile"
SPRING = {"name": "DM101", "label": "Spring sale", "campaign": "CMP1", "campaignLabel": "Spring"}


def rows(campaign: Instance, log: str) -> list[dict[str, str]]:
    """The whole log, as an export shows it."""
    names = [
        file["name"]
        for file in campaign.control("POST", "export", {"log": log, "since": "1970-01-01"})["files"]
    ]
    lines = [
        line.split("\t")
        for name in names
        for line in (campaign.exports / name).read_text().splitlines()
    ]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def spring(campaign: Instance, *people: str, **more: Any) -> Any:
    campaign.people(*people)
    return campaign.control("POST", "deliveries", SPRING | more)


def test_a_delivery_goes_to_all_who_have_an_id_and_an_address_and_did_not_opt_out(
    campaign: Instance,
) -> None:
    campaign.people("a-1", "a-2")
    campaign.people("no-mail", blackListEmail=True)
    campaign.people("nothing", blackList=True)
    campaign.people("no-phone", blackListPhone=True)
    campaign.api("POST", EXT, {"externalId": "no-address"})
    campaign.api("POST", EXT, {"email": "no-id@example.org"})
    answer = campaign.control("POST", "deliveries", SPRING)
    counts = {"sent": 3, "excluded": 2, "exclusions": {"blackList": 1, "blackListEmail": 1}}
    assert answer == {"delivery": answer["delivery"], "name": "DM101", **counts}
    assert [row["externalId"] for row in rows(campaign, "delivery")] == ["a-1", "a-2", "no-phone"]


def test_a_delivery_may_name_its_recipients(campaign: Instance) -> None:
    campaign.people("a-1", "a-2", "a-3")
    answer = campaign.control(
        "POST", "deliveries", SPRING | {"externalIds": ["a-3", "nobody", "a-1", "a-3"]}
    )
    assert (answer["sent"], answer["exclusions"]) == (2, {"unknown": 1})


def test_a_message_has_a_row_with_the_delivery_and_the_campaign(campaign: Instance) -> None:
    spring(campaign, "a-1", at="2026-05-04T10:20:30Z")
    (row,) = rows(campaign, "delivery")
    assert row["mirrorPageUrl"].startswith("https://t.example.org/")
    assert (row["status"], row["failureType"], row["failureReason"]) == ("1", "0", "0")
    assert (row["deliveryName"], row["deliveryLabel"]) == ("DM101", "Spring sale")
    assert (row["campaignName"], row["campaignLabel"]) == ("CMP1", "Spring")
    assert (row["eventDate"], row["lastModified"], row["email"]) == (
        *["2026/05/04 10:20:30"] * 2,
        "a-1@example.org",
    )


@pytest.mark.parametrize(
    ("event", "url_type", "label"),
    [
        ({"kind": "click", "url": "https://www.example.org/offers/boots?x=1"}, "1", "boots"),
        ({"kind": "click", "url": "https://www.example.org/shop", "urlType": 10}, "10", "shop"),
        ({"kind": "open"}, "2", "Open"),
        ({"kind": "unsubscribe"}, "3", "Opt-out"),
        ({"kind": "mirror"}, "6", "Mirror page"),
    ],
)
def test_each_reaction_is_a_row_with_its_type(
    campaign: Instance, event: dict[str, Any], url_type: str, label: str
) -> None:
    spring(campaign, "a-1")
    given = {
        "delivery": "DM101",
        "externalId": "a-1",
        "userAgent": "Phone (Mobile)",
        "at": "2026-05-04T12:00:00Z",
    }
    answer = campaign.control("POST", "events", given | event)
    (row,) = rows(campaign, "tracking")
    (message,) = rows(campaign, "delivery")
    assert (row["logId"], row["broadLogId"]) == (str(answer["logId"]), message["logId"])
    assert (row["urlType"], row["urlLabel"], row["logDate"]) == (
        url_type,
        label,
        "2026/05/04 12:00:00",
    )
    assert row["url"] == event.get("url", row["url"])
    assert (row["trackedDevice"], int(row["userAgent"]) != 0) == ("mobile", True)


def test_log_ids_increase_and_each_log_has_its_own(campaign: Instance) -> None:
    spring(campaign, "a-1", "a-2", machineOpens=True)
    for log in ("delivery", "tracking"):
        ids = [int(row["logId"]) for row in rows(campaign, log)]
        assert ids == list(range(ids[0], ids[0] + 2))


def test_a_late_bounce_changes_the_row_that_was_sent(campaign: Instance) -> None:
    spring(campaign, "a-1", at="2026-05-04T10:00:00Z")
    order = {
        "delivery": "DM101",
        "externalId": "a-1",
        "type": "hard",
        "reason": "user unknown",
        "at": "2026-05-06T08:00:00Z",
    }
    (before,) = rows(campaign, "delivery")
    campaign.control("POST", "bounce", order)
    (after,) = rows(campaign, "delivery")
    assert {name: after[name] for name in before if after[name] != before[name]} == {
        "status": "2",
        "failureType": "2",
        "failureReason": "1",
        "lastModified": "2026/05/06 08:00:00",
    }


@pytest.mark.parametrize(
    ("reason", "code"),
    [("Mailbox full", "5"), ("unreachable", "3"), ("invalid_domain", "2"), ("", "5")],
)
def test_a_soft_bounce_is_told_by_its_reason(campaign: Instance, reason: str, code: str) -> None:
    spring(campaign, "a-1")
    campaign.control(
        "POST",
        "bounce",
        {"delivery": "DM101", "externalId": "a-1", "type": "soft", "reason": reason},
    )
    (row,) = rows(campaign, "delivery")
    assert (row["failureType"], row["failureReason"]) == ("1", code)


def test_an_unsubscribe_opts_the_profile_out_and_says_when(campaign: Instance) -> None:
    spring(campaign, "a-1")
    campaign.control("POST", "clock", {"advance_seconds": 3600})
    before = campaign.api("GET", f"{EXT}/a-1").json()
    campaign.control(
        "POST", "events", {"delivery": "DM101", "externalId": "a-1", "kind": "unsubscribe"}
    )
    after = campaign.api("GET", f"{EXT}/a-1").json()
    assert (before["blackListEmail"], after["blackListEmail"], after["blackList"]) == (
        False,
        True,
        False,
    )
    assert after["blackListEmailLastModified"] == after["lastModified"] > before["lastModified"]
    assert campaign.control("POST", "deliveries", {"externalIds": ["a-1"]})["exclusions"] == {
        "blackListEmail": 1
    }


def test_generated_events_repeat_and_equal_seeds_make_equal_events(campaign: Instance) -> None:
    people = [f"a-{number}" for number in range(60)]
    order = {"delivery": "DM101", "seed": 7, "opens": 0.5, "clicks": 0.2, "bounces": 0.1}
    seen = []
    for _ in range(2):
        campaign.control("POST", "reset", {})
        spring(campaign, *people)
        counts = campaign.control("POST", "generate", order)
        reactions = [
            (row["externalId"], row["urlType"], row["url"]) for row in rows(campaign, "tracking")
        ]
        failed = [row["externalId"] for row in rows(campaign, "delivery") if row["status"] == "2"]
        assert (counts["open"] + counts["click"], counts["bounce"]) == (len(reactions), len(failed))
        assert not {person for person, _, _ in reactions} & set(failed)
        seen.append((counts, reactions, failed))
    assert seen[0] == seen[1]
    opened = [person for person, url_type, _ in seen[0][1] if url_type == "2"]
    assert len(opened) > len(set(opened)) > 0


def test_what_cannot_be_done_is_said(campaign: Instance) -> None:
    spring(campaign, "a-1")
    one = {"delivery": "DM101", "externalId": "a-1"}
    for path, order, status, word in (
        ("deliveries", SPRING, 409, "DM101"),
        ("deliveries", {"channel": "fax"}, 400, "channel"),
        ("events", one | {"kind": "open", "delivery": "DM999"}, 404, "DM999"),
        ("events", one | {"kind": "open", "externalId": "a-2"}, 404, "a-2"),
        ("events", one | {"kind": "forward"}, 400, "kind"),
        ("events", one | {"kind": "open", "urlType": 10}, 501, "open"),
        ("bounce", one | {"type": "hard", "reason": "too long"}, 501, "too long"),
        ("bounce", one | {"type": "hard", "at": 5}, 400, "at"),
        ("generate", {"delivery": "DM101", "opens": 2}, 400, "opens"),
    ):
        found, sentence = campaign.refused(path, order)
        assert (found, word in sentence) == (status, True), sentence


def test_a_reset_forgets_deliveries(campaign: Instance) -> None:
    spring(campaign, "a-1")
    campaign.control("POST", "reset", {})
    assert rows(campaign, "delivery") == []
    assert spring(campaign, "a-1")["sent"] == 1
