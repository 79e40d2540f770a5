"""The console in a browser: every page and act of it, behind one address.

Routes      GET and POST /console/*: shared/console/sitemap.py has each, with its least role
State       reads tables `figures`, `flows` and what a page shows; acts write what they name
Guarantee   nobody without a role sees a page; an act comes from a page of the console
On failure  a page says in one sentence what is missing; 404 while CONSOLE_URL is empty
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import azure.functions as func

from functions import console
from functions.triggers import in_time
from shared.console.front import Front
from shared.console.incoming import Incoming
from shared.console.outgoing import SECURITY, Sent
from shared.console.sentences import sentence
from shared.console.sitemap import ROUTES
from shared.dataverse.batch import BatchWriter
from shared.dataverse.client import DataverseClient
from shared.deadlines import ANSWER_SECONDS
from shared.documents.keeper import Kept
from shared.errors import BridgeError
from shared.events.catalog import ActiveEvents
from shared.events.documents import EventsDocument
from shared.opt_out.parts import OptOut
from shared.pipeline.flow import Bridge, Flow
from shared.state.activity import ActivityLog
from shared.state.figures import Figures
from shared.state.plans import Plans
from shared.wiring import Wiring, wiring

blueprint = func.Blueprint()


@dataclass(frozen=True, slots=True)
class Served:
    """What the pages read and act on: the process's wiring."""

    wiring: Wiring

    @property
    def bridge(self) -> Bridge:
        return self.wiring.bridge

    @property
    def figures(self) -> Figures:
        return self.wiring.figures

    @property
    def activity(self) -> ActivityLog:
        return self.wiring.activity

    @property
    def plans(self) -> Plans:
        return self.wiring.plans

    @property
    def opt_out(self) -> OptOut:
        return self.wiring.opt_out

    @property
    def dataverse(self) -> DataverseClient:
        return self.wiring.dataverse

    @property
    def batch(self) -> BatchWriter:
        return self.wiring.batch

    @property
    def events_catalog(self) -> Kept[EventsDocument, ActiveEvents]:
        return self.wiring.events_catalog

    def flows(self) -> Mapping[str, Flow]:
        return console.flows()


@cache
def front_of(parts: Wiring) -> Front:
    settings = parts.console_settings
    return Front(settings, Served(parts), parts.sign_in, ROUTES, parts.now)


@blueprint.function_name("console_pages")
@blueprint.route("console/{*path}", methods=["GET", "POST"], auth_level=func.AuthLevel.ANONYMOUS)
@in_time(ANSWER_SECONDS)
def console_pages(req: func.HttpRequest) -> func.HttpResponse:
    try:
        if not wiring().console_settings.console_is_on:
            return plain(404, sentence("console_off", "en"))
        front = front_of(wiring())
    except BridgeError as error:
        return plain(503, str(error))
    return returned(front.answer(incoming(req)))


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
