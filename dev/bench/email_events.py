"""E-mail events: a million rows through exported files against a bare loop of the same batches; own
CPU, memory, requests.
"""

import os
import random
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import batched
from pathlib import Path
from typing import Any

from rich.console import Console

from admin.connection import GivenToken, client
from admin.setup.activities import Activities
from admin.setup.customizing import Customizing
from dev.bench.contacts import peak_megabytes
from dev.bench.storage_calls import timed_storage
from dev.commands.stack import DIRECTORY, Stack
from dev.verbs import Dynamics, Operator, wait_until
from shared.dataverse.batch import BatchWriter, Operation, WritableTable, create_many, update_many
from shared.errors import BridgeError
from shared.events.activities import COMPLETED, Contact, activity_of
from shared.events.documents import default_events_document, read_events_document
from shared.events.logs import event_id
from shared.events.writing import Contacts
from shared.pipeline.deliver import deliver
from shared.pipeline.poll import poll
from shared.settings import load_settings
from shared.wiring import Wiring

CONTACTS, ROWS_PER_FILE, BATCH, CONCURRENCY, LATENCY_SECONDS = 20_000, 50_000, 400, 8, 0.5
DOCUMENT = read_events_document(default_events_document())
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
HEADERS = {
    "deliveryLogs": (
        "logId externalId email status failureType failureReason eventDate lastModified"
        " deliveryName deliveryLabel campaignName campaignLabel mirrorPageUrl"
    ),
    "trackingLogs": (
        "logId broadLogId externalId urlType logDate url urlLabel userAgent trackedDevice"
        " deliveryName deliveryLabel campaignName campaignLabel mirrorPageUrl"
    ),
}
SETTINGS = {
    "EMAIL_EVENTS_SOURCE": "files",
    "OPT_OUT_MODE": "disabled",  # events alone
    "DATAVERSE_MAX_CONCURRENCY": str(CONCURRENCY),
    "QUEUE_LIMIT_MESSAGES": "200",
}


def run(console: Console, small: bool = False) -> dict[str, Any]:
    """All figures, each with its target in its name."""
    figures: dict[str, Any] = {}
    few, many = (2_000, 50_000) if small else (10_000, 1_000_000)
    console.print("  measuring memory after few ...", style="dim")
    little = load(few)
    console.print("  measuring the load ...", style="dim")
    large = load(many)
    console.print("  measuring the bare loop ...", style="dim")
    bare = bare_loop(many)
    console.print("  measuring own CPU ...", style="dim")
    figures |= processor(few * 2)
    rate = many / large["seconds"]
    return figures | {
        f"events/s, the flow ({many} rows in files, {CONCURRENCY} requests at once, "
        f"{LATENCY_SECONDS:g} s each)": round(rate),
        "events/s, a bare loop of the same calls": round(bare),
        "ratio (target >= 0.90)": round(rate / bare, 3),
        "events per Dataverse request (target >= 100)": round(many / large["requests"]),
        "activities in Dataverse": large["activities"],
        "CPU of the host process, ms per event, all in": round(large["cpu"] / many * 1000, 3),
        f"peak memory of the host, MB: {few} events, {many} events": (
            f"{little['peak']}, {large['peak']}"
        ),
        "ratio of the two (target <= 1.5)": round(large["peak"] / little["peak"], 2),
    }


def prepared(**options: Any) -> Stack:
    """A stack with contacts, activity tables and a document that takes files at once."""
    stack = Stack(DIRECTORY / "bench", settings=SETTINGS, **options)
    stack.start()
    dynamics = Dynamics(stack.facts)
    if options.get("host", True):
        Operator(stack.facts).stop()
    dynamics.seed(CONTACTS)
    customizing = Customizing(
        client(stack.facts["dataverse"], GivenToken(stack.facts["dataverse_token"]))
    )
    Activities(customizing, lambda _: None).run()
    wiring = Wiring(load_settings(stack.environment))
    text = default_events_document().replace("stable_seconds: 60", "stable_seconds: 0")
    wiring.storage.container("config").upload_blob("events/email_events.yaml", text)
    delay = {
        "match": {"method": "POST", "route": "batch"},
        "action": {"delay_seconds": LATENCY_SECONDS},
    }
    dynamics.faults(delay)
    return stack


