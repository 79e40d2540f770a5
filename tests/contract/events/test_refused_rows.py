"""One row of many that Dataverse refuses: its neighbours arrive, in whichever shape the refusal
comes.
"""

import pytest

from shared.state.flows import RUNNING
from tests.contract.battery.kit import outcomes
from tests.contract.events.kit import World


@pytest.mark.parametrize("shape", ["nested", "flat"])
@pytest.mark.parametrize("wording", ["record", "privilege"])
@pytest.mark.parametrize("bulk", [True, False], ids=["bulk", "single"])
def test_an_event_of_a_contact_that_may_not_be_linked_is_its_own_dead_letter(
    world: World, shape: str, wording: str, bulk: bool
) -> None:
    emulator = world.dynamics.emulator
    emulator.json("POST", "/batch", {"failed_change_set": shape})
    if not bulk:
        emulator.json("POST", "/bulk", {"without": ["acs_emailopen"]})
    names = [f"Reader{number}" for number in range(6)]
    ids = [world.contact(name) for name in names]
    world.send()
    for contact in ids:
        world.react(contact, "open")
    emulator.json("POST", "/access", {"secured": {ids[3]: wording}})
    world.export()
    settlements = world.files.sync()
    assert (
        outcomes(settlements).count("rejected"),
        world.counts()["open"],
        world.counts()["send"],
    ) == (2, 5, 5)
    assert {reason for reason, _ in world.letters()} == {"access_denied"}
    assert world.wiring.bridge.flows.read("email_events").status == RUNNING
    if wording == "privilege":
        assert all("prvAppendToContact" in sentence for _, sentence in world.letters())


def test_an_event_whose_id_is_there_already_is_unchanged_and_one_whose_task_is_there_is_refused(
    world: World,
) -> None:
    world.document(
        lambda text: text.replace(
            "  open:\n    enabled: true\n",
            "  open:\n    enabled: true\n    follow_up: {subject: Call}\n",
        )
    )
    ana = world.contact("Ana")
    world.send()
    world.react(ana, "open")
    world.export()
    world.files.sync()
    assert world.counts()["open"] == 1
    (opened,) = world.activities("open")
    (task,) = world.dynamics.rows("tasks", "activityid,subject")
    world.dynamics.http.json("DELETE", f"/acs_emailopens({opened['activityid']})")
    world.export(since="2000-01-01T00:00:00")
    settlements = world.files.sync()
    assert [
        (s.outcome.value, s.reason)
        for s in settlements
        if s.change.record_id == opened["activityid"]
    ] == [("rejected", "duplicate_key")]
    world.dynamics.http.json("DELETE", f"/tasks({task['activityid']})")
    world.export(since="2000-01-01T00:00:00")
    world.files.sync()
    assert world.counts()["open"] == 1
