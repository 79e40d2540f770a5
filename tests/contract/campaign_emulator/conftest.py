"""One Campaign emulator for a file of tests, as its own process, emptied before each test."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from dev.commands.processes import Child

ORGANIZATION, API_KEY, SECRET = "acme-mkt-stage1", "key", "secret"


class Instance:
    """A running emulator and a client with a valid token.

    `api` paths begin behind /campaign; it exports to `exports`.
    """

    def __init__(self, directory: Path, *options: str) -> None:
        self.exports = directory / "exports"
        given = [
            "--exports",
            str(self.exports),
            "--organization",
            ORGANIZATION,
            "--api-key",
            API_KEY,
            "--client-secret",
            SECRET,
            *options,
        ]
        self.child = Child("campaign", ["dev.emulators.campaign", "--port", "0", *given], directory)
        self.child.start()
        self.root = f"http://127.0.0.1:{self.child.wait()['port']}"
        self.http = requests.Session()
        self.renew()

    def token(self, **changes: str) -> requests.Response:
        form = {
            "grant_type": "client_credentials",
            "client_id": API_KEY,
            "client_secret": SECRET,
            "scope": "campaign_sdk",
            **changes,
        }
        return self.http.post(f"{self.root}/ims/token/v3", data=form, timeout=30)

    def renew(self) -> None:
        self.http.headers.update(
            {"Authorization": f"Bearer {self.token().json()['access_token']}", "X-Api-Key": API_KEY}
        )

    def api(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        url = path if path.startswith("http") else f"{self.root}/{ORGANIZATION}/campaign{path}"
        return self.http.request(
            method,
            url,
            json=body,
            headers={k.replace("_", "-"): v for k, v in headers.items()},
            timeout=30,
        )

    def journal(self, link: str = "", **headers: str) -> requests.Response:
        """A page of the journal: the first, or the one that a relative link leads to."""
        facts = self.child.facts
        given = {
            "x-ims-org-id": facts["ims_organization"],
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }
        return self.http.get(self.root + (link or facts["journal"]), headers=given, timeout=30)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        return self.http.request(
            method, f"{self.root}/_emulator/{path}", json=body, timeout=30
        ).json()

    def refused(self, path: str, body: Any) -> tuple[int, str]:
        """The status and the sentence of a control route that says no."""
        response = self.http.post(f"{self.root}/_emulator/{path}", json=body, timeout=30)
        return response.status_code, response.json()["error"]

    def people(self, *external_ids: str, **attributes: Any) -> None:
        for external_id in external_ids:
            body = {"externalId": external_id, "email": f"{external_id}@example.org", **attributes}
            self.api("POST", "/profileAndServicesExt/profile", body).raise_for_status()

    def stop(self) -> None:
        self.child.stop()
        self.http.close()


@pytest.fixture(scope="package")
def standard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    instance = Instance(tmp_path_factory.mktemp("campaign"))
    yield instance
    instance.stop()


@pytest.fixture
def campaign(standard: Instance) -> Instance:
    standard.control("POST", "reset", {})
    standard.control("POST", "secret", {"client_secret": SECRET})
    standard.renew()
    return standard


@pytest.fixture(scope="package")
def v8(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    instance = Instance(tmp_path_factory.mktemp("v8"), "--flavor", "v8")
    yield instance
    instance.stop()
