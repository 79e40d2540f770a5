"""Who acts on the local stack, in one hand: for the end-to-end tests and the bench of kills."""

from dataclasses import dataclass

from dev.commands.stack import Stack
from dev.comparison import compare, mapping_in_force
from dev.verbs import Campaign, Dynamics, Operator, wait_until


@dataclass
class World:
    """Who acts: a user in Dynamics, a marketer at Campaign, an operator of the bridge."""

    stack: Stack
    dynamics: Dynamics
    campaign: Campaign
    operator: Operator

    def wait_for_profile(self, contact_id: str, **fields: object) -> dict[str, object]:
        """The contact's profile, once it holds these values."""

        def arrived() -> dict[str, object] | None:
            profile = self.campaign.profile(contact_id)
            return (
                profile
                if profile and all(profile[name] == value for name, value in fields.items())
                else None
            )

        return wait_until(arrived, f"a profile of {contact_id} with {fields}") or {}

    def wait_for_no_profile(self, contact_id: str) -> None:
        wait_until(
            lambda: self.campaign.profile(contact_id) is None,
            f"the end of the profile of {contact_id}",
        )

    def wait_for_quiet(self, seconds: float = 90) -> None:
        wait_until(self.operator.settled, "quiet", seconds, every=0.5)

    def wait_for_agreement(self, seed: int, contacts: int, seconds: float = 240) -> None:
        """Quiet, then both systems the same contact by contact: as many as there are, none twice,
        none left over anywhere.
        """
        wait_until(self.operator.settled, f"quiet (seed {seed})", seconds, every=1)
        mapping = mapping_in_force(self.stack.facts)
        comparison = wait_until(
            lambda: (c := compare(self.stack.facts, mapping)).agree and c,
            f"agreement (seed {seed})",
            120,
            every=2,
        )
        assert comparison
        assert comparison.source == comparison.target == contacts
        assert not comparison.duplicates
        assert not self.operator.dead_letters()
        assert self.operator.status()["poison_messages"] == 0


def world_of(stack: Stack) -> World:
    return World(stack, Dynamics(stack.facts), Campaign(stack.facts), Operator(stack.facts))
