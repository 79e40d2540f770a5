"""Times of two systems whose clocks differ, the forms in which they come, and what a profile must
say.
"""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.campaign.client import Address, CampaignClient
from shared.errors import Retryable
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport
from shared.opt_out.documents import Pair, default_opt_out_document, read_opt_out_document
from shared.opt_out.feeds import earlier
from shared.opt_out.systems import Profiles, instant, later
from tests.unit.dataverse.kit import Token

PAIRS = read_opt_out_document(default_opt_out_document()).pairs
ADDRESS = Address("profileAndServicesExt", "profile", "externalId")

MODIFIED = "2026-01-31T08:00:00Z"


@pytest.mark.parametrize(
    "text", ["2026-01-31 08:00:00.000Z", "2026-01-31T08:00:00Z", "2026/01/31 08:00:00"]
)
def test_every_form_of_a_time_is_read(text: str) -> None:
    assert instant(text) == instant(MODIFIED)


@pytest.mark.parametrize(
    ("flag", "campaign", "dynamics", "answer"),
    [
        ("2026-01-31 08:00:01.000Z", 0.0, 0.0, True),
        ("2026-01-31 08:00:00.900Z", 0.0, 0.0, False),
        ("2026-01-31 07:59:59.000Z", -0.9, 0.4, False),
        ("2026-01-31 08:00:01.000Z", 3600.0, 0.0, False),
        ("2026-01-31 09:00:10.000Z", 3600.0, 0.0, True),
        ("2026-01-31 09:00:02.000Z", 3600.0, 0.0, False),
        ("2026-01-31 07:30:00.000Z", 0.0, 3600.0, True),
        ("", 0.0, 0.0, None),
        ("yesterday", 0.0, 0.0, None),
        ("2026-01-31 08:00:01.000Z", None, 0.0, None),
        ("2026-01-31 08:00:01.000Z", 0.0, None, None),
    ],
)
def test_who_was_later_by_each_systems_own_clock(
    flag: str, campaign: float | None, dynamics: float | None, answer: bool | None
) -> None:
    assert later(flag, MODIFIED, campaign, dynamics) is answer


@given(
    st.floats(-36_000, 36_000),
    st.floats(-36_000, 36_000),
    st.floats(-30, 30),
    st.floats(-0.99, 0.0),
    st.floats(-0.99, 0.0),
)
def test_a_clock_that_is_wrong_never_makes_the_earlier_one_later(
    campaign: float, dynamics: float, gap: float, cut: float, other_cut: float
) -> None:
    """`gap` is the truth: so many seconds after the contact was edited the flag was set.

    Date headers have whole seconds.
    """
    edited = 1_800_000_000.5
    shown = (earlier_by(int(edited + dynamics)), earlier_by(edited + gap + campaign))
    reported = later(shown[1], shown[0], campaign + cut, dynamics + other_cut)
    assert not reported or gap > -2.0


def earlier_by(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S.%fZ")


def test_the_overlap_is_taken_from_campaigns_own_time() -> None:
    assert earlier("2026-01-31 08:00:00.123Z", 60) == "2026-01-31 07:59:00.123Z"
    assert earlier("", 60) == ""


@pytest.mark.parametrize("left_out", PAIRS, ids=lambda pair: pair.flag)
def test_a_profile_that_lacks_a_flag_is_not_read_as_opted_in(left_out: Pair) -> None:
    row = {"externalId": "a-1", **{pair.flag: True for pair in PAIRS if pair is not left_out}}
    with pytest.raises(Retryable):
        profiles(row).read(ADDRESS, PAIRS, "a-1")
    assert profiles({**row, left_out.flag: False}).read(ADDRESS, PAIRS, "a-1")


def profiles(row: dict[str, Any]) -> Profiles:
    def send(_: Request) -> Response:
        return Response(200, {}, json.dumps(row).encode())

    transport = Transport("Campaign", send, AdaptiveConcurrency(1), sleep=lambda _: None)
    return Profiles(CampaignClient("https://campaign.example.org", "key", Token(), transport))
