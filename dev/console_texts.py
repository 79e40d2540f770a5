"""`python -m dev.console_texts` keeps the console's translations: it adds the texts that are new to
each `.po`, takes away what is gone, and compiles the `.mo` files that are deployed.

Texts come from the templates (Jinja2) and from the codes' sentences. A translator edits the `.po`.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from shared.console.rendering import UNITS
from shared.console.sentences import SENTENCES
from shared.console.summary import NAMES
from shared.state.flows import FAILED, RUNNING, STOPPED

CONSOLE = Path(__file__).parents[1] / "shared" / "console"
LANGUAGES = ("ja",)
METHODS = [("**.html", "jinja2.ext:babel_extract")]
MADE = datetime(2026, 1, 1, tzinfo=UTC)
"""As the files say: a run that finds nothing new changes nothing."""
OPTIONS = {"**.html": {"newstyle_gettext": "true"}}


def texts() -> Iterator[str | tuple[str, ...]]:
    """Every text that is shown in a reader's language; one with a plural is a pair."""
    found = extract_from_dir(str(CONSOLE / "templates"), METHODS, OPTIONS)
    yield from (message for _, _, message, _, _ in found)
    yield from SENTENCES.values()
    yield from (unit for _, unit in UNITS)
    yield from (RUNNING, STOPPED, FAILED)
    yield from NAMES.values()


def template() -> Catalog:
    catalog = Catalog(project="console", charset="utf-8", creation_date=MADE)
    for text in sorted(texts(), key=str):
        catalog.add(text)
    return catalog


def po_file(language: str) -> Path:
    return CONSOLE / "locale" / language / "LC_MESSAGES" / "console.po"


def read(language: str) -> Catalog:
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language)


def compiled(language: str) -> bytes:
    written = BytesIO()
    write_mo(written, read(language))
    return written.getvalue()


def update(language: str) -> None:
    catalog = read(language)
    catalog.update(template(), no_fuzzy_matching=True)
    with po_file(language).open("wb") as file:
        write_po(file, catalog, width=100, ignore_obsolete=True, omit_header=False)
    po_file(language).with_suffix(".mo").write_bytes(compiled(language))


if __name__ == "__main__":
    for name in LANGUAGES:
        update(name)
        print(f"Wrote {name}: console.po, console.mo.")
