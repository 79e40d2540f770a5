"""What the checks look through: the settings, the bridge's own clients, and what more than one
check wants to know.
"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any, Protocol

from shared.campaign.client import CampaignClient
from shared.checks.documents import fitting_documents, opt_outs_in_use
from shared.checks.wanted import InUse, OptOuts
from shared.dataverse.batch import BatchWriter
from shared.dataverse.client import API, DataverseClient
from shared.events.journal import Journal
from shared.http.tokens import TokenSource
from shared.http.transport import Send
from shared.mapping import MappingDocument
from shared.setting_problems import SettingProblem
from shared.settings import Settings
from shared.sftp.client import Sftp
from shared.state.checkpoints import Checkpoints
from shared.state.documents import Documents
from shared.state.storage import Storage


class Clients(Protocol):
    """What the checks ask with. The composition root (shared/wiring.py) is one."""

    @property
    def settings(self) -> Settings: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def dataverse_tokens(self) -> TokenSource: ...
    @property
    def dataverse(self) -> DataverseClient: ...
    @property
    def batch(self) -> BatchWriter: ...
    @property
    def campaign_tokens(self) -> TokenSource: ...
    @property
    def campaign(self) -> CampaignClient: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def looking_sftp(self) -> Sftp: ...
    @property
    def now(self) -> Callable[[], float]: ...
    @property
    def send(self) -> Callable[[str, float, int], Send]: ...


class Look:
    """Clients are opened at first use; nothing is written but by the check of the storage.

    `problems` are those of the settings, `clients` raises Misconfigured while there are some.
    `sign_in` is for who asks from outside the function app: it raises Misconfigured if nobody is
    signed in to the storage account.
    """

    def __init__(
        self,
        problems: Sequence[SettingProblem],
        clients: Callable[[], Clients],
        sign_in: Callable[[Settings], None] | None = None,
    ) -> None:
        self.problems, self.open, self.signed_in = problems, clients, sign_in

    @property
    def inside(self) -> bool:
        """Whether the function app itself asks, with its own identity."""
        return self.signed_in is None

    def sign_in(self) -> None:
        if self.signed_in:
            self.signed_in(self.settings)

    @cached_property
    def wiring(self) -> Clients:
        return self.open()

    @property
    def settings(self) -> Settings:
        return self.wiring.settings

    def documents_in(self, folder: str) -> Documents:
        """The container is not made here: a look writes nothing."""
        return Documents(self.wiring.storage.blobs.get_container_client("config"), folder)

    @cached_property
    def stored(self) -> Documents:
        return self.documents_in("mappings")

    @cached_property
    def documents(self) -> list[MappingDocument]:
        return fitting_documents(self.stored)

    @cached_property
    def opt_outs(self) -> OptOuts | None:
        """None while the mode is disabled."""
        return opt_outs_in_use(self.settings.opt_out_mode, self.documents_in("opt-out"))

    @property
    def in_use(self) -> InUse:
        return InUse(self.documents, self.events_on, self.opt_outs)

    @cached_property
    def checkpoints(self) -> Checkpoints:
        return Checkpoints(self.wiring.storage.tables.get_table_client("checkpoints"))

    @cached_property
    def user_id(self) -> str:
        return self.wiring.dataverse.who_am_i()

    def dataverse(self, path: str, route: str) -> Any:
        client = self.wiring.dataverse
        return client.get(f"{client.url}{API}{path}", route)

    @property
    def exports_folder(self) -> str:
        return self.settings.sftp_folder.rstrip("/")

    @property
    def events_on(self) -> bool:
        return self.settings.email_events_source != "none"

    @property
    def journal_on(self) -> bool:
        return self.settings.email_events_source in ("journal", "both")

    @property
    def event_files_on(self) -> bool:
        return self.settings.email_events_source in ("files", "both")

    @property
    def opt_out_files_on(self) -> bool:
        return bool(
            self.opt_outs
            and self.opt_outs.reads_campaign
            and self.settings.opt_out_source == "file"
        )
