"""What every emulator has beside its API: `/_emulator/reset`, `faults`, `calls`, `peaks`, `clock`.

    POST /_emulator/reset    {}                        empties it: data, calls, faults, clock
    POST /_emulator/faults   [{match, action, times}]  replaces the list of faults; [] ends them all
    GET  /_emulator/faults                             the list, each with `times` still to come
    GET  /_emulator/calls                              {"VERB route-template": count} since reset
    GET  /_emulator/peaks                              {"VERB route-template": most at once}
    POST /_emulator/peaks    {}                        counts them from 0
    POST /_emulator/clock    {"now": "2026-01-31T00:00:00Z"} | {"advance_seconds": 3600} | {};
                             answers {"now": ...}

A fault's `match` holds any of `method` (exact), `route` (pattern searched in the route template),
`path` (pattern searched in the path with its query) and `body` (pattern searched in the body); all
that are given must match. `times` is how often it acts, for ever if absent. Its `action` holds any
of

    delay_seconds        wait; `when: "after"` waits with the work already done, "before" (the
                         default) ahead of it
    drop                 "before" | "after": close the connection without an answer, the work undone
                         or done
    status, headers, body   answer this instead of doing the work; a body that is no string is sent
                            as JSON
    throttle_per_second  let this many requests a second through; the others get `status` (429 if
                         absent), headers and body

An emulator may add actions of its own: a word that stands in `extra_actions`, called with its value
before the work.
"""

import asyncio
import json
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
ACTIONS = {"delay_seconds", "when", "drop", "status", "headers", "body", "throttle_per_second"}


class Clock:
    """The emulator's time: the machine's, moved by what a test asked for."""

    def __init__(self) -> None:
        self.offset_seconds = 0.0

    def time(self) -> float:
        """Seconds since 1970."""
        return time.time() + self.offset_seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def set(self, order: dict[str, Any]) -> None:
        if "now" in order:
            self.offset_seconds = datetime.fromisoformat(order["now"]).timestamp() - time.time()
        elif "advance_seconds" in order:
            self.offset_seconds += float(order["advance_seconds"])
        else:
            self.offset_seconds = 0.0


@dataclass
class Fault:
    match: dict[str, str]
    action: dict[str, Any]
    times: int | None = None
    passed: list[float] = field(
        default_factory=list
    )  # times of the requests let through in the last second

    def concerns(self, request: web.Request, route: str, body: str) -> bool:
        texts = {"route": route, "path": request.path_qs, "body": body}
        return all(
            request.method == pattern if name == "method" else re.search(pattern, texts[name])
            for name, pattern in self.match.items()
        )

    def lets_through(self, now: float) -> bool:
        """A sliding window of one second."""
        self.passed = [moment for moment in self.passed if moment > now - 1]
        if len(self.passed) >= self.action["throttle_per_second"]:
            return False
        self.passed.append(now)
        return True

    def answer(self) -> web.Response:
        body = self.action.get("body", "")
        text = body if isinstance(body, str) else json.dumps(body)
        headers = dict(self.action.get("headers", {}))
        headers.setdefault(
            "Content-Type", "text/plain" if isinstance(body, str) else "application/json"
        )
        return web.Response(status=self.action.get("status", 429), text=text, headers=headers)


