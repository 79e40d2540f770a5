"""The SFTP servers that this machine gives, each once for all tests: the embedded one, and OpenSSH
where it can be had.
"""

import base64
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import paramiko
import pytest

from dev.commands.processes import ROOT, Child
from dev.emulators.sftp import openssh


class Server:
    """A running server, its folder and a connection that trusts what it says of itself."""

    def __init__(self, directory: Path, kind: str) -> None:
        self.directory, self.kind, self.root = directory, kind, directory / "root"
        self.exports = self.root / "d365_loads" / "exports"
        self.start()

    def start(self, *options: str, port: int = 0) -> None:
        given = [
            "--port",
            str(port),
            "--directory",
            str(self.directory),
            "--root",
            str(self.root),
            "--server",
            self.kind,
        ]
        self.child = Child("sftp", ["dev.emulators.sftp", *given, *options], self.directory)
        self.child.start()
        self.facts = self.child.wait()

    def restart(self, *options: str) -> None:
        port = self.facts["port"]
        self.child.stop()
        self.start(*options, port=port)

    def connect(
        self, stack: ExitStack, host_key: str = "", key: paramiko.PKey | None = None
    ) -> paramiko.SFTPClient:
        """Verifies the host key as a client must: an unknown or changed one is refused."""
        client = stack.enter_context(paramiko.SSHClient())
        kind, text = (host_key or self.facts["host_key"]).split()
        name = f"[{self.facts['host']}]:{self.facts['port']}"
        client.get_host_keys().add(name, kind, paramiko.Ed25519Key(data=base64.b64decode(text)))
        key = key or paramiko.RSAKey.from_private_key_file(self.facts["key_file"])
        address = (self.facts["host"], self.facts["port"], self.facts["user"])
        client.connect(*address, pkey=key, allow_agent=False, look_for_keys=False, timeout=20)
        return stack.enter_context(client.open_sftp())


STATE = ROOT / ".local"
STATE.mkdir(exist_ok=True)
SERVERS = ["embedded", *([] if openssh.why_not(STATE) else ["openssh"])]


@pytest.fixture(scope="package", params=SERVERS)
def served(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Under the project's folder: OpenSSH does not serve what lies below a folder that everybody
    may write to.
    """
    with TemporaryDirectory(dir=STATE) as directory:
        Path(directory).chmod(0o755)
        server = Server(Path(directory), request.param)
        yield server
        server.child.stop()


@pytest.fixture
def connected(served: Server) -> Iterator[Callable[..., paramiko.SFTPClient]]:
    with ExitStack() as stack:
        yield lambda **options: served.connect(stack, **options)
