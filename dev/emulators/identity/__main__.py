"""`python -m dev.emulators.identity`: managed identity over HTTP, Entra over TLS."""

import argparse
import asyncio
import os
import secrets
from pathlib import Path
from uuid import uuid4

from dev.emulators.identity import certificates
from dev.emulators.identity.app import Identity, Known
from dev.emulators.serve import announce, listen, until_stopped


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="identity", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--tls-port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path, required=True)
    parser.add_argument(
        "--token-key", required=True, help="the key that the other emulators check tokens with"
    )
    parser.add_argument(
        "--directory", type=Path, required=True, help="where ca.pem and client.pem are written"
    )
    return parser.parse_args()


async def run(given: argparse.Namespace) -> None:
    context, certificate = certificates.make(given.directory)
    known = Known(
        given.token_key,
        secrets.token_hex(16),
        str(uuid4()),
        str(uuid4()),
        secrets.token_urlsafe(30),
        str(uuid4()),
        secrets.token_urlsafe(30),
        certificate,
    )
    identity = Identity(known)
    plain, port = await listen(identity.managed_identity_app(), given.port)
    identity.browser_url = f"http://127.0.0.1:{port}"
    secure, tls_port = await listen(identity.entra_app(), given.tls_port, context)
    announce(
        given.ready_file,
        port=port,
        tls_port=tls_port,
        pid=os.getpid(),
        identity_header=known.identity_header,
        ca_file=str(given.directory / "ca.pem"),
        certificate_file=str(given.directory / "client.pem"),
        tenant_id=known.tenant_id,
        client_id=known.client_id,
        client_secret=known.client_secret,
        console_client_id=known.console_client_id,
        console_client_secret=known.console_client_secret,
    )
    await until_stopped([plain, secure])


if __name__ == "__main__":
    asyncio.run(run(options()))
