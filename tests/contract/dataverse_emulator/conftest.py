"""The emulator as a process, an organization's hands on it, and an endpoint that webhooks arrive
at.
"""

import datetime
import ipaddress
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from dev.emulators import tokens
from tests.contract.dataverse_emulator.activity_kit import create_activity_table

ROOT = Path(__file__).resolve().parents[3]
TOKEN_KEY = "a key of the tests, thirty-two bytes or more"
APPLICATION = "5d0c7a3e-0000-4000-8000-0000000000aa"
HANG = 0


def wait_until[T](condition: Callable[[], T], seconds: float = 20, what: str = "condition") -> T:
    """The first true value of `condition`; fails the test when none comes in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.005)
    raise AssertionError(f"{what} not reached within {seconds} s")


@dataclass
class Organization:
    """Verbs on one emulator. `request` returns whatever comes; the others insist on success."""

    base: str
    tls_base: str
    certificate: Path
    application: str = APPLICATION
    session: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.api = f"{self.base}/api/data/v9.2"
        self.renew_token()

    def renew_token(self) -> None:
        self.session.headers["Authorization"] = f"Bearer {self.token(self.base)}"

    def token(self, audience: str, **claims: Any) -> str:
        now = self.now()
        return tokens.issue(TOKEN_KEY, audience, now, **({"appid": self.application} | claims))

    def now(self) -> float:
        moment = requests.post(
            f"{self.base}/_emulator/clock", json={"advance_seconds": 0}, timeout=10
        ).json()["now"]
        return datetime.datetime.fromisoformat(moment).timestamp()

    def request(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> requests.Response:
        """`path` is below the API root or a whole URL; header names are written with
        underscores.
        """
        url = path if path.startswith("http") else f"{self.api}/{path}"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.session.request(method, url, json=body, headers=names, timeout=30)

    def get(self, path: str, **headers: str) -> dict[str, Any]:
        response = self.request("GET", path, **headers)
        assert response.status_code == 200, response.text
        return response.json()

    def create(
        self, entity_set: str, _headers: dict[str, str] | None = None, **columns: Any
    ) -> str:
        response = self.session.post(
            f"{self.api}/{entity_set}", json=columns, headers=_headers, timeout=30
        )
        assert response.status_code == 204, response.text
        return response.headers["OData-EntityId"][-37:-1]

    def update(self, address: str, **columns: Any) -> None:
        response = self.request("PATCH", address, columns, If_Match="*")
        assert response.status_code == 204, response.text

    def delete(self, address: str) -> None:
        response = self.request("DELETE", address)
        assert response.status_code == 204, response.text

    def refused(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, str, str]:
        """Status, code and message of an error."""
        response = self.request(method, path, body, **headers)
        assert response.status_code >= 400, response.text
        error = response.json()["error"]
        return response.status_code, error["code"], error["message"]

    def control(self, name: str, body: Any = None) -> Any:
        method = "GET" if body is None else "POST"
        response = self.session.request(
            method, f"{self.base}/_emulator/{name}", json=body, timeout=60
        )
        assert response.status_code == 200, response.text
        return response.json()

    def quiet(self) -> dict[str, int]:
        """Webhook counts once nothing is on its way."""
        wait_until(lambda: self.control("webhooks")["pending"] == 0, what="quiet webhooks")
        return self.control("webhooks")

    def listen(
        self, url: str, message: str = "Update", table: str = "contact", **columns: Any
    ) -> str:
        """Registers a webhook step and returns its id; `columns` overrides those of endpoint and
        step.
        """
        endpoint = {
            "name": "bridge",
            "url": url,
            "contract": 8,
            "authtype": 4,
            "authvalue": "a key",
        }
        endpoint |= {name: columns.pop(name) for name in list(columns) if name in endpoint}
        endpoint_id = self.create("serviceendpoints", **endpoint)
        messages = self.get(f"sdkmessages?$select=sdkmessageid&$filter=name eq '{message}'")[
            "value"
        ]
        wanted = f"primaryobjecttypecode eq '{table}' and sdkmessageid/name eq '{message}'"
        filters = self.get(f"sdkmessagefilters?$select=sdkmessagefilterid&$filter={wanted}")[
            "value"
        ]
        step = {
            "name": f"bridge {table} {message}",
            "stage": 40,
            "mode": 1,
            "rank": 1,
            "supporteddeployment": 0,
        }
        binds = {
            "eventhandler_serviceendpoint@odata.bind": f"/serviceendpoints({endpoint_id})",
            "sdkmessageid@odata.bind": f"/sdkmessages({messages[0]['sdkmessageid']})",
            "sdkmessagefilterid@odata.bind": (
                f"/sdkmessagefilters({filters[0]['sdkmessagefilterid']})"
            ),
        }
        return self.create(
            "sdkmessageprocessingsteps", **({**step, "asyncautodelete": True, **binds} | columns)
        )


def throw_away_certificate(directory: Path) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 that is its own authority, and its key; both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "throw-away authority")])
    today = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName(
        [x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")]
    )
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(today - datetime.timedelta(days=1)).not_valid_after(
        today + datetime.timedelta(days=1)
    )
    builder = builder.add_extension(names, critical=False).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    certificate, private = directory / "certificate.pem", directory / "key.pem"
    certificate.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


def start(directory: Path, *arguments: str) -> tuple[subprocess.Popen[bytes], dict[str, int]]:
    """The emulator as a process, and what its ready file says."""
    ready = directory / "ready.json"
    ready.unlink(missing_ok=True)
    command = [
        sys.executable,
        "-m",
        "dev.emulators.dataverse",
        "--port",
        "0",
        "--ready-file",
        str(ready),
    ]
    process = subprocess.Popen([*command, "--token-key", TOKEN_KEY, *arguments], cwd=ROOT)
    wait_until(
        lambda: ready.exists() or process.poll() is not None, what="the emulator's ready file"
    )
    return process, json.loads(ready.read_text("utf-8"))


@pytest.fixture
def start_emulator(
    tmp_path: Path,
) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], Organization]]]:
    """Starts further emulators, for tests that need their own process."""
    started: list[subprocess.Popen[bytes]] = []

    def starter(*arguments: str) -> tuple[subprocess.Popen[bytes], Organization]:
        process, facts = start(tmp_path, *arguments)
        started.append(process)
        return process, Organization(f"http://127.0.0.1:{facts['port']}", "", Path())

    yield starter
    for process in started:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="package")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Organization]:
    directory = tmp_path_factory.mktemp("dataverse")
    certificate, key = throw_away_certificate(directory)
    process, facts = start(
        directory,
        "--tls-certificate",
        str(certificate),
        "--tls-key",
        str(key),
        "--webhook-ca",
        str(certificate),
    )
    tls = f"https://127.0.0.1:{facts['tls_port']}"
    yield Organization(f"http://127.0.0.1:{facts['port']}", tls, certificate)
    process.terminate()
    assert process.wait(10) == 0


@pytest.fixture
def org(running: Organization) -> Organization:
    """An organization as new: no rows but its own, no registrations, no faults, the clock at
    now.
    """
    running.control("reset", {})
    running.renew_token()
    return running


@dataclass
class Arrival:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def context(self) -> dict[str, Any]:
        return json.loads(self.body)

    @property
    def target(self) -> dict[str, Any]:
        """InputParameters' Target."""
        return next(
            pair["value"] for pair in self.context["InputParameters"] if pair["key"] == "Target"
        )

    @property
    def attributes(self) -> dict[str, Any]:
        return {pair["key"]: pair["value"] for pair in self.target["Attributes"]}


@dataclass
class Endpoint:
    """What arrived, in order; `answers` are the statuses to come (HANG: none until the end), 200
    when they are used up.
    """

    url: str = ""
    arrivals: list[Arrival] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    done: threading.Event = field(default_factory=threading.Event)

    def wait(self, count: int = 1) -> list[Arrival]:
        wait_until(lambda: len(self.arrivals) >= count, what=f"{count} webhook(s)")
        return self.arrivals


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    seen = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.arrivals.append(
                Arrival(
                    self.path, {name.lower(): value for name, value in self.headers.items()}, body
                )
            )
            status = seen.answers.pop(0) if seen.answers else 200
            if status == HANG:
                seen.done.wait(30)
                return
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    seen.url = f"http://127.0.0.1:{server.server_port}/api/dataverse/contact"
    yield seen
    seen.done.set()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def sends(org: Organization) -> Organization:
    """An organization with the custom activity table acs_emailsend."""
    create_activity_table(org)
    return org


@pytest.fixture
def contact(org: Organization) -> str:
    return org.create("contacts", lastname="Test")