class Control:
    """The control routes and the middleware that counts and injects faults.

    `route` names the template of a request, e.g. "/profileAndServicesExt/profile/{key}"; `on_reset`
    empties the emulator.
    """

    def __init__(
        self,
        route: Callable[[web.Request], str],
        on_reset: Callable[[], None],
        extra_actions: dict[str, Callable[[Any], None]] | None = None,
    ) -> None:
        self.clock = Clock()
        self.calls: Counter[str] = Counter()
        self.under_way: Counter[str] = Counter()
        self.peaks: dict[str, int] = {}
        self.faults: list[Fault] = []
        self.route, self.on_reset, self.extra_actions = route, on_reset, extra_actions or {}

    def attach(self, app: web.Application) -> None:
        app.middlewares.append(self.watch)
        app.router.add_post("/_emulator/reset", self.reset)
        app.router.add_get("/_emulator/faults", self.list_faults)
        app.router.add_post("/_emulator/faults", self.set_faults)
        app.router.add_get("/_emulator/calls", self.list_calls)
        app.router.add_get("/_emulator/peaks", self.list_peaks)
        app.router.add_post("/_emulator/peaks", self.reset_peaks)
        app.router.add_post("/_emulator/clock", self.set_clock)

    @web.middleware
    async def watch(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith("/_emulator/"):
            return await handler(request)
        with self.counted(f"{request.method} {self.route(request)}"):
            response = await self.answered(request, handler)
        if self.clock.offset_seconds and not response.prepared:
            response.headers.setdefault("Date", format_datetime(self.clock.now(), usegmt=True))
        return response

    @contextmanager
    def counted(self, call: str) -> Iterator[None]:
        """A request whose caller has gone counts until it is answered all the same."""
        self.calls[call] += 1
        self.under_way[call] += 1
        self.peaks[call] = max(self.peaks.get(call, 0), self.under_way[call])
        try:
            yield
        finally:
            self.under_way[call] -= 1

    async def answered(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        route = self.route(request)
        if not self.faults:
            return await handler(request)
        fault = self.due(request, route, await request.text() if request.can_read_body else "")
        return await self.act(fault, request, handler) if fault else await handler(request)

    def due(self, request: web.Request, route: str, body: str) -> Fault | None:
        for fault in self.faults:
            if fault.times == 0 or not fault.concerns(request, route, body):
                continue
            if "throttle_per_second" in fault.action and fault.lets_through(time.monotonic()):
                continue
            if fault.times is not None:
                fault.times -= 1
            return fault
        return None

    async def act(self, fault: Fault, request: web.Request, handler: Handler) -> web.StreamResponse:
        action = fault.action
        for name in action.keys() & self.extra_actions.keys():
            self.extra_actions[name](action[name])
        after = action.get("when") == "after"
        if not after:
            await asyncio.sleep(action.get("delay_seconds", 0))
        if action.get("drop") == "before":
            return hang_up(request)
        answers = "status" in action or "throttle_per_second" in action
        response = fault.answer() if answers else await handler(request)
        if after:
            await asyncio.sleep(action.get("delay_seconds", 0))
        return hang_up(request) if action.get("drop") == "after" else response

    async def reset(self, _: web.Request) -> web.Response:
        self.calls.clear()
        self.peaks.clear()
        self.faults = []
        self.clock.set({})
        self.on_reset()
        return web.json_response({})

    async def list_faults(self, _: web.Request) -> web.Response:
        return web.json_response(
            [{"match": f.match, "action": f.action, "times": f.times} for f in self.faults]
        )

    async def set_faults(self, request: web.Request) -> web.Response:
        orders = await request.json()
        unknown = (
            {name for order in orders for name in order["action"]}
            - ACTIONS
            - self.extra_actions.keys()
        )
        if unknown:
            return web.json_response(
                {"error": f"no such action: {', '.join(sorted(unknown))}"}, status=400
            )
        self.faults = [
            Fault(order.get("match", {}), order["action"], order.get("times")) for order in orders
        ]
        return web.json_response({"faults": len(self.faults)})

    async def list_calls(self, _: web.Request) -> web.Response:
        return web.json_response(dict(sorted(self.calls.items())))

    async def list_peaks(self, _: web.Request) -> web.Response:
        return web.json_response(dict(sorted(self.peaks.items())))

    async def reset_peaks(self, _: web.Request) -> web.Response:
        self.peaks.clear()
        return web.json_response({})

    async def set_clock(self, request: web.Request) -> web.Response:
        self.clock.set(await request.json() if request.can_read_body else {})
        return web.json_response({"now": self.clock.now().isoformat()})


def hang_up(request: web.Request) -> web.Response:
    """Closes the connection without a byte of answer."""
    if request.transport:
        request.transport.abort()
    return web.Response(status=500)
