"""The condition of a write (Microsoft Learn, "Managing concurrency in the Table service")."""

from typing import Any

from azure.core import MatchConditions


def unchanged(etag: str) -> dict[str, Any]:
    """That nobody has written the row, or the blob, since it was read."""
    return {"etag": etag, "match_condition": MatchConditions.IfNotModified}
