"""The documents that a look goes by: the active ones, else as a person left them, else the packaged
ones.

Only read.
"""

from collections.abc import Callable

from azure.core.exceptions import ResourceNotFoundError

from shared.checks.wanted import OptOuts
from shared.mapping import MappingDocument, default_document, read_document
from shared.opt_out.catalog import NAME as OPT_OUT
from shared.opt_out.deciding import Mode
from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from shared.state.documents import Documents


def fitting_documents(documents: Documents) -> list[MappingDocument]:
    """Those whose name says the table that they map: the bridge refuses the others."""
    found = [(table, mapping_document(documents, table)) for table in tables(documents)]
    return [document for table, document in found if document.table == table]


def mapping_document(documents: Documents, table: str) -> MappingDocument:
    return read_document(document_text(documents, table, lambda: default_document(table)))


def opt_outs_in_use(name: str, documents: Documents | None) -> OptOuts | None:
    """By OPT_OUT_MODE and the document, which counts only while opt-outs are carried; without any
    stored, the packaged one.
    """
    mode = Mode(name)
    if mode is Mode.DISABLED:
        return None
    packaged = default_opt_out_document
    text = document_text(documents, OPT_OUT, packaged) if documents else packaged()
    return OptOuts(mode, read_opt_out_document(text))


def tables(documents: Documents) -> list[str]:
    try:
        return sorted({"contact", *documents.tables()})
    except ResourceNotFoundError:
        return ["contact"]


def document_text(documents: Documents, name: str, packaged: Callable[[], str]) -> str:
    version = newest(documents, name)
    return documents.text(name, version) if version else documents.draft(name)[0] or packaged()


def newest(documents: Documents, name: str) -> int:
    """The active version, 0 before the first."""
    try:
        return documents.newest(name)[0]
    except ResourceNotFoundError:
        return 0


def drafted(documents: Documents, name: str) -> bool:
    """Whether a person has left a document that is not the active one."""
    draft = documents.draft_etag(name).strip('"')
    return bool(draft) and draft != documents.newest(name)[1]
