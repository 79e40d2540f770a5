"""About how many rows a table has."""

from urllib.parse import quote

from shared.dataverse.client import API, DataverseClient
from shared.http.understanding import understood, whole


def about_rows(client: DataverseClient, logical_name: str) -> int:
    """As of the last 24 hours. Source: Microsoft Learn, "RetrieveTotalRecordCount function"."""
    route = f"count of {logical_name}"
    names = quote(f"['{logical_name}']")
    found = client.get(f"{client.url}{API}RetrieveTotalRecordCount(EntityNames={names})", route)
    with understood(f"GET {route}"):
        return whole(found["EntityRecordCountCollection"]["Values"][0])
