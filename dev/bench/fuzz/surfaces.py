"""`manage.py bench fuzz`: hostile input to everything that comes from outside; an error outside of
our own table is printed.

Each input is made from the seed, the surface's name and its number, so that one that fails can be
made again. A refusal is one of our own errors with a sentence that shows no value of a record.
Every tenth block of inputs is measured for memory.
"""

import gc
import logging
import re
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from rich.console import Console

from dev.bench.fuzz import dataverse, files, routes, systems
from dev.bench.fuzz.answering import Driver
from dev.bench.fuzz.mutations import CANARY, Inputs, mutated_json, mutated_lines, mutated_yaml
from shared.errors import BridgeError, TokenExpired
from shared.mapping import InvalidDocument

FULL, SMALL, BLOCK = 100_000, 1_000, 100
MOST_SECONDS = 5.0
"""For one input. A document of 512 KiB takes PyYAML about two."""

TRACED = 6
"""How much longer an input may take while memory is measured."""

MOST_BYTES = 96 << 20
"""The peak of one input.

The largest body that is taken has 16 MiB, and becomes several times that when it is read.
"""

POSITION = re.compile(r"event at position \S+")
"""Adobe's own pointer into its journal: a sentence shows it, whatever of its form stands there."""

SURFACES: Mapping[str, tuple[Inputs, Driver]] = {
    "http routes": (mutated_json(routes.COMMANDS), routes.drive_routes),
    "queue messages": (routes.messages, routes.drive_messages),
    "mapping documents": (mutated_yaml(files.DOCUMENTS["mapping"]), files.drive_mapping),
    "events document": (mutated_yaml(files.DOCUMENTS["events"]), files.drive_events_document),
    "opt-out document": (mutated_yaml(files.DOCUMENTS["opt_out"]), files.drive_opt_out_document),
    "delivery logs": (mutated_lines(files.EVENT_FILES[:1]), files.drive_event_files),
    "tracking logs": (mutated_lines(files.EVENT_FILES[1:]), files.drive_tracking_files),
    "opt-out files": (mutated_lines(files.OPT_OUT_FILES), files.drive_opt_out_files),
    "dataverse pages": (mutated_json(dataverse.PAGES), dataverse.drive_pages),
    "dataverse metadata": (mutated_json([dataverse.DEFINITION]), dataverse.drive_metadata),
    "dataverse batches": (dataverse.batches, dataverse.drive_batch),
    "campaign records": (
        mutated_json([systems.RECORD, systems.LIST, *systems.ERRORS]),
        systems.drive_records,
    ),
    "campaign lists": (mutated_json([systems.LIST]), systems.drive_lists),
    "campaign metadata": (mutated_json([systems.RESOURCE]), systems.drive_resources),
    "journal": (mutated_json(systems.JOURNAL_PAGES), systems.drive_journal),
    "tokens of entra": (mutated_json(systems.TOKENS), systems.drive_entra),
    "tokens of ims": (mutated_json(systems.TOKENS), systems.drive_ims),
}


@dataclass(slots=True)
class Figures:
    """Of one surface.

    `unexpected` by what was raised and where; `slowest_ms` and `peak_mb` of one input.
    """

    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    peak_mb: float = 0.0
    unexpected: Counter[str] = field(default_factory=Counter)

    def written(self) -> dict[str, Any]:
        numbers = {"inputs": self.inputs, "refused": self.refused, "accepted": self.accepted}
        measured = {
            "seconds": round(self.seconds, 1),
            "slowest_ms": round(self.slowest_ms),
            "peak_mb": round(self.peak_mb, 1),
        }
        return {**numbers, "unexpected": self.unexpected.total(), **measured}


class Leak(Exception):
    """A refusal shows a value of a record, or says nothing."""


def outcome(surface: str, seed: int, number: int, data: bytes) -> str:
    """What the surface makes of an input: "accepted" or "refused"; anything else is raised."""
    try:
        sentence = SURFACES[surface][1](data, Random(f"{seed}/{surface}/{number}/drive"))
    except (BridgeError, InvalidDocument) as error:
        sentence = str(error) or "?"
    except TokenExpired:
        return "refused"
    if CANARY in POSITION.sub("", sentence) and "document" not in surface:
        raise Leak("a refusal shows a value of a record")
    if sentence == "?":
        raise Leak("a refusal says nothing")
    return "refused" if sentence else "accepted"


