"""The journal of Adobe I/O Events as a source: pages behind a position, at least once, in no order
that is promised.

Source: Adobe I/O Events documentation, "Journaling API". Positions are kept seven days; a journal
whose position has expired is read from its oldest event on, and what was lost in between comes by
the exported files.
"""

import re
from collections.abc import Callable
from hashlib import blake2b
from urllib.parse import urljoin

from shared import exact_json
from shared.addresses import link_fault
from shared.errors import Misconfigured, Retryable, TokenExpired, recovery
from shared.events.documents import EventsDocument
from shared.events.logs import JournalReader, change_of
from shared.http.links import same_host
from shared.http.tokens import TokenSource
from shared.http.transport import Request, Response, Transport
from shared.records import Change, Page
from shared.sftp.faults import ParseError, unreadable

NEXT = re.compile(r'<([^<>]+)>\s*;\s*rel="?next"?')
LONGEST_POSITION = 200
POSITION = re.compile(rf"[\w.:=+-]{{1,{LONGEST_POSITION}}}", re.ASCII)
EXPIRED, EVENTS_PER_PAGE = 410, 1000


class Journal:
    """Reads the journal at `url` with the rights of Campaign's credential."""

    def __init__(
        self,
        url: str,
        api_key: str,
        organization: str,
        tokens: TokenSource,
        transport: Transport,
        now: Callable[[], float],
    ) -> None:
        self.url, self.api_key, self.organization = url, api_key, organization
        self.tokens, self.transport, self.now = tokens, transport, now

    def page(self, link: str, document: EventsDocument) -> Page:
        """The next events; complete when there are none for now.

        TokenExpired when the position is no longer kept.
        """
        response = self.ask(self.saved(link) if link else f"{self.url}?limit={EVENTS_PER_PAGE}")
        following = self.following(response) or link
        if response.status == 204:
            return Page((), following, complete=True)
        reader, events = JournalReader(document), events_of(response)
        changes = [self.change(reader, item) for item in events]
        return Page(tuple(change for change in changes if change), following, complete=not events)

    def probe(self) -> None:
        self.ask(f"{self.url}?latest=true")

    def change(self, reader: JournalReader, item: dict[str, object]) -> Change | None:
        try:
            row = reader.read(item.get("event"))
            return change_of(row, self.now()) if row else None
        except ParseError as error:
            place = position_of(item)
            sentence = f"The journal's event at position {place} {error.sentence}."
            return unreadable(
                f"journal:{place}", ParseError(error.rule, error.field, sentence), self.now()
            )

    def ask(self, url: str) -> Response:
        token = self.tokens.token()
        response = self.authorized(url, token)
        if response.status == 401:
            response = self.authorized(url, self.tokens.token(refused=token))
        if response.status in (200, 204):
            return response
        if response.status == EXPIRED:
            raise TokenExpired()
        raise recovery("journal", response.status, "", "GET the journal")

    def authorized(self, url: str, token: str) -> Response:
        headers = {
            "Authorization": f"Bearer {token}",
            "x-api-key": self.api_key,
            "x-ims-org-id": self.organization,
        }
        return self.transport.send(Request("GET", url, "GET the journal", headers))

    def following(self, response: Response) -> str:
        """The next link, which is relative to the host; a token must go nowhere else."""
        found = NEXT.search(response.headers.get("link", ""))
        if not found:
            return ""
        return same_host(
            joined(self.url, found[1]), self.url, "The journal", "CAMPAIGN_JOURNAL_URL", path=False
        )

    def saved(self, link: str) -> str:
        """The position of an earlier read, if it is one of the journal that is configured now."""
        if fault := link_fault(link, self.url, path=False):
            sentence = (
                f"The journal's saved position {fault}. Set CAMPAIGN_JOURNAL_URL back, or replay"
                " all of this flow."
            )
            raise Misconfigured("CAMPAIGN_JOURNAL_URL", sentence)
        return link


def position_of(item: dict[str, object]) -> str:
    """Where the event stands, as far as it has the form of a position: what stands in its place may
    be anything.
    """
    found = str(item.get("position") or "")[: LONGEST_POSITION + 1]
    if POSITION.fullmatch(found):
        return found
    return f"unknown-{blake2b(exact_json.carried(item), digest_size=6).hexdigest()}"


def joined(base: str, link: str) -> str | None:
    """None for what is no link."""
    try:
        return urljoin(base, link)
    except ValueError:
        return None


def events_of(response: Response) -> list[dict[str, object]]:
    """The events of a page; Retryable for an answer that is no page: it does not say that there are
    none.
    """
    answer = response.json()
    events = answer.get("events") if isinstance(answer, dict) else None
    if not isinstance(events, list) or not all(isinstance(item, dict) for item in events):
        raise Retryable("The journal's answer holds no list of events; the page is read again.")
    return events
