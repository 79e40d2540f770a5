"""`python -m dev.emulators.campaign`: Campaign and Adobe's identity service on one port."""

import argparse
import asyncio
from pathlib import Path

from dev.emulators.campaign import journal
from dev.emulators.campaign.app import Gateway
from dev.emulators.campaign.model import load_model
from dev.emulators.serve import serve


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="campaign", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--ready-file", type=Path)
    parser.add_argument("--organization", default="acme-mkt-stage1")
    parser.add_argument("--api-key", default="acme-bridge")
    parser.add_argument("--client-secret", default="local-secret")
    parser.add_argument(
        "--publication", type=Path, help="what the administrator has published (YAML)"
    )
    parser.add_argument("--flavor", choices=["standard", "v8"], default="standard")
    parser.add_argument(
        "--latency-ms", type=int, default=0, help="a fixed time added to each API call"
    )
    parser.add_argument(
        "--exports",
        type=Path,
        help="where the export workflows write: a folder that the SFTP server serves",
    )
    parser.add_argument(
        "--database",
        type=Path,
        help="a folder in which the rows outlive a restart; PKeys, deliveries and logs never do",
    )
    return parser.parse_args()


def main() -> None:
    given = options()
    resources = load_model(given.publication, given.flavor)
    gateway = Gateway(
        resources,
        given.organization,
        given.api_key,
        given.client_secret,
        given.flavor,
        given.exports,
    )
    gateway.latency_seconds = given.latency_ms / 1000
    if given.database:
        given.database.mkdir(parents=True, exist_ok=True)
        for name, table in gateway.engine.tables.items():
            table.load(given.database / f"{name}.jsonl")
    facts = {
        "organization": given.organization,
        "journal": journal.PATH,
        "ims_organization": journal.IMS_ORGANIZATION,
    }
    asyncio.run(serve(gateway.app(), given.port, given.ready_file, **facts))
    if given.database:
        for name, table in gateway.engine.tables.items():
            table.save(given.database / f"{name}.jsonl")


if __name__ == "__main__":
    main()
