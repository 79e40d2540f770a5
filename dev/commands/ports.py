"""A port that the first host will have: the console must be told its address before it starts."""

import random
import socket
from contextlib import suppress

PORTS = range(20_000, 30_000)
"""Where no connection of this machine begins: the system's own lie above 32,768."""


def free_port() -> int:
    while True:
        port = random.choice(PORTS)
        with socket.socket() as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
