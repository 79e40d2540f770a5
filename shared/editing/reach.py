"""What a new document sets going, besides the records that change from then on."""

from shared.mapping import InvalidDocument, read_document
from shared.mapping.compiling import columns


def reads_all_again(active: str, text: str) -> bool:
    """Whether every row is read again: other columns are read (docs/mapping.md).

    True too where one of them cannot be read: rather too much is expected than too little.
    """
    try:
        return columns(read_document(active)) != columns(read_document(text))
    except InvalidDocument:
        return True
