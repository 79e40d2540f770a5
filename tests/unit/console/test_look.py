"""How a reader wants the console: kept in a cookie, which the host escapes on its way out."""

from urllib.parse import quote

import pytest

from shared.console.look import Look, read_look

CHOSEN = Look("ja", "Asia/Tokyo", "dark")


def test_what_was_chosen_is_read_again() -> None:
    assert read_look(CHOSEN.cookie, {}) == CHOSEN
    assert read_look(quote(CHOSEN.cookie, safe=""), {}) == CHOSEN


@pytest.mark.parametrize(
    ("cookie", "accepted", "found"),
    [
        ("", "ja,en;q=0.5", Look("ja")),
        ("", "fr, ja;q=0.5", Look("ja")),
        ("", "fr", Look()),
        ("en|UTC|", "ja", Look()),
        ("xx|Mars/Base|pink", "ja", Look()),
        ("%00|%", "", Look()),
    ],
)
def test_what_is_none_of_ours_is_the_first(cookie: str, accepted: str, found: Look) -> None:
    assert read_look(cookie, {"accept-language": accepted}) == found
