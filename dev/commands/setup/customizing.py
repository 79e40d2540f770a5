"""What only a set-up does to Dataverse: solutions, tables, columns, publishing. Reads go through the bridge's own client.

Source: Microsoft Learn, "Create and update table definitions using the Web API", "Use optional parameters"
(MSCRM.SolutionUniqueName), "PublishXml".
"""

import json
from typing import Any
from urllib.parse import quote

from dev.commands.setup.definitions import SOLUTION, Body, Column, Table
from shared.dataverse.client import API, HEADERS, DataverseClient
from shared.transport import Request, Response


class Refused(Exception):
    """Dataverse did not do it; the sentence holds its own words, which name tables and columns only."""


class Customizing:
    """One call at a time: schema changes that run side by side refuse each other."""

    def __init__(self, client: DataverseClient) -> None:
        self.client = client

    def row(self, entity_set: str, condition: str, columns: str) -> dict[str, Any] | None:
        """The oldest row that meets the condition."""
        query = f"$select={columns}&$filter={quote(condition)}&$orderby=createdon&$top=1"
        rows = self.client.get(f"{self.client.url}{API}{entity_set}?{query}", entity_set)["value"]
        return rows[0] if rows else None

    def tables(self, names: list[str]) -> dict[str, bool]:
        """Those of the tables that exist, and whether each is an activity."""
        condition = quote(" or ".join(f"LogicalName eq '{name}'" for name in names))
        found = self.client.metadata(f"EntityDefinitions?$select=LogicalName,IsActivity&$filter={condition}", "list")["value"]
        return {table["LogicalName"]: bool(table["IsActivity"]) for table in found}

    def create_publisher(self, body: Body) -> str:
        return self.created(self.post("publishers", f"publisher {body['uniquename']}", body))

    def create_solution(self, publisher_id: str) -> None:
        names = {"uniquename": SOLUTION, "friendlyname": "Adobe Campaign Bridge", "version": "1.0.0.0"}
        bound = {"publisherid@odata.bind": f"/publishers({publisher_id})"}
        self.post("solutions", f"solution {SOLUTION}", {**names, **bound})

    def create_table(self, table: Table) -> None:
        self.post("EntityDefinitions", f"table {table.name}", table.body(), SOLUTION)

    def create_column(self, table: Table, column: Column) -> None:
        path = f"EntityDefinitions(LogicalName='{table.name}')/Attributes"
        self.post(path, f"column {table.name}.{column.name}", column.body(), SOLUTION)

    def publish(self, order: Body) -> None:
        self.post("PublishXml", "the publication", order)

    def created(self, response: Response) -> str:
        return response.headers["odata-entityid"].rpartition("(")[2].rstrip(")")

    def post(self, path: str, what: str, body: Body, solution: str = "") -> Response:
        """The answer to a POST that Dataverse carried out; Refused for any other."""
        token = self.client.tokens.token()
        response = self.send(path, what, body, solution, token)
        if response.status == 401:
            response = self.send(path, what, body, solution, self.client.tokens.token(refused=token))
        if response.status not in (200, 201, 204):
            raise Refused(f"Dataverse refused {what} (status {response.status}): {words(response)}")
        return response

    def send(self, path: str, what: str, body: Body, solution: str, token: str) -> Response:
        headers = {**HEADERS, "Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        if solution:
            headers["MSCRM.SolutionUniqueName"] = solution
        request = Request(
            "POST", f"{self.client.url}{API}{path}", f"POST {what}", headers, json.dumps(body).encode(), repeatable=False
        )
        return self.client.transport.send(request)


def words(response: Response) -> str:
    try:
        error = json.loads(response.body)["error"]
        return f"{error['code']} {error['message']}"
    except (ValueError, KeyError, TypeError):
        return "without a reason."
