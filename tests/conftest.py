"""For all tests: how long an example may take, and how `manage.py test` spreads files over its
workers.
"""

import gc
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

# How long one example takes says more of the machine than of the rule: beside other work it may
# take any time.
settings.register_profile("bridge", settings.default, deadline=None)
settings.load_profile("bridge")

ONE_STACK = [
    *(f"tests/contract/{name}/" for name in ("battery", "events", "infra", "opt_out")),
    "tests/browser/",
]
"""Folders whose files share a stack or a compiler: one worker runs them, so that it starts once."""

APART = ("tests/contract/opt_out/test_model.py",)
"""Worth a stack of its own: it takes as long as the rest of its folder."""

LONGEST_FIRST = (
    *(
        "tests/e2e/test_kills.py",
        "tests/browser/",
        *APART,
        "tests/contract/opt_out/",
        "tests/contract/host/test_host_lifecycle.py",
    ),
    *("tests/e2e/", "tests/contract/"),
)
"""Begins of names, in the order of their start: what takes long and begins late is waited for
alone.
"""


gc.disable()


def pytest_collection_finish() -> None:
    """What is collected stays until the end: the garbage collector need not pass it again and
    again.
    """
    gc.freeze()
    gc.enable()


class ByStack(LoadFileScheduling):
    """A file at a time, or a folder whose files share a stack."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return (
            file
            if file in APART
            else next((folder for folder in ONE_STACK if file.startswith(folder)), file)
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByStack | None:
    return ByStack(config, log) if config.getoption("dist") == "loadfile" else None


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stable, so that the tests of a file keep their order."""
    items.sort(
        key=lambda item: next(
            (n for n, name in enumerate(LONGEST_FIRST) if item.nodeid.startswith(name)),
            len(LONGEST_FIRST),
        )
    )
