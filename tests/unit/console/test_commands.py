"""The body of a command is read strictly: what it does not take is refused in a sentence, and
nothing is done.
"""

import json
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.console.commands import (
    BY,
    NO_LENGTH,
    NOT_AN_OBJECT,
    TWICE,
    WHY,
    CarryOut,
    Command,
    Discard,
    InvalidCommand,
    MakePlan,
    Replay,
    Start,
    Stop,
    check_length,
    read_command,
)
from shared.console.key_commands import COMMANDS, Call, run_command

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
KINDS: list[type[Command]] = [Start, Stop, Replay, Discard, MakePlan, CarryOut]


def refusal(kind: type[Command], body: bytes) -> str:
    with pytest.raises(InvalidCommand) as refused:
        read_command(kind, body)
    return str(refused.value)


@pytest.mark.parametrize(
    ("kind", "body", "fields"),
    [
        pytest.param(Start, b"", {"deletes": None}, id="no body"),
        pytest.param(Start, b"  \n", {"deletes": None}, id="blank"),
        pytest.param(Start, b"\xef\xbb\xbf{}", {"deletes": None}, id="byte order mark"),
        pytest.param(Start, b'{"deletes": "skip"}', {"deletes": "skip"}, id="skip"),
        pytest.param(Stop, b"{}", {}, id="stop"),
        pytest.param(
            Replay,
            b'{"what": "dead_letters"}',
            {"what": "dead_letters", "record": ""},
            id="all dead letters",
        ),
        pytest.param(
            Replay,
            json.dumps({"what": "record", "id": f"{{{ID.upper()}}}"}).encode(),
            {"record": ID},
            id="a record",
        ),
        pytest.param(
            Discard,
            json.dumps({"what": "record", "id": ID}).encode(),
            {"value": ID, "checked": False},
            id="a letter",
        ),
        pytest.param(
            Discard,
            b'{"what": "reason", "reason": "broken_line"}',
            {"value": "broken_line"},
            id="a reason",
        ),
        pytest.param(
            Discard,
            b'{"what": "dead_letters", "checked": true}',
            {"value": "", "checked": True},
            id="all letters",
        ),
    ],
)
def test_what_a_command_takes(kind: type[Command], body: bytes, fields: dict[str, Any]) -> None:
    order = read_command(kind, body)
    assert {name: getattr(order, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("kind", "body", "said"),
    [
        pytest.param(
            Start,
            {"deletes": "Confirm"},
            'deletes must be "confirm", "skip" or "discard".',
            id="another case",
        ),
        pytest.param(
            Start,
            {"deletes": True},
            'deletes must be "confirm", "skip" or "discard".',
            id="no word",
        ),
        pytest.param(
            Start,
            {"delete": "skip"},
            "start does not take delete. Its body may have deletes, why.",
            id="misspelt",
        ),
        pytest.param(
            Stop,
            {"what": "all"},
            "stop does not take what. Its body may have why.",
            id="nothing to say",
        ),
        pytest.param(
            Stop,
            {"a.b": 1},
            "stop does not take a member of the body. Its body may have why.",
            id="no word to repeat",
        ),
        pytest.param(
            Replay, {}, 'what must be "all", "record" or "dead_letters".', id="nothing named"
        ),
        pytest.param(
            Replay,
            {"what": "everything"},
            'what must be "all", "record" or "dead_letters".',
            id="another what",
        ),
        pytest.param(
            Replay, {"what": "record"}, "id must be the GUID of the record to replay.", id="no id"
        ),
        pytest.param(
            Replay,
            {"what": "record", "id": 7},
            "id must be the GUID of the record to replay.",
            id="a number",
        ),
        pytest.param(
            Replay, {"id": ID}, 'what must be "all", "record" or "dead_letters".', id="an id alone"
        ),
        pytest.param(
            Replay,
            {"what": "all", "id": ID},
            'id goes with what "record" only.',
            id="an id, and all would be read",
        ),
        pytest.param(Discard, {}, "what must be", id="empty"),
        pytest.param(Discard, {"what": "all"}, "what must be", id="another word"),
        pytest.param(
            Discard,
            {"what": "record"},
            "id must be the GUID of the dead letter's record.",
            id="no letter",
        ),
        pytest.param(
            Discard, {"what": "record", "id": "deliveryLogs_1.txt:3"}, "id must be", id="no GUID"
        ),
        pytest.param(Discard, {"what": "reason"}, "reason must be the code", id="no reason"),
        pytest.param(
            Discard,
            {"what": "dead_letters", "id": ID},
            "id goes with",
            id="one id, and all would be given up",
        ),
        pytest.param(
            Discard,
            {"what": "dead_letters", "reason": "x"},
            "reason goes with",
            id="one reason, and all",
        ),
        pytest.param(
            Discard,
            {"what": "dead_letters", "checked": "true"},
            "checked must be true or false.",
            id="no truth",
        ),
    ],
)
def test_what_a_command_does_not_take(kind: type[Command], body: dict[str, Any], said: str) -> None:
    assert said in refusal(kind, json.dumps(body).encode())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "more", [{}, {"deletes": 7, "what": 7, "another": 1}], ids=["alone", "among other mistakes"]
)
def test_by_is_refused_with_the_way_to_a_named_key(
    kind: type[Command], more: dict[str, Any]
) -> None:
    assert refusal(kind, json.dumps({**more, "by": "somebody.else@example.org"}).encode()) == BY


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", NOT_AN_OBJECT),
        (b"null", NOT_AN_OBJECT),
        (b'"stop"', NOT_AN_OBJECT),
        (b"{", "The body must be JSON, or empty."),
        (b"\xff\xfe{\x00}\x00", "The body must be JSON, or empty."),
        (b"[" * 100_000, "The body must be JSON, or empty."),
        (b'{"by": ' + b"[" * 100_000, "The body must be JSON, or empty."),
    ],
    ids=["list", "null", "text", "cut off", "UTF-16", "deep", "deep member"],
)
def test_a_body_of_another_form(kind: type[Command], body: bytes, said: str) -> None:
    assert refusal(kind, body) == said


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Replay, f'{{"what": "record", "id": "{ID}", "what": "record"}}'),
        (Replay, f'{{"what": "all", "what": "record", "id": "{ID}"}}'),
        (Discard, '{"what": "reason", "reason": "broken_line", "reason": "unknown_flag"}'),
        (Start, r'{"deletes": "skip", "delete\u0073": "confirm"}'),
    ],
)
def test_a_member_that_stands_twice_is_not_chosen_from(kind: type[Command], body: str) -> None:
    assert refusal(kind, body.encode()) == TWICE


