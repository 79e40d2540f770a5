"""`python -m dev.emulators.sftp`: Campaign's SFTP server, one folder behind one key."""

import argparse
import asyncio
import os
from pathlib import Path

from dev.emulators.serve import announce, signalled
from dev.emulators.sftp import EXPORTS, embedded, openssh
from dev.emulators.sftp.faults import Control
from dev.emulators.sftp.keys import Keys, prepared


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sftp", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument("--directory", type=Path, required=True, help="where the keys are kept")
    parser.add_argument("--root", type=Path, required=True, help="the folder that is served")
    parser.add_argument("--new-host-key", action="store_true", help="come back as another server")
    parser.add_argument("--server", choices=["auto", "openssh", "embedded"], default="auto")
    parser.add_argument(
        "--faults",
        type=Path,
        help="a JSON file of faults to play, read again when it changes (embedded only)",
    )
    return parser.parse_args()


def use_openssh(server: str, root: Path) -> bool:
    """OpenSSH where it can be had, unless one of the two is asked for."""
    reason = "another was asked for" if server == "embedded" else openssh.why_not(root)
    if reason and server == "openssh":
        raise SystemExit(f"OpenSSH cannot serve {root}: {reason}.")
    return not reason


async def run(given: argparse.Namespace) -> None:
    root = given.root.resolve()
    (root / EXPORTS.strip("/")).mkdir(parents=True, exist_ok=True)
    keys = prepared(given.directory.resolve(), given.new_host_key)
    if use_openssh(given.server, root):
        process, port = await openssh.start(given.port, root, keys)
        tell(given.ready_file, "openssh", openssh.user(), port, keys)
        ends = [asyncio.create_task(signalled()), asyncio.create_task(process.wait())]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        openssh.stop(process)
    else:
        control = Control(given.faults or given.directory / "sftp_faults.json")
        listener, port = await embedded.listen(given.port, root, keys, control)
        tell(given.ready_file, "embedded", embedded.USER, port, keys)
        await signalled()
        listener.close()


def tell(ready_file: Path, server: str, user: str, port: int, keys: Keys) -> None:
    facts = {
        "host": "127.0.0.1",
        "port": port,
        "user": user,
        "key_file": str(keys.client_file),
        "exports": EXPORTS,
    }
    announce(ready_file, **facts, host_key=keys.host_key, server=server, pid=os.getpid())


if __name__ == "__main__":
    asyncio.run(run(options()))
