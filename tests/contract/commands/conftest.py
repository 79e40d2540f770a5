"""A stack without functions, set up by `setup dataverse` as a customer's organization would be: for
`setup` and `check`.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml
from azure.storage.blob import ContainerClient

from admin.check.__main__ import run as run_check
from admin.setup.__main__ import run as run_setup
from dev.commands.stack import Stack
from dev.seed.tables import Table
from dev.verbs import Campaign, Dynamics
from shared.mapping import default_document
from shared.opt_out.documents import default_opt_out_document

Findings = list[dict[str, str]]
LOOSE = Table("acs_loose")
OPT_OUTS = "opt-out/opt_out.yaml"
ADDRESS = ["--functions", "https://bridge.example.org", "--function-keys"]
MARK = "key-of-the-tests"
FUNCTION_KEYS = {
    name: f"dataverse.{MARK}-{name}"
    for name in ("contacts_webhook", "custom_entities_webhook", "opt_out_webhook")
}


def publication(path: Path) -> Path:
    """Profiles by contact id and by the time of their last change, and a resource whose key field
    nobody has made a key.

    Of the three filters on that time one selects as the bridge needs it.
    """
    changed = {"lastmodified": "ge", "olderthan": "le", "exactly": "eq"}
    filters = {
        name: {"conditions": [{"field": "lastModified", "operator": how}]}
        for name, how in changed.items()
    }
    profile = {"keys": [["externalId"]], "keyInUrl": True, "filters": filters}
    path.write_text(
        yaml.safe_dump({"profile": profile, LOOSE.resource: LOOSE.publication() | {"keys": []}})
    )
    return path


def of(findings: Findings, check: str) -> Findings:
    return [finding for finding in findings if finding["check"] == check]


def reported(findings: Findings, check: str, state: str, *words: str) -> None:
    """One finding of this check says all these words, in this state, and what to do if it is not
    ok.
    """
    found = [
        f
        for f in of(findings, check)
        if f["state"] == state and all(w in f"{f['message']} {f['next']}" for w in words)
    ]
    assert found, json.dumps(of(findings, check), indent=1)
    assert state == "ok" or all(finding["next"] for finding in found)


@dataclass
class Office:
    """Where somebody sets up and checks: the stack, files of settings, and what the commands
    said.
    """

    stack: Stack
    directory: Path
    capsys: pytest.CaptureFixture[str] | None = None
    said: list[str] = field(default_factory=list)

    @property
    def dynamics(self) -> Dynamics:
        return Dynamics(self.stack.facts)

    @property
    def campaign(self) -> Campaign:
        return Campaign(self.stack.facts)

    @property
    def config(self) -> ContainerClient:
        return ContainerClient.from_connection_string(self.stack.facts["storage"], "config")

    @property
    def client_id(self) -> str:
        return self.stack.environment["DATAVERSE_CLIENT_ID"]

    def settings(self, **changed: str) -> Path:
        file = self.directory / "local.settings.json"
        file.write_text(json.dumps({"Values": {**self.stack.environment, **changed}}))
        return file

    def check(self, **changed: str) -> tuple[int, Findings]:
        """Exit code and findings with these settings changed."""
        code = run_check(["--json", "--settings", str(self.settings(**changed))])
        return code, json.loads(self.heard())

    def setup(self, *arguments: str) -> tuple[int, str]:
        code = run_setup(
            ["dataverse", "--stack", "--directory", str(self.stack.directory), *arguments]
        )
        return code, self.heard()

    def setup_webhooks(self, *arguments: str) -> tuple[int, str]:
        return self.setup(*ADDRESS, str(self.keys_file(FUNCTION_KEYS)), *arguments)

    def keys_file(self, keys: dict[str, Any]) -> Path:
        """As Azure CLI prints them: a JSON object for each function."""
        file = self.directory / "function-keys.json"
        file.write_text("\n".join(json.dumps({name: key}) for name, key in keys.items()))
        return file

    def heard(self) -> str:
        assert self.capsys
        out = self.capsys.readouterr()
        self.said.append(out.out + out.err)
        return out.out + out.err

    def writes(self) -> int:
        counted = self.dynamics.emulator.json("GET", "/calls")
        return sum(count for route, count in counted.items() if not route.startswith("GET"))

    def rows(self, path: str) -> list[dict[str, Any]]:
        return list(self.dynamics.http.json("GET", path)["value"])

    def make_user(self) -> None:
        """What the administrator does in the Power Platform admin center; the user has no role
        then.
        """
        (unit,) = self.rows("/businessunits?$select=businessunitid")
        place = {"businessunitid@odata.bind": f"/businessunits({unit['businessunitid']})"}
        body = {"fullname": "Bridge", "applicationid": self.client_id, **place}
        assert self.dynamics.http.ask("POST", "/systemusers", body).status_code == 204

    def put_document(self, table: str, document: dict[str, Any] | None) -> None:
        """Puts it as a person would; None takes it away."""
        blob = self.config.get_blob_client(f"mappings/{table}.yaml")
        if document is None:
            blob.delete_blob()
        else:
            blob.upload_blob(yaml.safe_dump(document, sort_keys=False), overwrite=True)

    def opt_outs(self, mode: str) -> None:
        """The setting OPT_OUT_MODE of the commands that follow."""
        os.environ["OPT_OUT_MODE"] = mode

    def put_pairs(self, *pairs: dict[str, Any], **more: Any) -> None:
        """The opt-out document as a person would put it, with these pairs; none means the packaged
        ones.
        """
        document = (
            yaml.safe_load(default_opt_out_document())
            | ({"pairs": list(pairs)} if pairs else {})
            | more
        )
        self.config.upload_blob(OPT_OUTS, yaml.safe_dump(document), overwrite=True)

    def contact_document(self) -> dict[str, Any]:
        return dict(yaml.safe_load(default_document("contact")))


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("office")
    published = publication(directory / "publication.yaml")
    settings = {"EMAIL_EVENTS_SOURCE": "files"}
    database = str(directory / "dataverse.sqlite")
    with Stack(
        directory=directory, host=False, settings=settings, publication=published, database=database
    ) as running:
        container = ContainerClient.from_connection_string(running.facts["storage"], "config")
        container.create_container()
        yield running


@pytest.fixture
def environment() -> Iterator[None]:
    """The commands add to the environment what settings files hold; it is put back."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def office(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str], environment: None
) -> Iterator[Office]:
    """An empty organization with an application user that has no role yet."""
    there = Office(stack, tmp_path, capsys)
    there.dynamics.emulator.json("POST", "/reset", {})
    there.campaign.emulator.json("POST", "/reset", {})
    there.make_user()
    yield there
    for name in [
        blob.name
        for blob in there.config.list_blobs()
        if blob.name.startswith(("mappings/", "opt-out/"))
    ]:
        there.config.delete_blob(name)
    assert_no_secret(there)


@pytest.fixture
def sound(office: Office) -> Iterator[Office]:
    """An organization that `setup dataverse` has set up, with the packaged documents.

    Opt-outs go both ways.
    """
    office.opt_outs("both")
    code, said = office.setup_webhooks()
    assert code == 0, said
    yield office


def assert_no_secret(office: Office) -> None:
    """Whatever was said, no secret was."""
    secrets = (
        "CAMPAIGN_CLIENT_SECRET",
        "DATAVERSE_WEBHOOK_SECRET",
        "SFTP_PRIVATE_KEY",
        "IDENTITY_HEADER",
    )
    values = [office.stack.environment[name] for name in secrets] + [MARK, "AccountKey="]
    said = "".join(office.said)
    assert not [value for value in values if value in said]
