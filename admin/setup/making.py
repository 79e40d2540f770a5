"""How a set-up works: it looks for everything before it makes it, and says one line for each
thing.
"""

from collections.abc import Callable

from admin.setup.customizing import Customizing

Say = Callable[[str], None]


class Making:
    """`plan` looks only. `problems` counts what a person must see to."""

    def __init__(self, dataverse: Customizing, say: Say, plan: bool = False) -> None:
        self.dataverse = dataverse
        self.say = say
        self.plan = plan
        self.problems = 0
        self.changes = 0

    def make(self, done: str, what: str, work: Callable[[], object]) -> None:
        self.changes += 1
        if self.plan:
            self.say(f"to be {done:<10} {what}")
            return
        work()
        self.say(f"{done:<10} {what}")

    def found(self, what: str) -> None:
        self.say(f"{'found':<10} {what}")

    def kept(self, what: str) -> None:
        self.say(f"{'kept':<10} {what}")

    def problem(self, what: str, word: str = "unfit") -> None:
        self.problems += 1
        self.say(f"{word:<10} {what}")
