"""Names from outside cannot lead elsewhere: one property for each place that they reach."""

import posixpath
import unicodedata
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.addresses import decoded
from shared.campaign.wire import key_in_url
from shared.console.opt_out import is_day
from shared.dataverse.wire import guid
from shared.entities.families import flow_of
from shared.errors import Rejected
from shared.identifiers import is_file_name, table_name

RESOURCE = "/acme/campaign/profileAndServicesExt/profile"
PARTS = st.sampled_from(
    [
        ".",
        "..",
        "/",
        "%2e",
        "%2E",
        "%252e",
        "%2f",
        "%5c",
        "\\",
        " ",
        "\t",
        ";",
        "?",
        "#",
        "a",
        "\u2024",
        "\uff0e",
    ]
)
NAMES = st.text(max_size=300) | st.lists(PARTS, max_size=6).map("".join)
LOOK_ALIKES = ["\u2024\u2024", "\u2025", "\uff0e\uff0e", "\uff0e", "a/\u2025", "%EF%BC%8E"]
TAKEN = [
    "a..b",
    "...",
    "a.b",
    "a\u2025b",
    "100%",
    "a b",
    "J\u00f6rg",
    "name@example.org",
    "a?b#c",
    "\uff21\uff0fB",
]
DOTS = [".", "..", "%2e%2e", "%252e%252e", "../profile", "a/..", "a/../b", "..\\a", "..%2f", "./"]
HOSTILE = [*LOOK_ALIKES, *DOTS, "", " ", "a\x00", "x" * 256]


@given(NAMES)
@example("..")
@example("%2e%2e")
def test_a_key_is_one_segment_of_the_url_whatever_decodes_it(key: str) -> None:
    try:
        url = f"https://mc.example.org{RESOURCE}/{key_in_url(key)}"
    except Rejected as refusal:
        assert refusal.reason == "bad_key"
        return
    path = urlsplit(url).path
    assert path.count("/") == RESOURCE.count("/") + 1
    assert unquote(path.rpartition("/")[2]) == key
    assert posixpath.normpath(path) == path
    plain = unicodedata.normalize("NFKC", decoded(path)).replace("\\", "/")
    assert posixpath.normpath(plain).startswith(f"{RESOURCE}/") or "\uff0f" in key


@pytest.mark.parametrize("key", HOSTILE, ids=ascii)
def test_a_key_that_a_url_would_shorten_makes_no_call(key: str) -> None:
    with pytest.raises(Rejected, match="No call was made"):
        key_in_url(key)


@pytest.mark.parametrize("key", TAKEN, ids=ascii)
def test_a_key_that_only_looks_like_one_is_taken(key: str) -> None:
    assert unquote(key_in_url(key)) == key


@given(NAMES)
def test_a_row_s_url_holds_a_guid_or_nothing_is_called(text: str) -> None:
    try:
        found = guid(text)
    except Rejected:
        return
    assert len(found) == 36
    assert set(found) <= set("0123456789abcdef-")


@given(NAMES)
def test_what_names_a_table_names_a_queue_a_blob_and_a_partition(text: str) -> None:
    if not (table := table_name(text)):
        return
    assert posixpath.normpath(f"mappings/{table}.yaml") == f"mappings/{table}.yaml"
    assert not set(flow_of(table).key) & set("/\\#?'|%")


@given(NAMES)
@example("../processed")
@example("a/b")
def test_the_name_of_a_file_stays_in_its_folder(name: str) -> None:
    if is_file_name(name):
        assert posixpath.dirname(posixpath.normpath(f"/exports/{name}")) == "/exports"
        assert "\\" not in name


@given(NAMES | st.dates().map(str))
def test_a_day_is_ten_characters_of_a_date(text: str) -> None:
    assert not is_day(text) or (
        len(text) == 10 and text.isascii() and text.replace("-", "").isdigit()
    )
