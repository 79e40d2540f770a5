"""Both ways, by each of the three ways to read Campaign: who says no is heard everywhere, and
nothing echoes.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from dev.verbs import wait_until
from shared.console import opt_out as views
from shared.errors import Retryable
from shared.opt_out.deciding import Rule
from shared.pipeline.replay import replay
from shared.pipeline.running import stop
from shared.records import Change, Kind
from shared.state.flows import FAILED, RUNNING
from shared.state.ledger import Ledger
from shared.state.ledger_rows import View
from tests.contract.battery.kit import outcomes
from tests.contract.opt_out.kit import COLUMN, FLAG, World

YES_YES, NO_NO = (False, False), (True, True)


@pytest.fixture(params=["filter", "scan", "file"])
def any_source(request: pytest.FixtureRequest, new_world: Callable[..., World]) -> World:
    world = new_world("both", OPT_OUT_SOURCE=request.param)
    world.document("stable_seconds: 60", "stable_seconds: 0")
    return world


def yes_no_column(name: str) -> dict[str, object]:
    def labelled(text: str) -> dict[str, object]:
        return {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}

    options = {
        f"{word}Option": {"Value": value, "Label": labelled(word)}
        for value, word in enumerate(("False", "True"))
    }
    kind = "Microsoft.Dynamics.CRM.BooleanAttributeMetadata"
    return {
        "@odata.type": kind,
        "SchemaName": name,
        "DisplayName": labelled("No fax"),
        "OptionSet": options,
    }


def export(world: World) -> None:
    """Campaign's workflow runs, where it is what we read."""
    if world.settings.opt_out_source == "file":
        world.campaign.emulator.json("POST", "/export", {"log": "optOut"})


def test_a_no_travels_either_way_and_back_again(any_source: World) -> None:
    world = any_source
    here, there = world.person(), world.person()
    export(world)
    world.quiet()
    world.in_dynamics(here, no=True)
    world.in_campaign(there, no=True)
    export(world)
    world.quiet()
    assert (world.says(here), world.says(there)) == (NO_NO, NO_NO)
    world.in_dynamics(there, no=False)
    world.in_campaign(here, no=False)
    export(world)
    world.quiet()
    assert (world.says(here), world.says(there)) == (YES_YES, YES_YES)


def test_our_own_writes_do_not_echo(world: World) -> None:
    people = [world.person() for _ in range(4)]
    world.quiet()
    for person in people[:2]:
        world.in_dynamics(person, no=True)
    for person in people[2:]:
        world.in_campaign(person, no=True)
    before = world.writes()
    world.quiet()
    for _ in range(3):
        world.restart()
        assert not {"updated", "created"} & set(outcomes(world.sync()))
    assert (world.writes()[0] - before[0], world.writes()[1] - before[1]) == (2, 2)


def test_only_the_changed_column_is_sent_and_only_to_the_row_that_was_read(world: World) -> None:
    person = world.person()
    world.quiet()
    world.in_campaign(person, no=True)
    world.from_campaign.poll()
    changed_meanwhile = {"status": 412, "body": {"error": {"code": "0x80060882", "message": ""}}}
    world.dynamics.faults({"match": {"method": "PATCH"}, "action": changed_meanwhile, "times": 1})
    settlements = world.from_campaign.drain()
    assert outcomes(settlements) == ["waiting", "updated"]
    assert world.says(person) == NO_NO


def test_the_first_meeting_of_two_sides_that_differ_is_won_by_the_no(world: World) -> None:
    here, there = world.person(contact=True), world.person(profile=True)
    world.quiet()
    assert (world.says(here), world.says(there)) == (NO_NO, NO_NO)
    assert {one["rule"] for one in world.decisions()} == {
        "no value was agreed yet, so opt-out wins"
    }


