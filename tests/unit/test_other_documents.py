"""Documents that another process has activated, in memory."""

from typing import Any

import pytest

from shared.errors import Cause, Retryable
from shared.mapping import default_document
from shared.opt_out.documents import default_opt_out_document
from shared.pipeline.poll import poll
from shared.pipeline.waiting_room import release_due
from tests.unit.memory import Memory, played

WITH_TITLE = default_document("contact").replace(
    "fields:\n", "fields:\n  - {source: jobtitle, target: thumbnail}\n", 1
)

PHONE = "  - {column: donotphone, flag: blackListPhone}\n"
FAX = "  - {column: donotfax, flag: blackListFax}\n"


@pytest.mark.parametrize(
    "rests",
    [
        pytest.param(False, id="on its queue"),
        pytest.param(True, id="in the waiting room, which knows no version"),
    ],
)
def test_rows_are_mapped_by_no_older_version_than_they_were_read_for(rests: bool) -> None:
    """This process has looked a moment ago, and would not look again for minutes."""

    def body(world: Memory) -> None:
        world.settings["MAPPING_CACHE_SECONDS"] = "300"
        world.contact(jobtitle="Astronaut")
        assert world.sync("contact") == ["created"]
        remembers = world.wiring
        world.document("contact", WITH_TITLE)
        world.another_instance()
        world.poll("contact")
        if rests:
            throttled(world)
            assert [s.outcome.value for s in world.deliver("contacts")] == ["waiting"]
            world.later(180.0)
        world.started[:] = [remembers]
        release_due(remembers.bridge, ["contacts"])
        assert [s.outcome.value for s in world.deliver("contacts")] == ["updated"]
        assert [row["thumbnail"] for row in world.held("contact")] == ["Astronaut"]

    played(body)


def throttled(world: Memory) -> None:
    """This instance is asked by Campaign to wait."""

    def asked_to_wait(*_: Any) -> Any:
        raise Retryable("Campaign throttles.", 90.0, cause=Cause.PAUSE)

    world.flow("contact").campaign.save = asked_to_wait


@pytest.mark.parametrize("rests", [False, True], ids=["on its queue", "in the waiting room"])
def test_an_opt_out_is_carried_by_no_older_pairs_than_it_was_read_for(rests: bool) -> None:
    """Another flow reads it than delivers it."""

    def body(world: Memory) -> None:
        world.settings |= {"MAPPING_CACHE_SECONDS": "300", "OPT_OUT_MODE": "both"}
        world.settings["OPT_OUT_SOURCE"] = "filter"
        pairs(world, PHONE, "")
        contact = world.contact()
        assert world.sync("contact") == ["created"]
        carried(world)
        world.change("contact", contact, donotfax=True)
        world.sync("contact")
        carried(world)
        remembers = world.wiring
        assert [row["blackListFax"] for row in world.held("contact")] == [False]
        pairs(world, PHONE, FAX)
        world.another_instance()
        read_opt_outs(world)
        if rests:
            throttled_opt_outs(world)
            world.deliver_opt_outs()
            world.later(180.0)
        world.started[:] = [remembers]
        release_due(remembers.bridge, ["opt_out"])
        world.deliver_opt_outs()
        assert [row["blackListFax"] for row in world.held("contact")] == [True]

    played(body)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param((PHONE, FAX), (PHONE,), id="one pair less"),
        pytest.param((PHONE,), (PHONE, FAX), id="one pair more"),
    ],
)
def test_a_contact_that_was_read_for_other_pairs_is_read_again(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    """They change between the look at the contact and the one at its profile."""

    def body(world: Memory) -> None:
        world.settings |= {"OPT_OUT_MODE": "both", "OPT_OUT_SOURCE": "filter"}
        pairs(world, *before)
        contact = world.contact()
        world.sync("contact")
        carried(world)
        world.change("contact", contact, donotphone=True, donotfax=True)
        world.sync("contact")
        read_opt_outs(world)
        contacts: Any = world.wiring.opt_out.reconciler.contacts
        read, change = contacts.read, [1]

        def meanwhile(*given: Any) -> Any:
            found = read(*given)
            if change and change.pop():
                pairs(world, *after)
                world.wiring.opt_out.deliver().activate()
            return found

        contacts.read = meanwhile
        world.deliver_opt_outs()
        for _ in range(3):
            world.later(30.0)
            carried(world)
        (profile,) = world.held("contact")
        assert [profile["blackListPhone"], profile["blackListFax"]] == [True, FAX in after]

    played(body)


def pairs(world: Memory, *listed: str) -> None:
    before, _, rest = default_opt_out_document().partition("pairs:\n")
    after = rest[rest.index("# allow") :]
    container = world.account.blob.get_container_client("config")
    text = f"{before}pairs:\n{''.join(listed)}{after}"
    container.upload_blob("opt-out/opt_out.yaml", text, overwrite=True)


def read_opt_outs(world: Memory) -> None:
    for feed in world.wiring.opt_out.polls():
        poll(feed, world.wiring.bridge)


def carried(world: Memory) -> None:
    read_opt_outs(world)
    world.deliver_opt_outs()


def throttled_opt_outs(world: Memory) -> None:
    def asked_to_wait(*_: Any) -> Any:
        raise Retryable("Campaign throttles.", 90.0, cause=Cause.PAUSE)

    campaign: Any = world.wiring.opt_out.reconciler.profiles.client
    campaign.read = asked_to_wait


def test_versions_that_begin_again_cost_no_list_of_documents_for_each_message() -> None:
    """As after a move to another key, for which people delete all versions (docs/mapping.md)."""

    def body(world: Memory) -> None:
        world.settings["MAPPING_CACHE_SECONDS"] = "300"
        world.contact()
        assert world.sync("contact") == ["created"]
        world.document("contact", WITH_TITLE)
        world.another_instance()
        world.contact()
        world.sync("contact")
        container = world.account.blob.get_container_client("config")
        for number in (1, 2):
            container.delete_blob(f"mappings/versions/contact/{number:06d}.yaml")
        world.another_instance()
        world.poll("contact")
        lists: list[str] = []
        library = world.flow("contact").catalog.keeper.library
        listing = library.listing

        def counted() -> Any:
            lists.append("list")
            return listing()

        object.__setattr__(library, "listing", counted)
        for _ in range(10):
            world.contact()
        world.sync("contact")
        lists.clear()
        for _ in range(10):
            world.contact()
            world.sync("contact")
        assert len(lists) <= 1

    played(body)
