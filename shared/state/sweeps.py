"""The ids that a sweep found missing at the source, one run's in one append blob, until they have
been handed off.
"""

from collections.abc import Iterable

from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob import ContainerClient

PAGE_BYTES = 512 * 1024


class Sweeps:
    """A repeated step may add an id twice; handing it off twice is harmless."""

    def __init__(self, container: ContainerClient) -> None:
        self.container = container

    def add(self, run: str, ids: Iterable[str]) -> None:
        lines = "".join(f"{record_id}\n" for record_id in ids).encode()
        blob = self.container.get_blob_client(run)
        if lines:
            if not blob.exists():
                blob.create_append_blob()
            blob.append_block(lines)

    def page(self, run: str, offset: int) -> tuple[list[str], int]:
        """Some of the ids from a byte of the blob on, and the byte behind them; [] at the end."""
        blob = self.container.get_blob_client(run)
        try:
            if offset >= blob.get_blob_properties().size:
                return [], offset
            text = self.container.download_blob(run, offset=offset, length=PAGE_BYTES).readall()
        except ResourceNotFoundError:
            return [], offset
        whole = text[: text.rfind(b"\n") + 1]
        return whole.decode().split(), offset + len(whole)

    def remove(self, run: str) -> None:
        try:
            self.container.delete_blob(run)
        except ResourceNotFoundError:
            pass
