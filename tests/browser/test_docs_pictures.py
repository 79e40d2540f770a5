"""The pictures of docs/console.md show the pages as they are.

`manage.py test browser -- --take-pictures` takes them again.
"""

from collections.abc import Callable

import pytest

from dev.commands.processes import ROOT
from tests.browser.company import Company
from tests.browser.pictures import FOLDER, WORDS, with_words, words_in
from tests.browser.windows import Looks, Windows

WIDE, PHONE = Looks(), Looks(theme="dark", width=390)
PICTURES: dict[str, tuple[Callable[[Company], str], Looks]] = {
    "overview": (lambda _: "", WIDE),
    "overview-phone": (lambda _: "", PHONE),
    "dead-letters": (lambda _: "/dead-letters", WIDE),
    "plan": (
        lambda company: company.planned("all roles", "replay_letters", what="match"),
        WIDE,
    ),
    "record": (lambda company: f"/records/contacts/{company.refused}", WIDE),
    "mapping": (lambda _: "/mappings/contact", WIDE),
    "mapping-yaml": (lambda _: "/mappings/contact/yaml", WIDE),
    "opt-outs": (lambda company: f"/opt-outs?day={company.opted_out_on}", WIDE),
    "activity": (lambda _: "/activity", WIDE),
    "set-up": (lambda _: "/setup", WIDE),
}
EACH = pytest.mark.parametrize("name", PICTURES)


@EACH
def test_a_picture_has_the_words_of_its_page(
    windows: Windows, company: Company, name: str, take_pictures: bool
) -> None:
    address, looks = PICTURES[name]
    with windows.open(looks=looks) as window:
        window.go(address(company))
        words = list(dict.fromkeys(window.page.evaluate(WORDS)))
        path = FOLDER / f"{name}.png"
        if take_pictures:
            FOLDER.mkdir(exist_ok=True)
            path.write_bytes(with_words(window.page.screenshot(), words))
        assert path.exists(), "take it: manage.py test browser -- --take-pictures"
        assert words_in(path) == words, "take it again: manage.py test browser -- --take-pictures"


def test_every_picture_is_shown_and_every_one_shown_is_there() -> None:
    page = (ROOT / "docs" / "console.md").read_text("utf-8")
    assert {path.stem for path in FOLDER.glob("*.png")} == {*PICTURES}
    assert [name for name in PICTURES if f"(console/{name}.png)" not in page] == []
