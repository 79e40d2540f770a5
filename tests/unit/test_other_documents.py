"""Documents that another process has activated, in memory."""

from shared.mapping import default_document
from tests.unit.memory import Memory, played

WITH_TITLE = default_document("contact").replace(
    "fields:\n", "fields:\n  - {source: jobtitle, target: thumbnail}\n", 1
)


def test_rows_are_mapped_by_no_older_version_than_they_were_read_for() -> None:
    """This process has looked a moment ago, and would not look again for a minute."""

    def body(world: Memory) -> None:
        world.settings["MAPPING_CACHE_SECONDS"] = "60"
        world.contact(jobtitle="Astronaut")
        assert world.sync("contact") == ["created"]
        remembers = world.wiring
        world.document("contact", WITH_TITLE)
        world.another_instance()
        world.poll("contact")
        world.started[:] = [remembers]
        assert [s.outcome.value for s in world.deliver("contacts")] == ["updated"]
        assert [row["thumbnail"] for row in world.held("contact")] == ["Astronaut"]

    played(body)
