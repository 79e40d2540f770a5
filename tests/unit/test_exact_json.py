"""Decimals are exact on each way: an answer that is read, a body that is sent, a row that is kept."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact_json
from shared.campaign.client import Address, CampaignClient, Written
from shared.transport import AdaptiveConcurrency, Request, Response, Transport

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    DECIMALS | st.text(st.characters()) | st.none() | st.booleans(),
    lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner),
)
DIGITS = ["99999999999.9999999999", "922337203685477.5807", "-922337203685477.5808", "0.00001", "1.00", "0.10", "20000.0000"]


class Token:
    def token(self, refused: str = "") -> str:
        return "a token"


@given(VALUES)
def test_what_is_carried_is_read_as_it_was(value: Any) -> None:
    assert exact_json.read(exact_json.carried(value)) == value


@pytest.mark.parametrize("digits", DIGITS)
def test_an_answer_keeps_its_digits(digits: str) -> None:
    assert str(Response(200, {}, f'{{"amount":{digits}}}'.encode()).json()["amount"]) == digits


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1e-99999999999999999999", "NaN", "Infinity"])
def test_what_is_no_number_harms_no_neighbour(number: str) -> None:
    row = exact_json.read(f'{{"a": {number}, "b": 1.5}}')
    assert row["b"] == Decimal("1.5")
    assert row["a"] != Decimal(0)
    exact_json.read(exact_json.carried(row))


def test_an_exponent_takes_no_more_room_than_it_came_in() -> None:
    assert len(exact_json.carried(exact_json.read("1e999999"))) < 20


@pytest.mark.parametrize("text", ["Jane \ud83d", "\ude00 Jane", "Zoë \U0001f600"])
def test_half_of_a_character_is_sent_as_its_escape(text: str) -> None:
    body = exact_json.written({"name": text})
    assert json.loads(body.decode("utf-8")) == {"name": text}
    assert exact_json.in_order({"name": text}) == body


@pytest.mark.parametrize("digits", [*DIGITS, "0.0000000001"])
def test_campaign_is_sent_the_digits(digits: str) -> None:
    bodies: list[bytes] = []

    def send(request: Request) -> Response:
        bodies.append(request.body or b"")
        return Response(201, {}, b'{"externalId":"1"}')

    transport = Transport("Campaign", send, AdaptiveConcurrency(1))
    written = Written(calls=Counter())
    client = CampaignClient("https://campaign.example.org", "key", Token(), transport)
    client.create(
        Address("profileAndServicesExt", "profile", "externalId"), {"externalId": "1", "amount": Decimal(digits)}, written
    )
    assert bodies == [f'{{"externalId":"1","amount":{digits}}}'.encode()]