def input_of(surface: str, seed: int, number: int) -> bytes:
    return SURFACES[surface][0](Random(f"{seed}/{surface}/{number}"))


def fuzz(
    surface: str, inputs: int, seed: int, tell: Callable[[str], None], timed: bool = True
) -> Figures:
    """Runs so many inputs through a surface.

    `timed`: one that takes too long is an error; not where others need the machine.
    """
    figures, began = Figures(), time.perf_counter()
    for start in range(0, inputs, BLOCK):
        measured = (start // BLOCK) % 10 == 0
        if measured:
            gc.collect()
            tracemalloc.start(1)
        for number in range(start, min(start + BLOCK, inputs)):
            one(surface, seed, number, figures, tell, timed)
        if measured:
            tracemalloc.stop()
    figures.seconds = time.perf_counter() - began
    return figures


def one(
    surface: str, seed: int, number: int, figures: Figures, tell: Callable[[str], None], timed: bool
) -> None:
    data = input_of(surface, seed, number)
    if tracemalloc.is_tracing():
        tracemalloc.reset_peak()
    before, began = tracemalloc.get_traced_memory()[0], time.perf_counter()
    problem = ""
    try:
        found = outcome(surface, seed, number, data)
    except Exception as error:
        found, problem = "", f"{type(error).__name__} at {place(error)}"
    took, peak = time.perf_counter() - began, tracemalloc.get_traced_memory()[1] - before
    if not problem and (
        (timed and took > MOST_SECONDS * (TRACED if tracemalloc.is_tracing() else 1))
        or peak > MOST_BYTES
    ):
        problem = f"{took:.1f} s, {peak >> 20} MiB"
    figures.inputs += 1
    figures.accepted += found == "accepted"
    figures.refused += found == "refused"
    figures.slowest_ms = max(figures.slowest_ms, took * 1000)
    figures.peak_mb = max(figures.peak_mb, peak / (1 << 20))
    if problem:
        figures.unexpected[problem] += 1
        if figures.unexpected[problem] == 1:
            shown = shrunk(surface, seed, number, data, problem)
            tell(
                f"{surface}: {problem}\n  seed {seed}, input {number}, {len(data)} bytes, shrunk to"
                f" {len(shown)}: {shown[:300]!r}"
            )


def place(error: BaseException) -> str:
    """The innermost line of our own code."""
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if "/shared/" in frame.filename or "/functions/" in frame.filename
    ]
    last = (frames or list(traceback.extract_tb(error.__traceback__)))[-1]
    return f"{last.filename.rpartition('/')[2]}:{last.lineno}"


def shrunk(
    surface: str,
    seed: int,
    number: int,
    data: bytes,
    problem: str,
    most: int = 300,
    seconds: float = 20,
) -> bytes:
    """A smaller input with the same error, as far as so many attempts find one."""
    pieces, tried, until = 2, 0, time.perf_counter() + seconds
    while (
        tried < most and time.perf_counter() < until and len(data) > 1 and pieces <= 2 * len(data)
    ):
        for candidate in without_a_piece(data, pieces):
            tried += 1
            if raised(surface, seed, number, candidate) == problem:
                data, pieces = candidate, max(2, pieces - 1)
                break
            if tried >= most or time.perf_counter() > until:
                return data
        else:
            pieces *= 2
    return data


def without_a_piece(data: bytes, pieces: int) -> Iterator[bytes]:
    size = max(1, len(data) // pieces)
    return (data[:start] + data[start + size :] for start in range(0, len(data), size))


def raised(surface: str, seed: int, number: int, data: bytes) -> str:
    try:
        outcome(surface, seed, number, data)
    except Exception as error:
        return f"{type(error).__name__} at {place(error)}"
    return ""


def run(
    console: Console, small: bool = False, inputs: int | None = None, seed: int = 1, only: str = ""
) -> dict[str, Any]:
    """The figures of each surface."""
    logging.disable(logging.CRITICAL)
    found = {}
    for surface in [name for name in SURFACES if only in name]:
        figures = fuzz(
            surface,
            inputs or (SMALL if small else FULL),
            seed,
            lambda text: console.print(text, markup=False),
        )
        found[surface] = figures.written()
    return found