def test_an_inverted_column_says_yes_where_the_flag_says_no(world: World) -> None:
    world.document(
        "{column: donotfax, flag: blackListFax}",
        "{column: followemail, flag: denyListMobile, inverted: true}",
    )
    person = world.person(followemail=True)
    world.quiet()
    world.in_dynamics(person, no=False, column="followemail")
    world.quiet()
    assert world.says(person, "followemail", "blackListMobile") == (False, True)
    world.in_campaign(person, no=False, flag="blackListMobile")
    world.quiet()
    assert world.says(person, "followemail", "blackListMobile") == (True, False)


def test_a_no_by_another_column_counts_and_stays(world: World) -> None:
    person = world.person()
    world.quiet()
    world.in_dynamics(person, no=True, column="donotemail")
    world.quiet()
    assert world.says(person) == (False, True)
    world.in_campaign(person, no=False)
    world.quiet()
    assert world.says(person) == (False, True)
    world.in_dynamics(person, no=False, column="donotemail")
    world.quiet()
    assert world.says(person) == YES_YES


def test_an_opt_in_by_an_edit_in_dynamics_can_be_forbidden(world: World) -> None:
    world.document("opt_in_from_dynamics: allow", "opt_in_from_dynamics: ignore")
    person = world.person(profile=True)
    world.quiet()
    world.in_dynamics(person, no=False)
    world.quiet()
    assert world.says(person) == NO_NO


def test_a_no_while_the_contacts_flow_creates_the_profile_is_never_missed(world: World) -> None:
    """The profile is created with the opt-out of its row; a later one is written afterwards."""
    created = world.dynamics.create_contact(
        lastname="Reader", emailaddress1="a@example.org", **{COLUMN: True}
    )
    late = world.dynamics.create_contact(lastname="Reader", emailaddress1="b@example.org")
    world.contacts.poll()
    world.in_dynamics(late, no=True)
    world.sync("opt_out-from-dynamics")
    assert world.says(late) == (True, None)
    world.contacts.drain()
    assert world.says(created) == NO_NO
    world.from_dynamics.drain()
    assert world.says(late) == NO_NO


@pytest.mark.parametrize("source", ["filter", "scan"])
def test_what_campaign_saved_late_is_found_behind_the_newest(
    new_world: Callable[..., World], source: str
) -> None:
    """A profile whose time is older than what was read already: looked for each half of the
    overlap, and by safe-to-send.
    """
    world = new_world("both", OPT_OUT_SOURCE=source)
    newest, late = world.person(), world.person()
    world.backfill()
    world.quiet()
    world.campaign.emulator.json("POST", "/clock", {"advance_seconds": 20})
    world.campaign.renew(world.stack.new_campaign_token())
    world.in_campaign(newest, no=True)
    world.quiet()
    world.campaign.emulator.json("POST", "/clock", {"advance_seconds": -20})
    world.campaign.renew(world.stack.new_campaign_token())
    world.in_campaign(late, no=True)
    assert outcomes(world.sync("opt_out-from-campaign")) == []
    assert not world.safe()["safe"]
    world.ahead += 31
    assert outcomes(world.sync("opt_out-from-campaign")) == ["updated"]
    assert world.says(late) == NO_NO


@pytest.mark.parametrize("mode", ["both", "to-campaign"])
@pytest.mark.parametrize("no", [True, False])
def test_a_new_contact_costs_campaign_one_call_and_waits_for_its_profile(
    new_world: Callable[..., World], mode: str, no: bool
) -> None:
    """Dynamics' feed is ahead of the contacts flow; Campaign is asked only for the list of what has
    changed.
    """
    world = new_world(mode)
    world.backfill()
    world.quiet()
    people = [world.contact(no) for _ in range(20)]
    world.contacts.poll()
    assert outcomes(world.sync("opt_out-from-dynamics")) == (["waiting"] * 20 if no else [])
    assert world.safe()["safe"] is not no
    world.deliver_contacts()
    world.quiet()
    assert [world.says(person) for person in people] == [(no, no)] * 20
    assert world.reads() == 0
    assert world.safe()["safe"]
    world.in_dynamics(people[0], no=not no)
    world.quiet()
    assert world.says(people[0]) == (not no, not no)


