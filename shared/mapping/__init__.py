"""The mapping module: documents that people write, and the pure function that each becomes.

document = read_document(text)
problems = check(document, source, target)
mapping = compile_mapping(document, source, target)
mapping.map(row)      -> Mapped | Filtered, or Rejected
"""

from shared.mapping.checking import check, misfits
from shared.mapping.compiling import (
    Altered,
    CompiledMapping,
    CreateOnly,
    Filtered,
    Mapped,
    compile_mapping,
)
from shared.mapping.documents import MappingDocument, default_document, has_default, read_document
from shared.mapping.links import Parent, table_of
from shared.mapping.metadata import SourceColumn, SourceTable, TargetField, TargetResource
from shared.mapping.refusal import METADATA_RULES
from shared.mapping.syntax import InvalidDocument

__all__ = [
    "METADATA_RULES",
    "Altered",
    "CompiledMapping",
    "CreateOnly",
    "Filtered",
    "InvalidDocument",
    "Mapped",
    "MappingDocument",
    "Parent",
    "SourceColumn",
    "SourceTable",
    "TargetField",
    "TargetResource",
    "check",
    "compile_mapping",
    "default_document",
    "has_default",
    "misfits",
    "read_document",
    "table_of",
]
