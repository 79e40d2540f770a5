"""Which engine sends: requests or urllib3, at the same calls, with threads, against the same server in one run."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from rich.console import Console

from dev.commands.stack import DIRECTORY, Stack
from shared.http.transport import Request, pooled

THREADS = 8


def run(console: Console, small: bool = False) -> dict[str, Any]:
    """Calls a second and CPU per call of each engine, and the ratios."""
    calls = 500 if small else 5000
    with Stack(DIRECTORY / "bench", host=False) as stack:
        headers = {"Authorization": f"Bearer {stack.facts['campaign_token']}", "X-Api-Key": stack.facts["campaign_api_key"]}
        url = f"{stack.facts['campaign']}/profileAndServicesExt/profile?_lineCount=1"
        by_urllib3 = measure(calls, through_urllib3(url, headers))
        by_requests = measure(calls, through_requests(url, headers))
    return {
        "requests: calls/s, CPU ms per call": f"{by_requests[0]:.0f}, {by_requests[1]:.2f}",
        "urllib3: calls/s, CPU ms per call": f"{by_urllib3[0]:.0f}, {by_urllib3[1]:.2f}",
        "urllib3 / requests: calls": round(by_urllib3[0] / by_requests[0], 2),
        "urllib3 / requests: CPU": round(by_urllib3[1] / by_requests[1], 2),
    }


def measure(calls: int, call: Any) -> tuple[float, float]:
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: call(), range(THREADS * 4)))
        began, cpu = time.perf_counter(), time.process_time()
        list(pool.map(lambda _: call(), range(calls)))
        return calls / (time.perf_counter() - began), (time.process_time() - cpu) / calls * 1000


def through_urllib3(url: str, headers: dict[str, str]) -> Any:
    send = pooled("Campaign", 30, THREADS)
    return lambda: send(Request("GET", url, "GET", headers))


def through_requests(url: str, headers: dict[str, str]) -> Any:
    local = threading.local()

    def call() -> None:
        if not hasattr(local, "session"):
            local.session = requests.Session()
            local.session.trust_env = False
        local.session.get(url, headers=headers, timeout=30).raise_for_status()

    return call
