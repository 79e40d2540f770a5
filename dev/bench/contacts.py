"""Contacts: throughput against a bare loop, CPU and storage operations per record, calls, memory,
latency.
"""

import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from rich.console import Console

from dev.bench.large_ledger import fill
from dev.bench.storage_calls import counted_storage, timed_storage
from dev.commands.stack import DIRECTORY, Stack
from dev.comparison import compare, mapping_in_force
from dev.verbs import Campaign, Dynamics, Operator, wait_until
from shared import exact_json
from shared.http.transport import Request, Response, pooled
from shared.mapping import Mapped
from shared.pipeline.deliver import deliver
from shared.pipeline.poll import poll
from shared.settings import load_settings
from shared.wiring import Wiring

CONCURRENCY = 16
LATENCY_MS = 50
LATENCY_SAMPLES = 60
MANY = 15_000_000
PEAK = "peak memory, MB: largest process, all;"
BUSY = {"CAMPAIGN_MAX_CONCURRENCY": "32"}

ALONE = {"OPT_OUT_MODE": "disabled"}  # what opt-outs cost beside contacts is the bench of opt-outs


def run(console: Console, small: bool = False, groups: bool = False) -> dict[str, Any]:
    """All figures, each with its target in its name.

    With `groups` those that depend on the processes of functions.
    """
    scale = 10 if small else 1
    figures: dict[str, Any] = {}
    parts = [partial(part, scale, groups) for part in (throughput, memory, latency)]
    parts += [] if groups else [partial(part, scale) for part in (processor, calls)]
    for part in parts:
        console.print(f"  measuring {part.func.__name__} ...", style="dim")
        figures.update(part())
    return figures


def started(contacts: int, **options: Any) -> Stack:
    settings = {
        "CAMPAIGN_MAX_CONCURRENCY": str(CONCURRENCY),
        **ALONE,
        **options.pop("settings", {}),
    }
    stack = Stack(DIRECTORY / "bench", settings=settings, **options)
    stack.start()
    Dynamics(stack.facts).seed(contacts)
    return stack


def load(stack: Stack, contacts: int) -> tuple[float, float]:
    """Seconds from the first contact written to the last, and CPU seconds of the host meanwhile."""
    campaign, operator = Campaign(stack.facts), Operator(stack.facts)
    wait_until(
        lambda: campaign.calls().get("POST /profileAndServicesExt/profile", 0) > 0,
        "the first profile",
        60,
        0.02,
    )
    began, cpu = time.perf_counter(), cpu_of(stack)
    wait_until(
        lambda: campaign.calls().get("POST /profileAndServicesExt/profile", 0) >= contacts,
        "the last profile",
        1200,
        0.05,
    )
    seconds, cpu_seconds = time.perf_counter() - began, cpu_of(stack) - cpu
    wait_until(operator.settled, "quiet", 300, every=1)
    return seconds, cpu_seconds


def cpu_of(stack: Stack) -> float:
    """Seconds of all processes that run functions."""
    return sum(sum(worker.cpu_times()[:2]) for worker in stack.workers())


def throughput(scale: int, groups: bool) -> dict[str, Any]:
    """The flow and a bare loop make the same calls at the same concurrency against the same
    emulator, one after the other.
    """
    contacts = 20_000 // scale
    stack = started(contacts, latency_ms=LATENCY_MS, groups=groups)
    try:
        flow_seconds, cpu_seconds = load(stack, contacts)
        agree = compare(stack.facts).agree
        bare_seconds = bare_loop(stack, contacts)
    finally:
        stack.stop()
    return {
        f"contacts/s, the flow ({contacts} at {LATENCY_MS} ms, {CONCURRENCY} at once)": round(
            contacts / flow_seconds
        ),
        "contacts/s, a bare loop of the same calls": round(contacts / bare_seconds),
        "ratio (target >= 0.90)": round(bare_seconds / flow_seconds, 3),
        "both systems agree": agree,
        "CPU of all that run functions, ms per contact, all in (target < 1.5)": round(
            cpu_seconds / contacts * 1000, 2
        ),
    }


