"""A profile whose key is a contact's id in another form, beside the contact's own profile: both are
heard, and once.
"""

from collections.abc import Callable

import pytest

from tests.contract.opt_out.kit import COLUMN, FLAG, PROFILE, World
from tests.contract.opt_out.test_unreadable import HEADER, SAFE, line, put

PHONE = "blackListPhone"


def alias_of(contact: str) -> str:
    return f"{{{contact.upper()}}}"


@pytest.mark.parametrize("source", ["filter", "scan", "file"])
@pytest.mark.parametrize("alias_first", [True, False], ids=["alias first", "own first"])
def test_an_alias_and_the_contacts_own_profile_in_one_page(
    new_world: Callable[..., World], source: str, alias_first: bool
) -> None:
    world = new_world("both", OPT_OUT_SOURCE=source)
    world.document("stable_seconds: 60", "stable_seconds: 0")
    contact = world.contact()

    def own() -> None:
        world.campaign.http.json(
            "POST", PROFILE, {"externalId": contact, "email": "reader@example.org", PHONE: True}
        )

    def alias() -> None:
        world.profile(alias_of(contact), no=True)

    for make in (alias, own) if alias_first else (own, alias):
        make()
    lines = [line(alias_of(contact), FLAG), line(contact, PHONE)]
    if source == "file":
        put(world, HEADER, *(lines if alias_first else lines[::-1]))
    world.quiet()
    held, profile = world.dynamics.contact(contact), world.campaign.profile(contact)
    assert profile
    assert (held[COLUMN], held["donotphone"], profile[FLAG], profile[PHONE]) == (
        True,
        True,
        True,
        True,
    )


@pytest.mark.parametrize("source", ["filter", "scan"])
@pytest.mark.parametrize("there", [True, False], ids=["a contact", "no contact"])
def test_an_alias_that_is_the_newest_profile_stands_in_no_deliverys_way(
    new_world: Callable[..., World], source: str, there: bool
) -> None:
    world = new_world("both", OPT_OUT_SOURCE=source)
    contact = world.person() if there else "00000000-0000-4000-8000-00000000a11a"
    world.quiet()
    world.profile(alias_of(contact), no=True)
    assert not world.safe()["safe"]
    for _ in range(3):
        world.sync()
    assert world.safe() == SAFE
    world.restart()
    world.sync()
    assert world.safe() == SAFE
    if there:
        assert world.says(contact) == (True, True)
        world.in_dynamics(contact, no=False)
        world.quiet()
        assert (world.says(contact), world.safe()) == (
            (False, False),
            SAFE,
        )  # who opts in again is not opted out by the old no


def test_an_alias_of_a_contact_that_comes_later_is_passed_on_then(world: World) -> None:
    contact = "00000000-0000-4000-8000-00000000a11b"
    world.profile(alias_of(contact), no=True)
    world.quiet()
    world.dynamics.create_contact(
        quietly=True, contactid=contact, lastname="Reader", emailaddress1="reader@example.org"
    )
    world.quiet()
    assert world.dynamics.contact(contact)[COLUMN]
