"""The stack's SFTP server: what Campaign exports is found there, and it comes and goes as a server
does.
"""

import base64
from pathlib import Path
from typing import Any

import paramiko
import pytest

from dev.commands.stack import Stack
from dev.verbs import Campaign


def connect(facts: dict[str, Any], host_key: str) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    kind, text = host_key.split()
    client.get_host_keys().add(
        f"[{facts['host']}]:{facts['port']}", kind, paramiko.Ed25519Key(data=base64.b64decode(text))
    )
    client.connect(
        facts["host"],
        facts["port"],
        facts["user"],
        key_filename=facts["key_file"],
        allow_agent=False,
    )
    return client


def test_exports_are_found_on_the_server_which_may_go_and_come_back(tmp_path: Path) -> None:
    with Stack(tmp_path, host=False) as stack:
        sftp, campaign = stack.facts["sftp"], Campaign(stack.facts)
        campaign.http.json(
            "POST",
            "/profileAndServicesExt/profile",
            {"externalId": "a-1", "email": "a-1@example.org"},
        )
        campaign.emulator.json("POST", "/deliveries", {"name": "DM101"})
        (file,) = campaign.emulator.json("POST", "/export", {"log": "delivery"})["files"]
        with (
            connect(sftp, sftp["host_key"]) as client,
            client.open_sftp().open(f"{sftp['exports']}/{file['name']}") as exported,
        ):
            assert "a-1@example.org" in exported.read().decode()
        stack.stop_sftp()
        with pytest.raises(OSError, match="Unable to connect"):
            connect(sftp, sftp["host_key"])
        stack.start_sftp()
        assert stack.facts["sftp"] == sftp
        connect(sftp, sftp["host_key"]).close()
        stack.stop_sftp()
        stack.start_sftp(new_host_key=True)
        assert {name for name in sftp if stack.facts["sftp"][name] != sftp[name]} == {"host_key"}
        with pytest.raises(paramiko.BadHostKeyException):
            connect(sftp, sftp["host_key"])


def test_an_earlier_stacks_exports_are_gone(tmp_path: Path) -> None:
    old = tmp_path / "sftp" / "d365_loads" / "exports" / "deliveryLogs_20260101_000000.txt"
    old.parent.mkdir(parents=True)
    old.touch()
    with Stack(tmp_path, host=False):
        assert list(old.parent.iterdir()) == []
