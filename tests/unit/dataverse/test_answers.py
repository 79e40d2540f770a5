"""What a `$batch` answer says: both shapes of a failed change set, and what is no success (OData
4.0: Batch Responses).
"""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.dataverse.answers import Expected, change_sets
from shared.dataverse.batch import BatchWriter, Operation
from shared.errors import BridgeError, Rejected, Retryable
from shared.http.transport import Response
from tests.unit.dataverse.kit import always

CREATE, UPDATE, DELETE = Expected("POST"), Expected("PATCH"), Expected("DELETE")
TWO_IDS = Expected("POST", 2)
TOO_LONG = json.dumps({"error": {"code": "0x80044331", "message": "A validation error occurred."}})
DENIED = json.dumps({"error": {"code": "0x80040216", "message": "It failed."}})
PART = "Content-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n"
TYPE = "multipart/mixed; boundary=batchresponse_11"


def inner(
    line: str, body: str = "", fields: str = "OData-Version: 4.0\r\n", head: str = PART
) -> str:
    return f"{head}\r\n{line}\r\n{fields}\r\n{body}"


def nested(*parts: str, end: bool = True) -> str:
    listed = "".join(f"--changesetresponse_22\r\n{part}\r\n" for part in parts)
    return (
        f"Content-Type: multipart/mixed; boundary=changesetresponse_22\r\n\r\n{listed}"
        + "--changesetresponse_22--" * end
    )


def batch(*parts: str, end: bool = True) -> str:
    return (
        "".join(f"--batchresponse_11\r\n{part}\r\n" for part in parts)
        + "--batchresponse_11--\r\n" * end
    )


NO_CONTENT = inner("HTTP/1.1 204 No Content")
REFUSED = inner("HTTP/1.1 400 Bad Request", TOO_LONG)
IDS = inner("HTTP/1.1 200 OK", '{"Ids":["1","2"]}')


def seen(text: str, *operations: Expected, content_type: str = TYPE) -> tuple[int, bool] | None:
    """The status that decided (0 for none) and whether all was done."""
    found = change_sets(Response(200, {"content-type": content_type}, text.encode()), [operations])
    return (
        None
        if found is None
        else (found[0].failure.status if found[0].failure else 0, found[0].done)
    )


DONE, REFUSED_400, UNKNOWN = (0, True), (400, False), (0, False)


