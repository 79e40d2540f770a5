"""The role that `setup dataverse` makes is enough: the app runs with it and nothing else, and its
tables take events.
"""

import os
from collections.abc import Iterator

import pytest

from admin.check.__main__ import run as check
from admin.setup.__main__ import run as setup
from dev.commands.settings import LOCAL_PACE
from dev.commands.stack import Stack
from dev.comparison import compare, mapping_in_force
from dev.verbs import wait_until
from dev.world import World, world_of
from shared.dataverse.batch import Operation, create_many, update_many
from shared.events.activities import COMPLETED, bind
from shared.mapping import default_document
from shared.settings import load_settings
from shared.wiring import Wiring


@pytest.fixture
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The application user has the role before the functions start; the address of the functions is
    known only then.
    """
    before = dict(os.environ)
    directory = tmp_path_factory.mktemp("least")
    settings = {**LOCAL_PACE, "EMAIL_EVENTS_SOURCE": "files", "OPT_OUT_MODE": "both"}
    with Stack(directory=directory, host=False, settings=settings) as stack:
        dynamics = world_of(stack).dynamics
        (unit,) = dynamics.rows("businessunits", "businessunitid")
        place = {"businessunitid@odata.bind": f"/businessunits({unit['businessunitid']})"}
        dynamics.http.ask(
            "POST",
            "/systemusers",
            {"applicationid": stack.environment["DATAVERSE_CLIENT_ID"], **place},
        )
        arguments = ["dataverse", "--stack", "--directory", str(directory)]
        assert setup(arguments) == 0
        stack.with_host = True
        stack.start_host()
        stack.write_facts()
        assert setup(arguments) == 0
        yield world_of(stack)
    os.environ.clear()
    os.environ.update(before)


def test_the_flows_run_with_the_role_that_the_set_up_makes_and_nothing_else(world: World) -> None:
    world.dynamics.seed(100)
    contact_id = world.dynamics.create_contact(lastname="Test", emailaddress1="ana@example.org")
    world.wait_for_profile(contact_id, lastName="Test")
    world.wait_for_quiet()
    assert compare(
        world.stack.facts, mapping_in_force(world.stack.facts, default_document("contact"))
    ).agree
    assert check(["--stack", "--directory", str(world.stack.directory)]) == 0
    write_an_event(world, contact_id)
    opt_out_both_ways(world, contact_id)


def opt_out_both_ways(world: World, contact_id: str) -> None:
    """The webhook that the stack registered is told of one no; the contact is written with the
    other.
    """
    world.dynamics.change_contact(contact_id, donotphone=True)
    world.wait_for_profile(contact_id, blackListPhone=True)
    reported = {
        row["name"]: row["filteringattributes"]
        for row in world.dynamics.rows("sdkmessageprocessingsteps", "name,filteringattributes")
    }
    assert "donotphone" in reported["campaign-bridge contact/opt-out Update"]
    world.campaign.http.json(
        "PATCH", f"/profileAndServicesExt/profile/{contact_id}", {"blackListEmail": True}
    )
    wait_until(
        lambda: world.dynamics.contact(contact_id)["donotbulkemail"],
        "the no of Campaign in Dynamics",
    )


def write_an_event(world: World, contact_id: str) -> None:
    """An activity on the contact's timeline, completed, and a task for the contact's owner, as the
    app's own identity.
    """
    batch = Wiring(load_settings(world.stack.environment)).batch
    send, task = batch.table("acs_emailsend"), batch.table("task")
    owner = world.dynamics.contact(contact_id)["_ownerid_value"]
    event_id = "00000000-0000-4000-8000-000000000001"
    regarding = {bind(send, "regardingobjectid", "contact"): f"/contacts({contact_id})"}
    follow_up = {"subject": "Call", bind(task, "ownerid", "systemuser"): f"/systemusers({owner})"}
    follow_up |= {bind(task, "regardingobjectid", "contact"): f"/contacts({contact_id})"}
    sets = [
        [create_many(send, [{"activityid": event_id, "subject": "Spring", **regarding}])],
        [update_many(send, [{"activityid": event_id, **COMPLETED}])],
        [Operation("POST", "tasks", follow_up)],
    ]
    assert batch.run(sets, "events") == [None, None, None]
