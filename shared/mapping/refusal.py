"""Why a value cannot be written."""


class Refuse(Exception):
    """A value cannot be written: `rule` is a code, `reason` completes "<field>: ..." for a
    person.
    """

    def __init__(self, rule: str, reason: str) -> None:
        super().__init__(rule)
        self.rule, self.reason = rule, reason


# Rules that follow what a system's metadata says: the same value may pass once that is read again.
METADATA_RULES = frozenset({"unknown_choice", "no_label", "too_long"})
