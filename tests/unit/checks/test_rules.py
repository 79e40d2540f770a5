"""What the checks decide by themselves: clocks, tokens, webhooks, sentences."""

from email.utils import formatdate

import pytest

from shared.checks.connections import skew
from shared.checks.findings import split
from shared.checks.tables import DAY, window
from shared.checks.wanted import Subscription
from shared.checks.webhooks import faults, shared_key

NOW = 1_800_000_000.0
WANTED = Subscription(
    "contact", "contact", ("Create", "Update", "Delete"), ("firstname", "lastname")
)
ALL = {
    message: {"statecode": 0, "filteringattributes": "firstname,lastname"}
    for message in WANTED.messages
}


@pytest.mark.parametrize(
    ("away", "state", "words"),
    [
        (0, "ok", "agrees"),
        (60, "ok", "agrees"),
        (-60, "ok", "agrees"),
        (61, "warning", "61 s ahead of"),
        (-300, "warning", "300 s behind"),
        (301, "error", "301 s ahead of"),
    ],
)
def test_a_clock_may_be_a_minute_away(away: int, state: str, words: str) -> None:
    found = skew("Campaign", formatdate(NOW, usegmt=True), NOW + away)
    assert (found.subject, found.state) == ("Campaign", state)
    assert words in found.message


@pytest.mark.parametrize("date", ["", "yesterday", "2027-01-15"])
def test_an_answer_without_a_date_is_a_warning(date: str) -> None:
    assert skew("Campaign", date, NOW).state == "warning"


@pytest.mark.parametrize(
    ("age_days", "state", "words"),
    [
        (0, "ok", "0.0 days old"),
        (3.5, "ok", "3.5 days old"),
        (3.6, "warning", "If it gets older"),
        (7, "warning", "If it gets older"),
        (7.1, "warning", "The next poll reads everything again"),
    ],
)
def test_a_change_token_is_old_from_half_of_its_life(
    age_days: float, state: str, words: str
) -> None:
    found = window("contact", NOW - age_days * DAY, 7, NOW)
    assert found.state == state
    assert words in f"{found.message} {found.next}"


def test_a_table_that_was_never_read_has_no_token() -> None:
    assert window("contact", 0.0, 7, NOW).state == "ok"


@pytest.mark.parametrize(
    ("changed", "count", "words"),
    [
        ({}, 3, []),
        ({"Create": None}, 2, ["no step for Create"]),
        ({"Delete": {"statecode": 1}}, 3, ["Delete is disabled"]),
        ({}, 4, ["twice"]),
        ({"Update": {"statecode": 0, "filteringattributes": None}}, 3, ["no filtering attributes"]),
        (
            {"Update": {"statecode": 0, "filteringattributes": "lastname"}},
            3,
            ["does not fire for firstname"],
        ),
        (
            {"Update": {"statecode": 0, "filteringattributes": "firstname, lastname,fax"}},
            3,
            ["fires for fax, not mapped"],
        ),
        (
            {"Create": None, "Update": {"statecode": 1, "filteringattributes": ""}},
            2,
            ["Create", "Update is disabled", "no filtering"],
        ),
    ],
)
def test_a_step_does_its_work_or_its_fault_is_told(
    changed: dict[str, dict[str, object] | None], count: int, words: list[str]
) -> None:
    steps = {message: step for message, step in {**ALL, **changed}.items() if step is not None}
    found = list(faults(WANTED, steps, count))
    assert len(found) == len(words)
    assert all(word in finding.message for word, finding in zip(words, found, strict=True))
    assert {finding.state for finding in found} <= {"warning"}


@pytest.mark.parametrize(
    ("endpoints", "others"),
    [
        ({"contact": "a", "contact/opt-out": "b"}, []),
        ({"contact": "a", "contact/opt-out": "a"}, ["contact/opt-out"]),
        ({"contact": "a", "acs_vehicle": "b", "acs_visit": "b"}, []),
    ],
)
def test_two_functions_with_one_key_are_told(endpoints: dict[str, str], others: list[str]) -> None:
    found = list(
        shared_key("contact", {path: {"description": key} for path, key in endpoints.items()})
    )
    assert len(found) == len(others)
    assert all(other in found[0].message for other in others)


def test_tables_that_share_a_function_share_a_key() -> None:
    same = {path: {"description": "b"} for path in ("acs_vehicle", "acs_visit")}
    assert list(shared_key("acs_vehicle", same)) == []


@pytest.mark.parametrize(
    ("sentence", "parts"),
    [
        ("It is off: switch it on.", ("It is off.", "Switch it on.")),
        ("Line 3: it is off: switch it on.", ("Line 3: it is off.", "Switch it on.")),
        ("It is off.", ("It is off.", "The advice.")),
        ("It says: No.", ("It says: No.", "The advice.")),
        ("It ends with a colon: ", ("It ends with a colon: ", "The advice.")),
    ],
)
def test_a_sentence_s_second_half_is_what_to_do(sentence: str, parts: tuple[str, str]) -> None:
    assert split(sentence, "The advice.") == parts
