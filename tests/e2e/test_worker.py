"""What happens to the app when its worker process dies, and what the log says when a thread of it
fails.

A failed message is back after `visibilityTimeout`, here 1 s for Azure's 10, while a claim of 10 s,
for 120, still stands.
"""

import json
import re
from collections.abc import Iterator

import pytest

from dev.commands.demo import LOCAL_PACE
from dev.commands.stack import Stack
from dev.verbs import wait_until
from dev.world import World, world_of

SETTINGS = {
    **LOCAL_PACE,
    "CLAIM_LEASE_SECONDS": "10",
    "CAMPAIGN_TIMEOUT_SECONDS": "4",
    "AzureFunctionsJobHost__extensions__queues__visibilityTimeout": "00:00:01",
}
FORBIDDEN = {"status": 403, "body": {"error_code": "403000", "message": "Api Key is invalid"}}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Stack(directory=tmp_path_factory.mktemp("worker"), settings=SETTINGS) as stack:
        running = world_of(stack)
        running.wait_for_quiet()
        yield running


def log(world: World) -> str:
    return world.stack.children["host-1"].log.read_text("utf-8")


def runs(world: World, function: str, outcome: str) -> int:
    return log(world).count(f"Executed 'Functions.{function}' ({outcome}")


def failures(world: World) -> dict[str, str]:
    """Invocation of each delivery that failed, and why: each has spent a receipt."""
    ids = re.findall(r"Executed 'Functions.contacts_deliver' \(Failed, Id=([\w-]+)", log(world))
    found = {
        id_: re.search(rf"ERROR Function.contacts_deliver: (.*) \(Id={id_}\)", log(world))
        for id_ in ids
    }
    return {id_: match[1] if match else "" for id_, match in found.items()}


def profile_writes(method: str) -> dict[str, str]:
    return {"method": method, "path": "/profileAndServicesExt/profile"}


def test_a_delivery_whose_worker_was_killed_is_refused_while_the_claim_stands_and_arrives_after_it(
    world: World,
) -> None:
    hang = {
        "match": profile_writes("POST"),
        "times": 1,
        "action": {"delay_seconds": 30, "drop": "before"},
    }
    world.campaign.faults(hang)
    before = world.campaign.write_calls()["POST"]
    contact_id = world.dynamics.create_contact(
        lastname="Worker", emailaddress1="worker@example.org"
    )
    wait_until(lambda: world.campaign.write_calls()["POST"] == before + 1, "the write that hangs")
    refused = runs(world, "contacts_deliver", "Succeeded")
    world.stack.kill_worker(1)
    world.wait_for_profile(contact_id, lastName="Worker")
    world.wait_for_quiet()
    assert runs(world, "contacts_deliver", "Succeeded") - refused > 2, (
        "refused, each time sent again, and at last carried out"
    )
    assert failures(world), "the run that was killed"
    assert set(failures(world).values()) == {
        "The worker process ended with code -9 while this ran."
    }, "waiting spends no receipt"
    assert world.campaign.write_calls()["POST"] == before + 2
    assert not world.operator.dead_letters()
    assert world.operator.status()["poison_messages"] == 0


@pytest.mark.parametrize(
    ("flow", "function", "method"),
    [("contacts", "contacts_deliver", "POST"), ("opt_out", "opt_out_deliver", "PATCH")],
    ids=["a writer", "an urgent writer"],
)
def test_why_a_flow_has_failed_on_a_writers_thread_is_in_the_log_of_its_invocation(
    world: World, flow: str, function: str, method: str
) -> None:
    contact_id = world.dynamics.create_contact(
        lastname="Before", emailaddress1="before@example.org"
    )
    world.wait_for_profile(contact_id)
    world.wait_for_quiet()
    world.campaign.faults({"match": profile_writes(method), "action": FORBIDDEN})
    if flow == "contacts":
        world.dynamics.create_contact(lastname="After", emailaddress1="after@example.org")
    else:
        world.dynamics.change_contact(contact_id, donotbulkemail=True)
    invocation, reason = wait_until(lambda: failed(log(world), flow), f"the line of {flow}")
    assert f"Executing 'Functions.{function}'" in run_of(log(world), invocation)
    assert "403" in reason
    world.campaign.faults()


def failed(text: str, flow: str) -> tuple[str, str] | None:
    """Invocation and reason of the ERROR line that says that the flow has failed."""
    for invocation, line in re.findall(r"ERROR bridge (\w{8}): (\{.*\})", text):
        entry = json.loads(line)
        if (entry["event"], entry["flow"], entry["status"]) == (
            "flow_changed",
            flow,
            "failed",
        ):
            return invocation, entry["reason"]
    return None


def run_of(text: str, invocation: str) -> str:
    return next(
        line for line in text.splitlines() if "Executing " in line and f"Id={invocation}" in line
    )
