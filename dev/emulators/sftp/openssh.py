"""OpenSSH's own server, where this machine can run it: as root, in a folder that nobody else may
change the way to.

Source: sshd_config(5), ChrootDirectory: all components of the path must be root-owned and writable
by nobody else.
"""

import asyncio
import os
import shutil
import socket
import stat
import sys
from pathlib import Path

import psutil

from dev.commands.processes import WITH_PARENT
from dev.emulators.sftp.keys import Keys

PRIVILEGE_SEPARATION = Path("/run/sshd")
READY_SECONDS = 20.0
CAPABILITIES = 1 << 6 | 1 << 7 | 1 << 18  # CAP_SETGID, CAP_SETUID, CAP_SYS_CHROOT
CONFIGURATION = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {keys.host_file}
PidFile none
AuthorizedKeysFile {authorized}
AuthenticationMethods publickey
AllowUsers {user}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
DisableForwarding yes
PermitTTY no
ChrootDirectory {root}
Subsystem sftp internal-sftp
ForceCommand internal-sftp
MaxStartups 100
"""


class DidNotListen(Exception):
    """sshd ended, or does not answer; what it said is in the log of this process."""


def why_not(root: Path) -> str:
    """Why sshd cannot serve this folder; empty if it can."""
    if sys.platform == "win32" or not shutil.which("sshd", path=search_path()):
        return "there is no sshd"
    if os.geteuid() != 0:
        return "only root may chroot"
    if not capable():
        return "this container's root may not chroot or change its user"
    for folder in (root, *root.parents):
        held = folder.stat()
        if held.st_uid != 0 or held.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            return f"others than root may write in {folder}"
    return ""


def capable() -> bool:
    """Containers may lack what sshd needs, and would show it at the first login only
    (capabilities(7)).
    """
    status = Path("/proc/self/status")
    held = status.read_text().partition("CapEff:")[2].split() if status.exists() else []
    return not held or int(held[0], 16) & CAPABILITIES == CAPABILITIES


def search_path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def user() -> str:
    import pwd  # not on Windows

    return pwd.getpwuid(os.geteuid()).pw_name


async def start(port: int, root: Path, keys: Keys) -> tuple[asyncio.subprocess.Process, int]:
    """Returns the running sshd and its port; sshd takes no port 0, so that a free one is looked
    for.
    """
    port = port or free_port()
    PRIVILEGE_SEPARATION.mkdir(mode=0o755, exist_ok=True)
    authorized = keys.host_file.with_name("sftp_authorized_keys")
    configuration = keys.host_file.with_name("sshd_config")
    authorized.write_text(keys.client_key + "\n")
    configuration.write_text(
        CONFIGURATION.format(port=port, keys=keys, authorized=authorized, user=user(), root=root)
    )
    program = shutil.which("sshd", path=search_path())
    command = [str(program), "-D", "-e", "-f", str(configuration)]
    process = await asyncio.create_subprocess_exec(*command, **WITH_PARENT)
    await until_it_listens(process, port)
    return process, port


def stop(process: asyncio.subprocess.Process) -> None:
    """Ends the connections too: sshd leaves them to themselves."""
    if process.returncode is None:
        for connection in psutil.Process(process.pid).children(recursive=True):
            connection.terminate()
        process.terminate()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until_it_listens(process: asyncio.subprocess.Process, port: int) -> None:
    async with asyncio.timeout(READY_SECONDS):
        while process.returncode is None:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.02)
            else:
                writer.close()
                return
    raise DidNotListen(f"sshd ended with {process.returncode}")
