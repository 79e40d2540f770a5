"""Readers of one file over SFTP, as synchronous code sees them: blocks of bytes, in order, memory flat."""

import asyncio
import codecs
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

REQUESTS_AT_ONCE, REQUEST_BYTES, BLOCK_BYTES = 16, 261_120, 1024 * 1024


class Window:
    """A bounded number of requests under way. paramiko's own prefetch either asks for the whole file at once or, when bounded,
    takes a moment without outstanding requests for the end, reads on one by one and keeps what it no longer needs."""

    def __init__(self, client: Any, file: Any) -> None:
        self.client, self.file, self.end = client, file, file.stat().st_size
        self.asked: dict[int, int] = {}
        self.answers: dict[int, bytes] = {}

    def _async_response(self, kind: int, message: Any, number: int) -> None:
        self.answers[self.asked.pop(number)] = message.get_string()

    def __iter__(self) -> Iterator[bytes]:
        from paramiko.sftp import CMD_READ, int64

        place = ahead = 0
        while place < self.end:
            while ahead < self.end and len(self.asked) + len(self.answers) < REQUESTS_AT_ONCE:
                size = min(REQUEST_BYTES, self.end - ahead)
                self.asked[self.client._async_request(self, CMD_READ, self.file.handle, int64(ahead), size)] = ahead
                ahead += size
            while place not in self.answers:
                self.client._read_response()
            yield (block := self.answers.pop(place))
            place += len(block)


def by_paramiko(facts: dict[str, Any], path: str, prefetch: bool = False, window: bool = False) -> Iterator[bytes]:
    import paramiko

    connection = socket.create_connection((facts["host"], facts["port"]))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else each request waits for the last one's acknowledgement
    transport = paramiko.Transport(connection)
    transport.connect(username=facts["user"], pkey=paramiko.RSAKey.from_private_key_file(facts["key_file"]))
    client = paramiko.SFTPClient.from_transport(transport)
    assert client
    file = client.open(path, "rb")
    if prefetch:
        file.prefetch()
    yield from Window(client, file) if window else iter(lambda: file.read(BLOCK_BYTES // 4), b"")
    transport.close()


def by_asyncssh(facts: dict[str, Any], path: str) -> Iterator[bytes]:
    import asyncssh

    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()

    async def opened() -> Any:
        key = {"username": facts["user"], "client_keys": [facts["key_file"]], "known_hosts": None}
        connection = await asyncssh.connect(facts["host"], facts["port"], **key)
        return await (await connection.start_sftp_client()).open(path, "rb", encoding=None)

    file = asyncio.run_coroutine_threadsafe(opened(), loop).result()
    while block := asyncio.run_coroutine_threadsafe(file.read(BLOCK_BYTES), loop).result():
        yield block


READERS: dict[str, Callable[[dict[str, Any], str], Iterator[bytes]]] = {
    "paramiko, reads one by one,": by_paramiko,
    "paramiko, prefetch,": lambda facts, path: by_paramiko(facts, path, prefetch=True),
    "paramiko, window,": lambda facts, path: by_paramiko(facts, path, window=True),
    "asyncssh,": by_asyncssh,
}


def rows(blocks: Iterator[bytes]) -> int:
    decoder, rest, count = codecs.getincrementaldecoder("utf-8")(), "", 0
    for block in blocks:
        *lines, rest = (rest + decoder.decode(block)).split("\n")
        count += len(lines)
    return count


def measure(facts: dict[str, Any], path: str, name: str) -> dict[str, Any]:
    began, cpu = time.perf_counter(), time.process_time()
    found = {"rows": rows(READERS[name](facts, path)), "seconds": round(time.perf_counter() - began, 2)}
    peak = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    return found | {"cpu_seconds": round(time.process_time() - cpu, 2), "peak_megabytes": int(peak) // 1024}


if __name__ == "__main__":
    print(json.dumps(measure(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2], sys.argv[3])), flush=True)
