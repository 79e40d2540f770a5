"""Which flows a seed plays: their settings, functions, timers and documents."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dev.simulation.systems import API_KEY, CAMPAIGN, DATAVERSE, IMS, SECRET

SETTINGS = {
    "AzureWebJobsStorage__accountName": "simulated",
    "DATAVERSE_URL": DATAVERSE,
    "DATAVERSE_AUTH": "managed_identity",
    "DATAVERSE_WEBHOOK_SECRET": "a-simulated-secret-of-webhooks",
    "CAMPAIGN_URL": CAMPAIGN,
    "CAMPAIGN_IMS_URL": IMS,
    "CAMPAIGN_CLIENT_ID": API_KEY,
    "CAMPAIGN_CLIENT_SECRET": SECRET,
    "OPT_OUT_MODE": "disabled",
}
CONTACT = """\
table: contact
resource: profile
api: profileAndServicesExt
key: {source: contactid, target: externalId, lookup: uri}
fields:
  - {source: firstname, target: firstName}
  - {source: lastname, target: lastName}
  - {source: emailaddress1, target: email}
filters: {all: [{field: statecode, is: eq, value: 0}]}
filtered_out: delete
"""
POLL, OFTEN = (15.0, 60.0), (300.0, 300.0)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`periods`: by timer, the seconds between two ticks while things happen, and afterwards.

    `flags`: whether opt-outs are
    changed by people.
    """

    name: str
    settings: Mapping[str, str]
    queues: tuple[str, ...]
    periods: Mapping[str, tuple[float, float]]
    documents: Mapping[str, str] = field(repr=False)
    flags: bool = False

    @property
    def functions(self) -> list[str]:
        """What the host plays."""
        return [*self.queues, *self.periods]

    @property
    def polls(self) -> list[str]:
        """The timers that read a source: all is quiet only after each has read once more."""
        return [name for name in self.periods if "_poll" in name]


CONTACTS = Scenario(
    name="contacts",
    settings=SETTINGS,
    queues=("contacts_deliver",),
    periods={"contacts_poll": POLL, "poison_collect": OFTEN},
    documents={"mappings/contact.yaml": CONTACT},
)
OPT_OUTS = Scenario(
    name="opt-outs",
    settings={**SETTINGS, "OPT_OUT_MODE": "both", "OPT_OUT_SOURCE": "filter"},
    queues=("contacts_deliver", "opt_out_deliver"),
    periods={**CONTACTS.periods, "opt_out_poll": POLL, "opt_out_poll_campaign": POLL},
    documents=CONTACTS.documents,
    flags=True,
)
SCENARIOS = {scenario.name: scenario for scenario in (CONTACTS, OPT_OUTS)}
