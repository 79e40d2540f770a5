"""Least privilege by removal: each privilege of the role that the set-up makes is needed, and its
absence is noticed by name.
"""

import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from admin.check.__main__ import look as look_by
from admin.setup.roles import ROLE
from shared.checks import rights
from shared.checks.findings import Check, run_all
from shared.checks.look import Look
from shared.checks.webhooks import webhooks
from shared.dataverse.batch import Operation, create_many, update_many
from shared.errors import BridgeError, Misconfigured
from shared.events.activities import COMPLETED, bind
from shared.mapping.compiling import columns
from tests.contract.commands.conftest import Office

ROOT = Path(__file__).parents[3]
CHECK = Check("privileges", rights.privileges, (), rights.ADVICE)
EVENT_ID = "00000000-0000-4000-8000-000000000001"
Privileges = dict[str, str]


def look(office: Office) -> Look:
    """As the app: its settings, its identity."""
    os.environ.update(json.loads(office.settings().read_text())["Values"])
    return look_by({**os.environ})


@pytest.fixture
def role(sound: Office) -> "MadeRole":
    return MadeRole(sound)


class MadeRole:
    """The role as the set-up has made it, for an administrator to take from."""

    def __init__(self, office: Office) -> None:
        self.office = office
        (self.role,) = office.rows(f"/roles?$select=roleid&$filter=name eq '{ROLE}'")
        listed = office.dynamics.http.json(
            "GET", f"/RetrieveRolePrivilegesRole(RoleId={self.role['roleid']})"
        )["RolePrivileges"]
        self.privileges: Privileges = {
            item["PrivilegeName"]: item["PrivilegeId"] for item in listed
        }

    def give(self, names: list[str]) -> None:
        listed = [{"PrivilegeId": self.privileges[name], "Depth": "Global"} for name in names]
        path = f"/roles({self.role['roleid']})/Microsoft.Dynamics.CRM.ReplacePrivilegesRole"
        self.office.dynamics.http.json("POST", path, {"Privileges": listed})

    @contextmanager
    def without(self, name: str) -> Iterator[None]:
        self.give([other for other in self.privileges if other != name])
        try:
            yield
        finally:
            self.give(list(self.privileges))


def test_each_privilege_that_is_taken_from_the_role_is_named_by_the_check(role: MadeRole) -> None:
    assert len(role.privileges) > 12
    assert set(role.privileges) == set(
        re.findall(r"`(prv\w+)`", (ROOT / "docs" / "set-up.md").read_text())
    )
    assert {finding.state for finding in run_all([CHECK], look(role.office))} == {"ok"}
    for name in role.privileges:
        with role.without(name):
            wrong = [
                finding
                for finding in run_all([CHECK], look(role.office))
                if finding.state == "error"
            ]
        assert any(name in finding.message for finding in wrong), name
        assert all("setup dataverse" in finding.next for finding in wrong), name


def test_each_privilege_of_the_role_is_one_that_the_bridge_uses(role: MadeRole) -> None:
    """Without it something that the bridge does is refused: none is superfluous."""
    contact = role.office.dynamics.create_contact(lastname="Test")
    everything = uses(contact, make_team(role.office))
    assert refused(look(role.office), everything) == []
    unused = []
    for name in role.privileges:
        with role.without(name):
            if not refused(look(role.office), everything):
                unused.append(name)
    assert unused == []


def make_team(office: Office) -> str:
    (unit,) = office.rows("/businessunits?$select=businessunitid")
    place = {"businessunitid@odata.bind": f"/businessunits({unit['businessunitid']})"}
    assert (
        office.dynamics.http.ask("POST", "/teams", {"name": "Service", **place}).status_code == 204
    )
    return str(office.rows("/teams?$select=teamid")[0]["teamid"])


def uses(contact: str, team: str) -> list[Callable[[Look], object]]:
    """What the bridge does in Dataverse, each by its own clients."""
    return [
        lambda one: one.wiring.dataverse.privileges() or pytest.fail("no privileges are told"),
        lambda one: one.wiring.dataverse.change_window_days(),
        lambda one: one.wiring.dataverse.table("contact"),
        read_changes,
        lambda one: write_contact(one, contact),
        lambda one: write_events(one, contact, f"/teams({team})", "team"),
        lambda one: write_events(
            one, contact, f"/systemusers({owner(one, contact)})", "systemuser"
        ),
        lambda one: one.wiring.dataverse.existing(
            one.wiring.dataverse.table("acs_emailsend"), [EVENT_ID]
        ),
        lambda one: list(webhooks(one)),
        lambda one: list(rights.roles(one)),
    ]


def refused(one: Look, everything: list[Callable[[Look], object]]) -> list[str]:
    found = []
    for use in everything:
        try:
            use(one)
        except BridgeError as error:
            found.append(str(error))
    return found


def read_changes(one: Look) -> None:
    source = one.wiring.dataverse.table("contact")
    (document,) = [item for item in one.documents if item.table == "contact"]
    one.wiring.dataverse.tracked(source, sorted(columns(document)))


def write_contact(one: Look, contact: str) -> None:
    client = one.wiring.dataverse
    source = client.table("contact")
    (row,) = client.rows(source, ["contactid", "donotphone"], [contact])
    client.update(
        source, contact, {"donotphone": not row["donotphone"]}, row["@odata.etag"], ["contactid"]
    )


def owner(one: Look, contact: str) -> str:
    source = one.wiring.dataverse.table("contact")
    return str(
        one.wiring.dataverse.rows(source, ["contactid", "_ownerid_value"], [contact])[0][
            "_ownerid_value"
        ]
    )


def write_events(one: Look, contact: str, owned_by: str, kind: str) -> None:
    """An activity on the contact's timeline, completed, and a task for the contact's owner; what is
    refused is raised.
    """
    batch = one.wiring.batch
    send, task = batch.table("acs_emailsend"), batch.table("task")
    event_id = EVENT_ID[:-1] + ("2" if kind == "team" else "3")
    regarding = {bind(send, "regardingobjectid", "contact"): f"/contacts({contact})"}
    follow_up = {"subject": "Call", bind(task, "ownerid", kind): owned_by}
    follow_up |= {bind(task, "regardingobjectid", "contact"): f"/contacts({contact})"}
    sets = [
        [create_many(send, [{"activityid": event_id, "subject": "Spring", **regarding}])],
        [update_many(send, [{"activityid": event_id, **COMPLETED}])],
        [Operation("POST", "tasks", follow_up)],
    ]
    for result in batch.run(sets, "events"):
        if isinstance(result, Misconfigured):
            raise result
