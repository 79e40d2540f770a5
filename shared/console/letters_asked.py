"""Which dead letters a page or a form asks for: the same names in both."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo

from shared.identifiers import is_row_key
from shared.state.letter_filter import MOST_TICKED, LetterFilter

VERSION_DIGITS = 9
CODE = re.compile(r"[\w.-]{0,80}", re.ASCII)
FIELDS = re.compile(r"[\w.,:() -]{0,2000}")
"""Of names, several joined by commas; nothing else rests in a plan or a job."""


def asked_filter(
    values: Mapping[str, str], zone: tzinfo, ids: Sequence[str] = ()
) -> LetterFilter | None:
    """`since` and `until` are moments of the reader's clock, such as 2026-01-31T08:00.

    None where a value is none, or too many are ticked.
    """
    version = values.get("version", "").removeprefix("v")
    moments = [moment(values.get(name, ""), zone) for name in ("since", "until")]
    named = tuple(sorted(set(ids)))
    if (
        None in moments
        or not CODE.fullmatch(values.get("reason", ""))
        or not FIELDS.fullmatch(values.get("field", ""))
        or len(named) > MOST_TICKED
        or not all(map(is_row_key, named))
        or not (version == "" or (version.isascii() and version.isdigit()))
        or len(version) > VERSION_DIGITS
    ):
        return None
    return LetterFilter(
        ids=named,
        reason=values.get("reason", ""),
        field=values.get("field", ""),
        version=int(version or 0),
        since=moments[0] or 0.0,
        until=moments[1] or 0.0,
    )


def moment(text: str, zone: tzinfo) -> float | None:
    """Seconds since 1970, 0 for "", None for what is no moment."""
    if not text:
        return 0.0
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()
    except (ValueError, OverflowError):
        return None
