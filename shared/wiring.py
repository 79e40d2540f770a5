"""The one place that builds clients: at first use, once, from the settings.

Nothing here runs at import.
"""

import threading
from functools import partial

from shared.campaign.auth import campaign_token
from shared.campaign.client import CampaignClient
from shared.dataverse.auth import dataverse_token
from shared.dataverse.batch import BatchWriter
from shared.dataverse.client import DataverseClient
from shared.documents.keeper import Kept
from shared.editing.desk import Desk
from shared.editing.systems import Systems
from shared.entities.catalog import Catalog
from shared.entities.compiling import MappingCompiler
from shared.entities.families import flow_of
from shared.entities.flow import TableFlow
from shared.errors import BridgeError
from shared.events.catalog import ActiveEvents, EventsCompiler
from shared.events.documents import EMAIL_EVENTS, EventsDocument
from shared.events.files import EventFormat
from shared.events.flow import EventsFlow, NoSource, Source
from shared.events.journal import Journal
from shared.events.writing import ActivityWriter
from shared.events.writing import Contacts as EventContacts
from shared.http.breaker import CircuitBreaker
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.tokens import CachedToken
from shared.http.transport import Transport
from shared.locked_property import locked_cached_property
from shared.opt_out.agreeing import Reconciler
from shared.opt_out.catalog import OptOutCatalog, OptOutCompiler
from shared.opt_out.deciding import Mode
from shared.opt_out.feeds import Feed, FileFeed, FilterFeed, OptOutFormat, ScanFeed
from shared.opt_out.flow import KEY as OPT_OUT
from shared.opt_out.flows import OptOut
from shared.opt_out.gate import ContactsFlow
from shared.opt_out.opt_ins import opt_in_brake
from shared.opt_out.owned import OptOutFlags, notes
from shared.opt_out.systems import Contacts, Profiles
from shared.setting_types import text
from shared.settings import load_settings
from shared.sftp.client import Sftp
from shared.sftp.exports.pages import Exports
from shared.sftp.session import Server
from shared.state.decisions import Decisions
from shared.state.drafts import Drafts
from shared.state.figures import Figures
from shared.wiring_state import StateWiring


