"""The part of the composition root that needs the storage account alone (shared/wiring.py)."""

import time
from collections.abc import Callable
from typing import Any

from shared.documents.keeper import Keeper
from shared.documents.kinds import DocumentId
from shared.entities.mappings import MAPPINGS
from shared.http.transport import Send, pooled
from shared.library_logs import quiet_libraries
from shared.locked_property import locked_cached_property
from shared.pipeline.flow import Bridge
from shared.pipeline.turns import Turns
from shared.settings import Settings
from shared.state.activity import Act, ActivityLog
from shared.state.brakes import Brakes
from shared.state.checkpoints import Checkpoints
from shared.state.deadletters import DeadLetters
from shared.state.documents import Documents, Library
from shared.state.flows import Flows
from shared.state.groups import Groups
from shared.state.handoff import Handoff, open_handoff
from shared.state.job_results import JobResults
from shared.state.jobs import Jobs
from shared.state.ledger import Ledger
from shared.state.plans import Plans
from shared.state.presence import Presence
from shared.state.signatures import Signature
from shared.state.storage import Storage
from shared.state.sweeps import Sweeps
from shared.state.waiting import Waiting
from shared.threads import ThreadPool

MAPPING_IN_FORCE = "mapping_in_force"
UNNAMED = "somebody with access to the storage account"


class StateWiring:
    """Settings, clock and state. Every part is built at first use, once."""

    def __init__(
        self,
        settings: Settings,
        now: Callable[[], float] = time.time,
        send: Callable[[str, float, int], Send] = pooled,
    ) -> None:
        self.settings, self.now, self.send = settings, now, send
        self.turns = Turns()
        quiet_libraries()

    @locked_cached_property
    def storage(self) -> Storage:
        return Storage(self.settings)

    @locked_cached_property
    def handoff(self) -> Handoff:
        return open_handoff(self.settings)

    @locked_cached_property
    def library(self) -> Library:
        return Library(self.storage.container("config"))

    @locked_cached_property
    def documents(self) -> Documents:
        """The mappings'."""
        return self.library.folder(MAPPINGS.folder)

    @locked_cached_property
    def keeper(self) -> Keeper:
        cache_seconds = self.settings.mapping_cache_seconds
        return Keeper(self.library, cache_seconds, self.now, self.note_activation)

    def note_activation(
        self, document: DocumentId[Any], version: int, signature: Signature
    ) -> None:
        """A row of the activity log for a document that was put past the console."""
        if not signature.is_noted:
            code = MAPPING_IN_FORCE if document.kind is MAPPINGS else "document_in_force"
            who, result = signature.author or UNNAMED, f"version {version}"
            self.activity.note(Act(who, "storage", code, document.name, signature.note, result))

    @locked_cached_property
    def bridge(self) -> Bridge:
        storage = self.storage
        ledger = Ledger(storage.table("ledger"))
        return Bridge(
            ledger=ledger,
            presence=Presence(ledger, self.now),
            checkpoints=Checkpoints(storage.table("checkpoints")),
            flows=Flows(storage.table("flows"), self.now, self.activity.flow_changed),
            deadletters=DeadLetters(
                storage.table("deadletters"),
                storage.container("letters"),
                storage.container("poison"),
            ),
            sweeps=Sweeps(storage.container("sweeps")),
            waiting=Waiting(storage.table("waiting"), self.now, time.sleep),
            brakes=Brakes(storage.table("brakes")),
            groups=Groups(storage.table("figures")),
            jobs=Jobs(storage.table("jobs"), self.now, self.activity.job_ended),
            results=JobResults(storage.container("results")),
            handoff=self.handoff,
            writers=ThreadPool(self.settings.campaign_max_concurrency, "writer"),
            urgent_writers=ThreadPool(self.settings.campaign_max_concurrency, "urgent"),
            settings=self.settings,
            now=self.now,
            sleep=time.sleep,
        )

    @locked_cached_property
    def activity(self) -> ActivityLog:
        return ActivityLog(self.storage.table("activity"), self.now)

    @locked_cached_property
    def plans(self) -> Plans:
        return Plans(self.storage.table("plans"), self.now)

    @locked_cached_property
    def fingerprint_key(self) -> bytes:
        return self.documents.fingerprint_key()
