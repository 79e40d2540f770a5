"""YAML into documents: what it cannot mean is refused with line, path and name, in our words; no
text ends in a crash.
"""

import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.errors import Misconfigured
from shared.events.documents import default_events_document, read_events_document
from shared.mapping import InvalidDocument, MappingDocument, check, read_document
from shared.mapping.reading import read_active
from shared.opt_out.documents import read_opt_out_document
from tests.unit.mapping.metadata import CONTACT, PROFILE

HEAD = "table: contact\nresource: profile\nkey: {source: contactid, target: externalId}\n"
FIELD = HEAD + "fields:\n  - {source: firstname, target: firstName}\n"
LIBRARY_WORDS = (
    "Input should",
    "valid",
    "pydantic",
    "tag:",
    "expected",
    "ConstructorError",
    "<",
    "Extra inputs",
)


def problems(text: str) -> list[str]:
    with pytest.raises(InvalidDocument) as caught:
        read_document(text)
    assert not [
        word for word in LIBRARY_WORDS for problem in caught.value.problems if word in problem
    ]
    return caught.value.problems


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (FIELD + "filterd_out: keep",
         "Line 6, filterd_out is no key that is known here: take it out, or correct its name. "
         "Did you mean filtered_out?"),
        (FIELD + "  - {sorce: a, target: lastName}",
         "Line 6, fields[2].sorce (lastName) is no key that is known here: "
         "take it out, or correct its name. Did you mean source?"),
        (FIELD + "  - {source: 5, target: lastName}",
         "Line 6, fields[2].source (lastName) must be a text: quote it."),
        (FIELD + "  - {source: a b, target: lastName}",
         "Line 6, fields[2].source (lastName) must be a name of letters, digits "
         "and underscores, as both systems write it."),
        (FIELD + "  - source: a\n    target: lastName\n    apply_updates: 1",
         "Line 8, fields[2].apply_updates (lastName) must be true or false."),
        (FIELD + "  - {source: a, target: lastName, replace: {1: [2]}}",
         "Line 6, fields[2].replace.1 (lastName) must be a text, a number, true or false."),
        (FIELD + "  - {target: lastName}",
         "Line 6, fields[2] (lastName): needs either source or template."),
        (FIELD + "  - lastname", "Line 6, fields[2] must hold `key: value` lines."),
        (FIELD + "  - {source: a, target: firstName}",
         "Line 6, fields[2] (firstName): two sources for one target: firstName."),
        (HEAD, "Line 1, fields is missing: add it."),
        (HEAD + "fields: []", "Line 4, fields must have at least 1 entries."),
        (HEAD + "fields: none", "Line 4, fields must be a list."),
        (FIELD + "deletes: maybe", "Line 6, deletes must be one of these: 'apply' or 'ignore'."),
        (FIELD + "filters:\n  all:\n    - {field: a, is: eq, value: {b: 1}}",
         "Line 8, filters.all[1].value (a) must be a text, a number, true or false."),
        (FIELD + "filters:\n  all:\n    - {field: a, is: in, value: [1, [2]]}",
         "Line 8, filters.all[1].value[2] (a) must be a text, a number, true or false."),
        (FIELD + "filters:\n  any:\n    - {field: a, is: in, value: 1}",
         "Line 8, filters.any[1] (a): `in` needs a list of values, and only `in` takes one."),
        (FIELD + "  - {template: '{firstname', target: lastName}",
         "Line 6, fields[2] (lastName): has a brace without its "
         "counterpart: write {name}, or {{ and }} for braces that stay."),
        (FIELD + "links:\n  - {source: _a_value, target: b, parent: [1]}",
         "Line 7, links[1].parent[1] (b) must be a text: quote it."),
        (HEAD.replace("target: externalId",
                      "target: externalId, lookup: filter") + "fields: [{source: a, target: b}]",
         "Line 3, key: lookup: filter needs filter and parameter, as they are named in the "
         "publication."),
    ],
)  # fmt: skip
def test_a_fault_has_its_line_its_path_its_name_and_our_words(text: str, problem: str) -> None:
    assert problems(text) == [problem]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 010", "Line 1: 010 may be read as another number than it looks like: quote it."),
        ("a: 1\nb: 10:30",
         "Line 2: 10:30 may be read as another number than it looks like: quote it."),
        ("a: 1.0e+99999999999999999999",
         "Line 1: 1.0e+99999999999999999999 is larger than any number: correct it."),
        ("a: 1_000", "Line 1: 1_000 may be read as another number than it looks like: quote it."),
        ("a: 0x1F", "Line 1: 0x1F may be read as another number than it looks like: quote it."),
        ("a: +49", "Line 1: +49 may be read as another number than it looks like: quote it."),
        ("a: .nan", "Line 1: .nan may be read as another number than it looks like: quote it."),
        ("a: 1\n\nb: .inf",
         "Line 3: .inf may be read as another number than it looks like: quote it."),
        ("a: 1\nb: 2\na: 3", "Line 3: the key a stands twice: take one of them out."),
        ("1: a\n'1': b\n1: c", "Line 3: the key 1 stands twice: take one of them out."),
        ("a: {1: x, true: y}", "Line 1: the key true stands twice: take one of them out."),
        ("[a]: 1", "Line 1: a key must be a single word or number."),
        ("? {a: b}\n: 1", "Line 1: a key must be a single word or number."),
        ("a: !!python/name:os.system x",
         "Line 1: the tag !!python/name:os.system has no meaning here: take it out."),
        ("a: !secret x", "Line 1: the tag !secret has no meaning here: take it out."),
        ("a: !!binary eA==", "Line 1: the tag !!binary has no meaning here: take it out."),
        ("a: *b",
         "Line 1: this is not YAML: a word behind * must be named with & before. Quote the text "
         "if it is none."),
        ("a: 1\n---\nb: 1",
         "Line 2: this is not YAML: there are two documents, parted by ---. Keep one."),
        ("a:\n\tb: 1", "Line 2: this is not YAML: there is a tab. Indent with blanks."),
        ("a: b: c",
         "Line 1: this is not YAML: there is a second colon, or the indentation is wrong. Quote "
         "the text."),
        ("a: \x01", "This is not YAML: it holds a character that no text may hold."),
        ("a: " + "[" * 3000, "This is not YAML: it is nested too deep."),
        ("a: [1",
         "Line 1: this is not YAML: look at the indentation, the quotes and the brackets here."),
        ("just text", "The document must be a list of `key: value` lines."),
        ("", "The document must be a list of `key: value` lines."),
    ],
)  # fmt: skip
def test_what_yaml_would_read_as_something_else_is_refused(text: str, problem: str) -> None:
    assert problems(text) == [problem]


