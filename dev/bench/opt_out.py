"""Opt-outs: how long each takes to the other side during a backfill, whether safe-to-send is right, what an opt-out costs."""

from typing import Any

from rich.console import Console

from dev.bench import opt_out_cost, opt_out_load, opt_out_safety


def run(console: Console, small: bool = False) -> dict[str, Any]:
    """All figures, each with its target in its name."""
    figures: dict[str, Any] = {}
    for part in (opt_out_load, opt_out_safety, opt_out_cost):
        console.print(f"  measuring {part.__name__.rpartition('.')[2]} ...", style="dim")
        figures.update(part.run(10 if small else 1))
    return figures