def folder(stack: Stack) -> Path:
    place: Path = stack.sftp_root / stack.facts["sftp"]["exports"].strip("/")
    place.mkdir(parents=True, exist_ok=True)
    return place


def write_files(stack: Stack, rows: int, contacts: Sequence[str]) -> None:
    """Seven sends to three opens or clicks; each file appears whole, as one that is given its name
    when it is complete.
    """
    place, chance, written = folder(stack), random.Random(1), 0
    for number in range((rows + ROWS_PER_FILE - 1) // ROWS_PER_FILE):
        kind = "trackingLogs" if number % 10 in (2, 5, 8) else "deliveryLogs"
        count = min(ROWS_PER_FILE, rows - written)
        lines = (line(kind, 1 + written + index, contacts, chance) for index in range(count))
        path = place / f"{kind}_{number:04d}.txt"
        unfinished = place / f"writing_{number:04d}"
        with unfinished.open("w") as file:
            file.write(HEADERS[kind].replace(" ", "\t") + "\n")
            file.writelines(lines)
        unfinished.rename(path)
        written += count


def line(kind: str, number: int, contacts: Sequence[str], chance: random.Random) -> str:
    contact, at = contacts[number % len(contacts)], FIRST + timedelta(seconds=number)
    when = at.strftime("%Y/%m/%d %H:%M:%S")
    mirror = f"https://t.example.org/nl/jsp/m.jsp?c={chance.getrandbits(160):040x}"
    named = f"DM{number // 100_000:03d}\tSpring sale\tCMP1\tSpring\t{mirror}\n"
    if kind == "deliveryLogs":
        return f"{number}\t{contact}\tp{number}@example.org\t1\t0\t0\t{when}\t{when}\t{named}"
    url_type, url = (2, "") if number % 4 else (1, f"https://www.example.org/offers/{number % 50}")
    return f"{number}\t{number}\t{contact}\t{url_type}\t{when}\t{url}\t\t-716864279\tpc\t{named}"


def load(rows: int) -> dict[str, Any]:
    """From the first activity to the last, as the host delivers them."""
    stack = prepared()
    try:
        dynamics, operator = Dynamics(stack.facts), Operator(stack.facts)
        contacts = dynamics.some_contact_ids(CONTACTS)
        host = stack.worker(1)
        writing = threading.Thread(target=write_files, args=(stack, rows, contacts))
        writing.start()
        wait_until(lambda: created(operator) > 0, "the first events", 60, 0.05)
        first, began, cpu = created(operator), time.perf_counter(), sum(host.cpu_times()[:2])
        wait_until(lambda: created(operator) >= rows, "the last event", 1500, 0.25)
        seconds, cpu = time.perf_counter() - began, sum(host.cpu_times()[:2]) - cpu
        writing.join()
        wait_until(lambda: operator.settled("email_events"), "quiet", 60, 0.5)
        status = operator.status("email_events")
        found = {
            "seconds": seconds * rows / max(1, rows - first),
            "cpu": cpu,
            "requests": sum(status["calls"].values()),
        }
        found["peak"] = peak_megabytes(stack.worker(1).pid)
        found["activities"] = sum(count_rows(dynamics, kind) for kind in ("send", "open", "click"))
        return found
    finally:
        stack.stop()


def created(operator: Operator) -> int:
    return int(operator.status("email_events")["outcomes"].get("created", 0))


def count_rows(dynamics: Dynamics, kind: str) -> int:
    return sum(1 for _ in dynamics.rows(f"acs_email{kind}s", "activityid"))


def bare_loop(rows: int) -> float:
    """Events a second of a loop that has the events at hand, asks for their contacts as the flow
    must, and posts the same change
    sets.
    """
    stack = prepared(host=False)
    try:
        contacts = Dynamics(stack.facts).some_contact_ids(CONTACTS)
        dataverse = client(
            stack.facts["dataverse"], GivenToken(stack.facts["dataverse_token"]), CONCURRENCY
        )
        writer, lookup = BatchWriter(dataverse), Contacts(dataverse, time.time)
        table = writer.table("acs_emailsend")

        def post(part: tuple[int, ...]) -> list[BridgeError | None]:
            about = [contacts[number % len(contacts)] for number in part]
            lookup.of(set(about))
            return writer.run([change_set(table, part, about)], "activities")

        with ThreadPoolExecutor(CONCURRENCY) as pool:
            began = time.perf_counter()
            results = [
                result
                for results in pool.map(post, batched(range(rows), BATCH, strict=False))
                for result in results
            ]
            seconds = time.perf_counter() - began
        if any(results):
            raise AssertionError(
                f"the bare loop was answered {next(result for result in results if result)}"
            )
        return rows / seconds
    finally:
        stack.stop()


def change_set(
    table: WritableTable, numbers: Sequence[int], contacts: Sequence[str]
) -> list[Operation]:
    made = [
        row(DOCUMENT, table, number, contact)
        for number, contact in zip(numbers, contacts, strict=True)
    ]
    done = [{"activityid": one["activityid"], **COMPLETED} for one in made]
    return [create_many(table, made), update_many(table, done)]


def row(document: Any, table: WritableTable, number: int, contact: str) -> dict[str, Any]:
    mirror = f"https://t.example.org/nl/jsp/m.jsp?c={number:040x}"
    at = (FIRST + timedelta(seconds=number)).strftime("%Y-%m-%dT%H:%M:%SZ")
    event = {
        "kind": "send",
        "contact": contact,
        "at": at,
        "delivery": "DM000",
        "campaign": "CMP1",
        "mirror_page": mirror,
    }
    return activity_of(document, table, event_id("send", str(number)), event, Contact(contact, ""))


def processor(rows: int) -> dict[str, Any]:
    """Polls and delivers in this process with Dataverse's writes answered at once; the storage
    clients' share is taken out.
    """
    stack = prepared(host=False)
    try:
        os.environ.update(
            {
                name: value
                for name, value in stack.environment.items()
                if name.startswith("IDENTITY_")
            }
        )
        contacts = Dynamics(stack.facts).some_contact_ids(CONTACTS)
        write_files(stack, rows, contacts)
        wiring = Wiring(load_settings({**stack.environment, "QUEUE_LIMIT_MESSAGES": "5000"}))
        wiring.batch.run = at_once  # type: ignore[method-assign, assignment]
        (flow,) = wiring.events_flows()
        flow.activate()
        flow.catalog.active()
        with timed_storage() as in_storage:
            cpu, done = time.process_time(), 0
            poll(flow, wiring.bridge)
            queue = wiring.handoff.clients(flow.queue)
            while done < rows:
                for message in queue.receive_messages(messages_per_page=16, visibility_timeout=600):
                    done += len(deliver(flow, wiring.bridge, message.content.encode(), 1))
                    queue.delete_message(message.id, message.pop_receipt)
            spent = time.process_time() - cpu
        own = (spent - sum(in_storage)) / rows * 1000
    finally:
        stack.stop()
    return {
        "own CPU, ms per event (target < 0.3)": round(own, 3),
        "CPU of the storage clients, ms per event": round(sum(in_storage) / rows * 1000, 3),
    }


def at_once(change_sets: Sequence[Sequence[Operation]], what: str) -> list[BridgeError | None]:
    return [None for _ in change_sets]
