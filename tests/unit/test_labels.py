"""Texts compared without case and form, and cut to a length."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.labels import cut, folded, units


@pytest.mark.parametrize("form", ["NFC", "NFD", "NFKC", "NFKD"])
@pytest.mark.parametrize("text", ["Échec", "ÉCHEC", "échec", "  Échec\u00a0"])
def test_one_label_in_any_form(text: str, form: str) -> None:
    assert folded(unicodedata.normalize(form, text)) == folded("échec")


@given(st.text())
def test_folding_twice_changes_nothing(text: str) -> None:
    assert folded(folded(text)) == folded(text)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 40))
def test_what_is_cut_fits_and_says_so(text: str, most: int) -> None:
    short = cut(text, most)
    assert units(short) <= most
    assert short == text or (
        units(text) > most and short.endswith("…") and text.startswith(short[:-1])
    )
    assert short.encode("utf-16-le").decode("utf-16-le") == short


def test_length_is_counted_as_dataverse_does() -> None:
    assert (units("ab"), units("é"), units("春"), units("😀")) == (2, 1, 1, 2)
    assert cut("😀😀😀", 4) == "😀…"
