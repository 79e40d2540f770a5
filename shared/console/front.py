"""The console's one door: finds the page, checks who asks, makes the answer.

In this order: is the console on, is there such a page, who asks and with which roles, does an act
come from a page of ours. Every answer has the same security headers (shared/console/outgoing.py).
"""

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from shared.console.frame import Frame
from shared.console.incoming import FORM_LIMIT_BYTES, Incoming
from shared.console.look import Look, read_look
from shared.console.outgoing import SECURITY, Answer, Cookie, File, Redirect, Sent, View
from shared.console.patience import PAGE_SECONDS, page_in_time
from shared.console.refusals import Refusal, met_bug, unavailable
from shared.console.rendering import render
from shared.console.roles import Least, Role, allows, missing_role
from shared.console.routes import MOST_PATH_LETTERS, Found, NoRoute, Route, find
from shared.console.sentences import sentence
from shared.console.session import LONGEST_SECONDS, Seal, Session
from shared.console.sign_in import FLOW_SECONDS, TABS, SignIn, SignInRefused, tab_of
from shared.console.visit import Services, Visit
from shared.console_settings import ConsoleSettings
from shared.documents.looking import only_looking
from shared.errors import BridgeError, Bug
from shared.pipeline.guarded import guarded

SESSION, LOOK = "__Host-bridge", "__Host-bridge-look"
SIGNING_IN = [f"__Host-bridge-sign-in-{tab}" for tab in range(TABS)]
ROOT = "/console"
NO_FACTS: Mapping[str, Any] = {"systems": ("", ""), "needs": {}}
"""For whoever has no role."""


class SignInFirst(Exception):
    """Nobody is signed in, or their roles must be asked again."""


class Front:
    """One for a process; many threads ask at once."""

    def __init__(
        self,
        settings: ConsoleSettings,
        services: Services,
        sign_in: SignIn,
        routes: Sequence[Route],
        now: Callable[[], float],
    ) -> None:
        self.settings, self.services, self.now = settings, services, now
        self.sign_in, self.routes = sign_in, routes
        self.seal: Seal = sign_in.seal
        self.frame = Frame(services, now)

    def answer(self, incoming: Incoming) -> Sent:
        """The answer to any request, also where it meets a bug of ours."""
        look = read_look(incoming.cookie(LOOK), incoming.headers)
        try:
            work = partial(self.checked, incoming, look)
            return guarded(work, SignInFirst, SignInRefused, Refusal)
        except SignInFirst:
            return self.to_sign_in(incoming, look)
        except SignInRefused as error:
            return self.refused(incoming, look, Refusal(403, error.code), None)
        except Refusal as refusal:
            return self.refused(incoming, look, refusal, self.session(incoming))
        except BridgeError as error:
            return self.refused(incoming, look, unavailable(error), self.session(incoming))
        except Bug as bug:  # the host would show an empty page
            broken = Refusal(500, "page_broken_off", {"cause": met_bug(bug)})
            return self.refused(incoming, look, broken, None)

    def checked(self, incoming: Incoming, look: Look) -> Sent:
        if incoming.path == "/sign-in":
            return self.begin(incoming)
        if incoming.path == "/signed-in":
            return self.finish(incoming)
        found = self.found(incoming)
        session = self.session(incoming)
        self.admit(incoming, found.route, session)
        if incoming.path == "/sign-out":
            return self.sign_out()
        visit = Visit(incoming, found.parts, session, look, self.settings, self.services, self.now)
        return self.sent(incoming, look, session, shown(found.route, visit))

    def found(self, incoming: Incoming) -> Found:
        try:
            return find(self.routes, incoming.method, incoming.path)
        except NoRoute as missing:
            raise (
                Refusal(405, "method") if missing.methods else Refusal(404, "not_found")
            ) from None

    def session(self, incoming: Incoming) -> Session | None:
        return Session.opened(self.seal, incoming.cookie(SESSION), self.now())

    def admit(self, incoming: Incoming, route: Route, session: Session | None) -> None:
        """Refusal or SignInFirst for whoever may not use the route."""
        if route.least is not Least.NOBODY:
            if session is None or session.must_renew(self.now()):
                raise SignInFirst
            if not allows(session.roles, route.least):
                raise lacking(session.roles, route.least)
        if incoming.method == "POST":
            self.check_act(incoming)

    def check_act(self, incoming: Incoming) -> None:
        """An act comes from a page of this console, in a form that can be read.

        Source: OWASP, "Cross-Site Request Forgery Prevention Cheat Sheet" (fetch metadata).
        """
        if not self.is_ours(incoming.headers):
            raise Refusal(403, "cross_site")
        if len(incoming.body) > FORM_LIMIT_BYTES:
            raise Refusal(413, "too_large")
        try:
            incoming.fields()
        except ValueError:
            raise Refusal(400, "broken_form") from None

    def is_ours(self, headers: Mapping[str, str]) -> bool:
        """A browser says where a request comes from; what says nothing is refused."""
        site, origin = headers.get("sec-fetch-site"), headers.get("origin")
        if site is not None:
            return site == "same-origin"
        return origin == self.settings.console_url

    def begin(self, incoming: Incoming) -> Sent:
        after = own_page(incoming.query.get("after", ""))
        tab = free_tab(incoming)
        url, cookie = self.sign_in.begin(after, "choose" in incoming.query, tab)
        return redirected(url, Cookie(SIGNING_IN[tab], cookie, FLOW_SECONDS))

    def finish(self, incoming: Incoming) -> Sent:
        begun = SIGNING_IN[tab_of(incoming.query.get("state", ""))]
        session, after = self.sign_in.finish(incoming.cookie(begun), incoming.query)
        kept = self.sign_in.renewed(session, self.session(incoming))
        cookie = Cookie(SESSION, kept.sealed(self.seal), int(LONGEST_SECONDS))
        return redirected(ROOT + after, cookie, Cookie(begun, "", 0))

    def sign_out(self) -> Sent:
        return redirected(f"{ROOT}/signed-out", Cookie(SESSION, "", 0))

    def to_sign_in(self, incoming: Incoming, look: Look) -> Sent:
        """A page comes back after the sign-in. An act is not kept: it says so."""
        if incoming.method == "POST" or incoming.wants_json:
            code = "renew" if self.session(incoming) else "signed_out"
            return self.refused(incoming, look, Refusal(401, code), None)
        after = quote(incoming.path, safe="/")
        return redirected(f"{ROOT}/sign-in?after={after}")

    def refused(
        self, incoming: Incoming, look: Look, refusal: Refusal, session: Session | None
    ) -> Sent:
        said = sentence(refusal.code, look.language, **refusal.arguments)
        data = {"error": refusal.code, "sentence": said}
        return self.sent(incoming, look, session, View("refused", data, refusal.status))

    def sent(self, incoming: Incoming, look: Look, session: Session | None, answer: Answer) -> Sent:
        if isinstance(answer, Redirect):
            return redirected(ROOT + answer.to, *answer.cookies)
        if isinstance(answer, File):
            return Sent(200, answer.content, file_headers(answer))
        if incoming.wants_json:
            body = json.dumps(answer.data, ensure_ascii=False, default=str)
            kind = "application/json; charset=utf-8"
            content = body.encode("utf-8", "replace")
        else:
            kind, content = "text/html; charset=utf-8", self.page(incoming, look, session, answer)
        headers = {**SECURITY, "Content-Type": kind, "Vary": "Accept, Cookie, Accept-Language"}
        return Sent(answer.status, content, headers)

    def page(self, incoming: Incoming, look: Look, session: Session | None, view: View) -> bytes:
        frame = {
            "here": incoming.path or "/",
            "is_page": incoming.method != "POST",
            "twin": f"?{urlencode({**incoming.query, 'as': 'json'})}",
            "session": session,
            "settings": self.settings,
            **(self.frame.facts() if session and session.roles else NO_FACTS),
            "may": lambda name: session is not None and allows(session.roles, Least[name]),
        }
        return render(view.template, look, {**frame, **view.data})


