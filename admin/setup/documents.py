"""The flows and documents that a set-up goes by.

Without a storage account the packaged documents are all there is.
"""

from azure.storage.blob import BlobServiceClient

from shared.checks.documents import fitting_documents, opt_outs_in_use
from shared.checks.wanted import InUse
from shared.mapping import MappingDocument, default_document, read_document
from shared.setting_types import text
from shared.settings import ChosenFlows, StorageSettings
from shared.state.documents import Documents
from shared.state.storage import service


def in_use(flows: ChosenFlows, settings: StorageSettings) -> InUse:
    """InvalidDocument for a document that cannot be read."""
    opt_outs = opt_outs_in_use(flows.opt_out_mode, stored(settings, "opt-out"))
    return InUse(mapping_documents(settings), flows.email_events_source != "none", opt_outs)


def stored(settings: StorageSettings, folder: str) -> Documents | None:
    """The container is not made here: a look writes nothing."""
    if not settings.storage_account and not text(settings.azurewebjobsstorage):
        return None
    blobs: BlobServiceClient = service(settings, "blob", BlobServiceClient)
    return Documents(blobs.get_container_client("config"), folder)


def mapping_documents(settings: StorageSettings) -> list[MappingDocument]:
    documents = stored(settings, "mappings")
    return (
        fitting_documents(documents) if documents else [read_document(default_document("contact"))]
    )
