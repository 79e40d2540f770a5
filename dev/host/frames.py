"""Values between the host and its worker process: pickled, each after its length.

Both ends are ours and of one version.
"""

import asyncio
import pickle
import struct
from typing import Any, BinaryIO

LENGTH = struct.Struct(">I")


def packed(value: Any) -> bytes:
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


def read(stream: BinaryIO) -> Any:
    """The next value; raises EOFError when the other end has closed or is gone."""
    (length,) = LENGTH.unpack(_exactly(stream, LENGTH.size))
    return pickle.loads(_exactly(stream, length))


def _exactly(stream: BinaryIO, count: int) -> bytes:
    data = stream.read(count)
    if len(data) < count:
        raise EOFError
    return data


async def receive(stream: asyncio.StreamReader) -> Any:
    """As `read`; raises asyncio.IncompleteReadError when the other end is gone."""
    (length,) = LENGTH.unpack(await stream.readexactly(LENGTH.size))
    return pickle.loads(await stream.readexactly(length))
