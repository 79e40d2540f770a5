"""What a row has of the properties that were asked for.

Of one that the row lacks, such as a row of an earlier version, the table service gives null, and
the SDK None; Azurite leaves it out. Source: GitHub, Azure/Azurite issue 2535.
"""

from collections.abc import Mapping
from typing import Any


def known(entity: Mapping[str, Any]) -> dict[str, Any]:
    """The properties that the row has: no property of a table is ever null."""
    return {name: value for name, value in entity.items() if value is not None}
