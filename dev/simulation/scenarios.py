"""Which flows a seed plays: their settings, functions, timers and documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from dev.emulators.campaign.journal import IMS_ORGANIZATION
from dev.simulation.exporting import FOLDER
from dev.simulation.systems import API_KEY, CAMPAIGN, DATAVERSE, IMS, JOURNAL, SECRET
from shared.events.documents import default_events_document
from shared.opt_out.documents import default_opt_out_document

CONTACTS, FAMILIES, EVENTS, OPT_OUTS = "contacts", "custom_entities", "email_events", "opt_out"
SETTINGS = {
    "AzureWebJobsStorage__accountName": "simulated",
    "DATAVERSE_URL": DATAVERSE,
    "DATAVERSE_AUTH": "managed_identity",
    "DATAVERSE_WEBHOOK_SECRET": "a-simulated-secret-of-webhooks",
    "DATAVERSE_PAGE_SIZE": "5",
    "CAMPAIGN_URL": CAMPAIGN,
    "CAMPAIGN_IMS_URL": IMS,
    "CAMPAIGN_CLIENT_ID": API_KEY,
    "CAMPAIGN_CLIENT_SECRET": SECRET,
    "OPT_OUT_MODE": "disabled",
}
OF_EVENTS = {
    "EMAIL_EVENTS_SOURCE": "both",
    "CAMPAIGN_JOURNAL_URL": JOURNAL,
    "CAMPAIGN_IMS_ORGANIZATION": IMS_ORGANIZATION,
    "SFTP_HOST": "sftp.example.org",
    "SFTP_USER": "simulated",
    "SFTP_PRIVATE_KEY": "simulated",
    "SFTP_HOST_KEY": "ssh-ed25519 simulated",
    "SFTP_FOLDER": FOLDER,
}
OF_OPT_OUTS = {"OPT_OUT_MODE": "both", "OPT_OUT_SOURCE": "filter"}
CONTACT = """\
table: contact
resource: profile
api: profileAndServicesExt
key: {source: contactid, target: externalId, lookup: uri}
fields:
  - {source: firstname, target: firstName}
  - {source: lastname, target: lastName}
  - {source: emailaddress1, target: email}
  - {source: address1_city, target: location.city, apply_updates: false}
filters: {all: [{field: statecode, is: eq, value: 0}]}
filtered_out: delete
"""
ANOTHER_CONTACT = CONTACT.replace(
    "filters:", "  - {source: middlename, target: middleName}\nfilters:"
)
CAR = """\
table: acs_car
resource: cusCar
key: {source: acs_carid, target: recordId, lookup: filter, filter: byRecordid, parameter: recordId_parameter}
fields:
  - {source: acs_car_name, target: name}
links:
  - {source: _acs_owner_value, target: acs_owner_id, parent: contact, required: true}
  - {source: _acs_last_value, target: acs_last_id, parent: acs_service, required: false}
filters: {all: [{field: statecode, is: eq, value: 0}]}
filtered_out: delete
"""  # noqa: E501
SERVICE = """\
table: acs_service
resource: cusService
key: {source: acs_serviceid, target: recordId, lookup: filter, filter: byRecordid, parameter: recordId_parameter}
fields:
  - {source: acs_service_name, target: name}
links:
  - {source: _acs_carref_value, target: acs_carref_id, parent: acs_car, required: true}
