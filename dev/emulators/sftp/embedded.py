"""An SFTP server inside this process (asyncssh): real SSH, one public key, nothing above its
folder.
"""

from pathlib import Path

import asyncssh

from dev.emulators.sftp.faults import Control, FaultyServer
from dev.emulators.sftp.keys import Keys

USER = "campaign"


def server_class(client_key: str) -> type[asyncssh.SSHServer]:
    accepted = asyncssh.import_public_key(client_key)

    class OneKey(asyncssh.SSHServer):
        def begin_auth(self, username: str) -> bool:
            return True

        def password_auth_supported(self) -> bool:
            return False

        def public_key_auth_supported(self) -> bool:
            return True

        def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
            return username == USER and key == accepted

    return OneKey


async def listen(
    port: int, root: Path, keys: Keys, control: Control
) -> tuple[asyncssh.SSHAcceptor, int]:
    """Serves `root` on 127.0.0.1; port 0 takes a free one.

    Returns the listener and the port in use.
    """
    server = await asyncssh.listen(
        "127.0.0.1",
        port,
        server_factory=server_class(keys.client_key),
        server_host_keys=[str(keys.host_file), *map(str, keys.more_host_files)],
        sftp_factory=lambda channel: FaultyServer(channel, root, control),
        allow_pty=False,
        agent_forwarding=False,
        reuse_address=True,
    )
    return server, server.get_port()
