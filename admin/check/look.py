"""What the checks look through: the settings, the bridge's own clients, and what more than one check wants to know."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from admin.setup.documents import fitting_documents, opt_outs, stored
from admin.setup.wanted import InUse, OptOuts
from shared.dataverse.client import API
from shared.mapping import MappingDocument
from shared.settings import Settings, load_settings
from shared.state.checkpoints import Checkpoints
from shared.state.documents import Documents
from shared.wiring import Wiring


class Look:
    """Everything is built at first use, from the environment alone; nothing is written but by the check of the storage."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment = environment

    @cached_property
    def settings(self) -> Settings:
        return load_settings(self.environment)

    @cached_property
    def wiring(self) -> Wiring:
        return Wiring(self.settings)

    @cached_property
    def stored(self) -> Documents:
        return stored(self.settings)

    @cached_property
    def documents(self) -> list[MappingDocument]:
        return fitting_documents(self.stored)

    @cached_property
    def opt_outs(self) -> OptOuts | None:
        """None while the mode is disabled."""
        return opt_outs(self.settings, self.settings)

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
        return bool(self.opt_outs and self.opt_outs.reads_campaign and self.settings.opt_out_source == "file")
