"""Decimals are exact on each way: an answer that is read, a body that is sent, a row that is
kept.
"""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared import exact_json
from shared.campaign.client import Address, CampaignClient
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Response, Transport
from shared.mapping import Altered

DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
NAMED_TUPLES = st.builds(Altered, st.text(), st.text(), st.text())
VALUES = st.recursive(
    DECIMALS | st.text(st.characters()) | st.none() | st.booleans(),
    lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner),
)
ANYTHING = st.recursive(
    DECIMALS | st.text(st.characters()) | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: (
        st.dictionaries(st.text(st.characters()), inner)
        | st.lists(inner)
        | st.tuples(inner)
        | NAMED_TUPLES
    ),
)
DIGITS = [
    "99999999999.9999999999",
    "922337203685477.5807",
    "-922337203685477.5808",
    "0.00001",
    "1.00",
    "0.10",
    "20000.0000",
]


class Token:
    def token(self, refused: str = "") -> str:
        return "a token"


@given(VALUES)
def test_what_is_carried_is_read_as_it_was(value: Any) -> None:
    assert exact_json.read(exact_json.carried(value)) == value


@given(ANYTHING)
def test_the_fast_encoder_gives_the_text_of_the_exact_one_or_none(value: Any) -> None:
    for encoder in (exact_json.PLAIN, exact_json.SORTED, exact_json.CARRIED):
        fast = outcome(encoder.without_decimals.encode, value)
        exact = outcome(encoder.exact.encode, value)
        assert fast in (exact, TypeError)
        assert (fast is TypeError) == holds_decimal(value) or ValueError in (fast, exact)
        assert outcome(encoder.encode, value) in (exact, fast)


def outcome(encode: Callable[[Any], str], value: Any) -> str | type[Exception]:
    """The text, or the type of the exception."""
    try:
        return str(encode(value))
    except (TypeError, ValueError) as error:
        return type(error)


def holds_decimal(value: Any) -> bool:
    inner = (
        value.values()
        if isinstance(value, dict)
        else value
        if isinstance(value, list | tuple)
        else ()
    )
    return isinstance(value, Decimal) or any(map(holds_decimal, inner))


@given(ANYTHING)
def test_bytes_are_read_in_the_encodings_of_json(value: Any) -> None:
    text = exact_json.carried(value).decode("utf-8", "surrogatepass")
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32-le"):
        raw = text.encode(encoding, "surrogatepass")
        assert (
            repr(exact_json.read(raw))
            == repr(json.loads(raw, parse_float=exact_json.exact))
            == repr(exact_json.read(text))
        )


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", "\ufeff{}", b'{"a": 1} x', b"\x00"], ids=repr)
def test_what_is_no_json_is_a_value_error(raw: str | bytes) -> None:
    with pytest.raises(ValueError):
        exact_json.read(raw)


@pytest.mark.parametrize("digits", DIGITS)
def test_an_answer_keeps_its_digits(digits: str) -> None:
    assert str(Response(200, {}, f'{{"amount":{digits}}}'.encode()).json()["amount"]) == digits


@pytest.mark.parametrize(
    "number", ["1e99999999999999999999", "-1e-99999999999999999999", "NaN", "Infinity"]
)
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
    client = CampaignClient("https://campaign.example.org", "key", Token(), transport)
    address = Address("profileAndServicesExt", "profile", "externalId")
    client.create(address, {"externalId": "1", "amount": Decimal(digits)})
    assert bodies == [f'{{"externalId":"1","amount":{digits}}}'.encode()]