@pytest.mark.parametrize(
    ("text", "operations", "reported"),
    [
        pytest.param(batch(nested(NO_CONTENT)), [CREATE], DONE, id="created"),
        pytest.param(
            batch(nested(inner("HTTP/1.1 201 Created", "{}"))),
            [CREATE],
            UNKNOWN,
            id="201 with an empty object",
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 201 Created", '{"a":1}'))),
            [CREATE],
            DONE,
            id="201 with the record",
        ),
        pytest.param(
            batch(nested(IDS, NO_CONTENT)), [TWO_IDS, CREATE], DONE, id="created in bulk, completed"
        ),
        pytest.param(batch(nested(NO_CONTENT)), [UPDATE], DONE, id="updated"),
        pytest.param(batch(nested(NO_CONTENT)), [DELETE], DONE, id="deleted"),
        pytest.param(batch(REFUSED), [CREATE, UPDATE], REFUSED_400, id="flat"),
        pytest.param(
            batch(nested(REFUSED)), [CREATE, UPDATE], REFUSED_400, id="nested, the one error of two"
        ),
        pytest.param(
            batch(nested(NO_CONTENT, REFUSED)),
            [CREATE, UPDATE],
            REFUSED_400,
            id="nested, the second of two",
        ),
        pytest.param(
            batch(nested(REFUSED, REFUSED)), [CREATE, UPDATE], REFUSED_400, id="nested, both"
        ),
        pytest.param(
            batch(nested(REFUSED, end=False)),
            [CREATE],
            REFUSED_400,
            id="nested, cut off behind the error",
        ),
        pytest.param(
            batch(nested(REFUSED, inner("HTTP/1.1 503 Busy"))),
            [CREATE],
            (503, False),
            id="the worst decides",
        ),
        pytest.param(
            batch(nested(inner("HTTP/2 400 Bad Request", TOO_LONG))),
            [CREATE],
            REFUSED_400,
            id="HTTP/2",
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 400", TOO_LONG))), [CREATE], REFUSED_400, id="no phrase"
        ),
        pytest.param(
            batch(inner("HTTP/1.1 429 Too Many Requests")), [CREATE], (429, False), id="throttled"
        ),
        pytest.param(
            batch(NO_CONTENT), [CREATE], UNKNOWN, id="a success that is not of a change set"
        ),
        pytest.param(batch(nested()), [CREATE], UNKNOWN, id="an empty change set"),
        pytest.param(batch(nested(NO_CONTENT)), [CREATE, UPDATE], UNKNOWN, id="too few"),
        pytest.param(batch(nested(NO_CONTENT, NO_CONTENT)), [CREATE], UNKNOWN, id="too many"),
        pytest.param(
            batch(nested(NO_CONTENT, end=False)), [CREATE], UNKNOWN, id="inner multipart cut off"
        ),
        pytest.param(
            batch(nested(NO_CONTENT), end=False), [CREATE], None, id="outer multipart cut off"
        ),
        pytest.param(
            batch(nested(inner("204 No Content"))),
            [CREATE],
            UNKNOWN,
            id="no HTTP in the status line",
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 abc"))),
            [CREATE],
            UNKNOWN,
            id="no number in the status line",
        ),
        pytest.param(batch(nested(PART + "\r\n")), [CREATE], UNKNOWN, id="an empty part"),
        pytest.param(
            batch(nested(inner("HTTP/1.1 302 Found"))), [CREATE], UNKNOWN, id="a redirect"
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 206 Partial Content"))),
            [CREATE],
            UNKNOWN,
            id="partial content",
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 202 Accepted"))), [CREATE], UNKNOWN, id="accepted"
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 200 OK", TOO_LONG))),
            [UPDATE],
            UNKNOWN,
            id="200 with an error",
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 200 OK", "<html>"))), [UPDATE], UNKNOWN, id="200 with HTML"
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 200 OK", '{"Ids":["1"]}'))),
            [TWO_IDS],
            UNKNOWN,
            id="fewer ids",
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 200 OK", '{"Ids":["1",'))),
            [TWO_IDS],
            UNKNOWN,
            id="ids cut off",
        ),
        pytest.param(
            batch(nested(NO_CONTENT)), [TWO_IDS], UNKNOWN, id="204 where ids were expected"
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 200 OK", '{"a":1}', "Content-Length: 90\r\n"))),
            [UPDATE],
            UNKNOWN,
            id="a body cut off",
        ),
        pytest.param(
            batch(nested(inner("HTTP/1.1 204 No Content", head="Content-Type: text/plain\r\n"))),
            [CREATE],
            UNKNOWN,
            id="no HTTP part",
        ),
        pytest.param("", [CREATE], None, id="nothing"),
        pytest.param("<html>Sign in</html>", [CREATE], None, id="HTML"),
    ],
)
def test_a_change_set_is_done_only_where_the_answer_says_so(
    text: str, operations: list[Expected], reported: tuple[int, bool] | None
) -> None:
    assert seen(text, *operations) == reported
    if "\r\n" in text:
        assert seen(text.replace("\r\n", "\n"), *operations) == reported


NAMES = ["8f6f0f5e-0000-5b83-9d0c-000000000001", "8f6f0f5e-0000-5b83-9d0c-000000000002"]


def named(*ids: str) -> str:
    return inner("HTTP/1.1 200 OK", json.dumps({"Ids": ids}))


def entity(number: str) -> str:
    fields = f"OData-EntityId: https://org.example.org/api/data/v9.2/tasks({number})\r\n"
    return inner("HTTP/1.1 204 No Content", fields=fields)


