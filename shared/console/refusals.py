"""Why a request gets no page, or an act is not done: the door shows it as a sentence."""

from collections.abc import Mapping

from shared import telemetry
from shared.errors import BridgeError, Bug


class Refusal(Exception):
    """`status` of the answer, `code` of its sentence (shared/console/sentences.py), arguments."""

    def __init__(self, status: int, code: str, arguments: Mapping[str, str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.arguments = status, code, arguments or {}


def unavailable(error: BridgeError) -> Refusal:
    """A system that is needed for it does not answer as it should."""
    return Refusal(503, "unavailable", {"cause": str(error)})


def met_bug(bug: Bug) -> str:
    """Logs a bug of ours, and says what to do about it."""
    telemetry.bug(flow="console", error=bug)
    return f"{bug} Report it with its exception in Application Insights."