def shown(route: Route, visit: Visit) -> Answer:
    """What a page answers with. Who looks waits three seconds; an act is waited for to its end."""
    if visit.incoming.method == "POST" or route.is_download:
        return route.page(visit)
    with only_looking():
        return page_in_time(partial(route.page, visit), PAGE_SECONDS)


def lacking(roles: Sequence[Role], least: Least) -> Refusal:
    if not roles:
        return Refusal(403, "no_role")
    return Refusal(403, "role_missing", {"role": missing_role(least).value})


def free_tab(incoming: Incoming) -> int:
    """By chance, for tabs that a browser opens at once do not know of each other yet."""
    free = [tab for tab, name in enumerate(SIGNING_IN) if not incoming.cookie(name)]
    return secrets.choice(free or range(TABS))


def own_page(path: str) -> str:
    """A path behind /console to return to, as it may stand in a header (RFC 3986, 2.1); the
    overview for anything that leads elsewhere, or that is too long to be a page.
    """
    parts, written = urlsplit(path), quote(path, safe="/")
    plain = path.startswith("/") and not path.startswith("//") and not parts.netloc
    fits = "\\" not in path and path.isprintable() and len(written) <= MOST_PATH_LETTERS
    return written if plain and fits else ""


def redirected(to: str, *cookies: Cookie) -> Sent:
    return Sent(303, b"", {**SECURITY, "Location": to}, cookies)


def file_headers(file: File) -> dict[str, Any]:
    headers = {**SECURITY, "Content-Type": file.kind}
    if file.cached:
        headers["Cache-Control"] = "public, max-age=31536000, immutable"
    if file.name:
        headers["Content-Disposition"] = f'attachment; filename="{file.name}"'
    return headers
