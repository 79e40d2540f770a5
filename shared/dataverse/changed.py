"""Which rows of a table were changed since a moment, by the time that Dataverse keeps of each."""

from datetime import UTC, datetime
from urllib.parse import quote

from shared.dataverse.client import API, DataverseClient
from shared.dataverse.json_answers import values
from shared.http.understanding import understood
from shared.mapping import SourceTable


def changed_ids(
    client: DataverseClient, table: SourceTable, since: float, link: str = ""
) -> tuple[list[str], str]:
    """A page of ids, and the link of the next one, "" behind the last (Microsoft Learn: Page
    results using OData).

    `since`: seconds since 1970. The oldest change comes first, so a row that is changed meanwhile
    comes once more. BridgeError where the table keeps no such time.
    """
    route = f"changed rows of {table.logical_name}"
    url = client.saved(link) if link else address(client, table, since)
    answer = client.get(url, route, {"Prefer": f"odata.maxpagesize={client.page_size}"})
    with understood(f"GET {route}"):
        ids = [str(row[table.primary_id]).lower() for row in values(answer, route)]
    following = answer.get("@odata.nextLink")
    return ids, client.same_host(following) if following else ""


def address(client: DataverseClient, table: SourceTable, since: float) -> str:
    moment = f"{datetime.fromtimestamp(since, UTC):%Y-%m-%dT%H:%M:%SZ}"
    condition = quote(f"modifiedon ge {moment}")
    query = f"$select={table.primary_id}&$filter={condition}&$orderby=modifiedon"
    return f"{client.url}{API}{table.entity_set}?{query}"
