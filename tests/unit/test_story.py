"""A scene of the demo that fails is a line of its own, and the story goes on."""

import io
from typing import Any

import pytest
import requests
from rich.console import Console

from dev.commands.demo_story import Scene, Story


def gone(_: Story) -> dict[str, Any]:
    request = requests.Request("GET", "http://127.0.0.1:4711/api/status?code=x").prepare()
    raise requests.ConnectionError("a long text", request=request)


def late(_: Story) -> dict[str, Any]:
    raise AssertionError("waited 60 s for the dead letter")


@pytest.mark.parametrize(
    ("play", "detail"),
    [
        pytest.param(gone, "127.0.0.1:4711 does not answer any more", id="a part has ended"),
        pytest.param(late, "waited 60 s for the dead letter", id="nothing came"),
    ],
)
def test_a_scene_that_fails_says_why_in_its_line(play: Any, detail: str) -> None:
    printed: Any = io.StringIO()
    nobody: Any = None
    console = Console(file=printed, width=150)
    story = Story(nobody, nobody, nobody, {}, 0, console, True, nobody, 0.0)
    story.play(Scene("a scene", "well", play))
    assert (story.steps[0].ok, story.steps[0].detail) == (False, detail)
    assert detail in printed.getvalue()
