"""Hostile input for everything that comes from outside."""

from typing import Any

from rich.console import Console


def run(console: Console, small: bool = False, **options: Any) -> dict[str, Any]:
    """The figures of each surface; imported late, for the app is built then."""
    from dev.bench.fuzz import surfaces

    return surfaces.run(console, small, **options)