def test_a_no_that_came_after_the_contact_was_read_reaches_its_new_profile(world: World) -> None:
    world.backfill()
    person = world.contact()
    world.contacts.poll()
    world.in_dynamics(person, no=True)
    assert outcomes(world.sync("opt_out-from-dynamics")) == ["waiting"]
    world.deliver_contacts()
    assert world.says(person) == (True, False)
    assert outcomes(world.from_dynamics.drain()) == ["updated"]
    assert world.says(person) == NO_NO


@pytest.mark.parametrize("mode", ["to-campaign", "both"])
def test_an_opt_out_that_found_no_profile_reaches_the_one_that_is_made_later(
    new_world: Callable[..., World], mode: str
) -> None:
    """The contact was refused before, so the contacts flow settles it for the second time when it
    makes the profile, from the row that it read before the opt-out.
    """
    world = new_world(mode)
    world.backfill()
    world.sync()
    person = world.contact(firstname="x" * 31)
    world.contacts.poll()
    assert outcomes(world.contacts.drain()) == ["rejected"]
    world.sync()
    world.dynamics.change_contact(person, quietly=True, firstname="Ann")
    world.contacts.poll()
    world.in_dynamics(person, no=True)
    assert outcomes(world.sync()) == ["filtered"]
    assert outcomes(world.contacts.drain()) == ["created"]
    world.sync()
    assert world.says(person) == NO_NO


class Meanwhile:
    """The ledger of one who is about to settle while something else happens."""

    def __init__(self, real: Ledger, happens: Callable[[], None]) -> None:
        self.real, self.happens = real, happens

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def settle(self, *reported: Any) -> None:
        self.happens()
        self.real.settle(*reported)


def test_a_word_that_is_given_while_an_opt_out_is_being_parked_is_heard(world: World) -> None:
    world.backfill()
    person = world.contact(no=True)
    world.from_dynamics.poll()
    (message,) = world.from_dynamics.messages()
    bridge = world.wiring.bridge
    settlements = world.from_dynamics.deliver(
        message, replace(bridge, ledger=Meanwhile(bridge.ledger, world.backfill))
    )
    assert outcomes(settlements) == ["waiting"]
    assert world.says(person) == NO_NO
    assert outcomes(world.from_dynamics.drain()) == ["unchanged"]
    world.quiet()
    assert world.safe()["reasons"] == []


@pytest.mark.parametrize("source", ["filter", "scan"])
def test_pages_that_are_read_together_and_break_off_in_the_middle_lose_nobody(
    new_world: Callable[..., World], source: str
) -> None:
    world = new_world("both", OPT_OUT_SOURCE=source)
    world.document("page_lines: 1000", "page_lines: 2")
    people = [world.person() for _ in range(17)]
    world.backfill()
    world.quiet()
    for person in people:
        world.in_campaign(person, no=True)
    feed = world.wiring.opt_out.campaign.feed  # type: ignore[union-attr]
    feed.client = BreaksOff(feed.client, at=3)  # type: ignore[attr-defined]
    assert world.from_campaign.poll() == "interrupted"
    assert world.wiring.handoff.length("opt-out") == 0
    assert world.from_campaign.poll() == "up to date"
    assert sorted(outcomes(world.from_campaign.drain())) == ["updated"] * 17
    assert [world.says(person) for person in people] == [NO_NO] * 17


class BreaksOff:
    """A client of Campaign whose page number `at` does not come."""

    def __init__(self, real: Any, at: int) -> None:
        self.real, self.left = real, at

    def page(self, *asked: Any) -> Any:
        self.left -= 1
        if not self.left:
            raise Retryable("Campaign gave no answer.")
        return self.real.page(*asked)


class OthersFirst:
    """The ledger of one who comes second to some partition: others settle there between its look
    and its claim.
    """

    def __init__(self, real: Ledger, times: int) -> None:
        self.real, self.times = real, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def claim(self, view: View, *reported: Any) -> None:
        if self.times:
            self.times -= 1
            other = self.real.view(view.partition, [], reported[1])
            self.real.claim(other, "other", *reported[1:])
            self.real.settle(other, [])
        self.real.claim(view, *reported)


