"""Starts the emulator: python -m dev.emulators.dataverse --port 0 --ready-file FILE --token-key KEY
[--database FILE]

The ready file then holds {"port": N, "pid": N} and, with a certificate, "tls_port": the same API
over TLS.
"""

import argparse
import asyncio
import os
import ssl
from pathlib import Path

from aiohttp import web

from dev.emulators.dataverse.server import Emulator
from dev.emulators.dataverse.webhooks import TIME_LIMIT_SECONDS
from dev.emulators.serve import announce, listen, until_stopped


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev.emulators.dataverse", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--ready-file", type=Path, help="written once the emulator answers")
    parser.add_argument("--token-key", required=True, help="what bearer tokens are signed with")
    parser.add_argument("--database", default=":memory:", help="a SQLite file, :memory: if absent")
    parser.add_argument(
        "--webhook-ca", type=Path, help="certificate authority that https webhooks are trusted by"
    )
    parser.add_argument(
        "--webhook-seconds",
        type=float,
        default=TIME_LIMIT_SECONDS,
        help="how long a webhook may take",
    )
    parser.add_argument(
        "--tls-certificate", type=Path, help="serve over TLS too; PEM with the chain"
    )
    parser.add_argument("--tls-key", type=Path, help="key of the certificate, PEM")
    return parser.parse_args()


def server_tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    if not options.tls_certificate:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.tls_certificate, options.tls_key)
    return context


async def run(options: argparse.Namespace) -> None:
    trusted = (
        ssl.create_default_context(cafile=str(options.webhook_ca)) if options.webhook_ca else None
    )
    emulator = Emulator(options.database, options.token_key, trusted, options.webhook_seconds)
    runner, port = await listen(emulator.application(), options.port)
    emulator.webhooks.host = f"127.0.0.1:{port}"
    facts = {"port": port, "pid": os.getpid()}
    if tls := server_tls(options):
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
        await site.start()
        facts["tls_port"] = runner.addresses[-1][1]
    if options.ready_file:
        announce(options.ready_file, **facts)
    await until_stopped([runner])
    emulator.store.close()


if __name__ == "__main__":
    asyncio.run(run(arguments()))
