"""A flow is in every list of flows: what is polled or delivered has a status, its alerts, and an
end for what fails.

Every function of the app that a timer or a queue starts is looked at, so a new one is too. Storage
is real; a poll is only noted.
"""

import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace

import pytest

import shared.wiring
from dev.commands.azurite import start_azurite
from dev.settings_bicep import functions
from functions import console, poison, triggers
from shared.console.summary import CUSTOM, NAMES
from shared.errors import Misconfigured
from shared.pipeline.flow import Flow
from shared.settings import load_settings
from shared.state.envelope import Envelope
from shared.state.flows import FAILED
from shared.unconfigured import fail_all
from shared.wiring import Wiring
from tests.contract.battery.cases import CASES

ROOT = Path(__file__).parents[3]
TABLE = "acs_vehicle"
SETTINGS = {
    "DATAVERSE_URL": "https://dataverse.example.org",
    "DATAVERSE_WEBHOOK_SECRET": "a-secret-of-the-webhook",
    "CAMPAIGN_URL": "https://campaign.example.org/acme/campaign",
    "CAMPAIGN_CLIENT_ID": "client",
    "CAMPAIGN_CLIENT_SECRET": "secret",
    "CAMPAIGN_JOURNAL_URL": "https://journal.example.org/acme",
    "CAMPAIGN_IMS_ORGANIZATION": "acme",
    **dict.fromkeys(
        ("SFTP_HOST", "SFTP_USER", "SFTP_PRIVATE_KEY", "SFTP_HOST_KEY"), "sftp.example.org"
    ),
    "EMAIL_EVENTS_SOURCE": "both",
    "OPT_OUT_MODE": "both",
}


@dataclass
class Seen:
    """What the app does when everything is on."""

    polled: list[Flow] = field(default_factory=list)
    watched: dict[str, str] = field(default_factory=dict)
    """Flow -> queue, by the lines that alerts read."""
    failed: set[str] = field(default_factory=set)
    """Flows that are failed while settings are missing."""


@pytest.fixture(scope="module")
def storage() -> Iterator[str]:
    with start_azurite() as azurite:
        yield azurite.connection_string


@pytest.fixture
def wiring(storage: str, monkeypatch: pytest.MonkeyPatch) -> Wiring:
    """The process's own, with everything on and a document of one table beside contact."""
    given = {**SETTINGS, "AzureWebJobsStorage": storage}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    made = Wiring(load_settings(given))
    monkeypatch.setattr(shared.wiring, "_wiring", [made])
    container = made.storage.container("config")
    container.upload_blob(
        f"mappings/{TABLE}.yaml",
        (ROOT / "dev" / "seed" / f"{TABLE}.yaml").read_text(),
        overwrite=True,
    )
    return made


@pytest.fixture
def seen(wiring: Wiring, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Seen:
    found = Seen()
    monkeypatch.setattr(triggers, "poll", lambda flow, bridge, *_: found.polled.append(flow))
    context = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=""))
    with caplog.at_level(logging.INFO, "bridge"):
        for function in functions().values():
            if function.get_trigger().type == "timerTrigger":
                function.get_user_function()(SimpleNamespace(), context)
    lines = [
        json.loads(record.getMessage()) for record in caplog.records if record.name == "bridge"
    ]
    found.watched = {line["flow"]: line["queue"] for line in lines if line["event"] == "watched"}
    fail_all(Misconfigured("settings", "Settings are missing."))
    found.failed = {
        key for key, state in wiring.bridge.flows.all().items() if state.status == FAILED
    }
    return found


def queues() -> set[str]:
    """Those that a function delivers from."""
    found = (function.get_trigger() for function in functions().values())
    named = {str(trigger.queue_name) for trigger in found if trigger.type == "queueTrigger"}
    return {name for name in named if not name.endswith("-poison")}


