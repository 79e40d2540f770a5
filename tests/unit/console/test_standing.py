"""How a record stands is judged by the ledger first, then by both systems as they are now."""

from dataclasses import replace
from typing import Any

import pytest

from shared.console.patience import Missing
from shared.console.sentences import SENTENCES, sentence
from shared.console.standing import (
    AS_IT_SHOULD,
    DIFFERENT,
    REFUSED,
    UNKNOWN,
    WAITING,
    InDynamics,
    Noted,
    judge,
)
from shared.errors import Refusal, Rejected
from shared.mapping import Altered, Filtered, Mapped
from shared.state.checkpoints import Checkpoint
from shared.state.deadletters import DeadLetter
from shared.state.flows import FAILED, STOPPED, FlowState
from shared.state.ledger_rows import LedgerRow
from shared.waits import CODES, PLAIN, ParentMissing

ID = "0f8fad5b-d9cb-469f-a165-70867728950e"
WRITTEN = LedgerRow(ID, version=7, outcome="updated", exists=True)
LETTER = DeadLetter("contacts", ID, "too_long", "firstName", "A sentence.", 1, 1, 1.0)
QUIET = Noted(WRITTEN, None, FlowState(), Checkpoint("contacts", "contact", "delta"))
RECORD = {"firstName": "Ana", "location": {"city": "Lyon"}, "externalId": ID}
UPDATE = {"firstName": "Ana"}
MAPPED = Mapped(ID, RECORD, UPDATE)
HERE = InDynamics({"contactid": ID}, 7, MAPPED)
GONE = InDynamics(None)
STORED = {"firstName": "Ana", "location": {"city": "Lyon"}, "externalId": ID}
OTHER = {**STORED, "firstName": "Anna"}
DOWN = Missing("part_campaign", "part_failed", "Campaign does not answer.")


def noted(**changes: Any) -> Noted:
    return replace(QUIET, row=replace(WRITTEN, **changes))


NEVER = replace(QUIET, row=None)
KEEPS, DELETES = (replace(HERE, mapped=Filtered(ID, "statecode eq 0")) for _ in range(2))
DELETES = replace(DELETES, filtered_out="delete")
RULE = Rejected(Refusal("gender", "bad_enumeration_value", "A sentence."))
CASES = {
    "the same": (QUIET, HERE, STORED, AS_IT_SHOULD, "why_same"),
    "a dead letter": (replace(QUIET, letter=LETTER), HERE, STORED, REFUSED, "why_letter"),
    "a dead letter, and a system is down": (
        *(replace(QUIET, letter=LETTER), HERE, DOWN, REFUSED, "why_letter"),
    ),
    "waits": (noted(outcome="waiting", reason="target"), HERE, None, WAITING, "wait_target"),
    "a system is down": (QUIET, HERE, DOWN, UNKNOWN, "why_unasked"),
    "the state is down": (DOWN, HERE, STORED, UNKNOWN, "why_unasked"),
    "gone from both": (QUIET, GONE, None, AS_IT_SHOULD, "why_gone"),
    "never anywhere": (NEVER, GONE, None, UNKNOWN, "why_nowhere"),
    "gone from Dynamics alone": (QUIET, GONE, STORED, DIFFERENT, "why_not_deleted"),
    "deletions are ignored": (
        *(QUIET, replace(GONE, deletes="ignore"), STORED, AS_IT_SHOULD, "why_deletes_ignored"),
    ),
    "filtered": (QUIET, KEEPS, None, AS_IT_SHOULD, "why_filtered"),
    "filtered, and kept": (QUIET, KEEPS, STORED, AS_IT_SHOULD, "why_filtered"),
    "filtered, and not taken out": (QUIET, DELETES, STORED, DIFFERENT, "why_filtered"),
    "the mapping refuses it now": (
        *(QUIET, replace(HERE, mapped=RULE), STORED, REFUSED, "why_refused_now"),
    ),
    "never seen": (NEVER, HERE, None, UNKNOWN, "why_never_seen"),
    "newer, not there yet": (QUIET, replace(HERE, version=8), None, WAITING, "why_on_its_way"),
    "newer, differs": (QUIET, replace(HERE, version=8), OTHER, WAITING, "why_on_its_way"),
    "newer, and the same": (QUIET, replace(HERE, version=8), STORED, AS_IT_SHOULD, "why_same"),
    "deleted in Campaign": (QUIET, HERE, None, DIFFERENT, "why_lost"),
    "changed in Campaign": (QUIET, HERE, OTHER, DIFFERENT, "why_fields_differ"),
}


@pytest.mark.parametrize("case", CASES)
def test_how_a_record_stands(case: str) -> None:
    known, source, target, code, why = CASES[case]
    standing = judge(known, source, target)
    assert (standing.code, standing.why[0].code) == (code, why)


@pytest.mark.parametrize("case", CASES)
def test_every_reason_has_its_sentence(case: str) -> None:
    known, source, target, *_ = CASES[case]
    for why in judge(known, source, target).why:
        said = sentence(why.code, "en", **why.arguments)
        assert said != why.code
        assert "{" not in said


def test_every_wait_has_its_sentence() -> None:
    assert {f"wait_{code}" for code in CODES} == {
        code for code in SENTENCES if code.startswith("wait_")
    }
    assert {*PLAIN, ParentMissing.code} == CODES


def test_a_parent_that_is_waited_for_is_named() -> None:
    wait = ParentMissing("account", ID)
    standing = judge(noted(outcome="waiting", reason=wait.text), HERE, None)
    assert standing.why[0].arguments == {"table": "account", "id": ID}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"flow": FlowState(FAILED, "No token.")}, "why_flow_failed"),
        ({"flow": FlowState(STOPPED, by="Otto")}, "why_flow_stopped"),
        ({"flow": FlowState(trouble="No answer.")}, "why_trouble"),
        ({"checkpoint": Checkpoint("contacts", "contact", rows=5)}, "why_first_read"),
    ],
)
def test_what_stands_in_the_way_is_said_too(more: dict[str, Any], code: str) -> None:
    standing = judge(replace(NEVER, **more), HERE, None)
    said = [why.code for why in standing.why]
    assert said == ([code, "why_never_seen"] if "_flow_" in code else ["why_never_seen", code])
    known = replace(QUIET, row=replace(WRITTEN, outcome="waiting", reason="target"), **more)
    assert judge(known, HERE, None).why[0].code == "wait_target"
    fine = judge(replace(QUIET, **more), HERE, STORED)
    assert [why.code for why in fine.why] == ["why_same"]


def test_a_record_in_doubt_says_so() -> None:
    standing = judge(noted(doubt_until=99.0), HERE, OTHER)
    assert [why.code for why in standing.why] == ["why_fields_differ", "why_doubt"]


def test_no_reason_holds_a_value_of_the_record() -> None:
    for known, source, target, *_ in CASES.values():
        for why in judge(known, source, target).why:
            assert not {"Ana", "Anna", "Lyon"} & set(map(str, why.arguments.values()))


def test_what_the_mapping_leaves_out_is_not_a_difference() -> None:
    cut = replace(HERE, mapped=replace(MAPPED, altered=(Altered("firstName", "cut", "too_long"),)))
    assert judge(QUIET, cut, OTHER).code == AS_IT_SHOULD
