"""The network between the bridge and both systems: the product's own `Send`, with faults at each
request.
"""

import json
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from dev.simulation.faults import REQUEST_FAULTS
from dev.simulation.scheduler import Process
from dev.simulation.world import World
from shared.errors import Cause, Retryable
from shared.http.transport import Request, Response, Send

MISLEADING = (
    "deadlock detected: UPDATE NmsRecipient SET sEmail='x'",
    "the query took too long",
    "date partition is locked",
    "An error has occurred.",
    "<html>502 Bad Gateway</html>",
)
STRANGE = (
    Response(200, {"content-type": "text/html"}, b"<html>Sign in</html>"),
    Response(200, {"content-type": "application/json"}, b'{"error": {"message": "busy"}}'),
    Response(200, {"content-type": "application/json"}, b'{"value": [], "contin'),
    Response(302, {"location": "https://login.example.org/"}, b""),
    Response(409, {}, b"Conflict"),
    Response(421, {}, b""),
    Response(423, {}, b"Locked"),
    Response(451, {}, b""),
)
"""Answers that no documentation names: none of them is a success, and none shows an absence."""

LATEST_SECONDS = 600.0
WRITES = ("POST", "PATCH", "DELETE", "PUT")
OFTEN = ("late", "late", "no_answer_done")
"""Played more often than the others: these lost most."""

KEYS = ("externalId", "recordId")
"""The fields of Campaign that name a record."""

Handler = Callable[[Request], Response]


