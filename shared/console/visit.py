"""What a page works with: the request, who asks, how they want to see it, and the bridge."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from shared.checks.look import Look as Checked
from shared.console.incoming import Incoming
from shared.console.look import Look
from shared.console.roles import Least, allows
from shared.console.session import Session
from shared.console_settings import ConsoleSettings
from shared.dataverse.batch import BatchWriter
from shared.dataverse.client import DataverseClient
from shared.documents.keeper import Kept
from shared.editing.desk import Desk
from shared.events.catalog import ActiveEvents
from shared.events.documents import EventsDocument
from shared.opt_out.flows import OptOut
from shared.pipeline.flow import Bridge, Flow
from shared.settings import Settings
from shared.sftp.client import Sftp
from shared.state.activity import ActivityLog
from shared.state.figures import Figures
from shared.state.plans import Plans


class Services(Protocol):
    """What the pages read and act on. Wiring has it; Misconfigured while settings are missing."""

    @property
    def settings(self) -> Settings: ...

    @property
    def bridge(self) -> Bridge: ...

    @property
    def figures(self) -> Figures: ...

    @property
    def activity(self) -> ActivityLog: ...

    @property
    def plans(self) -> Plans: ...

    @property
    def desk(self) -> Desk: ...

    @property
    def opt_out(self) -> OptOut: ...
    @property
    def dataverse(self) -> DataverseClient: ...
    @property
    def batch(self) -> BatchWriter: ...
    @property
    def looking_sftp(self) -> Sftp: ...
    @property
    def events_catalog(self) -> Kept[EventsDocument, ActiveEvents]: ...

    def flows(self) -> Mapping[str, Flow]:
        """Every flow and feed by its key."""

    def look(self) -> Checked:
        """What the checks look through, also while settings are missing."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who may make it."""

    incoming: Incoming
    parts: Mapping[str, str]
    """The changing parts of the path."""
    session: Session | None
    look: Look
    settings: ConsoleSettings
    services: Services
    now: Callable[[], float]
    by_key: bool = False
    """Whether a key says who asks, and no sign-in."""

    def may(self, least: Least) -> bool:
        """Whether to show what needs this role. The route checks it again."""
        return self.session is not None and allows(self.session.roles, least)

    @property
    def signed_in(self) -> Session:
        """Who asks. LookupError on a page for nobody."""
        if self.session is None:
            raise LookupError("nobody is signed in")
        return self.session

    @property
    def who(self) -> str:
        """As acts are written down."""
        return self.session.name if self.session else "nobody"
