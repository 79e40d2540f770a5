"""Why a value cannot be written."""


class Refuse(Exception):
    """A value cannot be written: `rule` is a code, `reason` completes "<field>: ..." for a person."""

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(rule)
        self.rule, self.reason = rule, reason
