"""Log lines on standard output, filtered by host.json's logging.logLevel.

What code of a function logs has the category `Function.<name>.User`, everything else its logger's
name; the longest category of logLevel that it starts with, without case, decides (Microsoft Learn:
How to configure monitoring for Azure Functions). A line of the app that belongs to no invocation is
dropped, as the real host drops it: the app's threads must carry the context of the invocation that
started them. The host's own storage clients and the worker library are heard from Warning on.
"""

import logging
import sys
from collections.abc import Mapping

from aiohttp.http_exceptions import HttpProcessingError

from dev.host.config import LOG_LEVELS

QUIET = ("azure", "aiohttp", "asyncio")
OF_THE_LIBRARY = ("azure.functions", "azure_functions_runtime", "azure_functions_worker")
LINES = logging.getLogger("Worker")


def heard(level: int, logger: str, text: str, invocation: str | None) -> None:
    """A line from the worker process."""
    record = logging.LogRecord(logger, level, "", 0, "%s", (text,), None)
    record.worker, record.invocation_id = True, invocation
    LINES.handle(record)


class CategoryFilter(logging.Filter):
    """`running`: invocation id -> function name."""

    def __init__(self, levels: dict[str, str], running: Mapping[str, str]) -> None:
        super().__init__()
        self._levels = {category.lower(): LOG_LEVELS[level] for category, level in levels.items()}
        self._running = running

    @property
    def lowest(self) -> int:
        return min([logging.INFO, *self._levels.values()])

    def filter(self, record: logging.LogRecord) -> bool:
        """What is no HTTP is answered with 400; its line would quote a header, and so a key."""
        if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
            return False
        invocation = getattr(record, "invocation_id", None)
        record.invocation = f" {invocation[:8]}" if invocation else ""
        name = self._running.get(invocation or "")
        if (
            getattr(record, "worker", False)
            and not name
            and not record.name.startswith(OF_THE_LIBRARY)
        ):
            return False
        category = f"Function.{name}.User" if name else record.name
        return record.levelno >= max(
            self._level(category.lower()), self._floor(record.name, bool(name))
        )

    def _level(self, category: str) -> int:
        fitting = [
            known for known in self._levels if known != "default" and category.startswith(known)
        ]
        return (
            self._levels[max(fitting, key=len)]
            if fitting
            else self._levels.get("default", logging.INFO)
        )

    @staticmethod
    def _floor(logger: str, in_function: bool) -> int:
        ours = logger.split(".")[0] in QUIET and not in_function
        return logging.WARNING if ours or logger.startswith(OF_THE_LIBRARY) else 0


def configure_logging(levels: dict[str, str], running: Mapping[str, str]) -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        logging.Formatter("[%(asctime)s] %(levelname)s %(name)s%(invocation)s: %(message)s")
    )
    wanted = CategoryFilter(levels, running)
    handler.addFilter(wanted)
    logging.basicConfig(level=wanted.lowest, handlers=[handler], force=True)
