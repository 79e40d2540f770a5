"""Campaign Standard's REST API, as far as the bridge writes it.

Records are addressed by business key, never by PKey.

Sources: Adobe Campaign Standard documentation, "API must-read", "Supported HTTP verbs",
"Filtering", "Metadata mechanism".
"""

import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared import exact_json
from shared.calls import called, counting, done, unanswered
from shared.campaign import wire
from shared.campaign.answers import (
    body_object,
    may_be_done,
    object_in,
    unrecognised,
    unrecognised_write,
)
from shared.errors import Refusal, Rejected, Retryable, recovery
from shared.http.links import same_host
from shared.http.tokens import TokenSource
from shared.http.transport import Request, Response, Transport
from shared.http.understanding import understood
from shared.mapping import TargetResource
from shared.records import Outcome, WriteResult

MOST_PAGES = 100  # of one list that is read as a whole


@dataclass(frozen=True, slots=True)
class Address:
    """Where records of one resource are: `lookup` is "uri" (key in URL) or "filter" (published
    filter, then its href).
    """

    api: str
    resource: str
    key_field: str
    lookup: str = "uri"
    filter: str = ""
    parameter: str = ""

    @property
    def path(self) -> str:
        return f"{self.api}/{self.resource}"


class Hrefs:
    """Where records that must be looked up have been found: in this process only, bounded, never
    stored (Adobe: API must-read).

    An href holds a PKey, which is void in another deployment; one that is void is forgotten and
    looked up again.
    """

    def __init__(self, most: int = 100_000) -> None:
        self.most, self.lock = most, threading.Lock()
        self.places: OrderedDict[tuple[str, str], str] = OrderedDict()

    def known(self, address: Address, key: str) -> str:
        with self.lock:
            return self.places.get((address.path, key), "")

    def learn(self, address: Address, key: str, href: str) -> str:
        with self.lock:
            self.places[address.path, key] = href
            if len(self.places) > self.most:
                self.places.popitem(last=False)
        return href

    def forget(self, address: Address, key: str) -> None:
        with self.lock:
            self.places.pop((address.path, key), None)


