"""The console in a browser: every page and act of it, behind one address.

Routes      GET and POST /console/*: shared/console/sitemap.py has each, with its least role
State       reads tables `figures`, `flows` and what a page shows; acts write what they name
Guarantee   nobody without a role sees a page; an act comes from a page of the console
On failure  a page says in one sentence what is missing; 404 while CONSOLE_URL is empty.
            The door opens while settings of the bridge are missing: /setup names them
"""

from collections.abc import Callable, Mapping
from functools import cache

import azure.functions as func

from functions import console
from functions.triggers import in_time
from shared.checks.look import Look
from shared.console.front import Front
from shared.console.incoming import Incoming
from shared.console.outgoing import SECURITY, Sent
from shared.console.patience import Missing, ask
from shared.console.sentences import sentence
from shared.console.sitemap import ROUTES
from shared.console.story import LEDGER
from shared.dataverse.batch import BatchWriter
from shared.dataverse.client import DataverseClient
from shared.deadlines import ANSWER_SECONDS
from shared.documents.keeper import Kept
from shared.editing.desk import Desk
from shared.errors import BridgeError, Retryable
from shared.events.catalog import ActiveEvents
from shared.events.documents import EventsDocument
from shared.opt_out.flows import OptOut
from shared.pipeline.flow import Bridge, Flow
from shared.settings import Settings, problems
from shared.sftp.client import Sftp
from shared.state.activity import ActivityLog
from shared.state.figures import Figures
from shared.state.plans import Plans
from shared.wiring import Wiring, wiring
from shared.wiring_console import console_wiring

FLOWS_SECONDS = 0.8
NO_FLOWS = "The storage account does not answer, so the flows are not known. Load the page again."

blueprint = func.Blueprint()


class Served:
    """What the pages read and act on: the process's wiring. Misconfigured, at each use, while
    settings are missing.
    """

    def __init__(
        self, wired: Callable[[], Wiring], listed: Callable[[], Mapping[str, Flow]]
    ) -> None:
        self.wired, self.listed = wired, listed
        self.known: Mapping[str, Flow] = {}

    @property
    def bridge(self) -> Bridge:
        return self.wired().bridge

    @property
    def figures(self) -> Figures:
        return self.wired().figures

    @property
    def activity(self) -> ActivityLog:
        return self.wired().activity

    @property
    def plans(self) -> Plans:
        return self.wired().plans

    @property
    def desk(self) -> Desk:
        return self.wired().desk

    @property
    def opt_out(self) -> OptOut:
        return self.wired().opt_out

    @property
    def dataverse(self) -> DataverseClient:
        return self.wired().dataverse

    @property
    def looking_sftp(self) -> Sftp:
        return self.wired().looking_sftp

    @property
    def batch(self) -> BatchWriter:
        return self.wired().batch

    @property
    def events_catalog(self) -> Kept[EventsDocument, ActiveEvents]:
        return self.wired().events_catalog

    @property
    def settings(self) -> Settings:
        return self.wired().settings

    def flows(self) -> Mapping[str, Flow]:
        """Those of a moment ago where the storage does not answer: a page has more to show."""
        found = ask(LEDGER, self.listed, FLOWS_SECONDS).result()
        if not isinstance(found, Missing):
            self.known = found
        elif not self.known:
            raise Retryable(found.cause or NO_FLOWS)
        return self.known

    def look(self) -> Look:
        """What the checks of the set-up page look through."""
        return Look(problems(), self.wired)


@cache
def front() -> Front:
    door = console_wiring()
    return Front(door.settings, Served(wiring, console.flows), door.sign_in, ROUTES, door.now)


@blueprint.function_name("console_pages")
@blueprint.route("console/{*path}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
@in_time(ANSWER_SECONDS)
def console_pages(req: func.HttpRequest) -> func.HttpResponse:
    try:
        if not console_wiring().settings.console_is_on:
            return plain(404, sentence("console_off", "en"))
        door = front()
    except BridgeError as error:
        return plain(503, str(error))
    return returned(door.answer(incoming(req)))


def incoming(req: func.HttpRequest) -> Incoming:
    path = str(req.route_params.get("path") or "")
    return Incoming(
        str(req.method),
        f"/{path}" if path else "",
        dict(req.params),
        {name.lower(): value for name, value in req.headers.items()},
        req.get_body(),
    )


def returned(sent: Sent) -> func.HttpResponse:
    """Each cookie is a header of its own."""
    answer = func.HttpResponse(sent.body, status_code=sent.status, headers=dict(sent.headers))
    for cookie in sent.cookies:
        answer.headers.add_header("Set-Cookie", cookie.header)
    return answer


def plain(status: int, text: str) -> func.HttpResponse:
    headers = {**SECURITY, "Content-Type": "text/plain; charset=utf-8"}
    return func.HttpResponse(text.encode(), status_code=status, headers=headers)
