"""The mapping documents that a set-up goes by: those in force, else as a person left them, else the packaged ones. Only read."""

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import BlobServiceClient

from shared.mapping import MappingDocument, default_document, read_document
from shared.settings import StorageSettings, text
from shared.state.documents import Documents
from shared.state.storage import service


def has_storage(settings: StorageSettings) -> bool:
    return bool(settings.storage_account or text(settings.azurewebjobsstorage))


def stored(settings: StorageSettings, folder: str = "mappings") -> Documents:
    """The container is not made here: a look writes nothing."""
    blobs: BlobServiceClient = service(settings, "blob", BlobServiceClient)
    return Documents(blobs.get_container_client("config"), folder)


def mapping_documents(settings: StorageSettings) -> list[MappingDocument]:
    """InvalidDocument for one that cannot be read. Without a storage account the packaged document of contact is all there is."""
    if not has_storage(settings):
        return [read_document(default_document("contact"))]
    documents = stored(settings)
    return [read_document(document_text(documents, table)) for table in tables(documents)]


def tables(documents: Documents) -> list[str]:
    try:
        return sorted({"contact", *documents.tables()})
    except ResourceNotFoundError:
        return ["contact"]


def document_text(documents: Documents, table: str) -> str:
    version = newest(documents, table)
    if version:
        return documents.text(table, version)
    return documents.draft(table)[0] or default_document(table)


def newest(documents: Documents, table: str) -> int:
    """The version in force, 0 before the first."""
    try:
        return documents.newest(table)[0]
    except ResourceNotFoundError:
        return 0
