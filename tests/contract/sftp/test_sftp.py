"""The local SFTP server against a real client: keys on both sides, a folder that nobody leaves,
files that grow.
"""

from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from tests.contract.sftp.conftest import Server

Connect = Callable[..., paramiko.SFTPClient]
EXPORTS = "/d365_loads/exports"


def test_the_facts_name_the_folder_and_the_key(served: Server) -> None:
    assert (served.facts["exports"], served.facts["host_key"].split()[0]) == (
        EXPORTS,
        "ssh-ed25519",
    )
    assert Path(served.facts["key_file"]).stat().st_mode & 0o077 == 0
    assert "BEGIN RSA PRIVATE KEY" in Path(served.facts["key_file"]).read_text()


def test_the_key_is_accepted_and_the_folder_listed_with_sizes_and_times(
    served: Server, connected: Connect
) -> None:
    (served.exports / "listed.txt").write_text("one\n")
    (entry,) = [
        entry for entry in connected().listdir_attr(EXPORTS) if entry.filename == "listed.txt"
    ]
    assert entry.st_size == 4
    assert entry.st_mtime == int((served.exports / "listed.txt").stat().st_mtime)


def test_another_key_is_refused(connected: Connect) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        connected(key=paramiko.RSAKey.generate(2048))


def test_a_password_is_not_asked_for(served: Server) -> None:
    with paramiko.Transport((served.facts["host"], served.facts["port"])) as transport:
        transport.start_client(timeout=20)
        with pytest.raises(paramiko.BadAuthenticationType) as refusal:
            transport.auth_none(served.facts["user"])
    assert refusal.value.allowed_types == ["publickey"]


def test_a_host_key_that_is_not_the_known_one_is_noticed(
    served: Server, connected: Connect
) -> None:
    known = served.facts["host_key"]
    served.restart()
    assert served.facts["host_key"] == known
    connected()
    served.restart("--new-host-key")
    assert served.facts["host_key"] != known
    with pytest.raises(paramiko.BadHostKeyException):
        connected(host_key=known)
    connected()


def test_a_stop_ends_connections(served: Server, connected: Connect) -> None:
    client = connected()
    served.restart()
    with pytest.raises((EOFError, OSError, paramiko.SSHException)):
        client.listdir(EXPORTS)


def test_nothing_above_the_folder_is_reached(served: Server, connected: Connect) -> None:
    client = connected()
    assert client.listdir("/") == ["d365_loads"]
    for path in ("../../etc/passwd", "/etc/passwd", f"{EXPORTS}/../../../../etc/passwd"):
        with pytest.raises(FileNotFoundError):
            client.stat(path)


def test_commands_are_not_run(served: Server, connected: Connect) -> None:
    channel = connected().get_channel()
    assert channel
    session = channel.get_transport().open_session(timeout=20)
    try:
        session.exec_command("id")
        assert b"uid=" not in session.recv(1000)
    except paramiko.SSHException:
        pass  # the embedded server closes the channel; OpenSSH says a sentence


def test_a_file_is_renamed_over_another(served: Server, connected: Connect) -> None:
    client = connected()
    with client.open(f"{EXPORTS}/draft", "w") as file:
        file.write("new")
    (served.exports / "final").write_text("old")
    client.posix_rename(f"{EXPORTS}/draft", f"{EXPORTS}/final")
    assert ((served.exports / "final").read_text(), (served.exports / "draft").exists()) == (
        "new",
        False,
    )


def test_a_file_is_read_while_it_grows(served: Server, connected: Connect) -> None:
    path = served.exports / "growing.txt"
    path.write_bytes(b"first li")
    with connected().open(f"{EXPORTS}/growing.txt", "rb") as file:
        assert file.read() == b"first li"
        with path.open("ab") as more:
            more.write(b"ne\nsecond\n")
        assert file.read() == b"ne\nsecond\n"


def test_a_read_begins_where_an_earlier_one_ended(served: Server, connected: Connect) -> None:
    (served.exports / "long.txt").write_bytes(bytes(range(256)) * 4096)
    with connected().open(f"{EXPORTS}/long.txt", "rb") as file:
        file.seek(1_000_000)
        assert file.read(4) == bytes([64, 65, 66, 67])


def test_a_missing_file_is_told_as_missing(connected: Connect) -> None:
    with pytest.raises(FileNotFoundError):
        connected().stat(f"{EXPORTS}/nothing.txt")