@pytest.mark.parametrize(
    ("part", "operation", "reported"),
    [
        pytest.param(named(*NAMES), Expected("POST", 2, frozenset(NAMES)), DONE, id="both"),
        pytest.param(
            named(NAMES[1].upper(), NAMES[0]),
            Expected("POST", 2, frozenset(NAMES)),
            DONE,
            id="in another order",
        ),
        pytest.param(
            named(NAMES[0], NAMES[0]),
            Expected("POST", 2, frozenset(NAMES)),
            UNKNOWN,
            id="one twice",
        ),
        pytest.param(
            named("1", "2"), Expected("POST", 2, frozenset(NAMES)), UNKNOWN, id="two others"
        ),
        pytest.param(
            entity(NAMES[0]), Expected("POST", None, frozenset(NAMES[:1])), DONE, id="its record"
        ),
        pytest.param(
            entity(NAMES[1]),
            Expected("POST", None, frozenset(NAMES[:1])),
            UNKNOWN,
            id="another record",
        ),
        pytest.param(entity(NAMES[1]), CREATE, DONE, id="a record without an id of ours"),
        pytest.param(
            NO_CONTENT, Expected("POST", None, frozenset(NAMES[:1])), DONE, id="no record is named"
        ),
    ],
)
def test_the_answer_of_another_operation_is_no_success(
    part: str, operation: Expected, reported: tuple[int, bool]
) -> None:
    assert seen(batch(nested(part)), operation) == reported


def test_change_sets_answered_in_another_order_are_looked_at_again() -> None:
    rows = [
        [
            Operation(
                "POST",
                "tasks/Microsoft.Dynamics.CRM.CreateMultiple",
                {"Targets": [{"activityid": name}]},
                1,
            )
        ]
        for name in NAMES
    ]
    reported = batch(nested(named(NAMES[1])), nested(named(NAMES[0])))
    verdicts = BatchWriter(always(200, reported, TYPE)).run(rows, "activities")
    assert [isinstance(verdict, Retryable) and verdict.uncertain for verdict in verdicts] == [
        True,
        True,
    ]


def test_an_answer_as_json_is_none() -> None:
    text = json.dumps({"responses": [{"id": "1", "status": 204}]})
    assert seen(text, CREATE, content_type="application/json") is None


@given(st.integers(0, 400))
def test_an_answer_that_is_cut_off_anywhere_is_no_success(length: int) -> None:
    whole = batch(nested(IDS, NO_CONTENT))
    cut = whole[
        : max(0, len(whole) - 4 - length)
    ]  # its last four characters are dashes and a line break
    assert seen(cut, TWO_IDS, UPDATE) != DONE


def run(text: str, content_type: str = TYPE) -> list[BridgeError | None]:
    writer = BatchWriter(always(200, text, content_type))
    return writer.run([[Operation("POST", "tasks", {"subject": "A"})]], "activities")


def test_a_refusal_is_classified_in_either_shape() -> None:
    for text in (batch(REFUSED), batch(nested(REFUSED))):
        (error,) = run(text)
        assert isinstance(error, Rejected)
        assert error.reason == "too_long"


def test_a_refusal_names_the_column_that_dataverse_names_and_no_value() -> None:
    """Microsoft Learn, "Compose HTTP requests and handle errors"; the text is that of a column that
    is too short.
    """
    message = (
        "A validation error occurred. The length of the 'subject' attribute of the 'task' entity"
        " exceeded 200: Zaphod"
    )
    body = json.dumps({"error": {"code": "0x80044331", "message": message}})
    part = inner("HTTP/1.1 400 Bad Request", body)
    errors = [run(batch(part))[0], run(batch(nested(part)))[0]]
    with pytest.raises(Rejected) as raised:
        BatchWriter(always(400, body)).run(
            [[Operation("POST", "tasks", {"subject": "A", "sub": "B"})]], "activities"
        )
    for error in [*errors, raised.value]:
        assert isinstance(error, Rejected)
        assert (error.field, error.reason) == ("subject", "too_long")
        assert "Zaphod" not in str(error)


def test_what_is_not_recognised_is_tried_again_and_may_have_been_done() -> None:
    (error,) = run(batch(nested()))
    assert isinstance(error, Retryable)
    assert error.uncertain
    with pytest.raises(Retryable) as raised:
        run("{}", "application/json")
    assert raised.value.uncertain
    with pytest.raises(Retryable):
        run(batch(nested(NO_CONTENT), nested(NO_CONTENT)))
