"""Runs one aiohttp application on loopback until it is told to stop, and tells the starter when it
answers.
"""

import asyncio
import json
import os
import signal
import ssl
from collections.abc import Iterable
from pathlib import Path

from aiohttp import web

LONGEST_LINE_BYTES = 65_536  # both systems take longer URLs than aiohttp does by default


def announce(ready_file: Path, **facts: object) -> None:
    """Writes `facts` as JSON in one step, so that a reader never sees half a file."""
    draft = ready_file.with_suffix(".part")
    draft.write_text(json.dumps(facts), "utf-8")
    draft.replace(ready_file)


async def listen(
    app: web.Application, port: int, tls: ssl.SSLContext | None = None, unpack: bool = True
) -> tuple[web.AppRunner, int]:
    """Starts serving on 127.0.0.1; port 0 takes a free one. Returns the runner and the port in use.

    A packed body is handed on as it was sent unless `unpack`.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=2,
        max_line_size=LONGEST_LINE_BYTES,
        auto_decompress=unpack,
    )
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port, ssl_context=tls, backlog=1024)
    await site.start()
    return runner, runner.addresses[0][1]


async def signalled() -> None:
    """Waits for SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        if os.name == "nt":
            signal.signal(name, lambda *_: loop.call_soon_threadsafe(stop.set))
        else:
            loop.add_signal_handler(name, stop.set)
    await stop.wait()


async def until_stopped(runners: Iterable[web.AppRunner]) -> None:
    """Waits to be told to stop, then lets the requests under way end."""
    await signalled()
    for runner in runners:
        await runner.cleanup()


async def serve(app: web.Application, port: int, ready_file: Path | None, **facts: object) -> None:
    """Serves `app` until a signal; the ready file then holds {"port": N, **facts}."""
    runner, port = await listen(app, port)
    if ready_file:
        announce(ready_file, port=port, pid=os.getpid(), **facts)
    await until_stopped([runner])
