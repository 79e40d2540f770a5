"""`setup dataverse`: everything that the bridge needs in a Dataverse organization, made or
found.
"""

from dataclasses import dataclass

from admin.setup.activities import Activities
from admin.setup.making import Making
from admin.setup.roles import Role
from admin.setup.tracking import Tracking
from admin.setup.webhooks import Receiver, Webhooks
from shared.checks.wanted import InUse, needs, platform_ids, subscriptions, use_cases


@dataclass(frozen=True, slots=True)
class Order:
    """What to set up for. `client_id` is the function app's, not that of who runs the set-up."""

    in_use: InUse
    client_id: str
    receiver: Receiver | None = None


class DataverseSetUp(Making):
    """`run` and `remove` return how many things a person must see to."""

    def run(self, order: Order) -> int:
        given = (self.dataverse, self.say, self.plan)
        activities = Activities(*given)
        tracking = Tracking(*given)
        role = Role(*given)
        webhooks = Webhooks(*given)
        if order.in_use.email_events:
            activities.run()
        tracking.run([document.table for document in order.in_use.documents])
        client = self.dataverse.client
        role.run(needs(client, use_cases(order.in_use), platform_ids(client)), order.client_id)
        webhooks.run(subscriptions(order.in_use), order.receiver)
        return sum(part.problems for part in (activities, tracking, role, webhooks))

    def remove(self, client_id: str) -> int:
        """Webhooks first, so that nothing is sent to a bridge that may no longer read."""
        Webhooks(self.dataverse, self.say, self.plan).remove()
        Role(self.dataverse, self.say, self.plan).remove(client_id)
        self.kept(
            "change tracking, which cannot be switched off, and the activity tables with their"
            " events"
        )
        return 0
