"""Rules of URLs and schedules in Bicep, row by row, and against what the code and the local host
take.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from dev.bicep import Compiler
from dev.host.schedule import Schedule
from dev.host.settings import ConfigurationError
from shared.settings import load_settings
from tests.contract.infra.kit import INFRA

SCHEDULES = {
    "*/15 * * * * *": "*/15 * * * * *",
    "0 */5 * * * *": "0 */5 * * * *",
    "  0   */5 * * * *  ": "0 */5 * * * *",
    "0 0 3 * * MON-FRI": "0 0 3 * * MON-FRI",
    "0 0 3 1 jan,JUL sun": "0 0 3 1 jan,JUL sun",
    "0,30 5-10/2 0-23 1-31 1-12 0-6": "0,30 5-10/2 0-23 1-31 1-12 0-6",
    "5/10 * * * * *": "5/10 * * * * *",
    "0 */5 * * *": "",
    "0 0 */5 * * * *": "",
    "00:05:00": "",
    "": "",
    "every minute": "",
    "60 * * * * *": "",
    "0 60 * * * *": "",
    "0 0 24 * * *": "",
    "0 0 0 0 * *": "",
    "0 0 0 32 * *": "",
    "0 0 0 1 13 *": "",
    "0 0 0 * * 7": "",
    "0 0 0 * * monday": "",
    "0 0 0 * MON *": "",
    "*/0 * * * * *": "",
    "*/x * * * * *": "",
    "1/2/3 * * * * *": "",
    "1-2-3 * * * * *": "",
    ", * * * * *": "",
    "-1 * * * * *": "",
    "? * * * * *": "",
    "0 0 0 L * *": "",
    "%CONTACTS% * * * * *": "",
    "*/5 * * * * * ": "*/5 * * * * *",
}
DATAVERSE = {
    "https://contoso.crm.dynamics.com": "https://contoso.crm.dynamics.com",
    "https://contoso.crm.dynamics.com/": "https://contoso.crm.dynamics.com",
    " HTTPS://Contoso.CRM.dynamics.com// ": "https://contoso.crm.dynamics.com",
    "http://contoso.crm.dynamics.com": "",
    "contoso.crm.dynamics.com": "",
    "https://contoso": "",
    "https://contoso.crm.dynamics.com/main.aspx": "",
    "https://contoso.crm.dynamics.com?app=1": "",
    "https://contoso.crm.dynamics.com:8443": "",
    "https://me@contoso.crm.dynamics.com": "",
    "https://con toso.crm.dynamics.com": "",
    "https://": "",
    "": "",
}
CAMPAIGN = {
    "https://mc.adobe.io/contoso/campaign": "https://mc.adobe.io/contoso/campaign",
    "https://MC.adobe.io/Contoso/Campaign/": "https://mc.adobe.io/Contoso/campaign",
    " HTTPS://mc.adobe.io/contoso.campaign.adobe.com/campaign ": (
        "https://mc.adobe.io/contoso.campaign.adobe.com/campaign"
    ),
    "https://mc.adobe.io/campaign": "",
    "https://mc.adobe.io/contoso/campaign/profile": "",
    "https://mc.adobe.io/contoso?/campaign": "",
    "https://mc.adobe.io/contoso#/campaign": "",
    "https://mc.adobe.io/con toso/campaign": "",
    "https://mc.adobe.io/cont%6Fso/campaign": "",
    "https://mc.adobe.io/../campaign": "",
    "https://mc.adobe.io/contoso\\/campaign": "",
    "https://mc.adobe.io/cont\u043eso/campaign": "",
    "http://mc.adobe.io/contoso/campaign": "",
    "mc.adobe.io/contoso/campaign": "",
    "": "",
}
JOURNALS = {
    "https://events-va6.adobe.io/events/organizations/1/integrations/2/3": True,
    "HTTPS://Events.example.org/a/": True,
    "https://events.example.org": False,
    "http://events.example.org/a": False,
    "https://events.example.org/a b": False,
    "https://events.example.org/a\\b": False,
    "https://me:secret@events.example.org/a": False,
    "https://events.example.org/a\u200b": False,
    "events.example.org/a": False,
    "": False,
}
COMPLETE = {
    "DATAVERSE_URL": "https://contoso.crm.dynamics.com",
    "DATAVERSE_WEBHOOK_SECRET": "a-secret-of-the-webhook",
    "CAMPAIGN_URL": "https://mc.adobe.io/contoso/campaign",
    "CAMPAIGN_CLIENT_ID": "client",
    "CAMPAIGN_CLIENT_SECRET": "secret",
    "AzureWebJobsStorage__accountName": "account",
}
HARNESS = """
import {{ campaignUrl, dataverseUrl, isJournalUrl, lettersAndDigits, schedule }} from '{rules}'
param given object
output schedules array = map(given.schedules, text => schedule(text))
output dataverse array = map(given.dataverse, text => dataverseUrl(text))
output campaign array = map(given.campaign, text => campaignUrl(text))
output journals array = map(given.journals, text => isJournalUrl(text))
"""


@pytest.fixture(scope="module")
def said(compiler: Compiler, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the rules make of all rows, in one go."""
    folder = Path(tmp_path_factory.mktemp("rules"))
    rules = Path(os.path.relpath(INFRA / "modules" / "rules.bicep", folder)).as_posix()
    rows = {
        "schedules": [*SCHEDULES],
        "dataverse": [*DATAVERSE],
        "campaign": [*CAMPAIGN],
        "journals": [*JOURNALS],
    }
    (folder / "harness.bicep").write_text(HARNESS.format(rules=rules))
    (folder / "rows.json").write_text(json.dumps(rows))
    (folder / "harness.bicepparam").write_text(
        "using 'harness.bicep'\nparam given = loadJsonContent('rows.json')\n"
    )
    outputs: dict[str, Any] = compiler.snapshot(folder / "harness.bicepparam")["outputs"]
    return {name: dict(zip(rows[name], answers, strict=True)) for name, answers in outputs.items()}