def test_who_comes_second_decides_again_at_once(world: World) -> None:
    person = world.person()
    world.backfill()
    world.quiet()
    world.in_dynamics(person, no=True)
    world.from_dynamics.poll()
    (message,) = world.from_dynamics.messages()
    bridge = world.wiring.bridge
    settlements = world.from_dynamics.deliver(
        message, replace(bridge, ledger=OthersFirst(bridge.ledger, times=3))
    )
    assert outcomes(settlements) == ["updated"]
    assert world.says(person) == NO_NO
    assert world.wiring.handoff.length("opt-out") == 0


@pytest.mark.parametrize(
    ("key", "seconds"), [("opt_out-from-dynamics", 60), ("opt_out-from-campaign", 2)]
)
def test_a_feed_waits_while_the_queue_is_long_and_then_reads_on(
    world: World, key: str, seconds: int
) -> None:
    person = world.person(
        contact=key == "opt_out-from-dynamics", profile=key == "opt_out-from-campaign"
    )
    bridge, slept = world.wiring.bridge, list[float]()
    for number in range(30):
        bridge.handoff.put(
            "opt-out",
            "opt_out",
            "contact",
            0,
            [Change(f"{number:08x}-0000-0000-0000-000000000000", Kind.REFERENCE)],
        )
    worker = world.sides[key]
    assert worker.poll(replace(bridge, sleep=slept.append)) == "up to date"
    assert sum(slept) == seconds
    assert bridge.handoff.length("opt-out") == 31
    worker.drain()  # or the next poll waits in earnest
    world.quiet()
    assert world.says(person) == NO_NO


def test_a_webhook_waits_for_no_backfill(world: World) -> None:
    """A profile may be there although the contacts flow has not come to its contact."""
    world.backfill()
    person = world.person()
    world.in_dynamics(person, no=True)
    change = Change(person, Kind.REFERENCE, first_seen=world.wiring.bridge.now())
    world.wiring.handoff.put("opt-out", "opt_out", "contact", 0, [change])
    assert outcomes(world.from_dynamics.drain()) == ["updated"]
    assert world.says(person) == NO_NO


def test_a_contact_that_the_contacts_flow_refuses_is_heard_all_the_same(world: World) -> None:
    world.backfill()
    person = world.person(firstname="x" * 31)
    world.in_dynamics(person, no=True)
    world.contacts.poll()
    assert outcomes(world.sync("opt_out-from-dynamics")) == ["waiting"]
    assert outcomes(world.contacts.drain()) == ["rejected"]
    assert outcomes(world.from_dynamics.drain()) == ["updated"]
    assert world.says(person) == NO_NO


@pytest.mark.parametrize("lost", ["its word", "the contacts flow"])
def test_what_waits_for_the_contacts_flow_is_found_if_nobody_calls_for_it(
    world: World, lost: str
) -> None:
    world.backfill()
    person = world.person()
    world.contacts.poll()
    world.in_dynamics(person, no=True)
    assert outcomes(world.sync("opt_out-from-dynamics")) == ["waiting"]
    if lost == "its word":
        mute = replace(world.contacts.flow, tell=None)  # type: ignore[type-var]
        world.contacts.flow = mute  # type: ignore[assignment]
        world.deliver_contacts()
    else:
        stop("contacts", world.wiring.bridge, by="a test")
    assert world.wiring.opt_out.catch_up(world.wiring.bridge) == 0
    world.ahead += 800  # and what rounding adds
    assert world.wiring.opt_out.catch_up(world.wiring.bridge) == 1
    assert outcomes(world.from_dynamics.drain()) == ["updated"]
    assert world.says(person) == NO_NO


@pytest.mark.parametrize("mode", ["to-campaign", "from-campaign"])
def test_the_contacts_flow_never_takes_a_no_back(
    new_world: Callable[..., World], mode: str
) -> None:
    """Its updates leave the flags of the pairs alone, in every mode that has pairs."""
    world = new_world(mode)
    person = world.person(profile=True)
    world.backfill()
    world.dynamics.change_contact(person, quietly=True, lastname="Changed")
    world.backfill()
    profile = world.campaign.profile(person)
    assert profile is not None
    assert (profile["lastName"], profile[FLAG]) == ("Changed", True)


