"""One stack for each folder: two would read each other's ports, keys and files."""

import sys
from pathlib import Path
from typing import IO

from dev.commands.processes import DidNotStart

LOCK = "stack.lock"


def hold(directory: Path) -> IO[str]:
    """An open file that one process holds at a time. Close it to let go; a process that is killed
    lets go too.

    DidNotStart where another stack has the folder, also one that is only starting.
    """
    file = (directory / LOCK).open("a")
    try:
        lock(file)
    except OSError:
        file.close()
        raise DidNotStart(
            f"Another stack has the folder {directory}. Stop it, or wait until it has ended."
            " Or give another --directory, where the command has one."
        ) from None
    return file


if sys.platform == "win32":
    import msvcrt

    def lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