def bare_loop(stack: Stack, contacts: int) -> float:
    """Posts the same records with nothing around it."""
    mapping = mapping_in_force(stack.facts)
    rows = Dynamics(stack.facts).contacts(",".join(mapping.columns))
    mapped = (mapping.map(row) for row in rows)
    bodies = [body(record) for record in mapped if isinstance(record, Mapped)][:contacts]
    Campaign(stack.facts).emulator.json("POST", "/reset", {})
    Campaign(stack.facts).latency(LATENCY_MS)
    token = stack.new_campaign_token()
    headers = {
        "Authorization": f"Bearer {token}",
        "X-Api-Key": stack.facts["campaign_api_key"],
        "Content-Type": "application/json",
    }
    send = pooled("Campaign", 60, CONCURRENCY)
    url = f"{stack.facts['campaign']}/profileAndServicesExt/profile"

    def post(data: bytes) -> int:
        return send(Request("POST", url, "POST", headers, data)).status

    with ThreadPoolExecutor(CONCURRENCY) as pool:
        began = time.perf_counter()
        statuses = set(pool.map(post, bodies))
        seconds = time.perf_counter() - began
    if statuses != {201}:
        raise AssertionError(f"the bare loop was answered {statuses}")
    return seconds


def body(mapped: Mapped) -> bytes:
    return exact_json.written(mapped.record)


def processor(scale: int) -> dict[str, Any]:
    """Polls and delivers in this process: with Campaign's answers given at once, and with the real
    HTTP client.
    """
    contacts = 10_000 // scale
    with Stack(DIRECTORY / "bench", host=False, settings=ALONE) as stack:
        os.environ.update(
            {
                name: value
                for name, value in stack.environment.items()
                if name.startswith("IDENTITY_")
            }
        )
        Dynamics(stack.facts).seed(contacts)
        settings = load_settings(
            {
                **stack.environment,
                "QUEUE_LIMIT_MESSAGES": "5000",
                "CAMPAIGN_MAX_CONCURRENCY": str(CONCURRENCY),
            }
        )
        with timed_storage() as in_storage:
            cpu_ms, operations = in_process(Wiring(settings, send=answered_at_once), contacts)
        storage_ms = sum(in_storage) / contacts * 1000
    return {
        "own CPU, ms per contact (target < 0.3)": round(cpu_ms - storage_ms, 3),
        "CPU of the storage clients (azure-data-tables, azure-storage-queue), ms per contact": (
            round(storage_ms, 3)
        ),
        "storage operations per 100 contacts (target <= 10)": round(operations / contacts * 100, 1),
    }


UPDATED = b'{"PKey":"@a","href":"https://campaign.example.org/profileAndServicesExt/profile/@a"}'


def answered_at_once(system: str, timeout_seconds: float, connections: int) -> Any:
    """Campaign's profile writes succeed without a socket; everything else is real."""
    real = pooled(system, timeout_seconds, connections)

    def send(request: Request) -> Response:
        if request.method in ("POST", "PATCH") and "/profile" in request.url:
            return Response(
                201, {}, (request.body or b"{}") if request.method == "POST" else UPDATED
            )  # as Campaign does
        return real(request)

    return send


def in_process(wiring: Wiring, contacts: int) -> tuple[float, int]:
    flow, bridge = wiring.table_flow("contact"), wiring.bridge
    flow.active()
    cpu = time.process_time()
    with counted_storage() as operations:
        poll(flow, bridge)
        queue = wiring.handoff.clients("contacts")
        done = 0
        while done < contacts:
            for message in queue.receive_messages(messages_per_page=16, visibility_timeout=600):
                done += len(deliver(flow, bridge, message.content.encode(), 1))
                queue.delete_message(message.id, message.pop_receipt)
    return (time.process_time() - cpu) / contacts * 1000, len(operations)


def calls(scale: int) -> dict[str, Any]:
    """What each kind of change costs at Campaign."""
    count = 100
    stack = started(count)
    try:
        dynamics = Dynamics(stack.facts)
        campaign = Campaign(stack.facts)
        operator = Operator(stack.facts)
        wait_until(lambda: sum(campaign.write_calls().values()) >= count, "the load", 60)
        wait_until(operator.settled, "quiet", 60)
        figures = {"calls per insert (target 1)": sum(campaign.write_calls().values()) / count}
        ids = dynamics.some_contact_ids(count)
        acts: dict[str, Callable[[str], None]] = {
            "update (target 1)": lambda i: dynamics.change_contact(i, True, middlename="Changed"),
            "unchanged (target 0)": lambda i: dynamics.change_contact(
                i, True, middlename="Changed"
            ),
            "delete (target 1)": lambda i: dynamics.delete_contact(i, True),
        }
        for name, act in acts.items():
            before = sum(campaign.write_calls().values())
            settled_before = sum(operator.status()["outcomes"].values())
            for contact_id in ids:
                act(contact_id)
            wait_until(
                lambda: sum(operator.status()["outcomes"].values()) >= settled_before + count,
                name,
                60,
            )
            figures[f"calls per {name}"] = (sum(campaign.write_calls().values()) - before) / count
    finally:
        stack.stop()
    return figures