def test_all_that_yaml_would_misread_is_told_at_once() -> None:
    assert len(problems("a: 010\nb: 1_000\nc: .nan")) == 3


def test_the_lines_of_a_document_outlive_its_reading() -> None:
    document = read_document(FIELD + "  - source: lastname\n    target: lastName\n")
    assert document.place("fields[2]", "lastName") == "Line 6, fields[2] (lastName)"
    assert document.place("fields[2].target") == "Line 7, fields[2].target"
    assert document.place("links") == "links"


def test_an_anchor_and_a_merged_key_mean_what_they_say() -> None:
    text = (
        HEAD
        + "fields:\n  - &first {source: firstname, target: firstName, apply_updates: false}\n  -"
        " {<<: *first, target: lastName}"
    )
    assert [rule.apply_updates for rule in read_document(text).fields] == [False, False]


def bomb(line: str, times: int) -> str:
    """Each line stands for ten of the line before."""
    return "".join(
        line.format(one=number, ten=", ".join([f"*a{number - 1}"] * 10))
        for number in range(1, times)
    )


BOMBS = {
    "filters": (
        "filters:\n  all:\n  - &a0 {field: statecode, is: eq, value: 0}\n"
        + bomb("  - &a{one} {{all: [{ten}]}}\n", 8)
    ),
    "merged": "x0: &a0 {k: v}\n" + bomb("x{one}: &a{one} {{<<: [{ten}]}}\n", 8),
    "long": "links: [" + "a, " * 20_000 + "]",
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("read", [read_document, read_opt_out_document, read_events_document])
def test_a_document_that_unfolds_without_end_is_refused_at_once(
    read: Callable[[str], object], text: str
) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read(FIELD + text)
    (problem,) = caught.value.problems
    assert problem.startswith("The document has too many parts: at most 20000 are read.")


@pytest.mark.parametrize(
    "text",
    [
        "filters: &a {all: [*a]}",
        "links: &a [*a]",
        "x: &a {<<: *a}",
        "x: &a {<<: [*a]}",
        "x: &a {? *a : b}",
        "x: " + "[" * 60 + "]" * 60,
    ],
)
def test_a_part_within_itself_and_one_too_deep_are_refused(text: str) -> None:
    assert problems(FIELD + text)[0].startswith("The document is nested too deep: ")


@pytest.mark.parametrize(("deep", "fits"), [(19, True), (20, False), (23, False)])
@pytest.mark.parametrize("word", ["all", "any"])
def test_filters_have_a_depth(deep: int, fits: bool, word: str) -> None:
    text = (
        FIELD
        + "filters: "
        + f"{{{word}: [" * deep
        + "{field: statecode, is: eq, value: 0}"
        + "]}" * deep
    )
    if fits:
        assert check(read_document(text), CONTACT, PROFILE) == []
    else:
        assert problems(text) == [
            "Line 6, filters: all and any stand more than 20 deep within each other: write fewer."
        ]


@pytest.mark.parametrize("deep", [30, 60, 100, 150, 190, 250, 900])
def test_no_depth_gets_past_the_reading(deep: int) -> None:
    assert (
        len(
            problems(
                FIELD
                + "filters: "
                + "{all: [" * deep
                + "{field: statecode, is: eq, value: 0}"
                + "]}" * deep
            )
        )
        == 1
    )


def test_a_decimal_is_read_exactly() -> None:
    document = read_document(FIELD + "filters: {field: a, is: eq, value: 99999999999.9999999999}")
    assert str(document.filters.value) == "99999999999.9999999999"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("pairs:\n  - {column: donotfax, flag: blackListFax, invertd: true}",
         "Line 2, pairs[1].invertd (blackListFax) is no key "
         "that is known here: take it out, or correct its name. Did you mean inverted?"),
        ("pairs:\n  - {column: donotfax, flag: blackListFax}\n  - {column: donotfax, flag: "
         "blackListEmail}",
         "Line 3, pairs[2] (blackListEmail): donotfax stands in two pairs, and each column and "
         "each flag may stand in one only."),
        ("pairs:\n  - {column: donotfax, flag: blackListFax}\nfiles:\n  promise_hours: soon",
         "Line 4, files.promise_hours must be a number."),
    ],
)  # fmt: skip
def test_opt_out_documents_are_read_in_the_same_way(text: str, problem: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_opt_out_document(text)
    assert caught.value.problems == [problem]


@pytest.mark.parametrize(
    ("subject", "problem"),
    [
        ("{customer}", "subject: names customer, and may name campaign, delivery, kind."),
        ("{campaign:>1000000000}", "may hold plain names in braces only"),
        ("{campaign.__class__}", "may hold plain names in braces only"),
        ("{campaign", "has a brace without its counterpart"),
    ],
)
def test_a_subject_of_events_names_nothing_else(subject: str, problem: str) -> None:
    text = re.sub(r"(?m)^subject: .*$", f'subject: "{subject}"', default_events_document())
    with pytest.raises(InvalidDocument, match=re.escape(problem)):
        read_events_document(text)


def test_events_documents_are_read_in_the_same_way() -> None:
    text = default_events_document().replace("bounces: hard", "bounce: hard", 1)
    line = next(
        number for number, found in enumerate(text.splitlines(), 1) if found.startswith("bounce:")
    )
    with pytest.raises(InvalidDocument) as caught:
        read_events_document(text)
    assert caught.value.problems[0].startswith(f"Line {line}, bounce is no key that is known here")
    assert caught.value.problems[0].endswith("Did you mean bounces?")


@settings(deadline=None)
@given(st.text(max_size=60) | st.text("a1:-[]{}&*!|>%@`'\"?,#\n\t ~.e_<", max_size=60))
def test_no_text_ends_in_a_crash(text: str) -> None:
    with pytest.raises(InvalidDocument) as caught:
        read_document(text)
    assert all(problem.endswith((".", "?")) for problem in caught.value.problems)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["all", "any", "field", "is", "value", "x"]), inner)
    ),
    max_leaves=8,
)


