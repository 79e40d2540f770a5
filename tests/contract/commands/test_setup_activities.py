"""`manage.py setup activities` against the emulator: made once, found again, finished after an
interruption.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from admin.check.__main__ import run as check
from admin.mapping import run as mapping
from admin.setup.__main__ import run
from admin.setup.definitions import CLICK, COMMON, TABLES, Column, Table
from dev.commands.azurite import free_port
from dev.commands.processes import ROOT, Child
from dev.emulators.tokens import issue
from dev.verbs import Http
from tests.unit.test_settings import COMPLETE

DRAFT = str(ROOT / "shared" / "mapping" / "defaults" / "contact.yaml")
TOKEN_KEY = "a key of the tests, thirty-two bytes or more"
MADE = 2 + sum(
    1 + len(table.columns) for table in TABLES
)  # publisher and solution, tables, columns
SetUp = Callable[..., tuple[int, Counter[str], str]]


class Organization:
    """An emulator and the stack.json that leads to it."""

    def __init__(self, directory: Path, url: str) -> None:
        self.directory, self.url = directory, url
        token = issue(TOKEN_KEY, url, time.time(), 3600, oid="tests", appid="tests")
        (directory / "stack.json").write_text(
            json.dumps({"dataverse": url, "dataverse_token": token})
        )
        self.api = Http(f"{url}/api/data/v9.2", {"Authorization": f"Bearer {token}"})
        self.control = Http(f"{url}/_emulator", {})

    def calls(self, verb: str) -> int:
        return sum(
            count
            for route, count in self.control.json("GET", "/calls").items()
            if route.startswith(verb)
        )

    def found(self, path: str) -> list[dict[str, Any]]:
        return self.api.json("GET", path)["value"]


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organization]:
    directory = tmp_path_factory.mktemp("setup")
    child = Child(
        "dataverse", ["dev.emulators.dataverse", "--port", "0", "--token-key", TOKEN_KEY], directory
    )
    child.start()
    yield Organization(directory, f"http://127.0.0.1:{child.wait()['port']}")
    child.stop()


@pytest.fixture
def org(emulator: Organization) -> Organization:
    emulator.control.json("POST", "/reset", {})
    return emulator


@pytest.fixture
def set_up(org: Organization, capsys: pytest.CaptureFixture[str]) -> SetUp:
    """Runs the command: exit code, how many lines begin with which word, and all that was said."""

    def command(*arguments: str) -> tuple[int, Counter[str], str]:
        code = run(["activities", "--stack", "--directory", str(org.directory), *arguments])
        said = capsys.readouterr()
        return code, Counter(line.split()[0] for line in said.out.splitlines()), said.out + said.err

    return command


def test_everything_is_made_in_the_solution_and_published(org: Organization, set_up: SetUp) -> None:
    code, lines, _ = set_up()
    assert (code, lines) == (0, {"created": MADE, "published": 1})
    (solution,) = org.found(
        "/solutions?$filter=uniquename eq 'AdobeCampaignBridge'&$expand=publisherid"
    )
    assert solution["publisherid"]["customizationprefix"] == "acs"
    components = Counter(
        part["componenttype"] for part in org.found("/solutioncomponents?$select=componenttype")
    )
    assert components == {1: len(TABLES), 2: MADE - 2 - len(TABLES)}
    labels = org.found(
        "/EntityDefinitions?$select=LogicalName,DisplayName&$filter=IsActivity eq true and"
        " IsCustomEntity eq true"
    )
    assert {
        table["LogicalName"]: table["DisplayName"]["UserLocalizedLabel"]["Label"]
        for table in labels
    } == {
        "acs_emailsend": "Adobe Campaign Email Send",
        "acs_emailopen": "Adobe Campaign Email Open",
        "acs_emailclick": "Adobe Campaign Email URL Click",
        "acs_emailbounce": "Adobe Campaign Email Bounce",
    }


def test_the_tables_take_the_events_that_they_are_for(org: Organization, set_up: SetUp) -> None:
    set_up()
    contact = org.api.ask("POST", "/contacts", {"lastname": "Test"}).headers["OData-EntityId"]
    texts = {column.name: "https://example.org/x" for column in COMMON + CLICK if column.longest}
    event = {"subject": "Spring sale", "acs_eventdate": "2026-03-01T08:00:00Z", **texts}
    bound = {"regardingobjectid_contact_acs_emailclick@odata.bind": contact}
    assert org.api.ask("POST", "/acs_emailclicks", event | bound).status_code == 204
    (row,) = org.found("/acs_emailclicks")
    assert {name: row[name] for name in event} == event


def test_a_second_run_finds_everything_and_makes_nothing(org: Organization, set_up: SetUp) -> None:
    set_up()
    before = org.calls("POST")
    code, lines, _ = set_up()
    assert (code, lines) == (0, {"found": MADE - 1, "published": 1})
    assert org.calls("POST") == before + 1


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    "body", ["adobecampaignbridge", '"acs_emailopen"', "acs_deliveryname", "ParameterXml"]
)
def test_a_run_that_was_interrupted_is_finished_by_the_next(
    org: Organization, set_up: SetUp, moment: str, body: str
) -> None:
    fault = {"match": {"method": "POST", "body": body}, "action": {"drop": moment}, "times": 1}
    org.control.json("POST", "/faults", [fault])
    code, first, said = set_up()
    assert (code, "Run the command again to finish" in said) == (1, True)
    code, second, _ = set_up()
    assert (code, second["published"]) == (0, 1)
    lost = 1 if moment == "after" and body != "ParameterXml" else 0
    assert first["created"] + lost + second["created"] == MADE
    assert set_up()[1] == {"found": MADE - 1, "published": 1}


def test_a_plan_says_what_would_be_made_and_writes_nothing(
    org: Organization, set_up: SetUp
) -> None:
    code, lines, said = set_up("--plan")
    assert (code, lines, org.calls("POST")) == (0, {"to": MADE + 1}, 0)
    assert "to be created    column acs_emailclick.acs_trackingurl" in said
    set_up()
    assert "tables again" not in said
    _, lines, said = set_up("--plan")
    assert lines == {"found": MADE - 1, "to": 1}
    assert "to be published  4 tables again, in case an earlier run was interrupted" in said


def test_a_publisher_with_our_prefix_is_used(org: Organization, set_up: SetUp) -> None:
    names = {"uniquename": "somebody", "friendlyname": "Somebody", "customizationprefix": "acs"}
    org.api.ask("POST", "/publishers", {**names, "customizationoptionvalueprefix": 20000})
    assert "found      publisher somebody" in set_up()[2]


def test_what_is_there_but_does_not_fit_is_told_and_left_alone(
    org: Organization, set_up: SetUp
) -> None:
    short = Table("acs_emailsend", "Send", "", ()).body()
    org.api.ask("POST", "/EntityDefinitions", short)
    columns = "/EntityDefinitions(LogicalName='acs_emailsend')/Attributes"
    org.api.ask("POST", columns, Column("acs_eventid", "Event", 20).body())
    org.api.ask("POST", columns, Column("acs_campaignname", "Campaign", 0, "DateAndTime").body())
    org.api.ask(
        "POST",
        "/EntityDefinitions",
        {**Table("acs_emailopen", "Open", "", ()).body(), "IsActivity": False},
    )
    code, lines, said = set_up()
    assert (code, lines["unfit"]) == (1, 3)
    assert (
        "column acs_emailsend.acs_eventid holds 20 characters, and 100 are needed: lengthen it"
        in said
    )
    assert "column acs_emailsend.acs_campaignname is of type DateTime, and String is needed" in said
    assert "table acs_emailopen is no activity" in said


def test_a_refusal_is_told_in_the_words_of_dataverse(org: Organization, set_up: SetUp) -> None:
    error = {
        "error": {
            "code": "0x80040220",
            "message": "Principal user is missing prvCreateEntity privilege",
        }
    }
    fault = {
        "match": {"route": "EntityDefinitions$", "method": "POST"},
        "action": {"status": 403, "body": error},
    }
    org.control.json("POST", "/faults", [fault])
    code, _, said = set_up()
    assert code == 1
    assert (
        "refused table acs_emailsend (status 403): 0x80040220 Principal user is missing"
        " prvCreateEntity privilege" in said
    )


def test_the_settings_of_the_app_lead_to_the_organization(
    org: Organization, tmp_path: Path
) -> None:
    arguments = [
        "dev.emulators.identity",
        "--port",
        "0",
        "--tls-port",
        "0",
        "--token-key",
        TOKEN_KEY,
        "--directory",
        str(tmp_path),
    ]
    identity = Child("identity", arguments, tmp_path)
    identity.start()
    facts = identity.wait()
    named = {
        "DATAVERSE_URL": org.url,
        "DATAVERSE_AUTH": "managed_identity",
        "DATAVERSE_CLIENT_ID": facts["client_id"],
    }
    here = {
        "IDENTITY_ENDPOINT": f"http://127.0.0.1:{facts['port']}/msi/token",
        "IDENTITY_HEADER": facts["identity_header"],
    }
    file = tmp_path / "local.settings.json"
    file.write_text(json.dumps({"IsEncrypted": False, "Values": {**COMPLETE, **named, **here}}))
    command = [sys.executable, "manage.py", "setup", "activities", "--settings", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    identity.stop()
    assert (done.returncode, done.stderr) == (0, "")
    assert "created    table acs_emailbounce" in done.stdout


def test_without_settings_or_a_stack_it_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["activities", "--settings", str(tmp_path / "none.json")]) == 1
    assert run(["activities", "--stack", "--directory", str(tmp_path)]) == 1
    err = capsys.readouterr().err
    assert "none.json cannot be read: No such file or directory. Correct its path." in err
    assert "start the stack with `manage.py up`, and give both the same --directory" in err


COMMANDS_OF_A_STACK = pytest.mark.parametrize(
    ("command", "code"),
    [
        pytest.param(lambda given: run(["activities", *given]), 1, id="setup"),
        pytest.param(check, 2, id="check"),
        pytest.param(lambda given: mapping(["check", DRAFT, *given]), 2, id="mapping"),
    ],
)


@COMMANDS_OF_A_STACK
def test_a_stack_that_was_killed_is_named_and_not_asked(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[list[str]], int],
    code: int,
) -> None:
    """Its files stay, and a port that nobody has answers nothing."""
    facts = {"dataverse": f"http://127.0.0.1:{free_port()}", "dataverse_token": "", "pids": {}}
    (tmp_path / "stack.json").write_text(json.dumps(facts))
    assert command(["--stack", "--directory", str(tmp_path)]) == code
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "has ended without `manage.py stop`: start it again with `manage.py up`" in said.err


@COMMANDS_OF_A_STACK
@pytest.mark.parametrize(
    "text",
    [
        "",
        '{"dataverse": "http://127',
        "{}",
        "[]",
        '{"dataverse": null, "dataverse_token": ""}',
        '{"dataverse": "http://127.0.0.1:1"}',
        "\ufeff{",
    ],
)
def test_a_stack_json_that_is_none_is_named(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: Callable[[list[str]], int],
    code: int,
    text: str,
) -> None:
    """Cut off, or written by somebody else."""
    (tmp_path / "stack.json").write_text(text, "utf-8")
    assert command(["--stack", "--directory", str(tmp_path)]) == code
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "stack.json cannot be read, or does not describe a local stack: remove it" in said.err


def test_settings_that_are_no_json_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.json"
    file.write_text("DATAVERSE_URL=https://example.org")
    assert run(["activities", "--settings", str(file)]) == 1
    assert "is no local.settings.json" in capsys.readouterr().err
