"""The container `config` in memory: what a keeper asks of it, with a count of its requests and a
word before each.
"""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from shared.state.documents import Activated, Documents, Left, Library, Listing
from shared.state.signatures import NOBODY, Signature

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class MemoryLibrary(Library):
    """`versions`: texts by folder and name, each with the ETag of its draft.

    `before` is called with each request.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.versions: dict[tuple[str, str], list[tuple[str, str]]] = {}
        self.since: dict[tuple[str, str], datetime] = {}
        self.drafts: dict[tuple[str, str], tuple[str, str]] = {}
        self.requests = Counter[str]()
        self.before: Callable[[str], None] = lambda request: None

    def ask(self, request: str) -> None:
        with self.lock:
            self.requests[request] += 1
        self.before(request)

    def folder(self, name: str) -> "MemoryFolder":
        return MemoryFolder(self, name)

    def listing(self) -> Listing:
        self.ask("list")
        with self.lock:
            activated = {
                one: Activated(len(found), self.since[one]) for one, found in self.versions.items()
            }
            return Listing(activated, frozenset(self.drafts))

    def activate(self, folder: str, name: str, text: str, number: int = 0, draft: str = "") -> bool:
        """As another process does it. A number that is there already stands: False."""
        with self.lock:
            found = self.versions.setdefault((folder, name), [])
            self.since.setdefault((folder, name), BEGIN + timedelta(seconds=len(self.since)))
            if is_next := number in (0, len(found) + 1):
                found.append((text, draft))
            return is_next

    def put(self, folder: str, name: str, text: str) -> None:
        """As a person puts a draft."""
        with self.lock:
            self.drafts[folder, name] = (text, f"draft {len(self.drafts)} {hash(text)}")


class MemoryFolder(Documents):
    def __init__(self, library: MemoryLibrary, folder: str) -> None:
        self.library, self.folder = library, folder

    def left(self, table: str) -> Left:
        self.library.ask("draft")
        return Left(*self.library.drafts.get((self.folder, table), ("", "")))

    def draft_etag(self, table: str) -> str:
        self.library.ask("draft_etag")
        return self.library.drafts.get((self.folder, table), ("", ""))[1]

    def newest(self, table: str) -> tuple[int, str]:
        self.library.ask("newest")
        found = self.library.versions.get((self.folder, table), [])
        return len(found), found[-1][1] if found else ""

    def text(self, table: str, version: int) -> str:
        self.library.ask("text")
        return self.library.versions[self.folder, table][version - 1][0]

    def add(
        self,
        table: str,
        version: int,
        document: str,
        draft_etag: str,
        signature: Signature = NOBODY,
    ) -> bool:
        self.library.ask("add")
        return self.library.activate(self.folder, table, document, version, draft_etag)
