"""Why a request gets no page, or an act is not done: the door shows it as a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Refusal(Exception):
    """`status` of the answer, `code` of its sentence (shared/console/sentences.py), arguments."""

    status: int
    code: str
    arguments: Mapping[str, str] = field(default_factory=dict)
