"""A story of the demo: its scenes, one after the other, and the line that each prints."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from rich.console import Console

from dev.verbs import Campaign, Dynamics, Operator


@dataclass(frozen=True)
class Scene:
    """`play` returns the figures of `outcome`, which is the text of the scene's line."""

    name: str
    outcome: str
    play: Callable[["Story"], Mapping[str, Any]]


@dataclass
class Step:
    name: str
    ok: bool
    detail: str
    seconds: float


@dataclass
class Story:
    """The steps played so far, and who plays in them."""

    dynamics: Dynamics
    campaign: Campaign
    operator: Operator
    facts: dict[str, Any] = field(repr=False)
    contacts: int
    console: Console
    headless: bool
    change_settings: Callable[..., None]
    began: float
    """By time.monotonic, when the command was given."""
    steps: list[Step] = field(default_factory=list)

    def play(self, scene: Scene) -> None:
        """Plays one scene and prints its line. After a scene that fails the story goes on."""
        began = time.monotonic()
        try:
            detail, ok = scene.outcome.format(**scene.play(self)), True
        except AssertionError as error:
            detail, ok = str(error), False
        except requests.ConnectionError as error:
            detail, ok = f"{unreachable(error)} does not answer any more", False
        step = Step(scene.name, ok, detail, round(time.monotonic() - began, 1))
        self.steps.append(step)
        self.console.print(line_of(step), highlight=False)


def unreachable(error: requests.ConnectionError) -> str:
    return urlsplit(error.request.url or "").netloc if error.request else "a part of the stack"


def line_of(step: Step) -> str:
    mark = "[green]ok  [/green]" if step.ok else "[red]FAIL[/red]"
    return f"{mark} {step.name:<46} {step.seconds:>6.1f} s  {step.detail}"
