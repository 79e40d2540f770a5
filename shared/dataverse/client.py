"""The Dataverse Web API, as far as the bridge reads it: change tracking, rows by id, metadata, who
am I.

Sources: Microsoft Learn, "Use change tracking to synchronize data with external systems", "Page
results", "Query table definitions using the Web API", "Service protection API limits".
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import quote

from shared import exact_json
from shared.addresses import link_fault
from shared.calls import done, unanswered
from shared.dataverse import wire
from shared.dataverse.definitions import definition_paths
from shared.dataverse.json_answers import (
    body_object,
    error_code,
    error_message,
    is_expired,
    unrecognised,
    values,
)
from shared.dataverse.rights import Rights, named_privilege, privilege_to
from shared.errors import BridgeError, Misconfigured, Retryable, TokenExpired, recovery
from shared.http.links import same_host
from shared.http.tokens import TokenSource
from shared.http.transport import Oversized, Request, Response, Transport
from shared.http.understanding import understood, whole
from shared.identifiers import record_id
from shared.mapping import SourceTable

API = "/api/data/v9.2/"
IDS_PER_REQUEST = 400  # 400 ids of 39 characters stay well below the 32,768 characters of a URL
MOST_PAGES = 1000  # of one list that is read as a whole
ANOTHER_ORGANIZATION = (
    "Set DATAVERSE_URL back to the organization of before. Or read all of the new one: POST"
    ' /api/flows/<flow>/replay with {"what": "all"}.'
)
HEADERS = {
    "Accept": "application/json",
    "OData-Version": "4.0",
    "OData-MaxVersion": "4.0",
    "If-None-Match": "null",
}


class DataverseClient:
    """Verbs of the Web API; every failure is a BridgeError.

    Next and delta links are followed on the configured host only.
    """

    def __init__(
        self, url: str, tokens: TokenSource, transport: Transport, page_size: int = 5000
    ) -> None:
        self.url, self.tokens, self.transport, self.page_size = url, tokens, transport, page_size
        self.rights = Rights(self.privileges)
        self.organization = ""

    def tracked(
        self, table: SourceTable, columns: Sequence[str], link: str = ""
    ) -> tuple[list[dict[str, Any]], str, bool]:
        """One page of a tracked read: items, the link to follow, whether that is the delta link.

        Without a link every row is read, as new. TokenExpired when only a new full read can help.
        """
        url = (
            self.saved(link)
            if link
            else f"{self.url}{API}{table.entity_set}?$select={','.join(columns)}"
        )
        prefer = f"odata.track-changes,odata.maxpagesize={self.page_size}"
        route = f"changes of {table.logical_name}"
        answer = self.get(url, route, {"Prefer": prefer}, expiring=bool(link))
        items = values(answer, route)
        if answer.get("@odata.nextLink"):
            return items, self.same_host(answer["@odata.nextLink"]), False
        if not answer.get("@odata.deltaLink"):
            raise Retryable(
                f"Dataverse ended the read of {table.logical_name} without a delta link; the page"
                " is read again."
            )
        return items, self.same_host(answer["@odata.deltaLink"]), True

    def rows(
        self,
        table: SourceTable,
        columns: Sequence[str],
        ids: Iterable[str],
        lookup_tables: bool = False,
    ) -> list[dict[str, Any]]:
        """The rows that exist of these ids, in no order; IDS_PER_REQUEST ids go into one request.

        `lookup_tables`: each lookup comes with its table (Microsoft Learn: Lookup properties).
        """
        prefer = (
            {"Prefer": f'odata.include-annotations="{wire.LOOKUP_TABLE}"'} if lookup_tables else {}
        )
        found: list[dict[str, Any]] = []
        wanted = [
            item for item in map(record_id, ids) if item
        ]  # nothing else is the id of a row, nor belongs into a URL
        for start in range(0, len(wanted), IDS_PER_REQUEST):
            listed = ",".join(f'"{item}"' for item in wanted[start : start + IDS_PER_REQUEST])
            names = f"PropertyName='{table.primary_id}',PropertyValues=[{listed}]"
            condition = quote(f"Microsoft.Dynamics.CRM.In({names})")
            query = f"$select={','.join(columns)}&$filter={condition}"
            url = f"{self.url}{API}{table.entity_set}?{query}"
            found += self.listed(url, f"rows of {table.logical_name}", prefer)
        asked = set(wanted)
        if any(
            str(row.get(table.primary_id)).lower() not in asked
            or any(name not in row for name in columns)
            for row in found
        ):
            raise unrecognised(f"rows of {table.logical_name}")
        if len(found) < len(wanted):
            self.rights.check_reads_all(
                privilege_to("Read", table), f"rows of {table.logical_name}"
            )
        return found

    def existing(self, table: SourceTable, ids: Iterable[str]) -> set[str]:
        """Those of the ids that the table still holds."""
        return {row[table.primary_id].lower() for row in self.rows(table, [table.primary_id], ids)}

    def update(
        self,
        table: SourceTable,
        record_id: str,
        values: Mapping[str, Any],
        etag: str,
        columns: Sequence[str],
    ) -> dict[str, Any]:
        """Writes the values if the row still has this etag. Returns the columns after the write.

        Rejected `changed_meanwhile` if it has another one, `not_found` if it is gone (Microsoft
        Learn: Perform conditional operations).
        """
        url = (
            f"{self.url}{API}{table.entity_set}({wire.guid(record_id)})?$select={','.join(columns)}"
        )
        if not etag.isascii() or not etag.isprintable():
            raise unrecognised(f"row of {table.logical_name}")
        headers = {
            "If-Match": etag,
            "Prefer": "return=representation",
            "Content-Type": "application/json",
        }
        route = f"row of {table.logical_name}"
        response = self.ask("PATCH", url, route, headers, exact_json.written(values))
        if response.status not in (200, 204):
            error = self.refusal(response, f"PATCH {route}", privilege_to("Write", table))
            if isinstance(error, Retryable):
                unanswered()
            raise error
        done()
        # Without its representation the row is read: the write was done, and nothing tells what
        # became of it.
        found = (
            [body_object(response, f"PATCH {route}")]
            if response.status == 200
            else self.rows(table, columns, [record_id])
        )
        if row := wire.whole_row(found, table.primary_id, record_id, columns):
            return row
        raise Retryable(
            f"Dataverse's answer to PATCH {route} is not the row; it is looked at again.",
            uncertain=True,
        )

    def table(self, logical_name: str) -> SourceTable:
        """The table's definition, past the cache: lengths, labels and targets of its columns."""
        path, detail_paths = definition_paths(logical_name)
        definition = self.metadata(path, logical_name)
        details = [item for path in detail_paths for item in self.metadata_list(path, logical_name)]
        with understood(f"GET definition of table {logical_name}"):
            return wire.table(definition, details, cache(self.base_language))

    def base_language(self) -> int:
        """The organization's own language, as an LCID such as 1033."""
        rows = self.listed(f"{self.url}{API}organizations?$select=languagecode", "organization")
        with understood("GET organization"):
            return whole(rows[0]["languagecode"]) if rows else 0

    def metadata(self, path: str, table: str) -> dict[str, Any]:
        return self.get(
            f"{self.url}{API}{path}", f"definition of table {table}", {"Consistency": "Strong"}
        )

    def metadata_list(self, path: str, table: str) -> list[dict[str, Any]]:
        return self.listed(
            f"{self.url}{API}{path}", f"definition of table {table}", {"Consistency": "Strong"}
        )

    @property
    def clock_ahead_seconds(self) -> float | None:
        return self.transport.clock_ahead_seconds

    def who_am_i(self) -> str:
        """The caller's systemuserid."""
        user_id = record_id(self.get(f"{self.url}{API}WhoAmI", "WhoAmI").get("UserId"))
        if not user_id:
            raise unrecognised("WhoAmI")
        return user_id

    def organization_id(self) -> str:
        """The organization's id (Microsoft Learn: WhoAmI function); asked for once."""
        if not self.organization:
            self.organization = record_id(
                self.get(f"{self.url}{API}WhoAmI", "WhoAmI").get("OrganizationId")
            )
        return self.organization

    def privileges(self) -> dict[str, str]:
        """Depths of the caller's privileges, by name and by id in lower case (Microsoft Learn:
        RetrieveUserPrivileges).
        """
        route = "the application user's privileges"
        action = f"systemusers({self.who_am_i()})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges"
        entries = self.get(f"{self.url}{API}{action}", route).get("RolePrivileges")
        if not isinstance(entries, list) or not all(isinstance(item, dict) for item in entries):
            raise unrecognised(route)
        names = ("PrivilegeName", "PrivilegeId")
        with understood(f"GET {route}"):
            return {
                str(item.get(name, "")).lower(): str(item.get("Depth", ""))
                for item in entries
                for name in names
            }

    def change_window_days(self) -> int:
        """How long the organization keeps change-tracking data."""
        rows = self.listed(
            f"{self.url}{API}organizations?$select=expirechangetrackingindays", "organization"
        )
        with understood("GET organization"):
            return whole(rows[0]["expirechangetrackingindays"]) if rows else 7

    def get(
        self, url: str, route: str, headers: Mapping[str, str] | None = None, expiring: bool = False
    ) -> dict[str, Any]:
        """The object that answers; an error in an answer with status 200 is an error."""
        try:
            response = self.ask("GET", url, route, headers or {})
        except Oversized as error:
            raise Misconfigured(
                "DATAVERSE_PAGE_SIZE", f"{error} Lower DATAVERSE_PAGE_SIZE, or map fewer columns."
            ) from None
        if response.status == 200 and "error" not in (
            answer := body_object(response, f"GET {route}")
        ):
            return answer
        raise self.failure(response, route, expiring)

    def listed(
        self, url: str, route: str, headers: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """All rows of a list, for every next link is followed."""
        return [row for page in self.pages(url, route, headers) for row in page]

    def pages(
        self, url: str, route: str, headers: Mapping[str, str] | None
    ) -> Iterator[list[dict[str, Any]]]:
        """Retryable for a list that does not come to its end (Microsoft Learn: Page results)."""
        seen: set[str] = set()
        while url not in seen and len(seen) < MOST_PAGES:
            seen.add(url)
            answer = self.get(url, route, headers)
            yield values(answer, route)
            if not answer.get("@odata.nextLink"):
                return
            url = self.same_host(answer["@odata.nextLink"])
        raise Retryable(f"Dataverse's list of {route} does not end; it is read again.")

    def ask(
        self,
        method: str,
        url: str,
        route: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
    ) -> Response:
        """The answer, whatever its status.

        A call may be made twice: writes name their ids, or are conditional.
        """
        token = self.tokens.token()
        response = self.authorized(method, url, route, headers, body, token)
        # One refresh: a token may have been revoked or have ended early; a second 401 is a right
        # that is missing.
        if response.status == 401:
            response = self.authorized(
                method, url, route, headers, body, self.tokens.token(refused=token)
            )
        return response

    def authorized(
        self,
        method: str,
        url: str,
        route: str,
        headers: Mapping[str, str],
        body: bytes | None,
        token: str,
    ) -> Response:
        bearer = {"Authorization": f"Bearer {token}"}
        return self.transport.send(
            Request(
                method,
                url,
                f"{method} {route}",
                {**HEADERS, **headers, **bearer},
                body,
                is_write=method != "GET",
            )
        )

    def failure(self, response: Response, route: str, expiring: bool) -> Exception:
        code = error_code(response)
        if expiring and is_expired(response, code):
            return TokenExpired()
        system = "dataverse position" if expiring else "dataverse"
        error = recovery(system, response.status, code, f"GET {route}")
        return named_privilege(error, response.status, error_message(response), f"GET {route}")

    def refusal(self, response: Response, what: str, privilege: str = "") -> BridgeError:
        """What a refused write means. `privilege`: the one it takes, if the answer names none."""
        error = recovery("dataverse write", response.status, error_code(response), what)
        return self.rights.with_privilege(
            error, response.status, error_message(response), what, privilege
        )

    def same_host(self, link: object) -> str:
        """The link, if it leads to the configured organization."""
        return same_host(link, f"{self.url}/api/data", "Dataverse", "DATAVERSE_URL")

    def saved(self, link: str) -> str:
        """The link of an earlier read, if it leads to the organization that is configured now."""
        if fault := link_fault(link, f"{self.url}/api/data"):
            raise Misconfigured(
                "DATAVERSE_URL", f"The saved position of the read {fault}. {ANOTHER_ORGANIZATION}"
            )
        return link
