"""Mapping documents: how they are kept, and where the records of one are in Campaign."""

from shared.campaign.client import Address
from shared.documents.kinds import DocumentKind
from shared.mapping import InvalidDocument, MappingDocument, default_document

REFUSED_SECONDS = 60.0


def packaged(table: str) -> str:
    try:
        return default_document(table)
    except InvalidDocument as error:
        raise InvalidDocument(
            [f"No sound mapping document of {table} is active: {error}"]
        ) from None


MAPPINGS = DocumentKind(
    folder="mappings",
    model=MappingDocument,
    setting="mapping",
    title="mapping of {}".format,
    packaged=packaged,
    retried_after_seconds=REFUSED_SECONDS,
)
CONTACTS = MAPPINGS.id("contact")


def address(document: MappingDocument) -> Address:
    key = document.key
    return Address(
        document.api,
        document.resource,
        key.target,
        key.lookup,
        key.filter or "",
        key.parameter or "",
    )
