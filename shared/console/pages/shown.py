"""What several pages show in one form."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.console.patience import Missing
from shared.console.sentences import sentence
from shared.console.visit import Visit


def shown_missing(visit: Visit, missing: Iterable[Missing]) -> list[dict[str, str]]:
    """Each part that is not shown, with a sentence that says why."""
    language = visit.look.language
    return [
        {
            "part": one.part,
            "sentence": sentence(
                one.code, language, part=sentence(one.part, language), cause=one.cause
            ),
        }
        for one in missing
    ]


def shown_value(value: Any) -> str | None:
    """A value of a record as text; None for no value."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if not isinstance(value, Mapping) else ", ".join(sorted(value))
