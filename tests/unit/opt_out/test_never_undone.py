"""No flag goes from true to false unless a person opted in: people, modes, first reads, replays and
restarts at random.

The real mapping, decisions, client and rules on both sides; two systems in memory, which keep time
as Campaign and Dataverse do.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from shared.campaign.client import Address, CampaignClient
from shared.entities.flow import TableFlow
from shared.http.transport import Request, Response
from shared.mapping import default_document
from shared.opt_out.agreed_state import AgreedState, scope_of
from shared.opt_out.agreeing import Reconciler
from shared.opt_out.catalog import ActiveOptOut
from shared.opt_out.deciding import Mode
from shared.opt_out.documents import FLAGS, Pair, default_opt_out_document, read_opt_out_document
from shared.opt_out.systems import Contact, Profiles, contact_of
from shared.pipeline.decision import Act
from shared.records import Change, Kind, Outcome, WriteResult
from shared.state.ledger_rows import LedgerRow
from tests.unit.mapping.metadata import CONTACT, ID, row
from tests.unit.opt_out.test_owned import OLD, PAIRS, Stored, catalog

DOCUMENT = read_opt_out_document(default_opt_out_document())
COLUMNS = DOCUMENT.columns
ADDRESS = Address("profileAndServicesExt", "profile", "externalId")
UNPAIRED = set(FLAGS) - {pair.flag for pair in PAIRS}
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.seconds = 0

    def tick(self) -> str:
        self.seconds += 5
        return (BEGIN + timedelta(seconds=self.seconds)).isoformat()


class Campaign:
    """One profile behind the transport's one method.

    `said`: what people said of flags that no pair has.
    """

    clock_ahead_seconds = 0.0

    def __init__(self, clock: Clock) -> None:
        self.clock, self.profile, self.said = clock, dict[str, Any](), dict[str, bool]()

    def token(self, refused: str = "") -> str:
        return "token"

    def send(self, request: Request) -> Response:
        body = json.loads(request.body) if request.body else {}
        if request.method == "POST":
            return self.create(body)
        if not self.profile:
            return Response(404, {}, b"Unable to find document with path 'Profile' from key 'x:0'")
        if request.method == "PATCH":
            self.change(body)
        return Response(200, {}, json.dumps(self.profile).encode())

    def create(self, body: Mapping[str, Any]) -> Response:
        if self.profile:
            return Response(500, {}, b"A 'Profile' with the same key 'x' already exists.")
        self.profile, self.said = dict.fromkeys(FLAGS, False), dict.fromkeys(UNPAIRED, False)
        self.change(body)
        return Response(201, {}, json.dumps(self.profile).encode())

    def change(self, body: Mapping[str, Any]) -> None:
        now = self.clock.tick()
        times = {
            f"{name}LastModified": now
            for name in body
            if name in FLAGS and self.profile[name] != body[name]
        }
        self.profile.update(body, **times)


class Contacts:
    """The contact in Dynamics, as the opt-out flow reads and writes it."""

    def __init__(self, clock: Clock, campaign: Campaign) -> None:
        self.clock, self.client = clock, campaign
        self.row: dict[str, Any] = row()
        self.version = self.life = 0
        self.change(firstname="Ana", createdon=clock.tick())
        self.copy = (self.row.copy(), self.version)

    def change(self, **values: Any) -> None:
        self.version += 1
        self.row.update(
            values, modifiedon=self.clock.tick(), **{"@odata.etag": f'W/"{self.version}"'}
        )

    def now(self) -> Contact:
        return contact_of(self.row, PAIRS, self.life)

    def restore(self) -> None:
        """Versions are given out again."""
        self.row, self.version = self.copy[0].copy(), self.copy[1]

    def read(
        self, table: object, pairs: Collection[Pair], ids: Iterable[str]
    ) -> dict[str, Contact]:
        return {}

    def write(
        self, table: object, pairs: Iterable[Pair], contact: Contact, values: Mapping[str, bool]
    ) -> Contact:
        by_flag = {pair.flag: pair for pair in pairs}
        self.change(
            **{
                by_flag[flag].column: by_flag[flag].column_value(value)
                for flag, value in values.items()
            }
        )
        return self.now()


class Decisions:
    def put(self, decisions: Iterable[object]) -> None:
        list(decisions)


class People(RuleBasedStateMachine):
    """`opted_in`: flags for which a person's opt-in is the last thing that a person said of them,
    on the named side.
    """

    document = default_document("contact")

    @initialize(
        adobe=st.none() | st.sets(st.sampled_from(FLAGS)),
        opt_outs=st.sets(st.sampled_from(COLUMNS)),
    )
    def begin(self, adobe: set[str] | None, opt_outs: set[str]) -> None:
        """A customer comes from Adobe's hosted app: perhaps the profile is there, with what people
        said to Campaign.
        """
        self.clock = Clock()
        self.campaign = Campaign(self.clock)
        self.client = CampaignClient(
            "https://mc.example.org/org/campaign", "key", self.campaign, self.campaign
        )  # type: ignore[arg-type]
        self.contacts = Contacts(self.clock, self.campaign)
        self.contacts.change(**dict.fromkeys(opt_outs, True))
        self.mode, self.opted_in = Mode.BOTH, set[str]()
        if adobe is not None:
            self.campaign.create({"externalId": ID})
            for flag in sorted(adobe):
                self.says_in_campaign(flag, no=True)
        self.forget()

    def forget(self) -> None:
        """Other storage: nothing is known of what was written and agreed."""
        self.ledger, self.state = LedgerRow(ID), dict[str, Any]()
        systems: Any = None
        self.flow = TableFlow(
            "contacts",
            "contacts",
            "contact",
            catalog(Stored(self.document)),
            systems,
            self.client,
            b"key",
            float,
        )

    @rule(mode=st.sampled_from(list(Mode)))
    def set_mode(self, mode: Mode) -> None:
        self.mode = mode

    @rule()
    def state_is_lost(self) -> None:
        self.forget()

    @rule(column=st.sampled_from(COLUMNS), no=st.booleans())
    def says_in_dynamics(self, column: str, no: bool) -> None:
        before = self.contacts.now().values
        self.contacts.change(**{column: no})
        for flag, value in self.contacts.now().values.items():
            if value != before[flag]:
                (self.opted_in.discard if value else self.opted_in.add)(flag)

    @rule(flag=st.sampled_from(FLAGS), no=st.booleans())
    def says_in_campaign(self, flag: str, no: bool) -> None:
        """A "stop" by SMS, an unsubscribe, a preference centre."""
        if self.campaign.profile and self.campaign.profile[flag] != no:
            self.campaign.change({flag: no})
            self.campaign.said |= {flag: no} if flag in UNPAIRED else {}
            (self.opted_in.discard if no else self.opted_in.add)(flag)

    @rule(name=st.sampled_from(["Ana", "Bea"]))
    def edit(self, name: str) -> None:
        self.contacts.change(firstname=name)

    @rule()
    def profile_is_deleted(self) -> None:
        self.campaign.profile = {}

    @rule(opt_outs=st.sets(st.sampled_from(COLUMNS)))
    def is_made_again(self, opt_outs: set[str]) -> None:
        """Deleted and made again under its id, and nobody has seen that. Who said what of it
        before has said nothing of this one.
        """
        self.contacts.row = row()
        self.contacts.change(createdon=self.clock.tick(), **dict.fromkeys(opt_outs, True))
        self.opted_in.clear()

    @rule()
    def is_copied(self) -> None:
        self.contacts.copy = (self.contacts.row.copy(), self.contacts.version)

    @rule()
    def is_restored(self) -> None:
        """An operator has all replayed before people are let in. What is undone nobody has said."""
        self.contacts.restore()
        self.contacts.life += 1

    @rule(replay=st.booleans(), uncertain=st.booleans())
    def contacts_flow(self, replay: bool, uncertain: bool) -> None:
        """A poll, a first read where nothing is known, or a replay: of all, of a record, of dead
        letters.
        """
        there = dict(self.campaign.profile)
        change = Change(
            ID,
            Kind.REFERENCE,
            self.contacts.version,
            self.contacts.row,
            replay=replay,
            uncertain=uncertain,
        )
        decision = self.flow.decide(change, self.ledger if self.ledger.outcome else None)
        result = self.flow.write([decision])[ID] if decision.act is Act.SAVE else None
        self.ledger.exists, self.ledger.fingerprint, self.ledger.outcome = (
            True,
            decision.fingerprint,
            Outcome.UPDATED.value,
        )
        if there:
            assert {flag: self.campaign.profile[flag] for flag in FLAGS} == {
                flag: there[flag] for flag in FLAGS
            }
        else:
            opt_outs = {pair.flag for pair in PAIRS if pair.opted_out(self.contacts.row)}
            created = {flag for flag in FLAGS if self.campaign.profile.get(flag)}
            assert (
                created == opt_outs
                or not isinstance(result, WriteResult)
                or result.outcome is not Outcome.CREATED
            )

    @rule()
    def opt_out_flow(self) -> None:
        """One look at both sides, whatever woke it; a replay decides by the same rules."""
        if self.mode is Mode.DISABLED:
            return
        profile, contact = dict(self.campaign.profile), self.contacts.now()
        active = ActiveOptOut(1, DOCUMENT, CONTACT, ADDRESS)
        reconciler = Reconciler(self.contacts, Profiles(self.client), Decisions(), self.mode, float)  # type: ignore[arg-type]
        result = reconciler.reconcile(
            active, ID, contact, AgreedState(self.state, scope_of(self.mode, PAIRS))
        )
        self.state = dict(result.agreed)
        if not profile:
            return
        for flag in FLAGS:
            undone = profile[flag] and not self.campaign.profile[flag]
            undone |= contact.values.get(flag, False) and not self.contacts.now().values[flag]
            assert not undone or flag in self.opted_in, f"{flag} was undone in mode {self.mode}"
        if self.mode is Mode.BOTH:
            assert {
                flag: self.campaign.profile[flag] for flag in contact.values
            } == self.contacts.now().values

    @invariant()
    def what_no_pair_has_is_campaigns(self) -> None:
        """A "stop" by SMS stays as it was said: nothing but a person in Campaign ever writes
        blackListMobile.
        """
        if self.campaign.profile:
            assert {flag: self.campaign.profile[flag] for flag in UNPAIRED} == self.campaign.said


class OldDocument(People):
    """The version in force was written before the flags belonged to the opt-out flow."""

    document = OLD


@pytest.mark.parametrize(
    "people", [People, OldDocument], ids=["packaged document", "version in force that names flags"]
)
def test_no_flag_is_undone_but_by_a_person(people: type[People]) -> None:
    run_state_machine_as_test(
        people, settings=settings(max_examples=60, stateful_step_count=30, deadline=None)
    )


FLAG = PAIRS[0].flag


@pytest.mark.parametrize("edits", range(4))
@pytest.mark.parametrize("mode", [Mode.BOTH, Mode.TO_CAMPAIGN])
def test_an_edit_after_a_restore_takes_no_opt_out_back(mode: Mode, edits: int) -> None:
    """Its version may be that of the agreement, or a higher one."""
    people = People()
    people.begin(adobe=set(), opt_outs=set())
    people.is_copied()
    people.says_in_dynamics(PAIRS[0].column, no=True)
    people.opt_out_flow()
    people.set_mode(mode)
    people.opt_out_flow()
    people.is_restored()
    for _ in range(edits):
        people.edit("Bea")
    people.opt_out_flow()
    assert people.campaign.profile[FLAG]
    people.says_in_dynamics(PAIRS[0].column, no=True)
    people.opt_out_flow()
    people.says_in_dynamics(PAIRS[0].column, no=False)
    people.opt_out_flow()
    assert not people.campaign.profile[FLAG], "what people say from then on counts"


@pytest.mark.parametrize("mode", [Mode.BOTH, Mode.FROM_CAMPAIGN])
def test_an_opt_in_of_campaign_outlives_a_replay_of_all(mode: Mode) -> None:
    people = People()
    people.begin(adobe=set(), opt_outs={PAIRS[0].column})
    people.contacts_flow(replay=False, uncertain=False)
    people.says_in_campaign(FLAG, no=True)
    people.opt_out_flow()
    people.set_mode(mode)
    people.opt_out_flow()
    people.says_in_campaign(FLAG, no=False)
    people.contacts.life += 1
    people.opt_out_flow()
    assert not people.contacts.now().values[FLAG]
    assert not people.campaign.profile[FLAG]


@pytest.mark.parametrize("looked", [True, False], ids=["a look in between", "no look in between"])
@pytest.mark.parametrize("mode", [Mode.BOTH, Mode.TO_CAMPAIGN, Mode.FROM_CAMPAIGN])
def test_an_opt_out_outlives_a_restore_while_there_is_no_profile(mode: Mode, looked: bool) -> None:
    """The profile is made again from the restored contact, so neither side says no any more."""
    people = People()
    people.begin(adobe=set(), opt_outs=set())
    people.contacts_flow(replay=False, uncertain=False)
    people.is_copied()
    people.says_in_dynamics(PAIRS[0].column, no=True)
    people.opt_out_flow()
    people.set_mode(mode)
    people.opt_out_flow()
    people.profile_is_deleted()
    if looked:
        people.opt_out_flow()
    people.is_restored()
    if looked:
        people.opt_out_flow()
    people.ledger = LedgerRow(ID)
    people.contacts_flow(replay=False, uncertain=False)
    for _ in range(3):
        people.opt_out_flow()
        assert people.campaign.profile[FLAG] or mode is Mode.FROM_CAMPAIGN
        assert people.contacts.now().values[FLAG] or mode is Mode.TO_CAMPAIGN


@pytest.mark.parametrize("mode", [Mode.BOTH, Mode.TO_CAMPAIGN, Mode.FROM_CAMPAIGN])
def test_an_opt_in_of_campaign_outlives_a_restore_to_before_the_opt_out(mode: Mode) -> None:
    people = People()
    people.begin(adobe=set(), opt_outs=set())
    people.is_copied()
    people.says_in_campaign(FLAG, no=True)
    people.opt_out_flow()
    people.set_mode(mode)
    people.opt_out_flow()
    people.says_in_campaign(FLAG, no=False)
    people.is_restored()
    people.opt_out_flow()
    assert not people.contacts.now().values[FLAG]
    assert not people.campaign.profile[FLAG]


def test_an_opt_in_that_was_read_while_there_was_no_profile_outlives_a_replay_of_all() -> None:
    people = People()
    people.begin(adobe=set(), opt_outs={PAIRS[0].column})
    people.contacts_flow(replay=False, uncertain=False)
    people.opt_out_flow()
    people.profile_is_deleted()
    people.says_in_dynamics(PAIRS[0].column, no=False)
    people.opt_out_flow()
    people.contacts.life += 1
    people.opt_out_flow()
    people.ledger = LedgerRow(ID)
    people.contacts_flow(replay=False, uncertain=False)
    people.opt_out_flow()
    assert not people.contacts.now().values[FLAG]
    assert not people.campaign.profile[FLAG]
