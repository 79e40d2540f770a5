"""Threads carry the context of whoever started them."""

import ast
from contextvars import ContextVar
from pathlib import Path

import pytest

from shared.threads import ThreadPool

ROOT = Path(__file__).resolve().parents[2]
DEPLOYED = [
    ROOT / "function_app.py",
    *(ROOT / "functions").rglob("*.py"),
    *(ROOT / "shared").rglob("*.py"),
]
INVOCATION: ContextVar[str] = ContextVar("INVOCATION", default="none")


@pytest.mark.parametrize("how", ["submit", "map"])
def test_a_pools_thread_has_the_context_of_each_caller(how: str) -> None:
    with ThreadPool(1, "one") as pool:
        for invocation in ("first", "second"):
            INVOCATION.set(invocation)
            found = (
                pool.submit(INVOCATION.get).result()
                if how == "submit"
                else next(pool.map(lambda _: INVOCATION.get(), [0]))
            )
            assert found == invocation


def test_what_a_thread_sets_stays_its_own() -> None:
    INVOCATION.set("caller")
    with ThreadPool(1, "one") as pool:
        pool.submit(INVOCATION.set, "thread").result()
        assert pool.submit(INVOCATION.get).result() == "caller"
    assert INVOCATION.get() == "caller"


@pytest.mark.parametrize(
    "path", [path for path in DEPLOYED if path.name != "threads.py"], ids=lambda path: path.name
)
def test_no_deployed_module_starts_threads_by_itself(path: Path) -> None:
    names = {
        node.id
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Name)
    }
    attributes = {
        node.attr
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute)
    }
    assert not {"ThreadPoolExecutor", "Thread", "Timer", "run_in_executor", "to_thread"} & (
        names | attributes
    )
