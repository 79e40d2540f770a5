"""Answers that Azure's exceptions are made of."""

from dataclasses import dataclass, field
from http import HTTPStatus


@dataclass
class Answer:
    """As much of an HTTP response as an exception of azure.core reads."""

    status_code: int
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return HTTPStatus(self.status_code).phrase

    def text(self) -> str:
        return ""
