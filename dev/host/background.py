"""Tasks that nobody awaits until the end: should one fail, the log says so at once."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("Host")


def in_background(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """The caller must keep the task, or it may be collected before it has run."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_report)
    return task


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception():
        log.critical("%s has stopped working", task.get_name(), exc_info=task.exception())