@settings(deadline=None)  # how long one takes says more of the machine than of the reader
@given(
    st.sampled_from(["table", "key", "fields", "links", "filters", "choices", "deletes"]), VALUES
)
def test_no_value_is_refused_in_the_words_of_a_library(name: str, value: object) -> None:
    import yaml

    content = {
        "table": "contact",
        "resource": "profile",
        "key": {"source": "a", "target": "b"},
        name: value,
    }
    try:
        read_document(yaml.safe_dump({"fields": [{"source": "c", "target": "d"}], **content}))
    except InvalidDocument as error:
        assert not [
            problem for problem in error.problems if "Input" in problem or "pydantic" in problem
        ]


def test_an_active_version_that_cannot_be_read_fails_its_flow_with_the_line() -> None:
    with pytest.raises(Misconfigured) as failed:
        read_active(
            FIELD + "choices: 010",
            MappingDocument,
            "mapping",
            "Version 2 of the mapping of contact",
        )
    assert failed.value.setting == "mapping"
    assert (
        "Version 2 of the mapping of contact cannot be read any more: Line 6: 010 may be read"
        in str(failed.value)
    )


@pytest.mark.parametrize("read", [read_document, read_opt_out_document, read_events_document])
def test_a_byte_that_is_not_utf_8_is_refused_with_its_line(read: Callable[[str], object]) -> None:
    text = (FIELD + "# Stra\u00dfe\n").encode("latin-1").decode("utf-8", "surrogateescape")
    with pytest.raises(InvalidDocument) as caught:
        read(text)
    assert caught.value.problems == ["Line 6 is not UTF-8: save the file as UTF-8."]


def test_a_byte_order_mark_does_no_harm() -> None:
    assert read_document("\ufeff" + FIELD).table == "contact"
