"""A model of two systems and the people who change them, played at random against the real flow,
storage and emulators.

People opt out and in on both sides and edit other things, also while the bridge is between reading
and writing; polls overlap, messages are delivered late, twice, in any order, by instances that die;
clocks are hours apart. One contact has no profile until the contacts flow comes to it. After each
step a delivery must not be called safe while a no is not yet heard everywhere. When all is quiet,
both sides are equal, no opt-out is lost that no later opt-in followed, and the bridge has written
no more often than people changed something or cut in.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from azure.storage.queue import QueueMessage
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from shared.pipeline.deliver import deliver
from tests.contract.battery.kit import Killed, KilledAt
from tests.contract.opt_out.kit import World

HOUR = 3600.0
FEW = 2  # examples for each clock setting in the tests
PEOPLE = st.integers(0, 2)
DEATHS = st.sampled_from([("claim", False), ("claim", True), ("settle", False), ("settle", True)])


class Between:
    """The table of decisions; someone cuts in after what is decided on was read, and before it is
    written.
    """

    def __init__(self, real: Any, cut_in: Callable[[], None]) -> None:
        self.real, self.cut_in = real, cut_in

    def put(self, decisions: Any) -> None:
        self.real.put(decisions)
        cut_in, self.cut_in = self.cut_in, lambda: None
        cut_in()


class Model(RuleBasedStateMachine):
    world: World
    mine: list[int]
    states: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.people: list[str] = []
        self.held: list[QueueMessage] = []
        self.changes, self.cuts = 0, 0
        self.last: dict[str, bool] = {}
        self.safe_asked = 0

    @initialize(
        values=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=2),
        new=st.booleans(),
    )
    def two_people_and_a_new_contact(self, values: list[tuple[bool, bool]], new: bool) -> None:
        self.world.restart()
        self.world.backfill()
        self.world.quiet()
        self.people = [self.world.person(contact, profile) for contact, profile in values]
        for person, (contact, profile) in zip(self.people, values, strict=True):
            self.last[person] = contact or profile
            self.changes += contact != profile
        self.people.append(self.world.contact(new))
        self.last[self.people[-1]] = new
        # a no may come before the profile, and a profile be made of what the contact said before
        self.changes += 1
        self.before = self.world.writes()

    def change(self, person: str, no: bool, side: int, write: Callable[[str, bool], None]) -> None:
        if self.world.says(person)[side] not in (no, None):
            write(person, no)
            self.changes += 1
            self.mine[side] += 1
            self.last[person] = no

    @rule(number=PEOPLE, no=st.booleans())
    def in_dynamics(self, number: int, no: bool) -> None:
        self.change(self.people[number], no, 0, self.world.in_dynamics)

    @rule(number=PEOPLE, no=st.booleans())
    def in_campaign(self, number: int, no: bool) -> None:
        self.change(self.people[number], no, 1, self.world.in_campaign)

    @rule(number=PEOPLE)
    def edit(self, number: int) -> None:
        self.world.dynamics.change_contact(self.people[number], quietly=True, jobtitle="Reader")
        self.mine[0] += 1

    @rule(number=PEOPLE)
    def other_edit(self, number: int) -> None:
        if self.world.says(self.people[number])[1] is None:
            return
        self.world.campaign.http.json(
            "PATCH", f"/profileAndServicesExt/profile/{self.people[number]}", {"firstName": "Ana"}
        )
        self.mine[1] += 1

    @rule(key=st.sampled_from(["opt_out-from-dynamics", "opt_out-from-campaign"]))
    def poll(self, key: str) -> None:
        self.world.sides[key].poll()

    @rule(key=st.sampled_from(["opt_out-from-dynamics", "opt_out-from-campaign"]))
    def poll_and_die(self, key: str) -> None:
        side = self.world.sides[key]
        try:
            side.poll(replace(side.bridge, checkpoints=KilledAt(side.bridge.checkpoints, "save")))
        except Killed:
            self.world.restart()

    @rule()
    def contacts_are_read(self) -> None:
        self.world.contacts.poll()

    @rule()
    def contacts_are_delivered(self) -> None:
        self.world.deliver_contacts()

    @rule()
    def contacts_are_delivered_and_the_word_is_lost(self) -> None:
        """The instance dies when it has settled; its messages come back, as after a crash."""
        contacts = self.world.contacts
        for message in contacts.messages():
            bridge = replace(
                contacts.bridge, ledger=KilledAt(contacts.bridge.ledger, "settle", True)
            )
            try:
                self.world.count(deliver(contacts.flow, bridge, message.content.encode(), 1))
            except Killed:
                self.cuts += 1
            contacts.release(message)
        self.world.ahead += 6

    @rule()
    def take(self) -> None:
        """Takes messages off the queue; they may be delivered later, and in any order."""
        self.held += self.world.from_dynamics.messages()

    @precondition(lambda self: self.held)
    @rule(place=st.integers(0, 50), complete=st.booleans())
    def deliver(self, place: int, complete: bool) -> None:
        """What is not completed is delivered once more later."""
        message = self.held[place % len(self.held)]
        self.world.from_dynamics.deliver(message, complete=complete)
        if complete:
            self.held.remove(message)

    @precondition(lambda self: self.held)
    @rule(place=st.integers(0, 50), death=DEATHS)
    def deliver_and_die(self, place: int, death: tuple[str, bool]) -> None:
        message, worker = self.held[place % len(self.held)], self.world.from_dynamics
        bridge = replace(worker.bridge, ledger=KilledAt(worker.bridge.ledger, *death))
        try:
            deliver(worker.flow, bridge, message.content.encode(), 1)
        except Killed:
            self.cuts += 1
        self.world.ahead += 6  # longer than the claim that the dead one may have left
        self.world.restart()

    @precondition(lambda self: self.held)
    @rule(place=st.integers(0, 50), number=PEOPLE, no=st.booleans(), side=st.integers(0, 1))
    def deliver_while_somebody_cuts_in(self, place: int, number: int, no: bool, side: int) -> None:
        write = (self.world.in_dynamics, self.world.in_campaign)[side]
        worker = self.world.from_dynamics
        reconciler = worker.flow.reconciler  # type: ignore[union-attr]
        between = Between(
            reconciler.decisions, lambda: self.change(self.people[number], no, side, write)
        )
        flow = replace(worker.flow, reconciler=replace(reconciler, decisions=between))  # type: ignore[type-var]
        message = self.held[place % len(self.held)]
        deliver(flow, worker.bridge, message.content.encode(), 1)
        self.cuts += 1

    @invariant()
    def never_safe_while_a_no_is_not_heard(self) -> None:
        self.states.append(len(self.people))
        said = [self.world.says(person) for person in self.people]
        if any(there is not None and here != there for here, there in said):
            self.safe_asked += 1
            assert not self.world.safe()["safe"]

    def teardown(self) -> None:
        if not self.people:
            return
        for message in self.held:
            self.world.from_dynamics.deliver(message)
        self.world.restart()
        self.world.backfill()
        self.world.quiet()
        for person in self.people:
            here, there = self.world.says(person)
            assert here == there, "both sides are equal"
            assert here or not self.last[person], (
                "an opt-out that no later opt-in followed is never lost"
            )
        written = [
            now - then - mine
            for now, then, mine in zip(self.world.writes(), self.before, self.mine, strict=True)
        ]
        assert sum(written) <= self.changes + self.cuts, "no echo"
        assert self.world.safe() == {"safe": True, "reasons": []}


@pytest.mark.parametrize(
    ("dynamics", "campaign", "bridge"),
    [(0.0, 0.0, 0.0), (0.0, -7 * HOUR, HOUR), (-5 * HOUR, 2 * HOUR, 0.0)],
    ids=["clocks agree", "Campaign is behind", "Campaign is ahead"],
)
def test_whatever_happens(
    new_world: Callable[..., World],
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
    dynamics: float,
    campaign: float,
    bridge: float,
) -> None:
    world = new_world()
    world.dynamics.emulator.json("POST", "/clock", {"advance_seconds": dynamics})
    world.campaign.emulator.json("POST", "/clock", {"advance_seconds": campaign})
    world.campaign.renew(world.stack.new_campaign_token())
    world.ahead = bridge

    states: list[int] = []

    class Played(Model):
        def __init__(self) -> None:
            super().__init__()
            self.world, self.mine, self.states = world, [0, 0], states

    examples = int(request.config.getoption("--model-examples", FEW))
    steps = int(request.config.getoption("--model-steps", 15))
    plan = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        print_blob=True,
        derandomize=examples
        == FEW,  # the tests play the same story each time, the benchmark another one
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Played, settings=plan)  # type: ignore[no-untyped-call]
    record_property("states", len(states))
