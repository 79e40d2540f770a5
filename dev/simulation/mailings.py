"""What marketers and recipients do: deliveries, opens, clicks, bounces and unsubscriptions; and the
workflows that export the logs.
"""

from functools import partial

from dev.emulators.campaign.logs import BroadLog
from dev.emulators.campaign.orders import Bounce, React, Send
from dev.simulation.exporting import Exporting
from dev.simulation.people import People

DEEDS = ("send", "send", "open", "click", "open", "click", "bounce", "unsubscribe")
EXPORT_SECONDS = 90.0
FLAG = "blackListEmail"


class Mailings:
    """Deliveries to the profiles that are there."""

    def __init__(self, people: People, exporting: Exporting) -> None:
        self.people, self.world, self.exporting = people, people.world, exporting
        self.marketing = people.systems.gateway.marketing
        self.exports = 0

    def plan(self) -> None:
        draws = self.world.draws
        for number in range(10 + int(40 * draws.share("mail deeds"))):
            name = f"mail deed {number}"
            what = draws.of(f"{name} what", DEEDS)
            self.people.later(name, partial(self.do, name, what))
        self.people.after(EXPORT_SECONDS, self.export)

    def export(self) -> None:
        """The workflows run as long as the world does."""
        self.exports += 1
        self.exporting.run(f"export {self.exports}")
        self.people.after(EXPORT_SECONDS, self.export)

    def do(self, name: str, what: str) -> None:
        if what == "send":
            self.send(name)
        else:
            self.react(name, what)

    def send(self, name: str) -> None:
        rows = self.people.systems.gateway.engine.tables["profile"].rows.values()
        if any(row["email"] for row in rows) and self.people.wanted(f"{name}: send"):
            label = f"{name}'s delivery"
            self.marketing.send(Send(name=name.replace(" ", ""), label=label, campaign="CMP1"))

    def react(self, name: str, what: str) -> None:
        """Something that happens to a message that was sent and did not bounce."""
        messages = [one for one in self.marketing.logs.broad if one.failure_type == 0]
        if not messages:
            return
        message = self.world.draws.of(f"{name} message", messages)
        delivery, contact = message.delivery.name, message.external_id
        number = messages.index(message)
        if not self.people.wanted(f"{name}: {what} message {number} of {len(messages)}"):
            return
        about = {"delivery": delivery, "externalId": contact}
        if what == "bounce":
            self.marketing.bounce(Bounce.model_validate({**about, "type": "hard"}))
        elif what != "unsubscribe" or self.unsubscribe(message):
            self.marketing.react(React.model_validate({**about, "kind": what}))

    def unsubscribe(self, message: BroadLog) -> bool:
        """Whether it is played, and then it is the person's last word: only where opt-outs are.

        A message of before the profile was deleted and made again opts nobody out in Campaign. Of
        who is opted out there already Campaign records nothing, so nobody could know of it.
        """
        if not self.people.scenario.flags:
            return False
        profiles = self.people.systems.gateway.engine.tables["profile"].rows
        there = self.people.systems.there("contact", message.external_id)
        profile = profiles.get(message.profile)
        if profile and not profile[FLAG] and there:
            self.people.last_word[message.external_id, FLAG] = True
        return True
