"""What Campaign owns stays: a customer who comes from Adobe's hosted app, a "stop" by SMS, and
replays of every kind.
"""

from collections.abc import Callable

import pytest
import yaml

from shared.mapping import default_document
from shared.pipeline.replay import replay
from tests.contract.opt_out.kit import PROFILE, World

STOPPED = ("blackListEmail", "blackListMobile")


def coming(world: World) -> str:
    """A contact whose profile Adobe's app made: it carries the contact's id, and what the person
    said to Campaign.
    """
    person = world.contact()
    body = {
        "externalId": person,
        "email": "old@example.org",
        "preferredLanguage": "fr_fr",
        **dict.fromkeys(STOPPED, True),
    }
    world.campaign.http.json("POST", PROFILE, body)
    return person


def kept(world: World, person: str) -> tuple[bool, ...]:
    profile = world.campaign.profile(person) or {}
    return tuple(profile[flag] for flag in STOPPED)


@pytest.mark.parametrize("mode", ["disabled", "to-campaign", "from-campaign", "both"])
@pytest.mark.parametrize("what", ["record", "all"])
def test_a_customer_of_adobes_app_loses_no_opt_out(
    new_world: Callable[..., World], mode: str, what: str
) -> None:
    world = new_world(mode)
    person = coming(world)
    world.backfill()
    assert kept(world, person) == (True, True)
    world.sync()
    contacts = world.contacts
    replay(contacts.flow, contacts.bridge, what, person)
    world.backfill()
    world.sync()
    profile = world.campaign.profile(person) or {}
    assert kept(world, person) == (True, True)
    assert (profile["email"], profile["lastName"], profile["preferredLanguage"]) == (
        "reader@example.org",
        "Reader",
        "fr_fr",
    )
    reads_campaign = mode in ("from-campaign", "both")
    assert world.says(person) == (reads_campaign, True)


def test_a_stop_by_sms_outlives_edits_and_a_replayed_dead_letter(world: World) -> None:
    person = world.contact()
    world.backfill()
    world.in_campaign(person, no=True, flag="blackListMobile")
    world.dynamics.change_contact(person, quietly=True, emailaddress1="no address")
    world.backfill()
    assert world.contacts.bridge.deadletters.page("contacts", "")
    world.dynamics.change_contact(person, quietly=True, emailaddress1="new@example.org")
    replay(world.contacts.flow, world.contacts.bridge, "dead_letters")
    world.deliver_contacts()
    profile = world.campaign.profile(person) or {}
    assert (profile["email"], profile["blackListMobile"]) == ("new@example.org", True)


@pytest.mark.parametrize("mode", ["disabled", "from-campaign"])
def test_a_profile_is_created_with_its_contacts_opt_outs_by_the_document_in_force(
    new_world: Callable[..., World], mode: str
) -> None:
    """Also where nobody reads Dynamics' opt-outs, and by a person's own pairs."""
    world = new_world(mode)
    world.document(
        "{column: donotfax, flag: blackListFax}", "{column: donotfax, flag: denyListMobile}"
    )
    world.sync()
    person = world.contact(no=True, donotfax=True)
    world.contacts.poll()
    world.backfill()
    profile = world.campaign.profile(person) or {}
    assert (profile["blackListEmail"], profile["blackListMobile"], profile["blackListFax"]) == (
        True,
        True,
        False,
    )


def test_a_mapping_that_names_a_flag_is_refused_and_the_status_says_where_to_go(
    world: World,
) -> None:
    document = yaml.safe_load(default_document("contact"))
    document["fields"].append({"source": "donotfax", "target": "denyListFax"})
    config = world.wiring.storage.container("config")
    world.contacts.poll()
    config.upload_blob(
        "mappings/contact.yaml", yaml.safe_dump(document, sort_keys=False), overwrite=True
    )
    world.contacts.poll()
    problem = world.wiring.bridge.flows.read("contacts").mapping_problem
    for part in (
        "fields[20] (denyListFax): blackListFax is an opt-out flag",
        "opt-out/opt_out.yaml",
        "Version 1 stays active",
    ):
        assert part in problem