class CampaignClient:
    """Verbs of the API.

    Every failure is a BridgeError; a missing record is `not_found`, a taken key `duplicate_key`.

    Each call is counted by its verb (shared/calls.py), those of metadata apart.
    """

    def __init__(self, url: str, api_key: str, tokens: TokenSource, transport: Transport) -> None:
        self.url, self.api_key, self.tokens, self.transport = url, api_key, tokens, transport
        self.hrefs = Hrefs()

    def save(
        self,
        address: Address,
        key: str,
        record: Mapping[str, Any],
        update: Mapping[str, Any],
        known: bool | None,
    ) -> WriteResult:
        """Creates or updates the record with this key.

        `known`: it is there (True), was never written (False), or may be (None).

        One call where `known` is right; else what the answer teaches: PATCH by key, on 404 POST, on
        a taken key PATCH again.
        `record` is sent by a creation alone: whoever made a record that is there, what it holds
        besides `update` is Campaign's.
        """
        update = update or {address.key_field: key}  # nothing to change, but is it there?
        if known is not False and self.patched(address, key, update):
            return WriteResult(Outcome.UPDATED)
        try:
            return self.create(address, record)
        except Rejected as refusal:
            if refusal.reason != "duplicate_key":
                raise
            if not self.patched(address, key, update):
                raise hidden(address, refusal) from None
            return WriteResult(Outcome.UPDATED)

    def patched(self, address: Address, key: str, record: Mapping[str, Any]) -> bool:
        """Updates the record; False if there is none with this key."""
        return self.done("PATCH", address, key, record)

    def done(
        self, verb: str, address: Address, key: str, record: Mapping[str, Any] | None = None
    ) -> bool:
        """Does it to the record with this key; False if there is none.

        A known href that is void is looked up once more.
        """
        while True:
            known = self.hrefs.known(address, key)
            try:
                url, route = known or self.place(address, key), f"{address.resource}/{{key}}"
                if not wire.is_success(
                    verb, self.call(verb, url, route, record), address.key_field, key
                ):
                    raise unrecognised_write(f"{verb} {route}")
                done()
                return True
            except Rejected as refusal:
                if refusal.reason != "not_found":
                    raise
                self.hrefs.forget(address, key)
                if not known:
                    return False

    def read(self, address: Address, key: str) -> dict[str, Any] | None:
        """The record with this key as it is now; None if there is none."""
        known = self.hrefs.known(address, key)
        try:
            place, route = known or self.place(address, key), f"{address.resource}/{{key}}"
            found = body_object(self.call("GET", place, route), f"GET {route}")
        except Rejected as refusal:
            if refusal.reason != "not_found":
                raise
            self.hrefs.forget(address, key)
            return self.read(address, key) if known else None
        if str(found.get(address.key_field)).lower() != key.lower():
            raise unrecognised(f"GET {address.resource}/{{key}}")
        return found

    def page(self, address: Address, link: str) -> tuple[list[dict[str, Any]], str]:
        """One page of a list, and the link to the next, "" at the end.

        `link` begins at the resource, or is one that was given
        (Adobe Campaign Standard documentation: Pagination).
        """
        url = link if link.startswith("http") else f"{self.url}/{address.path}{link}"
        route = f"{address.resource} list"
        answer = body_object(self.call("GET", self.same_host(url), route), f"GET {route}")
        rows, more = answer.get("content"), answer.get("next") or {}
        if (
            not isinstance(rows, list)
            or not all(isinstance(row, dict) for row in rows)
            or not isinstance(more, dict)
        ):
            raise unrecognised(f"GET {route}")
        following = more.get("href")
        return rows, self.same_host(following) if following else ""

    @property
    def clock_ahead_seconds(self) -> float | None:
        return self.transport.clock_ahead_seconds

    def create(self, address: Address, record: Mapping[str, Any]) -> WriteResult:
        """The result has the API's answer, which is the record.

        Raises Retryable with `uncertain` set where the record may have been created without an
            answer.
        """
        response = self.call("POST", f"{self.url}/{address.path}", address.resource, record)
        made = object_in(response)
        if made is None or not wire.is_record(
            made, address.key_field, str(record[address.key_field])
        ):
            raise unrecognised_write(f"POST {address.resource}")
        done()
        if address.lookup == "filter" and made.get("href"):
            self.hrefs.learn(address, str(record[address.key_field]), self.same_host(made["href"]))
        return WriteResult(Outcome.CREATED, answer=response.body)

    def delete(self, address: Address, key: str) -> WriteResult:
        """Deletes the record; one that is not there is as good as deleted."""
        self.done("DELETE", address, key)
        self.hrefs.forget(address, key)
        return WriteResult(Outcome.DELETED)

    def place(self, address: Address, key: str) -> str:
        """The record's URL: its key, or the href that the published filter gives for it."""
        if address.lookup == "uri":
            return f"{self.url}/{address.path}/{wire.key_in_url(key)}"
        link = f"/{address.filter}?{address.parameter}={wire.key_in_url(key)}"
        for row in self.rows(address, link):
            if str(row.get(address.key_field)) == key and row.get("href"):
                return self.hrefs.learn(address, key, self.same_host(row["href"]))
        raise recovery(
            "campaign", 404, "Unable to find document", f"GET {address.resource}/{address.filter}"
        )

    def rows(self, address: Address, link: str) -> Iterator[dict[str, Any]]:
        """All rows of a list, page by page: only its end shows that a record is not there."""
        seen: set[str] = set()
        while link not in seen and len(seen) < MOST_PAGES:
            seen.add(link)
            rows, following = self.page(address, link)
            yield from rows
            if not following:
                return
            link = following
        raise Retryable(f"Campaign's list of {address.resource} does not end; it is read again.")

    def resource(self, api: str, name: str) -> TargetResource:
        """The resource's fields and filters.

        Unlinked custom resources have their metadata under `resourceType` too.
        """
        route = f"metadata of {name}"
        with counting():  # by itself: no record costs it
            answer = body_object(
                self.call("GET", f"{self.url}/{api}/resourceType/{name}", route), route
            )
            with understood(route):
                return wire.resource(name, answer, self.filters(name, answer))

    def resources(self, api: str) -> dict[str, str]:
        """The resources of an API by their names, each with what people call it.

        Source: Adobe Campaign Standard documentation, "Metadata mechanism".
        """
        route = f"list of {api}"
        with counting():
            answer = body_object(self.call("GET", f"{self.url}/{api}/", route), route)
        return {
            name: str(one.get("label") or one.get("help") or "")
            for name, one in sorted(answer.items())
            if isinstance(one, dict) and one.get("data")
        }

    def filters(
        self, name: str, metadata: Mapping[str, Any]
    ) -> Mapping[str, tuple[str, ...]] | None:
        """The published filters with their parameters; None where the metadata leads to no list of
        them.
        """
        href = (metadata.get("filters") or {}).get("href")
        if not href:
            return None
        try:
            route = f"filters of {name}"
            return wire.filters(body_object(self.call("GET", self.same_host(href), route), route))
        except Rejected:
            return None

    def same_host(self, href: object) -> str:
        """The href, if it leads to the configured host."""
        return same_host(href, self.url, "Campaign", "CAMPAIGN_URL")

    def call(
        self,
        verb: str,
        url: str,
        route: str,
        record: Mapping[str, Any] | None = None,
        fields: Sequence[str] = (),
    ) -> Response:
        body = None if record is None else exact_json.written(record)
        called(verb)
        token = self.tokens.token()
        response = self.authorized(verb, url, route, body, token)
        # One refresh: a token may have been revoked; a second 401 is a credential that is wrong.
        if response.status == 401:
            called(verb)
            response = self.authorized(verb, url, route, body, self.tokens.token(refused=token))
        status = 500 if wire.is_error(response) else response.status
        if status in (200, 201, 204):
            return response
        text = wire.error_text(response)
        error = recovery("campaign", status, text, f"{verb} {route}", fields or names(record))
        if verb != "GET" and may_be_done(error, status, text):
            unanswered()
            if isinstance(error, Retryable):
                error.uncertain = True
        raise error

    def authorized(
        self, verb: str, url: str, route: str, body: bytes | None, token: str
    ) -> Response:
        headers = {
            "Authorization": f"Bearer {token}",
            "X-Api-Key": self.api_key,
            "Cache-Control": "no-cache",
        }
        if body is not None:
            headers["Content-Type"] = "application/json;charset=utf-8"
        return self.transport.send(
            Request(
                verb,
                url,
                f"{verb} {route}",
                headers,
                body,
                repeatable=verb != "POST",
                is_write=verb != "GET",
            )
        )


def hidden(address: Address, refusal: Rejected) -> Rejected:
    """The key is taken, and no record with this key is shown."""
    advice = (
        f"The API shows no {address.resource} with this key: an organizational unit or a missing"
        " link hides it, or another of its keys is taken. Give the API's product profile the unit"
        " All, or correct the record."
    )
    return Rejected(Refusal(refusal.field, refusal.reason, f"{refusal} {advice}"))


def names(record: Mapping[str, Any] | None) -> list[str]:
    """The record's field names, dotted where nested: an error may name them."""
    listed: list[str] = []
    for name, value in (record or {}).items():
        listed += [f"{name}.{inner}" for inner in value] if isinstance(value, dict) else [name]
    return listed