@pytest.mark.parametrize(
    "headers", [{"transfer-encoding": "chunked"}, {"Transfer-Encoding": "gzip, chunked"}]
)
def test_a_body_without_a_length_is_refused_by_name_for_it_would_arrive_empty(
    headers: dict[str, str],
) -> None:
    with pytest.raises(InvalidCommand) as refused:
        check_length(headers)
    assert str(refused.value) == NO_LENGTH


@pytest.mark.parametrize("headers", [{}, {"content-length": "2"}, {"host": "example.org"}])
def test_a_body_with_a_length_or_none_at_all_is_read(headers: dict[str, str]) -> None:
    check_length(headers)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_reads_its_body_before_it_does_anything(command: str) -> None:
    """Without a flow, settings or storage nothing else could be done."""
    call = Call("contacts", cast("Any", None), cast("Any", None), "key anna")
    with pytest.raises(InvalidCommand, match="by is not taken"):
        run_command(command, call, b'{"by": "somebody.else@example.org"}')


@pytest.mark.parametrize("why", ["jane@example.org", "0151 2345678", "x" * 201, "a\nb"])
def test_a_reason_holds_no_customer(why: str) -> None:
    assert refusal(Stop, json.dumps({"why": why}).encode()) == WHY


@given(
    kind=st.sampled_from(KINDS),
    body=st.dictionaries(
        st.text() | st.sampled_from(["what", "id", "reason", "checked", "deletes", "by"]),
        st.text() | st.none(),
    ),
)
def test_a_value_is_never_repeated(kind: type[Command], body: dict[str, Any]) -> None:
    marked = {name: f"{value}-kept-to-itself" for name, value in body.items()}
    try:
        read_command(kind, json.dumps(marked).encode())
    except InvalidCommand as refused:
        assert "kept-to-itself" not in str(refused)