class Network:
    """Requests on their way.

    `end_worker`: ends the process of a task, once it gives way. `lethal`: how often that is still
    done, by what is written.
    `throttled_until` and `silent_until`: by system, until when it answers everything with 429, or
    not at all; `denied_until`: until when it refuses all writes, and answers reads. `void`: what
    makes the tokens of a system void; `cut_links`: what makes its links void.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.throttled_until, self.silent_until = dict[str, float](), dict[str, float]()
        self.denied_until = dict[str, float]()
        self.void, self.cut_links = dict[str, Callable[[], None]](), dict[str, Callable[[], None]]()
        self.earlier: dict[tuple[str, str], list[tuple[str, Response]]] = {}
        self.end_worker: Callable[[Process], None] = lambda process: None
        self.lethal: dict[str, int] = {}

    def connection(self, system: str, handler: Handler, timeout_seconds: float) -> Send:
        return partial(self.send, system, handler, timeout_seconds)

    def send(
        self, system: str, handler: Handler, timeout_seconds: float, request: Request
    ) -> Response:
        world, parts = self.world, urlsplit(request.url)
        name = f"{system} {request.method} {parts.path.rpartition('/campaign/')[2]}"[:120]
        fault = self.fault(name, request.method) if world.process else ""
        world.step(f"{name} {fault}" if fault else name)
        now = world.scheduler.now
        if self.silent_until.get(system, 0.0) > now:
            return self.silence(system, timeout_seconds, request)
        if self.throttled_until.get(system, 0.0) > now:
            return Response(429, {"retry-after": "1"}, b"")
        if request.method in WRITES and self.denied_until.get(system, 0.0) > now:
            return Response(403, {}, b"")
        if request.method in WRITES and self.is_lethal(name, request):
            self.end_here(name, handler, request)
        answer = (
            self.failed(fault, name, system, handler, timeout_seconds, request)
            if fault
            else handler(request)
        )
        self.remember(system, request, answer)
        world.note(f"answered {answer.status}")
        return answer

    def fault(self, name: str, method: str) -> str:
        """Requests are rarer than calls of the storage, and writes rarer still: they fail more
        often.
        """
        rate = self.world.faults.rate * (4.0 if method in WRITES else 2.0)
        return self.world.faults.at(name, (*REQUEST_FAULTS, *OFTEN), rate)

    def is_lethal(self, name: str, request: Request) -> bool:
        """Whether what is written ends the process: always of the same records."""
        draws, faults, what = self.world.draws, self.world.faults, f"{name} {about(request)}"
        if not (self.world.process and faults.on and "lethal" in faults.kinds):
            return False
        if what not in self.lethal:
            is_one = draws.share(f"lethal {what}") < faults.rate * 3
            self.lethal[what] = 1 + int(6 * draws.share(f"how lethal {what}")) if is_one else 0
        self.lethal[what] -= 1
        return self.lethal[what] >= 0 and faults.happens(f"lethal: {draws.name(what)}", "lethal")

    def end_here(self, name: str, handler: Handler, request: Request) -> None:
        world = self.world
        if world.draws.share(world.draws.name(f"lethal {name} done")) < 0.5:
            handler(request)
        if world.process:
            self.end_worker(world.process)
        world.sleep(LATEST_SECONDS)

    def failed(
        self,
        fault: str,
        name: str,
        system: str,
        handler: Handler,
        timeout_seconds: float,
        request: Request,
    ) -> Response:
        """The answer, or what the product's connection pool raises."""
        draws, draw = self.world.draws, self.world.draws.name(f"{fault} {name}")
        if fault == "unreachable":
            raise Retryable(
                f"{system} could not be reached for {request.route}; the call is made again.",
                cause=Cause.OUTAGE,
            )
        if fault == "slow":
            self.world.sleep(draws.between(draw, 0.3, 0.95) * timeout_seconds)
            return handler(request)
        if fault == "hangs":
            return self.silence(system, timeout_seconds, request)
        if fault in ("token_void", "link_void"):
            (self.void if fault == "token_void" else self.cut_links).get(system, lambda: None)()
            return handler(request)
        if fault == "earlier_answer":
            return self.earlier_answer(system, handler, request, draw)
        if fault in ("no_answer_done", "gateway_done", "strange_done"):
            handler(request)
        if fault == "late" and request.method in WRITES:
            self.carry_out_later(draws.between(draw, 1.0, LATEST_SECONDS), handler, request)
        if fault == "late":
            return self.silence(system, timeout_seconds, request)
        if fault in ("no_answer", "no_answer_done"):
            return self.silence(system, 0.5, request)
        return self.refused(fault, draw)

    def silence(self, system: str, seconds: float, request: Request) -> Response:
        self.world.sleep(seconds)
        raise Retryable(
            f"{system} gave no answer to {request.route}; the call is made again.",
            uncertain=True,
            cause=Cause.OUTAGE,
        )

    def refused(self, fault: str, draw: str) -> Response:
        draws = self.world.draws
        if fault == "throttled_for":
            return Response(429, {"retry-after": str(1 + int(30 * draws.share(draw)))}, b"")
        if fault == "server_error":
            return Response(500, {}, draws.of(draw, MISLEADING).encode())
        if fault in ("strange", "strange_done"):
            return draws.of(draw, STRANGE)
        statuses = {"throttled": 429, "unavailable": 503}
        return Response(statuses.get(fault, draws.of(draw, (502, 504))), {}, b"")

    def remember(self, system: str, request: Request, answer: Response) -> None:
        """The last two answers to requests of one kind; a change's answer does not say whose it is,
        so it cannot be told from another one's.
        """
        if request.method in ("GET", "POST") and answer.status < 300:
            kept = self.earlier.setdefault((system, f"{request.method} {request.route}"), [])
            kept.append((about(request), answer))
            del kept[:-2]

    def earlier_answer(
        self, system: str, handler: Handler, request: Request, draw: str
    ) -> Response:
        """What was answered to another request of the same kind; the work is done or not. Its own
        answer where there was none.
        """
        kept = self.earlier.get((system, f"{request.method} {request.route}"), [])
        others = [answer for asked, answer in kept if asked != about(request)]
        if not others:
            return handler(request)
        if self.world.draws.share(f"{draw} done") < 0.5:
            handler(request)
        return others[-1]

    def carry_out_later(self, seconds: float, handler: Handler, request: Request) -> None:
        world = self.world
        world.late += 1

        def carry_out() -> None:
            world.late -= 1
            answer = handler(request)
            world.note(f"late {request.method} {answer.status}")

        world.scheduler.at(world.scheduler.now + seconds, carry_out)


def about(request: Request) -> str:
    """Which record a request is about: of a creation its key, of a read its address."""
    body = json.loads(request.body) if request.body and request.body[:1] == b"{" else {}
    keys = [str(body[name]) for name in KEYS if name in body]
    return " ".join((request.url, *keys)) if keys or not body else str(request.body)
