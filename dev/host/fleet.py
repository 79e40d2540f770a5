"""Several instances of one app, each in its own process: they start together and stop together;
none is restarted.

With groups, each timer and each queue function has instances of its own, and all HTTP functions
share some, as on Flex Consumption: nothing in memory is shared between two groups.
"""

import asyncio
import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from dev.emulators.serve import announce, until_stopped

log = logging.getLogger("Host.Fleet")


class Fleet:
    """`arguments`: the command line of one instance, without port and ready file; `count`
    instances, of each group if apart.
    """

    def __init__(self, arguments: list[str], port: int, count: int, apart: bool = False) -> None:
        self._arguments, self._port, self._count, self._apart = arguments, port, count, apart
        self._children: list[asyncio.subprocess.Process] = []

    async def run(self, ready_file: Path | None) -> int:
        """Until a signal, or until every instance has ended; returns the exit code."""
        with tempfile.TemporaryDirectory(prefix="host-") as directory:
            try:
                instances = await self._start(Path(directory))
                if ready_file:
                    announce(
                        ready_file, port=instances[0]["port"], pid=os.getpid(), instances=instances
                    )
                await self._until_over()
            except ChildProcessError as error:
                log.error("%s", error)
                return 1
            finally:
                codes = await self._stop()
        if not codes:
            log.error("every instance has ended")
        return 0 if codes and not any(codes) else 1

    async def _start(self, directory: Path) -> list[dict[str, Any]]:
        """The first instance alone, because it completes the keys and knows the groups; then the
        others at the same time.
        """
        first = await self._spawn(directory / "0.json", self._port, "http" if self._apart else "")
        groups = [group for group in first["groups"] if group != "http"] if self._apart else []
        wanted = [first["group"]] * (self._count - 1) + groups * self._count
        others = [
            self._spawn(directory / f"{number}.json", 0, group)
            for number, group in enumerate(wanted, start=1)
        ]
        return [first, *await asyncio.gather(*others)]

    async def _spawn(self, ready_file: Path, port: int, group: str) -> dict[str, Any]:
        """Starts one instance and waits until it answers; raises ChildProcessError when it ends
        before that.
        """
        command = [sys.executable, "-m", "dev.host", *self._arguments, "--port", str(port)]
        command += [
            "--ready-file",
            str(ready_file),
            "--stop-at-end-of-input",
            *(["--group", group] if group else []),
        ]
        child = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.PIPE)
        self._children.append(child)
        while not ready_file.exists():
            if child.returncode is not None:
                raise ChildProcessError(
                    f"an instance ended with code {child.returncode} before it was ready"
                )
            await asyncio.sleep(0.02)
        facts: dict[str, Any] = json.loads(ready_file.read_text("utf-8"))
        return facts

    async def _until_over(self) -> None:
        waits = [
            asyncio.ensure_future(until_stopped([])),
            asyncio.ensure_future(
                asyncio.wait([asyncio.ensure_future(child.wait()) for child in self._children])
            ),
        ]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _stop(self) -> list[int]:
        """Closes every child's input, which makes it drain, and waits; returns the codes of those
        that still ran.
        """
        alive = [child for child in self._children if child.returncode is None]
        for child in alive:
            if child.stdin:
                child.stdin.close()
        return list(await asyncio.gather(*(child.wait() for child in alive)))