@pytest.mark.parametrize(
    ("mode", "here", "there"),
    [("to-campaign", NO_NO, (False, True)), ("from-campaign", (True, False), NO_NO)],
)
def test_one_way(
    new_world: Callable[..., World], mode: str, here: tuple[bool, bool], there: tuple[bool, bool]
) -> None:
    world = new_world(mode)
    one, other = world.person(), world.person()
    world.quiet()
    world.in_dynamics(one, no=True)
    world.in_campaign(other, no=True)
    world.quiet()
    assert (world.says(one), world.says(other)) == (here, there)


def test_another_mode_or_another_column_never_looks_like_an_opt_in(
    new_world: Callable[..., World],
) -> None:
    """What one way has left apart is brought together both ways, and a pair's new column takes no
    no back.
    """
    one_way = new_world("to-campaign")
    heard, other = one_way.person(donotphone=True), one_way.person(donotphone=True)
    one_way.in_campaign(heard, no=True)
    one_way.in_campaign(other, no=True)
    one_way.quiet()
    assert one_way.says(heard) == (False, True)
    world = World(one_way.stack, "both")
    world.quiet()
    assert (world.says(heard), world.says(other)) == (NO_NO, NO_NO)
    world.document(
        "{column: donotbulkemail, flag: blackListEmail, also: [donotemail]}",
        "{column: donotemail, flag: blackListEmail}",
    )
    world.restart()
    world.from_dynamics.poll()
    world.quiet()
    assert world.says(heard, column="donotemail") == NO_NO


def test_another_way_to_read_campaign_begins_anew(new_world: Callable[..., World]) -> None:
    world = new_world("both", OPT_OUT_SOURCE="file")
    person = world.person()
    world.quiet()
    for source in ("filter", "scan", "file", "filter"):
        world = World(world.stack, "both", OPT_OUT_SOURCE=source)
        world.document("stable_seconds: 60", "stable_seconds: 0")
        world.in_campaign(person, no=not world.says(person)[1])
        export(world)
        world.quiet()
        assert world.says(person)[0] == world.says(person)[1]


def test_disabled_reads_and_writes_nothing(new_world: Callable[..., World]) -> None:
    world = new_world("disabled")
    world.person(contact=True)
    assert (world.wiring.opt_out.polls(), world.wiring.opt_out.all()) == ([], [])
    assert world.safe() == {
        "safe": False,
        "reasons": ["Opt-outs are not carried: OPT_OUT_MODE is disabled."],
    }


def test_a_merged_contact_passes_its_no_on_to_the_one_that_stays(world: World) -> None:
    stays, goes = world.person(), world.person(profile=True)
    world.quiet()
    merge = {
        "Target": {"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": stays},
        "Subordinate": {"@odata.type": "Microsoft.Dynamics.CRM.contact", "contactid": goes},
        "PerformParentingChecks": False,
    }
    world.dynamics.http.json("POST", "/Merge", merge)
    world.quiet()
    assert world.says(stays) == NO_NO
    world.in_dynamics(stays, no=False)
    world.quiet()
    assert world.says(stays) == YES_YES  # the one that is gone does not say it for ever


def test_an_opt_out_of_a_profile_whose_key_has_braces_reaches_the_contact_once(
    any_source: World,
) -> None:
    """As Dynamics exports ids.

    The contact's id does not find such a profile, so its opt-out is passed on.
    """
    world = any_source
    contact, other = world.contact(), world.contact()
    world.profile(f"{{{contact.upper()}}}", no=True)
    world.profile(f"{{{other.upper()}}}", no=False)
    world.profile("crm-4711", no=True)
    export(world)
    world.quiet()
    assert (world.dynamics.contact(contact)[COLUMN], world.dynamics.contact(other)[COLUMN]) == (
        True,
        False,
    )
    assert [(one["contact"], one["rule"]) for one in world.decisions()] == [
        (contact, Rule.ALIAS.value)
    ]
    export(world)
    assert "updated" not in outcomes(world.sync())


