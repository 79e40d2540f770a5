"""python -m dev.host.worker_process APP_DIR: Microsoft's worker library in a process of its own, as
in Azure.

Reads requests of the worker protocol from standard input and writes responses and log lines to what
was standard output; what the app prints goes to standard error. Ends when its input ends: a worker
does not outlive its host.
"""

import asyncio
import logging
import os
import signal
import sys
import threading
from typing import Any, BinaryIO

sys.modules["aiohttp"] = None  # type: ignore[assignment]
"""The app's requirements do not name it: as in Azure, it is not there. Azure's SDKs would load it,
which takes an eighth of a start.
"""

import azure_functions_runtime as runtime  # noqa: E402

from dev.host.frames import packed, read  # noqa: E402
from dev.host.protocol import Record, protos  # noqa: E402

LONGEST_LINE = 32_768
HANDLERS = {
    "init": runtime.worker_init_request,
    "metadata": runtime.functions_metadata_request,
    "load": runtime.function_load_request,
    "invoke": runtime.invocation_request,
}


class Channel:
    """Where responses and log lines go; any thread may write."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def write(self, *value: Any) -> None:
        data = packed(value)
        with self._lock:
            self._stream.write(data)
            self._stream.flush()


class ToHost(logging.Handler):
    """Sends each line with the invocation that it belongs to: the one of its context, which a bare
    thread has not.
    """

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)[:LONGEST_LINE]
        self._channel.write(
            "line", record.levelno, record.name, text, runtime.invocation_id_cv.get()
        )


def log_to(channel: Channel) -> None:
    """From Information on, as the worker in Azure, unless PYTHON_ENABLE_DEBUG_LOGGING is set."""
    level = logging.DEBUG if os.environ.get("PYTHON_ENABLE_DEBUG_LOGGING") == "1" else logging.INFO
    root = logging.getLogger()
    root.setLevel(level)
    root.addHandler(ToHost(channel))  # without a formatter, so that a line is the app's own text


async def answer(
    channel: Channel, number: int, kind: str, invocation_id: str | None, fields: dict[str, Any]
) -> None:
    runtime.invocation_id_cv.set(invocation_id)
    request = Record(request=Record(**fields), properties={"protos": protos, "host": "127.0.0.1"})
    channel.write("answer", number, await HANDLERS[kind](request))


def serve(requests: BinaryIO, loop: asyncio.AbstractEventLoop, channel: Channel) -> None:
    """Hands every request to the loop until the host is gone; then nothing of this process goes
    on.
    """
    try:
        while True:
            number, kind, invocation_id, fields = read(requests)
            asyncio.run_coroutine_threadsafe(
                answer(channel, number, kind, invocation_id, fields), loop
            )
    except EOFError:
        os._exit(0)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the host's to hear
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    channel = Channel(output)
    log_to(channel)
    app_dir = sys.argv[1]
    sys.path.insert(0, app_dir)
    os.chdir(app_dir)
    runtime.start_threadpool_executor()
    loop = asyncio.new_event_loop()
    threading.Thread(
        target=serve, args=(sys.stdin.buffer, loop, channel), name="requests", daemon=True
    ).start()
    loop.run_forever()


if __name__ == "__main__":
    main()
