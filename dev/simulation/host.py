"""Instances of the app as Azure's host runs them: queue listeners, timers, webhooks; and how they
end.

The rules are those of dev/host/messages.py: a message is hidden while its function runs, and for
longer while it goes on running;
after a failure it is back in ten seconds, after five it is poison; what an instance had that ended
is back in ten minutes.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.functions as func

from dev.host.config import read_config
from dev.settings_bicep import functions
from dev.simulation.queues import Message
from dev.simulation.scenarios import Scenario
from dev.simulation.scheduler import Task
from dev.simulation.storage import Account
from dev.simulation.world import World
from shared.errors import Retryable
from shared.settings import load_settings
from shared.wiring import Wiring

CONFIG = read_config(Path(__file__).parents[2])
LEASE_SECONDS, RENEW_SECONDS = 600.0, 300.0
BACK_SECONDS = CONFIG.queues.visibility_timeout_seconds
TIMEOUT_SECONDS = CONFIG.function_timeout_seconds or inf
BATCH, MOST_RUNNING = CONFIG.queues.batch_size, CONFIG.queues.new_batch_threshold
MOST_ATTEMPTS = CONFIG.queues.max_dequeue_count
RESTART_SECONDS = 5.0
FUNCTIONS = functions()
CONTEXT = SimpleNamespace(
    trace_context=SimpleNamespace(trace_parent=""), function_name="", invocation_id=""
)


class Received:
    """func.QueueMessage, as the worker makes it."""

    def __init__(self, message: Message) -> None:
        self.id, self.pop_receipt = message.id, message.pop_receipt
        self.dequeue_count = message.dequeue_count
        self.content = message.content
        self.insertion_time = datetime.fromtimestamp(message.inserted_at, UTC)

    def get_body(self) -> bytes:
        return self.content.encode()


@dataclass(eq=False)
class Instance:
    """A worker process. `settings` are the environment that it starts with."""

    name: str
    settings: dict[str, str] = field(repr=False)
    skew_seconds: float = 0.0
    alive: bool = True
    frozen_until: float = 0.0
    tasks: dict[Task, None] = field(default_factory=dict)
    parts: list[Wiring] = field(default_factory=list)

    @property
    def wiring(self) -> Wiring:
        if not self.parts:
            self.parts.append(Wiring(load_settings(self.settings)))
        return self.parts[0]


@dataclass(eq=False)
class Run:
    """An invocation under way. `message` is None but for queues."""

    function: str
    instance: Instance
    started: float
    on_end: Callable[["Run", str], None]
    queue: str = ""
    message: Message | None = None
    over: bool = False


class Host:
    """All instances of the app; of its functions those that the scenario names."""

    def __init__(self, world: World, account: Account, scenario: Scenario, count: int) -> None:
        self.world, self.account = world, account
        self.settings, self.functions = dict(scenario.settings), scenario.functions
        self.started, self.runs = 0, dict[Run, None]()
        self.instances: list[Instance] = [self.new_instance() for _ in range(count)]
        self.errors: list[str] = []
        self.poisoned = 0
        self.polled_at: dict[str, float] = {}
        self.timers_from = 0.0

    @property
    def now(self) -> float:
        return self.world.scheduler.now

    def current(self) -> Wiring:
        """The composition root of the process that runs (shared.wiring.wiring)."""
        process = self.world.process
        return process.wiring if isinstance(process, Instance) else self.instances[0].wiring

    def new_instance(self) -> Instance:
        """A worker process; its queue listeners begin at once."""
        self.started += 1
        draws = self.world.draws
        instance = Instance(f"i{self.started}", self.settings)
        label = f"clock_skew: {instance.name}"
        faults = self.world.faults
        skewed = faults.on and "clock_skew" in faults.kinds and draws.share(label) < 0.3
        if skewed and faults.happens(label, "clock_skew"):
            instance.skew_seconds = draws.between(f"{label} by", -5.0, 5.0)
        for name, queue in self.queues().items():
            self.listen(instance, name, queue)
        return instance

    def awake(self) -> list[Instance]:
        return [one for one in self.instances if one.alive and one.frozen_until <= self.now]

    def queues(self) -> dict[str, str]:
        """Queue by function."""
        triggers = {name: FUNCTIONS[name].get_trigger() for name in self.functions}
        return {name: queue_of(trigger) for name, trigger in triggers.items() if queue_of(trigger)}

    def invoke(self, run: Run, *args: Any, **named: Any) -> None:
        """Starts it as a task of its instance.

        `on_end` is told "succeeded", "failed" or "cut off".
        """
        self.runs[run] = None
        user_function = FUNCTIONS[run.function].get_user_function()

        def work() -> None:
            outcome = "cut off"
            try:
                user_function(*args, **named)
                outcome = "succeeded"
            except Exception as error:
                outcome = "failed"
                self.failed(run.function, error)
            finally:
                self.end(run, outcome)

        self.world.scheduler.spawn(run.function, run.instance, work)
        self.world.scheduler.at(self.now + TIMEOUT_SECONDS, partial(self.time_out, run))

    def failed(self, function: str, error: Exception) -> None:
        """A storage that fails ends a function; any other exception is a bug."""
        cause = f"{function}: {type(error).__name__}: {error}"[:200]
        self.errors.append(cause)
        if not isinstance(error, Retryable):
            self.world.violated("bug", cause)

    def end(self, run: Run, outcome: str) -> None:
        if not run.over:
            run.over = True
            self.runs.pop(run, None)
            self.world.note(f"{outcome} {run.function}")
            run.on_end(run, outcome)

    def time_out(self, run: Run) -> None:
        """The host ends the worker process of a run that takes too long."""
        if not run.over and run.instance.frozen_until + TIMEOUT_SECONDS < self.now:
            self.world.violated(
                "deadline", f"a run of {run.function} takes longer than {TIMEOUT_SECONDS:g} s"
            )
        if not run.over:
            self.kill_worker(run.instance)

    # Queues

    def listen(self, instance: Instance, function: str, queue: str) -> None:
        """One look at the queue; the next one follows by itself."""
        if not instance.alive:
            return
        wait = 1.0
        running = sum(
            1 for run in self.runs if run.function == function and run.instance is instance
        )
        is_away = self.account.out_until["queue"] > self.now  # then the host looks again later
        if instance.frozen_until <= self.now and running <= MOST_RUNNING and not is_away:
            messages = self.account.queue.receive(queue, BATCH, LEASE_SECONDS)
            for message in messages:
                self.receive(instance, function, queue, message)
            wait = 0.1 if messages else 1.0
        self.world.scheduler.at(self.now + wait, partial(self.listen, instance, function, queue))

    def receive(self, instance: Instance, function: str, queue: str, message: Message) -> None:
        if message.dequeue_count > MOST_ATTEMPTS:
            self.poison(queue, message)
            return
        run = Run(function, instance, self.now, self.delivered, queue, message)
        if self.world.faults.at(f"lease of {message.id}", ["lease_lost"], 0.05):
            self.lose(run, self.world.draws.between(f"lease of {message.id} lost", 0.1, 60.0))
        self.world.scheduler.at(self.now + RENEW_SECONDS, partial(self.renew, run))
        self.invoke(run, Received(message), CONTEXT)

    def renew(self, run: Run) -> None:
        if run.over or run.message is None:
            return
        held = self.account.queue.held(run.queue, run.message.id, run.message.pop_receipt)
        if held and run.instance.frozen_until <= self.now:
            held.visible_at = self.now + LEASE_SECONDS
        self.world.scheduler.at(self.now + RENEW_SECONDS, partial(self.renew, run))

    def lose(self, run: Run, seconds: float) -> None:
        """The message is visible while its run goes on, if it goes on for so long."""

        def happen() -> None:
            if not run.over and run.message:
                receipt = (run.queue, run.message.id, run.message.pop_receipt)
                if held := self.account.queue.held(*receipt):
                    held.visible_at = self.now

        self.world.scheduler.at(self.now + seconds, happen)

    def delivered(self, run: Run, outcome: str) -> None:
        """The message's end, by the rules of the host; an instance that has ended does nothing
        more.
        """
        message = run.message
        held = message and self.account.queue.held(run.queue, message.id, message.pop_receipt)
        if not held or message is None or run.instance.name.endswith("gone"):
            return
        if outcome == "succeeded":
            if self.world.faults.at(f"completion of {message.id}", ["message_twice"], 0.05):
                held.visible_at = self.now + BACK_SECONDS
            else:
                del self.account.queue.queues[run.queue][message.id]
        elif held.dequeue_count >= MOST_ATTEMPTS:
            self.poison(run.queue, held)
        else:
            held.visible_at = self.now + BACK_SECONDS

    def poison(self, queue: str, message: Message) -> None:
        self.poisoned += 1
        last = self.errors[-1] if self.errors else "cut off five times"
        self.world.violated("poison", f"a message of {queue} became poison after: {last}")
        self.account.queue.put(f"{queue}-poison", message.content)
        self.account.queue.queues[queue].pop(message.id, None)

    # Timers, HTTP

    def tick(self, function: str) -> None:
        """A timer is due: one run at a time, on any instance."""
        if self.now < self.timers_from:
            return
        running = any(run.function == function for run in self.runs)
        name = f"timer {function}"
        if running and not self.world.faults.at(name, ["timer_twice"], 0.3):
            return
        if instances := self.awake():
            instance = self.world.draws.of(self.world.draws.name(name), instances)
            run = Run(function, instance, self.now, self.ticked)
            self.invoke(run, SimpleNamespace(past_due=False), CONTEXT)

    def ticked(self, run: Run, outcome: str) -> None:
        if outcome == "succeeded":
            self.polled_at[run.function] = run.started

    def request(
        self,
        function: str,
        body: dict[str, Any],
        route: dict[str, str],
        on_answer: Callable[[int], None] = lambda _: None,
    ) -> None:
        """An HTTP call to some instance; 503 where none answers."""
        if not (instances := self.awake()):
            on_answer(503)
            return
        instance = self.world.draws.of(self.world.draws.name(f"request {function}"), instances)
        content = json.dumps(body).encode()
        secret = {
            "x-webhook-secret": self.settings["DATAVERSE_WEBHOOK_SECRET"],
            "content-length": str(len(content)),
        }
        asked = func.HttpRequest(
            method="POST",
            url="https://bridge.example.org/",
            headers=secret,
            route_params=route,
            body=content,
        )
        user_function = FUNCTIONS[function].get_user_function()
        needs_context = "context" in user_function.__annotations__
        run = Run(function, instance, self.now, lambda run, outcome: None)

        def work() -> None:
            status = 500
            try:
                answer = user_function(asked, CONTEXT) if needs_context else user_function(asked)
                status = answer.status_code
            except Exception as error:
                self.failed(function, error)
            finally:
                self.end(run, "answered")
                on_answer(status)

        self.runs[run] = None
        self.world.scheduler.spawn(function, instance, work)

    # Ends

    def kill_worker(self, instance: Instance) -> None:
        """The process ends with all its runs; the host starts another one, and its messages are
        soon back.
        """
        if not instance.alive:
            return
        self.world.note(f"worker of {instance.name} ends")
        self.world.scheduler.kill(instance)
        self.replace(instance, RESTART_SECONDS)

    def kill_instance(self, instance: Instance) -> None:
        """Nobody tells the queue: what the instance had is hidden until its lease ends."""
        if not instance.alive:
            return
        self.world.note(f"instance {instance.name} ends")
        instance.name += " gone"
        self.world.scheduler.kill(instance)
        self.replace(instance, 30.0)

    def replace(self, instance: Instance, seconds: float) -> None:
        for run in [run for run in self.runs if run.instance is instance]:
            self.end(run, "cut off")

        def start() -> None:
            self.instances = [one for one in self.instances if one is not instance]
            self.instances.append(self.new_instance())

        self.world.scheduler.at(self.now + seconds, start)

    def freeze(self, instance: Instance, seconds: float) -> None:
        instance.frozen_until = max(instance.frozen_until, self.now + seconds)


def queue_of(trigger: Any) -> str:
    """The queue of a queue trigger, "" of any other."""
    return str(trigger.get_dict_repr().get("queueName", ""))
