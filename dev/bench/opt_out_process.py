"""Both feeds and the deliveries of the opt-out flow in one process, a step at a time, where its
parts can be counted.
"""

import os
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from azure.storage.queue import QueueMessage

from dev.commands.stack import Stack
from dev.verbs import Campaign, Dynamics
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS, QUEUE
from shared.pipeline.deliver import deliver
from shared.pipeline.poll import poll
from shared.records import Change, Kind
from shared.settings import load_settings
from shared.wiring import Wiring

COLUMN, FLAG = "donotbulkemail", "blackListEmail"
PROFILE = "/profileAndServicesExt/profile"
PACE = {
    "OPT_OUT_MODE": "both",
    "RETRY_DELAY_SECONDS": "0",
    "PAUSED_DELAY_SECONDS": "1",
    "QUEUE_LIMIT_MESSAGES": "5000",
}
SIDES = (FROM_DYNAMICS, FROM_CAMPAIGN)
HIDDEN_SECONDS = 600


class Process:
    def __init__(self, stack: Stack) -> None:
        self.dynamics, self.campaign = Dynamics(stack.facts), Campaign(stack.facts)
        os.environ.update(
            {
                name: value
                for name, value in stack.environment.items()
                if name.startswith("IDENTITY_")
            }
        )
        self.wiring = Wiring(load_settings({**stack.environment, **PACE}))
        self.bridge, self.flow = self.wiring.bridge, self.wiring.opt_out.deliver()
        at_once = [
            replace(flow, policy=replace(flow.policy, messages_per_second=0))
            for flow in self.wiring.opt_out.polls()
        ]
        self.feeds = {flow.key: flow for flow in at_once}  # for a step at a time
        self.queue = self.wiring.handoff.clients(QUEUE)
        self.settle()

    def person(self, no: bool = False) -> str:
        """A contact and its profile, which say the same."""
        person = self.dynamics.create_contact(quietly=True, lastname="Reader", **{COLUMN: no})
        self.campaign.http.json("POST", PROFILE, {"externalId": person, FLAG: no})
        return person

    def say(self, person: str, no: bool, side: str) -> None:
        if side == FROM_DYNAMICS:
            self.dynamics.change_contact(person, quietly=True, **{COLUMN: no})
        else:
            self.campaign.http.json("PATCH", f"{PROFILE}/{person}", {FLAG: no})

    def edit(self, person: str, side: str, chance: Random) -> None:
        """Something else than an opt-out."""
        text = f"Reader {chance.randrange(10**6)}"
        if side == FROM_DYNAMICS:
            self.dynamics.change_contact(person, quietly=True, jobtitle=text)
        else:
            self.campaign.http.json("PATCH", f"{PROFILE}/{person}", {"firstName": text})

    def wake(self, people: Iterable[str]) -> None:
        """As the webhook's endpoint does, a message for each."""
        for person in people:
            change = Change(person, Kind.REFERENCE, first_seen=self.bridge.now())
            self.bridge.handoff.put(QUEUE, self.flow.key, self.flow.table, 0, [change])

    def poll(self, *sides: str) -> None:
        for side in sides or SIDES:
            if (ended := poll(self.feeds[side], self.bridge)) != "up to date":
                raise AssertionError(f"{side}: {ended}")

    def messages(self) -> list[QueueMessage]:
        if not self.bridge.handoff.length(QUEUE):
            return []
        return list(
            self.queue.receive_messages(
                messages_per_page=32, max_messages=320, visibility_timeout=HIDDEN_SECONDS
            )
        )

    def deliver(self) -> int:
        """Delivers what is visible on the queue, and what comes of it; returns how many were
        settled.
        """
        done = 0
        while messages := self.messages():
            for message in messages:
                done += len(
                    deliver(
                        self.flow, self.bridge, message.content.encode(), message.dequeue_count or 1
                    )
                )
                self.queue.delete_message(message.id, message.pop_receipt)
        return done

    def settle(self) -> int:
        self.poll()
        return self.deliver()

    def says(self, person: str) -> tuple[bool, bool]:
        profile: dict[str, Any] = self.campaign.profile(person) or {}
        return bool(self.dynamics.contact(person)[COLUMN]), bool(profile[FLAG])
