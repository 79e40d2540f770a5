"""The opt-out document in force, checked against both systems."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from shared.campaign.client import Address, CampaignClient
from shared.dataverse.client import DataverseClient
from shared.deadlines import held
from shared.errors import Misconfigured
from shared.mapping import InvalidDocument, SourceTable
from shared.mapping.reading import read_active
from shared.opt_out.documents import OptOutDocument, Pair, default_opt_out_document, problems, read_opt_out_document
from shared.state.documents import Documents, not_activated

NAME = "opt_out"
METADATA_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class ActiveOptOut:
    version: int
    document: OptOutDocument
    contact: SourceTable
    profile: Address
    checked_at: float


class OptOutCatalog:
    """Gives the document in force; looks for a newer version every `cache_seconds`. `profile` gives the profiles' address."""

    def __init__(
        self,
        documents: Documents,
        dataverse: DataverseClient,
        campaign: CampaignClient,
        profile: Callable[[], Address],
        cache_seconds: float,
        now: Callable[[], float],
    ) -> None:
        self.documents, self.dataverse, self.campaign, self.profile = documents, dataverse, campaign, profile
        self.cache_seconds, self.now = cache_seconds, now
        self.lock = threading.RLock()
        self.known: ActiveOptOut | None = None
        self.looked_at = 0.0
        self.read: tuple[int, OptOutDocument] | None = None
        self.read_at = 0.0

    def active(self) -> ActiveOptOut:
        """Misconfigured with every problem if the two systems do not bear the document."""
        with held(self.lock):
            version, document = self.document()
            if self.known and self.known.version == version and self.now() - self.known.checked_at < METADATA_SECONDS:
                return self.known
            self.known = self.checked(document, version)
            return self.known

    def document(self) -> tuple[int, OptOutDocument]:
        """The newest version, whether or not the systems bear it."""
        with held(self.lock):
            if self.read is None or self.now() - self.read_at >= self.cache_seconds:
                version = self.newest()
                if self.read is None or self.read[0] != version:
                    name = f"Version {version} of the opt-out document"
                    text = self.documents.text(NAME, version)
                    self.read = version, read_active(text, OptOutDocument, "opt-out document", name)
                self.read_at = self.now()
            return self.read

    def pairs(self) -> tuple[Pair, ...]:
        """The pairs by which profiles are created with their contacts' opt-outs, also while the flow is switched off."""
        return tuple(self.document()[1].pairs)

    def newest(self) -> int:
        version, _ = self.documents.newest(NAME)
        if not version:
            self.documents.add(NAME, 1, default_opt_out_document(), "")
        return version or 1

    def forget(self) -> None:
        """Reads document and metadata anew at the next use."""
        with held(self.lock):
            self.known = self.read = None

    def checked(self, document: OptOutDocument, version: int) -> ActiveOptOut:
        contact, address = self.dataverse.table("contact"), self.profile()
        found = problems(document, contact, self.campaign.resource(address.api, address.resource))
        if not contact.change_tracking:
            found.append("Change tracking is off for table contact: switch on 'Track changes' in its properties.")
        if found:
            raise Misconfigured("opt-out document", f"The opt-out document does not fit: {' '.join(found)}")
        return ActiveOptOut(version, document, contact, address, self.now())

    def adopt(self) -> str:
        """Takes a person's changed document into force; what stands in the way as one message, "" if nothing does."""
        etag = self.documents.draft_etag(NAME).strip('"')
        version, taken_from = self.documents.newest(NAME)
        if not etag or etag == taken_from:
            return ""
        text, etag = self.documents.draft(NAME)
        if problem := self.draft_problem(text, version):
            return problem
        self.documents.add(NAME, version + 1, text, etag)
        self.forget()
        return ""

    def draft_problem(self, text: str, version: int) -> str:
        """Why a document cannot be taken into force, "" if it can. Changes nothing."""
        try:
            self.checked(read_opt_out_document(text), version + 1)
        except (InvalidDocument, Misconfigured) as problem:
            return not_activated(f"opt-out/{NAME}.yaml", str(problem), version)
        return ""
