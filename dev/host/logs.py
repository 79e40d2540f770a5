"""Log lines on standard output, filtered by host.json's logging.logLevel.

What code of a function logs has the category `Function.<name>.User`, everything else its logger's name; the longest prefix
in logLevel decides (Microsoft Learn: How to configure monitoring for Azure Functions). The host's own storage clients and
the worker library are heard from Warning on.
"""

import logging
import sys
from collections.abc import Mapping

import azure_functions_runtime as runtime

from dev.host.config import LOG_LEVELS

QUIET = ("azure", "aiohttp", "asyncio")


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
        invocation = runtime.invocation_id_cv.get()
        record.invocation = f" {invocation[:8]}" if invocation else ""
        name = self._running.get(invocation or "")
        category = f"Function.{name}.User" if name else record.name
        return record.levelno >= max(self._level(category.lower()), self._floor(record.name, bool(name)))

    def _level(self, category: str) -> int:
        while category and category not in self._levels:
            category = category.rpartition(".")[0]
        return self._levels.get(category or "default", logging.INFO)

    @staticmethod
    def _floor(logger: str, in_function: bool) -> int:
        ours = logger.split(".")[0] in QUIET and not in_function
        return logging.WARNING if ours or logger.startswith("azure.functions") else 0


def configure_logging(levels: dict[str, str], running: Mapping[str, str]) -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("[%(asctime)s] %(levelname)s %(name)s%(invocation)s: %(message)s"))
    wanted = CategoryFilter(levels, running)
    handler.addFilter(wanted)
    logging.basicConfig(level=wanted.lowest, handlers=[handler], force=True)