@pytest.mark.parametrize("text", SCHEDULES, ids=repr)
def test_a_schedule_is_taken_or_refused(said: dict[str, Any], text: str) -> None:
    assert said["schedules"][text] == SCHEDULES[text]


@pytest.mark.parametrize("text", [text for text in SCHEDULES if SCHEDULES[text]], ids=repr)
def test_the_local_host_takes_every_schedule_that_is_deployed(text: str) -> None:
    """It takes more, as Azure's does: five fields, a time span, a whole name."""
    Schedule(text)


def test_what_no_host_takes_is_not_deployed() -> None:
    with pytest.raises(ConfigurationError):
        Schedule("every five minutes")


@pytest.mark.parametrize("text", DATAVERSE, ids=repr)
def test_an_organization_url_is_taken_or_refused(said: dict[str, Any], text: str) -> None:
    assert said["dataverse"][text] == DATAVERSE[text]


@pytest.mark.parametrize("text", CAMPAIGN, ids=repr)
def test_a_campaign_url_is_taken_or_refused(said: dict[str, Any], text: str) -> None:
    assert said["campaign"][text] == CAMPAIGN[text]


@pytest.mark.parametrize("text", JOURNALS, ids=repr)
def test_a_journal_url_is_taken_or_refused(said: dict[str, Any], text: str) -> None:
    assert said["journals"][text] is JOURNALS[text]


TAKEN = [("DATAVERSE_URL", *row) for row in DATAVERSE.items()] + [
    ("CAMPAIGN_URL", *row) for row in CAMPAIGN.items()
]


@pytest.mark.parametrize(("name", "text", "taken"), [row for row in TAKEN if row[2]])
def test_the_code_writes_a_url_the_same(name: str, text: str, taken: str) -> None:
    settings = load_settings({**COMPLETE, name: text})
    assert getattr(settings, name.lower()) == taken
