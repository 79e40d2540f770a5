"""What several pages show in one form."""

from collections.abc import Iterable, Mapping
from typing import Any

from shared.console.patience import Missing
from shared.console.sentences import sentence
from shared.console.summary import name_of
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


def said_reason(visit: Visit, code: str, arguments: Mapping[str, Any]) -> str:
    """Why a delivery should not start, in the reader's language."""
    named = dict(arguments)
    if "name" in named:
        named["name"] = name_of(named["name"])
    return sentence(code, visit.look.language, **named)


def shown_value(value: Any) -> str | None:
    """A value of a record as text; None for no value."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if not isinstance(value, Mapping) else ", ".join(sorted(value))
