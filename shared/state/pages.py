"""Pages of a table query.

The service may answer an empty page with a continuation token, which is not the end.
"""

from collections.abc import Iterable
from typing import Any


def filled(pages: Iterable[Iterable[Any]]) -> list[Any]:
    """The first page with rows; [] only where the query has come to its end.

    Source: Microsoft Learn, "Query timeout and pagination".
    """
    return next((rows for rows in map(list, pages) if rows), [])
