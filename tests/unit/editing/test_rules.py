"""Forms of a document: one part changes, and every other character stays."""

import difflib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.editing.rules import RuleForm, form_of, with_rule, with_settings, without_rule
from shared.editing.splicing import NotEdited
from shared.mapping import default_document, read_document

TEXT = default_document("contact")
COUNTRY = 17
BLOCK = """\
# who we are
table: contact  # the people
resource: profile
key: {source: contactid, target: externalId, lookup: uri}
fields:
  - source: firstname   # as on the badge
    target: firstName
    replace:
      "NO": Norway
      1.50: half
  # the family
  - {source: lastname, target: lastName}   # never empty
links:
  - {source: _parentcustomerid_value, target: cusAccountId, parent: account}
filters: {all: [{field: statecode, is: eq, value: 0}]}
"""


def changed_lines(before: str, after: str) -> list[str]:
    found = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in list(found)[2:] if not line.startswith("@@")]


@pytest.mark.parametrize("number", range(1, 20))
def test_a_form_that_changes_nothing_changes_no_character(number: int) -> None:
    assert with_rule(TEXT, number, form_of(TEXT, number)) == TEXT


@pytest.mark.parametrize(
    ("number", "values", "lines"),
    [
        (1, {"target": "cusName"}, [
            "-  - source: firstname   # as on the badge", "-    target: firstName",
            "+  - source: firstname   # as on the badge", "+    target: cusName",
        ]),
        (1, {"creation_only": True}, ["+    apply_updates: false"]),
        (1, {"invalid": "cut"}, ["+    invalid: cut"]),
        (1, {"replace": '"NO": Norway'}, [
            "-    replace:", '-      "NO": Norway', "-      1.50: half",
            '+    replace: {"NO": Norway}',
        ]),
        (1, {"replace": ""}, ["-    replace:", '-      "NO": Norway', "-      1.50: half"]),
        (2, {"otherwise": '"NO"'}, [
            "-  - {source: lastname, target: lastName}   # never empty",
            '+  - {source: lastname, target: lastName, otherwise: "NO"}   # never empty',
        ]),
        (2, {"source": "", "template": "{firstname} {lastname}"}, [
            "-  - {source: lastname, target: lastName}   # never empty",
            "+  - {target: lastName, template: '{firstname} {lastname}'}   # never empty",
        ]),
    ],
    ids=["target", "at creation", "cut", "less replaced", "not replaced", "else", "template"],
)  # fmt: skip
def test_what_changes_and_nothing_else(
    number: int, values: dict[str, Any], lines: list[str]
) -> None:
    after = with_rule(BLOCK, number, replace(form_of(BLOCK, number), **values))
    kept = [line for line in lines if line[1:] not in {one[1:] for one in lines if one is not line}]
    assert changed_lines(BLOCK, after) == kept


def test_quotes_and_forms_of_numbers_stay() -> None:
    form = form_of(BLOCK, 1)
    assert form.replace == '"NO": Norway\n1.50: half'
    after = with_rule(BLOCK, 1, replace(form, replace=form.replace + "\n2: x"))
    assert '"NO": Norway' in after
    assert "1.50: half" in after


def test_a_new_rule_stands_behind_the_last_one() -> None:
    after = with_rule(BLOCK, 0, RuleForm(source="jobtitle", target="cusTitle", invalid="cut"))
    assert changed_lines(BLOCK, after) == [
        "+  - {source: jobtitle, target: cusTitle, invalid: cut}"
    ]
    assert after.index("jobtitle") > after.index("lastname")


def test_a_rule_is_taken_out_with_its_lines_alone() -> None:
    assert changed_lines(TEXT, without_rule(TEXT, COUNTRY))[0] == "-  - source: address1_country"
    assert "# the family" in without_rule(BLOCK, 2)
    with pytest.raises(NotEdited):
        without_rule(without_rule(BLOCK, 2), 1)


def test_settings_are_changed_added_and_taken_out() -> None:
    after = with_settings(BLOCK, {"deletes": "ignore", "time_zone": "UTC", "choices": "label"})
    assert after == BLOCK + "deletes: ignore\ntime_zone: UTC\n"
    assert with_settings(after, {"deletes": "apply", "time_zone": ""}) == BLOCK + "deletes: apply\n"
    for wrong in ("Nowhere/Else", "UTC\ntable: account", "{a: b}", "&x"):
        with pytest.raises(NotEdited):
            with_settings(BLOCK, {"time_zone": wrong})


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"replace": "a: ["}, "replace: Line 1: this is not YAML"),
        ({"replace": "a: {b: c}"}, "must be a text, a number, true or false"),
        ({"replace": "- a"}, "list of `key: value` lines"),
        ({"otherwise": "x: y"}, "otherwise: "),
        ({"otherwise": "a\nlinks: []"}, "must be one value"),
        ({"otherwise": "*x"}, "otherwise: "),
        ({"target": "a b"}, "must be a name"),
        ({"target": "lastName"}, "two sources for one target"),
        ({"target": ""}, "target"),
        ({"source": ""}, "needs either source or template"),
        ({"template": "{x"}, "template"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told_and_changes_nothing(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(NotEdited) as told:
        with_rule(BLOCK, 1, replace(form_of(BLOCK, 1), **values))
    assert problem in str(told.value)


@pytest.mark.parametrize(
    "text",
    [
        "{table: contact}",
        BLOCK.replace("fields:\n", "fields: [{source: a, target: b}]\nold:\n"),
        "table: contact\nresource: profile\nkey: {source: contactid, target: externalId}\n"
        "fields:\n  - &a {source: firstname, target: firstName}\n  - *a\n",
        "nonsense",
        "",
    ],
    ids=["braces", "brackets", "alias", "no document", "nothing"],
)
def test_a_document_that_no_form_can_change_is_left_alone(text: str) -> None:
    with pytest.raises(NotEdited):
        with_rule(text, 1, RuleForm(source="x", target="y"))


@pytest.mark.parametrize("number", [0, 3, -1, 99])
def test_a_rule_that_there_is_not(number: int) -> None:
    with pytest.raises(NotEdited):
        without_rule(BLOCK, number)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)


@given(number=st.integers(0, 2), replaced=WORDS, otherwise=WORDS, template=WORDS, target=WORDS)
def test_whatever_is_typed_either_changes_this_rule_alone_or_nothing(
    number: int, replaced: str, otherwise: str, template: str, target: str
) -> None:
    form = RuleForm("", template, target, f"k: {replaced}" if replaced else "", otherwise)
    before = read_document(BLOCK)
    try:
        after = read_document(with_rule(BLOCK, number, form))
    except NotEdited:
        return
    place = number - 1 if number else 2
    kept = [rule for at, rule in enumerate(after.fields) if at != place]
    assert kept == [rule for at, rule in enumerate(before.fields) if at != place]
    assert after.model_dump(exclude={"fields"}) == before.model_dump(exclude={"fields"})
