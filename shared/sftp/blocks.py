"""A file's bytes on their way: blocks as the server sends them, then END.

Where END does not come the file was not read to its end.
"""

from collections.abc import Generator
from typing import Final


class End:
    """Says that all was read."""


END: Final = End()
Blocks = Generator[bytes | End]