def memory(scale: int, groups: bool) -> dict[str, Any]:
    """Peak memory of what runs functions after loads of two sizes; flat means that the larger needs
    no more. And beside a ledger of millions, after a load and an update of each contact.
    """
    figures = {}
    for contacts in (10_000 // scale, 100_000 // scale):
        stack = started(contacts, settings=BUSY, groups=groups)
        try:
            load(stack, contacts)
            figures[f"{PEAK} at {contacts} contacts"] = peaks_of(stack)
        finally:
            stack.stop()
    stack, contacts = started(0, settings=BUSY, groups=groups), 10_000 // scale
    try:
        fill(stack.facts["storage"], "contacts", MANY)
        Dynamics(stack.facts).seed(contacts)
        _, loading = load(stack, contacts)
        updating = update_all(stack, contacts)
        figures[f"{PEAK} at {contacts} contacts beside {MANY}"] = peaks_of(stack)
    finally:
        stack.stop()
    each = [round(seconds / contacts * 1000, 2) for seconds in (loading, updating)]
    return figures | {f"CPU, ms per insert and per update beside {MANY}": "{}, {}".format(*each)}


def update_all(stack: Stack, contacts: int) -> float:
    """CPU seconds of what runs functions while each contact is changed and written again."""
    dynamics, campaign = Dynamics(stack.facts), Campaign(stack.facts)
    before, cpu = sum(campaign.write_calls().values()), cpu_of(stack)
    change = partial(dynamics.change_contact, quietly=True, middlename="Changed")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, dynamics.some_contact_ids(contacts)))
    wait_until(
        lambda: sum(campaign.write_calls().values()) >= before + contacts, "the last update", 1200
    )
    return cpu_of(stack) - cpu


def peaks_of(stack: Stack) -> str:
    peaks = [peak_megabytes(worker.pid) for worker in stack.workers()]
    return f"{max(peaks)}, {sum(peaks)}"


def peak_megabytes(pid: int) -> int:
    with open(f"/proc/{pid}/status") as status:  # noqa: PTH123
        return next(int(line.split()[1]) // 1024 for line in status if line.startswith("VmHWM"))


def latency(scale: int, groups: bool) -> dict[str, Any]:
    """From the edit in Dataverse, by webhook, to the profile that shows it: idle, and while a
    backfill runs.
    """
    figures = {}
    stack = started(200, groups=groups)
    try:
        wait_until(Operator(stack.facts).settled, "the load", 60)
        figures["idle"] = samples(stack)
        Dynamics(stack.facts).seed(10_000 // scale, seed=2)
        Campaign(stack.facts).latency(LATENCY_MS)
        figures["during a backfill"] = samples(stack)
    finally:
        stack.stop()
    named = {}
    for when, seconds in figures.items():
        named[f"webhook to profile, {when}: p50, p95 s (target p95 < 2 idle)"] = (
            f"{statistics.median(seconds):.2f}, {statistics.quantiles(seconds, n=20)[18]:.2f}"
        )
    return named


def samples(stack: Stack) -> list[float]:
    dynamics, campaign = Dynamics(stack.facts), Campaign(stack.facts)
    ids, seconds = dynamics.some_contact_ids(LATENCY_SAMPLES), []
    for number, contact_id in enumerate(ids):
        name = f"Latency{number}-{time.monotonic_ns() % 10**6}"
        began = time.perf_counter()
        dynamics.change_contact(contact_id, middlename=name)
        wait_until(
            lambda: (campaign.profile(contact_id) or {}).get("middleName") == name,
            "the profile",
            120,
            0.02,
        )
        seconds.append(time.perf_counter() - began)
    return seconds
