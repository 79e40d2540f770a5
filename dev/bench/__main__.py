"""`manage.py bench [NAME] [--json FILE]`: measurements; ratios of things that run together, for
machines differ and are noisy.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from dev.bench import contacts, custom_entities, email_events, fuzz, kills, opt_out, simulation

BENCHES: dict[str, Callable[..., dict[str, Any]]] = {
    "contacts": contacts.run,
    "custom-entities": custom_entities.run,
    "email-events": email_events.run,
    "fuzz": fuzz.run,
    "kills": kills.run,
    "opt-out": opt_out.run,
    "simulation": simulation.run,
}

WITH_GROUPS = {"contacts", "opt-out"}
ONLY_BY_NAME = {"fuzz", "kills", "simulation"}  # long, and no ratio


def run(argv: list[str]) -> int:
    """Runs one measurement, or all; prints each figure beside its target."""
    parser = argparse.ArgumentParser(prog="manage.py bench", description=__doc__)
    parser.add_argument(
        "name",
        nargs="?",
        choices=sorted(BENCHES),
        help="what to measure; without it all but fuzz, kills and simulation, which take long",
    )
    parser.add_argument(
        "--inputs", type=int, help="fuzz: how many for each surface (100,000; with --small 1,000)"
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=1,
        help="fuzz, kills, simulation: another seed, other inputs or faults",
    )
    parser.add_argument(
        "--steps",
        type=int,
        help="simulation: how many I/O steps in all (1,000,000; with --small 20,000)",
    )
    parser.add_argument(
        "--flow",
        default="all",
        help="simulation: contacts, opt-outs, custom-entities, email-events, whole, pairs, or all",
    )
    parser.add_argument(
        "--replay", action="store_true", help="simulation: one seed again, each step printed"
    )
    parser.add_argument(
        "--only",
        default="",
        metavar="FILE",
        help="simulation: a JSON list of faults; nothing else happens",
    )
    parser.add_argument(
        "--without",
        action="append",
        metavar="KIND",
        help="simulation: a kind of fault that is not played",
    )
    parser.add_argument("--surface", default="", help="fuzz: only surfaces whose name holds this")
    parser.add_argument("--json", metavar="FILE", help="write the figures there")
    parser.add_argument(
        "--small", action="store_true", help="a tenth of the volume, to see that it runs"
    )
    parser.add_argument(
        "--groups", action="store_true", help="contacts, opt-out: a process for each function"
    )
    options = parser.parse_args(argv)
    if options.groups and options.name not in WITH_GROUPS:
        parser.error(f"--groups is for one of {', '.join(sorted(WITH_GROUPS))}: name it")
    console, figures = Console(width=150), {}
    names = [options.name] if options.name else sorted(set(BENCHES) - ONLY_BY_NAME)
    if not options.name:
        console.print(f"Measuring {', '.join(names)}. Name one to measure it alone.")
    for name in names:
        figures[name] = BENCHES[name](console, options.small, **own_options(name, options))
        show(console, name, figures[name])
    if options.json:
        result = figures["simulation"] if options.name == "simulation" else figures
        Path(options.json).write_text(json.dumps(result, indent=2) + "\n")
    return 0


def own_options(name: str, options: argparse.Namespace) -> dict[str, Any]:
    if name == "fuzz":
        return {"inputs": options.inputs, "seed": options.seed, "only": options.surface}
    if name == "simulation":
        return {
            one: getattr(options, one)
            for one in ("flow", "steps", "seed", "replay", "only", "without")
        }
    if name == "kills":
        return {"seed": options.seed}
    return {"groups": options.groups} if name in WITH_GROUPS else {}


def show(console: Console, name: str, figures: dict[str, Any]) -> None:
    console.print(f"[bold]{name}[/bold]")
    for figure, value in figures.items():
        console.print(f"  {figure:<58} {value}", highlight=False)


if __name__ == "__main__":
    import sys

    sys.exit(run(sys.argv[1:]))
