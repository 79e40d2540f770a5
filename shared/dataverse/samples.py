"""What people are shown of an organization while they work on a mapping: its tables, some rows."""

from collections.abc import Sequence
from typing import Any

from shared.dataverse import wire
from shared.dataverse.client import API, DataverseClient
from shared.dataverse.definitions import TRACKED_TABLES
from shared.dataverse.json_answers import unrecognised, values
from shared.http.understanding import named, understood
from shared.mapping import SourceTable


def sample_rows(
    client: DataverseClient, table: SourceTable, columns: Sequence[str], most: int
) -> list[dict[str, Any]]:
    """A few rows with these columns, those that were changed last where the table tells that.

    Each lookup comes with its table (Microsoft Learn: Lookup properties).
    """
    order = "&$orderby=modifiedon%20desc" if "modifiedon" in table.columns else ""
    query = f"$select={','.join(columns)}&$top={most}{order}"
    route = f"rows of {table.logical_name}"
    prefer = {"Prefer": f'odata.include-annotations="{wire.LOOKUP_TABLE}"'}
    found = values(client.get(f"{client.url}{API}{table.entity_set}?{query}", route, prefer), route)
    if any(name not in row for row in found for name in columns):
        raise unrecognised(route)
    return found[:most]


def tracked_tables(client: DataverseClient) -> dict[str, str]:
    """The tables whose changes are tracked, each with what people call it."""
    url = f"{client.url}{API}{TRACKED_TABLES}".replace(" ", "%20")
    found = client.listed(url, "list of tables")
    with understood("GET list of tables"):
        return {
            named(one["LogicalName"]): wire.shown_label(one.get("DisplayName")) for one in found
        }