class Wiring(StateWiring):
    """Everything that a flow needs: the state, and what reaches the systems.

    Tests give settings, a clock and their own `send` instead of a connection pool.
    """

    @locked_cached_property
    def dataverse_tokens(self) -> CachedToken:
        return dataverse_token(self.settings)

    @locked_cached_property
    def dataverse(self) -> DataverseClient:
        settings = self.settings
        send = self.send(
            "Dataverse", settings.dataverse_timeout_seconds, settings.dataverse_max_concurrency
        )
        transport = Transport(
            "Dataverse", send, AdaptiveConcurrency(settings.dataverse_max_concurrency)
        )
        return DataverseClient(
            settings.dataverse_url, self.dataverse_tokens, transport, settings.dataverse_page_size
        )

    @locked_cached_property
    def own_user(self) -> str:
        """Whom Dataverse names as the initiating user of what the bridge writes."""
        return self.dataverse.who_am_i().lower()

    def is_own_organization(self, organization_id: str) -> bool:
        """True too while Dataverse cannot be asked: what a webhook names is read at our own
        organization in any case.
        """
        try:
            return self.dataverse.organization_id() in ("", organization_id)
        except BridgeError:
            return True

    @locked_cached_property
    def campaign_concurrency(self) -> AdaptiveConcurrency:
        return AdaptiveConcurrency(self.settings.campaign_max_concurrency)

    @locked_cached_property
    def campaign_breaker(self) -> CircuitBreaker:
        """One for both clients: what one learns, the other knows."""
        return CircuitBreaker("Campaign")

    @locked_cached_property
    def campaign_tokens(self) -> CachedToken:
        send = self.send("Adobe's identity service", self.settings.campaign_timeout_seconds, 1)
        return campaign_token(
            self.settings,
            Transport("Adobe's identity service", send, AdaptiveConcurrency(1)),
            self.now,
        )

    @locked_cached_property
    def campaign(self) -> CampaignClient:
        return self.campaign_client(urgent=False)

    @locked_cached_property
    def urgent_campaign(self) -> CampaignClient:
        """For opt-outs: as many calls at once in all, of which its own go first."""
        return self.campaign_client(urgent=True)

    def campaign_client(self, urgent: bool) -> CampaignClient:
        settings = self.settings
        send = self.send(
            "Campaign", settings.campaign_timeout_seconds, settings.campaign_max_concurrency
        )
        transport = Transport(
            "Campaign",
            send,
            self.campaign_concurrency,
            urgent=urgent,
            breaker=self.campaign_breaker,
        )
        return CampaignClient(
            settings.campaign_url, settings.campaign_client_id, self.campaign_tokens, transport
        )

    @locked_cached_property
    def catalog(self) -> Catalog:
        return Catalog(
            self.keeper,
            MappingCompiler(self.documents, self.dataverse, self.campaign, OptOutFlags()),
        )

    @locked_cached_property
    def desk(self) -> Desk:
        """For people who change mapping documents."""
        drafts = Drafts(self.storage.container("config"), self.now)
        systems = Systems(lambda: self.dataverse, lambda: self.campaign, self.now)
        compiler = self.catalog.compiler
        return Desk(self.documents, drafts, self.keeper, compiler, OptOutFlags(), systems)

    @locked_cached_property
    def figures(self) -> Figures:
        return Figures(self.storage.table("figures"))

    @locked_cached_property
    def batch(self) -> BatchWriter:
        return BatchWriter(self.dataverse)

    @locked_cached_property
    def events_catalog(self) -> Kept[EventsDocument, ActiveEvents]:
        return Kept(self.keeper, EventsCompiler(self.batch), EMAIL_EVENTS.name)

    @locked_cached_property
    def activity_writer(self) -> ActivityWriter:
        return ActivityWriter(self.batch, EventContacts(self.dataverse, self.now))

    def sftp(self) -> Sftp:
        """A session of its own for each source: the polls of two flows run at the same time."""
        settings = self.settings
        key, host_key = text(settings.sftp_private_key), settings.sftp_host_key
        return Sftp(
            Server(settings.sftp_host, settings.sftp_port, settings.sftp_user, key, host_key)
        )

    @locked_cached_property
    def looking_sftp(self) -> Sftp:
        """For those who look without handing off: their connection holds up no poll's."""
        return self.sftp()

    @locked_cached_property
    def exports(self) -> Exports:
        return Exports(self.sftp(), self.settings.sftp_folder, self.now, EventFormat)

    @locked_cached_property
    def journal(self) -> Journal:
        settings = self.settings
        send = self.send("The journal", settings.campaign_timeout_seconds, 1)
        transport = Transport("The journal", send, AdaptiveConcurrency(1))
        names = (
            settings.campaign_journal_url,
            settings.campaign_client_id,
            settings.campaign_ims_organization,
        )
        return Journal(*names, self.campaign_tokens, transport, self.now)

    def events_flows(self) -> list[EventsFlow]:
        """One for each source that is switched on; they share queue, status and counts."""
        chosen = self.settings.email_events_source
        sources: list[tuple[str, Source]] = []
        if chosen in ("files", "both"):
            sources.append(("files", self.exports))
        if chosen in ("journal", "both"):
            sources.append(("journal", self.journal))
        return [self.events_flow(name, source) for name, source in sources]

    def events_flow(self, name: str, source: Source) -> EventsFlow:
        return EventsFlow(name, source, self.events_catalog, self.activity_writer, self.dataverse)

    @locked_cached_property
    def events_delivery(self) -> EventsFlow:
        """The flow of events that were read before, whichever source is on: it reads none."""
        return self.events_flow("", NoSource())

    def table_flow(self, table: str) -> TableFlow:
        flow, clients = (
            flow_of(table),
            (
                self.catalog,
                self.dataverse,
                self.campaign,
                self.fingerprint_key,
                self.now,
            ),
        )
        follows = table == "contact" and self.opt_out.writes_campaign
        tell, more = (
            self.opt_out.wake if follows else None,
            (self.contacts_notes if table == "contact" else None),
        )
        reads = table == "contact" and self.opt_out.reads_campaign
        leaves = self.opt_out.before_deletion if reads else None
        return TableFlow(
            flow.key, flow.queue, table, *clients, tell=tell, notes=more, leaves=leaves
        )

    def contacts_notes(self) -> list[str]:
        """What an active mapping says of opt-outs and is not done.

        While no flow carries them, contacts take their document.
        """
        carries, document = (
            self.settings.opt_out_mode != Mode.DISABLED.value,
            self.catalog.in_force("contact"),
        )
        problem = "" if carries else self.opt_out_catalog.activate()
        return [
            problem,
            *(notes(document, self.opt_out_catalog.pairs(), carries) if document else ()),
        ]

    @locked_cached_property
    def opt_out_catalog(self) -> OptOutCatalog:
        return OptOutCatalog(self.keeper, OptOutCompiler(self.dataverse, self.campaign))

    @locked_cached_property
    def opt_out(self) -> OptOut:
        decisions = Decisions(self.storage.table("decisions"))
        mode = Mode(self.settings.opt_out_mode)
        reconciler = Reconciler(
            Contacts(self.dataverse, lambda: self.bridge.flows.state(OPT_OUT).replays),
            Profiles(self.urgent_campaign),
            decisions,
            mode,
            self.now,
            opt_in_brake(lambda: self.opt_out.delivery(), lambda: self.bridge),
        )
        contacts_flow = ContactsFlow(
            flow_of("contact").key, self.bridge.ledger, self.bridge.flows, self.now
        )
        return OptOut(
            self.opt_out_catalog, reconciler, self.opt_out_feed, self.handoff, contacts_flow
        )

    def opt_out_feed(self, only_look: bool) -> Feed:
        """A new one each time: it remembers what it has handed off."""
        source = self.settings.opt_out_source
        if source == "file":
            form = partial(OptOutFormat, at_once=only_look)
            sftp = self.looking_sftp if only_look else self.sftp()
            return FileFeed(Exports(sftp, self.settings.sftp_folder, self.now, form), self.now)
        return (FilterFeed if source == "filter" else ScanFeed)(
            self.urgent_campaign, self.now, only_look
        )


_lock = threading.Lock()
_wiring: list[Wiring] = []


def wiring() -> Wiring:
    """The process's one wiring; Misconfigured, at each use, while settings are missing."""
    with _lock:
        if not _wiring:
            _wiring.append(Wiring(load_settings()))
        return _wiring[0]
