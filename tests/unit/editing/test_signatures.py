"""Who put a document and why, as its blob keeps it; and drafts that nobody overwrites."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dev.simulation.blobs import BlobService
from shared.state.documents import ChangedMeanwhile, Documents, Library
from shared.state.drafts import Drafts
from shared.state.signatures import MOST_NAME_LETTERS, MOST_NOTE_LETTERS, Signature, read_signature


@given(author=st.text(), note=st.text())
def test_a_signature_is_read_as_it_was_written_on_one_line(author: str, note: str) -> None:
    metadata = Signature(author, note, is_noted=True).as_metadata()
    assert all(value.isascii() and value.isprintable() for value in metadata.values())
    found = read_signature(metadata)
    assert found.is_noted
    for text, given_text, most in (
        (found.author, author, MOST_NAME_LETTERS),
        (found.note, note, MOST_NOTE_LETTERS),
    ):
        whole = " ".join(given_text.encode("utf-8", "replace").decode().split())
        assert text == whole[:most].strip()
    assert sum(map(len, metadata.values())) < 8000


@pytest.mark.parametrize("metadata", [None, {}, {"author": "%"}, {"note": "%zz%ff"}])
def test_what_somebody_else_wrote_there_is_no_trouble(metadata: dict[str, str] | None) -> None:
    assert isinstance(read_signature(metadata).author, str)


@pytest.fixture
def drafts() -> Drafts:
    container = BlobService(lambda _, work: work(), lambda: 1_000.0).get_container_client("config")
    container.create_container()
    return Drafts(container, lambda: 1_000.0)  # type: ignore[arg-type]


def test_of_two_who_save_the_second_is_told(drafts: Drafts) -> None:
    first = drafts.save("contact", "a", "", "Mia", 3)
    with pytest.raises(ChangedMeanwhile):
        drafts.save("contact", "b", "", "Otto", 3)
    second = drafts.save("contact", "c", first, "Mia", 4)
    with pytest.raises(ChangedMeanwhile):
        drafts.save("contact", "d", first, "Otto", 4)
    with pytest.raises(ChangedMeanwhile):
        drafts.discard("contact", first)
    found = drafts.find("contact")
    assert found is not None
    assert (found.text, found.author, found.base, found.at) == ("c", "Mia", 4, 1_000.0)
    drafts.discard("contact", second)
    drafts.discard("contact", second)
    assert drafts.find("contact") is None


def test_what_reads_documents_sees_no_draft(drafts: Drafts) -> None:
    drafts.save("contact", "a", "", "Mia", 0)
    documents = Documents(drafts.container)
    assert (documents.tables(), documents.newest("contact")) == ([], (0, ""))
    assert documents.draft("contact") == ("", "")
    listing = Library(drafts.container).listing()
    assert not listing.is_drafted("mappings", "contact")
    assert list(drafts.all()) == ["contact"]


@pytest.mark.parametrize("metadata", [{}, {"at": "nan", "base": "-1"}, {"at": "x", "base": "²"}])
def test_a_draft_that_was_put_by_hand_is_read(drafts: Drafts, metadata: dict[str, str]) -> None:
    drafts.container.upload_blob("mappings/drafts/contact.yaml", b"\xff", metadata=metadata)
    found = drafts.find("contact")
    assert found is not None
    assert (found.at, found.base, found.author) == (0.0, 0, "")
