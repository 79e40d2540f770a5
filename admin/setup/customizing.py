"""What only a set-up does to Dataverse: solutions, tables, columns, publishing.

Reads go through the bridge's own client.

Source: Microsoft Learn, "Create and update table definitions using the Web API", "Use optional
parameters" (MSCRM.SolutionUniqueName), "PublishXml".
"""

import json
from typing import Any
from urllib.parse import quote

from admin.setup.definitions import SOLUTION, Body, Column, Table
from shared.dataverse.client import API, HEADERS, DataverseClient
from shared.http.transport import Request, Response


class Refused(Exception):
    """Dataverse did not do it; the sentence holds its own words, which name tables and columns
    only.
    """


class Customizing:
    """One call at a time: schema changes that run side by side refuse each other."""

    def __init__(self, client: DataverseClient) -> None:
        self.client = client

    def row(self, entity_set: str, condition: str, columns: str) -> dict[str, Any] | None:
        """The oldest row that meets the condition."""
        query = f"$select={columns}&$filter={quote(condition)}&$orderby=createdon&$top=1"
        rows = self.client.listed(f"{self.client.url}{API}{entity_set}?{query}", entity_set)
        return rows[0] if rows else None

    def tables(self, names: list[str]) -> dict[str, bool]:
        """Those of the tables that exist, and whether each is an activity."""
        condition = quote(" or ".join(f"LogicalName eq '{name}'" for name in names))
        found = self.client.metadata_list(
            f"EntityDefinitions?$select=LogicalName,IsActivity&$filter={condition}", "list"
        )
        return {table["LogicalName"]: bool(table["IsActivity"]) for table in found}

    def create_publisher(self, body: Body) -> str:
        return self.created(self.post("publishers", f"publisher {body['uniquename']}", body))

    def create_solution(self, publisher_id: str) -> None:
        names = {
            "uniquename": SOLUTION,
            "friendlyname": "Adobe Campaign Bridge",
            "version": "1.0.0.0",
        }
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
        return self.write(
            "POST", path, what, body, {"MSCRM.SolutionUniqueName": solution} if solution else {}
        )

    def replace_table(self, name: str, definition: Body) -> None:
        """Writes a whole definition back; labels in other languages stay (Update a table
        definition: MSCRM.MergeLabels).
        """
        path = f"EntityDefinitions({definition['MetadataId']})"
        self.write("PUT", path, f"table {name}", definition, {"MSCRM.MergeLabels": "true"})

    def change(self, path: str, what: str, body: Body) -> None:
        """Changes a row that is there; never makes one."""
        self.write("PATCH", path, what, body, {"If-Match": "*"})

    def delete(self, path: str, what: str) -> None:
        """A row that is gone is as good as deleted."""
        self.write("DELETE", path, what, None, {}, gone=True)

    def rows(self, entity_set: str, columns: str, condition: str = "") -> list[dict[str, Any]]:
        chosen = f"&$filter={quote(condition)}" if condition else ""
        return self.client.listed(
            f"{self.client.url}{API}{entity_set}?$select={columns}{chosen}", entity_set
        )

    def write(
        self,
        method: str,
        path: str,
        what: str,
        body: Body | None,
        headers: Body,
        gone: bool = False,
    ) -> Response:
        """The answer to a write that Dataverse carried out; Refused for any other."""
        token = self.client.tokens.token()
        response = self.send(method, path, what, body, headers, token)
        if response.status == 401:
            response = self.send(
                method, path, what, body, headers, self.client.tokens.token(refused=token)
            )
        if response.status in (200, 201, 204) or (gone and response.status == 404):
            return response
        raise Refused(f"Dataverse refused {what} (status {response.status}): {words(response)}")

    def send(
        self, method: str, path: str, what: str, body: Body | None, headers: Body, token: str
    ) -> Response:
        sent = {**HEADERS, "Authorization": f"Bearer {token}", **headers}
        content = None
        if body is not None:
            sent["Content-Type"], content = "application/json", json.dumps(body).encode()
        route = f"{method} {what}"
        return self.client.transport.send(
            Request(
                method,
                f"{self.client.url}{API}{path}",
                route,
                sent,
                content,
                repeatable=method != "POST",
            )
        )


def words(response: Response) -> str:
    try:
        error = json.loads(response.body)["error"]
        return f"{error['code']} {error['message']}"
    except (ValueError, KeyError, TypeError):
        return "without a reason."
