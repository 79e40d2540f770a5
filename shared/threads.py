"""The one way to start threads: each carries the context of the invocation that it works for.

Azure's host drops a log line from a thread that does not, for it cannot tell whose line it is.
Source: Azure Functions Python worker, issue 1860; the worker finds the invocation in a context
variable.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from threading import Thread, Timer


class ThreadPool(ThreadPoolExecutor):
    """A ThreadPoolExecutor whose `submit` and `map` run in a copy of the caller's context."""

    def submit[**P, T](
        self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[T]:
        return super().submit(copy_context().run, partial(function, *args, **kwargs))


def call_later(seconds: float, function: Callable[[], object]) -> Timer:
    """Calls it on a thread of its own after so many seconds, in a copy of the caller's context;
    `cancel` takes it back.
    """
    timer = Timer(seconds, copy_context().run, [function])
    timer.daemon = True
    timer.start()
    return timer


def start_watching(function: Callable[[], object], name: str) -> None:
    """Starts a thread that works for no invocation and writes no log line. It ends with the
    process.
    """
    Thread(target=function, name=name, daemon=True).start()