def test_inactive_and_deleted_contacts_and_profiles_of_nobody(world: World) -> None:
    inactive, deleted = world.person(), world.person()
    world.quiet()
    world.dynamics.deactivate_contact(inactive, quietly=True)
    world.dynamics.delete_contact(deleted, quietly=True)
    stranger = {"externalId": "crm-4711", "email": "stranger@example.org", FLAG: True}
    world.campaign.http.json("POST", "/profileAndServicesExt/profile", stranger)
    world.in_campaign(inactive, no=True)
    world.in_campaign(deleted, no=True)
    assert set(outcomes(world.sync())) <= {"updated", "no_contact", "unchanged"}
    assert world.says(inactive) == NO_NO
    assert world.safe()["safe"]


def test_a_contact_made_in_both_systems_at_once_keeps_the_no(world: World) -> None:
    contact = world.dynamics.create_contact(lastname="Reader", emailaddress1="a@example.org")
    world.profile(contact, no=True)
    world.backfill()
    world.quiet()
    assert world.says(contact) == NO_NO


def test_a_column_that_disappears_pauses_opt_outs_and_nothing_else(world: World) -> None:
    world.dynamics.http.json(
        "POST", "/EntityDefinitions(LogicalName='contact')/Attributes", yes_no_column("acs_nofax")
    )
    world.document(
        "{column: donotfax, flag: blackListFax}", "{column: acs_nofax, flag: blackListFax}"
    )
    person = world.person()
    world.quiet()
    world.dynamics.http.json(
        "DELETE", "/EntityDefinitions(LogicalName='contact')/Attributes(LogicalName='acs_nofax')"
    )
    world.restart()
    world.in_campaign(person, no=True)
    world.from_dynamics.poll()
    state = world.wiring.bridge.flows.read("opt_out-from-dynamics")
    assert (state.status, "acs_nofax" in state.reason) == (FAILED, True)
    assert not world.safe()["safe"]
    world.backfill()
    assert world.wiring.bridge.flows.read("contacts").status == RUNNING
    world.document("  - {column: donotfax, flag: blackListFax}\n", "")
    wait_until(
        lambda: world.from_dynamics.poll() == "up to date", "the flow to recover", seconds=15
    )
    wait_until(
        lambda: world.from_campaign.poll() == "up to date", "the flow to recover", seconds=15
    )
    wait_until(
        lambda: world.wiring.bridge.flows.read("opt_out").status == RUNNING, "deliveries", seconds=1
    )
    world.quiet()
    assert world.says(person) == NO_NO


def test_replaying_everything_changes_nothing(world: World) -> None:
    person = world.person(profile=True)
    world.quiet()
    before = world.writes()
    for flow in world.wiring.opt_out.polls():
        replay(flow, world.wiring.bridge, "all")
    world.sync()
    assert (world.says(person), world.writes()) == (NO_NO, before)


def test_a_decision_can_be_read_and_exported(world: World) -> None:
    person = world.person(profile=True)
    world.quiet()
    shown = views.contact(world.wiring.opt_out.deliver(), world.wiring.bridge, person)
    assert shown is not None
    flag = shown["flags"][FLAG]
    assert (flag["dynamics"], flag["campaign"], flag["agreed"], flag["winner"]) == (
        True,
        True,
        True,
        "opt-out",
    )
    assert flag["rule"] == "no value was agreed yet, so opt-out wins"
    assert flag["campaign_changed_at"] and flag["dynamics_changed_at"] and flag["decided_at"]
    header, line = (
        views.csv_of(world.wiring.opt_out, views.today(world.wiring.opt_out)).strip().splitlines()
    )
    assert header.startswith("contact,flag,column,dynamics,campaign")
    assert line.startswith(f"{person},{FLAG},{COLUMN},False,True")