"""  # noqa: E501
EVENTS_DOCUMENT = default_events_document().replace("settled_seconds: 60", "settled_seconds: 30")
PAIRS_DOCUMENT, PAIRS_TEXT = "opt-out/opt_out.yaml", default_opt_out_document()
FEWER_PAIRS = PAIRS_TEXT.replace("  - {column: donotphone, flag: blackListPhone}\n", "")
POLL, OFTEN, MAIL = (15.0, 60.0), (300.0, 300.0), (60.0, 60.0)
DOCUMENTS: dict[str, dict[str, tuple[str, ...]]] = {
    CONTACTS: {"mappings/contact.yaml": (CONTACT, ANOTHER_CONTACT)},
    FAMILIES: {"mappings/acs_car.yaml": (CAR,), "mappings/acs_service.yaml": (SERVICE,)},
    EVENTS: {"events/email_events.yaml": (EVENTS_DOCUMENT,)},
}
PERIODS: dict[str, dict[str, tuple[float, float]]] = {
    CONTACTS: {"contacts_poll": POLL, "poison_collect": OFTEN, "console_carry_on": OFTEN},
    FAMILIES: {"custom_entities_poll": POLL},
    EVENTS: {"email_events_poll": MAIL, "email_events_poll_journal": MAIL},
    OPT_OUTS: {"opt_out_poll": POLL, "opt_out_poll_campaign": POLL},
}
KEYS = {FAMILIES: ("custom_entities-acs_car", "custom_entities-acs_service")}
MORE: dict[str, dict[str, str]] = {EVENTS: OF_EVENTS, OPT_OUTS: OF_OPT_OUTS}


@dataclass(frozen=True, slots=True)
class Scenario:
    """`flows`: by the names of their functions. `periods`: by timer, the seconds between two ticks
    while things happen, and afterwards. `documents`: by name, their versions; they are changed less
    often than `document_changes`.
    """

    name: str
    flows: tuple[str, ...]
    settings: Mapping[str, str] = field(repr=False)
    periods: Mapping[str, tuple[float, float]]
    documents: Mapping[str, tuple[str, ...]] = field(repr=False)
    document_changes: int = 3

    @property
    def flags(self) -> bool:
        """Whether opt-outs are changed by people."""
        return OPT_OUTS in self.flows

    @property
    def commanded(self) -> tuple[str, ...]:
        """The flows that people give commands to."""
        return tuple(key for flow in self.flows for key in KEYS.get(flow, (flow,)))

    @property
    def tables(self) -> tuple[str, ...]:
        """The flows that read a table's changes."""
        return tuple(key for key in self.commanded if key not in (EVENTS, OPT_OUTS))

    @property
    def functions(self) -> list[str]:
        """What the host plays."""
        return [*(f"{flow}_deliver" for flow in self.flows), *self.periods]

    @property
    def polls(self) -> list[str]:
        """The timers that read a source: all is quiet only after each has read once more."""
        return [name for name in self.periods if "_poll" in name]


def scenario(name: str, *flows: str) -> Scenario:
    """Contacts are played with every flow, for the others need them."""
    played = (CONTACTS, *flows)
    settings = {key: value for flow in flows for key, value in MORE.get(flow, {}).items()}
    return Scenario(
        name,
        played,
        {**SETTINGS, **settings},
        {timer: often for flow in played for timer, often in PERIODS[flow].items()},
        {doc: texts for flow in played for doc, texts in DOCUMENTS.get(flow, {}).items()},
    )


def pairs() -> Scenario:
    """Opt-outs, whose document loses a pair and gets it back; no process looks for it often."""
    plain = scenario("pairs", OPT_OUTS)
    documents = {**plain.documents, PAIRS_DOCUMENT: (PAIRS_TEXT, FEWER_PAIRS)}
    settings = {**plain.settings, "MAPPING_CACHE_SECONDS": "300"}
    return replace(plain, settings=settings, documents=documents, document_changes=13)


SCENARIOS = {
    one.name: one
    for one in (
        scenario("contacts"),
        scenario("opt-outs", OPT_OUTS),
        scenario("custom-entities", FAMILIES),
        scenario("email-events", EVENTS),
        scenario("whole", FAMILIES, EVENTS, OPT_OUTS),
        pairs(),
    )
}
ALL = "all"


def of_seed(flow: str, seed: int) -> Scenario:
    """The scenario of this name; of all of them, each seed plays one."""
    return SCENARIOS[flow] if flow != ALL else list(SCENARIOS.values())[seed % len(SCENARIOS)]