def forgotten(queues: set[str], seen: Seen) -> dict[str, list[str]]:
    """Place -> the flows or queues that it lacks; {} if none was forgotten."""
    feeds = {flow.feed for flow in seen.polled}
    shown = console.flows()
    listed = re.search(
        r"^var flows = \[(.*?)^\]",
        (ROOT / "infra" / "main.bicep").read_text(),
        re.MULTILINE | re.DOTALL,
    )
    architecture = (ROOT / "docs" / "architecture.md").read_text()
    personal = (ROOT / "docs" / "personal-data.md").read_text()
    places = {
        "functions/console.py, flows(): polled flows": feeds - set(shown),
        "functions/console.py, flows(): queues": queues - {flow.queue for flow in shown.values()},
        "the lines `watched`, which alerts read: flows": (feeds | set(shown)) - set(seen.watched),
        "the lines `watched`, which alerts read: queues": queues - set(seen.watched.values()),
        "shared/console/summary.py, NAMES": {
            key for key in shown if key not in NAMES and not key.startswith(CUSTOM)
        },
        "infra/main.bicep, flows": (
            queues - set(re.findall(r"'([^']+)'", listed[1] if listed else ""))
        ),
        "shared/unconfigured.py, fail_all": (
            {flow.letters for flow in [*seen.polled, *shown.values()]} - seen.failed
        ),
        "functions/poison.py, shown_under()": queues - set(poison.shown_under()),
        "functions/poison.py, flow_in()": {
            flow.queue for flow in shown.values() if not poison_has(flow)
        },
        "functions/poison.py, its design card": {
            name for name in queues if f"`{name}-poison`" not in str(poison.__doc__)
        },
        "tests/contract/battery/cases.py, CASES": queues - {str(case.queue) for case in CASES},
        "docs/architecture.md, State": {name for name in queues if f"`{name}`" not in architecture},
        "docs/personal-data.md": {name for name in queues if f"| queue `{name}` |" not in personal},
    }
    return {place: sorted(missing) for place, missing in places.items() if missing}


def poison_has(flow: Flow) -> bool:
    """Whether the flow of a poisoned message is found: else the message counts as unreadable."""
    envelope = Envelope(
        flow=flow.letters, table=flow.table, bucket=0, mapping_version=1, changes=()
    )
    return poison.flow_in(shared.wiring.wiring(), flow.queue, envelope) is not None


def place_of(item: tuple[str, list[str]]) -> str:
    place, missing = item
    return f"  {place}: {', '.join(missing)}"


def test_no_list_has_forgotten_a_flow(seen: Seen) -> None:
    places = forgotten(queues(), seen)
    assert not places, "\n".join(["flows are missing from:", *map(place_of, places.items())])


def test_a_flow_that_is_in_no_list_is_named_for_each_of_them(seen: Seen) -> None:
    """In each place but those that are asked about the flows that are shown: see below."""
    new = SimpleNamespace(key="surveys", feed="surveys", letters="surveys", queue="surveys")
    seen.polled.append(new)  # type: ignore[arg-type]
    found = forgotten(queues() | {"surveys"}, seen)
    assert len([place for place, missing in found.items() if "surveys" in missing]) == 11


def test_a_shown_flow_without_a_name_or_an_end_of_its_poison_is_named(
    seen: Seen, wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = console.flows()
    new = replace(wiring.table_flow("contact"), key="surveys", queue="surveys")
    monkeypatch.setattr(console, "flows", lambda: {**shown, "surveys": new})
    found = forgotten(queues(), seen)
    for place in ("functions/poison.py, flow_in()", "shared/console/summary.py, NAMES"):
        assert "surveys" in found[place]


def test_every_flow_is_polled_and_what_is_shown_is_polled_or_delivers(seen: Seen) -> None:
    """Without it, a timer that polls nothing would forget nothing."""
    assert {flow.feed for flow in seen.polled} >= {"contacts", f"custom_entities-{TABLE}"}
    assert {flow.queue for flow in seen.polled} == queues()
