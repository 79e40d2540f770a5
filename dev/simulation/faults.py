"""The kinds of faults, and which of them happens at an I/O.

Each seed plays some of the kinds, more or less often.
"""

from collections import Counter
from collections.abc import Collection, Sequence

from dev.simulation.draws import Draws

REQUEST_FAULTS = {
    "unreachable": "no connection: the request was not sent",
    "no_answer": "the connection breaks before the work",
    "no_answer_done": "the connection breaks after the work",
    "late": "no answer in time, and the request is carried out up to ten minutes later",
    "hangs": "no answer within the time limit, and the request is never carried out",
    "earlier_answer": "the answer of an earlier request of the same kind, the work done or not",
    "throttled": "429 without Retry-After",
    "throttled_for": "429 with Retry-After",
    "unavailable": "503",
    "gateway": "502 or 504, the work undone",
    "gateway_done": "502 or 504, the work done",
    "server_error": "500 with an ordinary text, or with one that misleads",
    "strange": "an answer that no documentation names: 200 with a page, 302, 409; the work undone",
    "strange_done": "an answer that no documentation names, the work done",
    "token_void": "all access tokens of the system are void",
    "link_void": "the links and change tokens that the system gave are void",
    "slow": "an answer after most of the time that is waited for",
}
STORAGE_FAULTS = {
    "storage_busy": "503, the work undone",
    "storage_busy_done": "503, the work done",
    "storage_error": "500, the work undone",
    "storage_error_done": "500, the work done",
    "storage_no_answer": "the connection breaks before the work",
    "storage_no_answer_done": "the connection breaks after the work",
}
FILE_FAULTS = {
    "sftp_cut": "the connection breaks before the work",
    "sftp_cut_done": "the connection breaks after the work",
    "sftp_hangs": "the server says nothing until the client gives up",
}
OUTAGES = {
    "storage_outage": "the tables, the queues or the blobs answer 503 for up to five minutes",
    "campaign_throttles": "Campaign answers everything with 429 for up to ten minutes",
    "campaign_silent": "Campaign answers nothing for up to ten minutes",
    "campaign_denies": "Campaign refuses all writes with 403 for up to ten minutes",
    "dataverse_throttles": "Dataverse answers everything with 429 for up to ten minutes",
    "dataverse_silent": "Dataverse answers nothing for up to ten minutes",
    "worker_killed": (
        "a worker process ends with all its runs: messages are back after 10 s, claims stand"
    ),
    "instance_killed": "an instance ends: its messages are back after ten minutes",
    "stopped_at_once": "all instances end at once, as at a deployment",
    "frozen": "an instance stands still for up to five minutes, past any lease",
    "timers_pause": "no timer is due for two minutes",
}
HOST_FAULTS = {
    "lethal": "the worker ends each time it sends what it writes of one record, up to six times",
    "timer_twice": "two runs of one timer side by side",
    "message_twice": "a message was carried out, and comes again",
    "lease_lost": "a message is visible again while its run goes on",
    "reordered": "messages overtake each other",
    "empty_page": "a page without rows, with a continuation token",
    "clock_skew": "an instance's clock is up to five seconds off",
}
UPHEAVALS = {
    "restored": "Dataverse is restored to an earlier state; then its tokens are void, or a person"
    " replays all",
    "profile_deleted": "a person deletes a profile in Campaign, and changes its contact later",
    "profile_hidden": "an organizational unit hides a profile from the API",
    "document_changed": "a mapping document gets another version",
    "metadata_changed": "a column is added to a table in Dataverse",
    "file_cut": "the upload of an exported file stops in the middle of a line, and goes on later",
    "journal_expired": "positions of the journal are kept no longer, its events are gone",
}
KINDS = (
    *REQUEST_FAULTS,
    *STORAGE_FAULTS,
    *FILE_FAULTS,
    *OUTAGES,
    *HOST_FAULTS,
    *UPHEAVALS,
)
RATES = (0.005, 0.02, 0.05, 0.1)


class Faults:
    """`only`: nothing else happens, for the shortest schedule; None for whatever is drawn."""

    def __init__(
        self, draws: Draws, kinds: Collection[str] = KINDS, only: Collection[str] | None = None
    ) -> None:
        self.draws, self.only, self.on = draws, None if only is None else frozenset(only), True
        self.kinds = frozenset(kind for kind in kinds if draws.share(f"play {kind}") < 0.6)
        self.rate = draws.of("rate of faults", RATES)
        self.happened: list[str] = []
        self.counts: Counter[str] = Counter()

    def at(self, name: str, kinds: Sequence[str], rate: float | None = None) -> str:
        """The kind of fault that happens here, "" for none."""
        if not self.on:
            return ""
        name = self.draws.name(name)
        if self.draws.share(f"fault at {name}") >= (self.rate if rate is None else rate):
            return ""
        kind = self.draws.of(f"kind at {name}", kinds)
        return kind if kind in self.kinds and self.happens(f"{kind}: {name}", kind) else ""

    def happens(self, label: str, kind: str) -> bool:
        """Whether it does; what happens is remembered by its label."""
        if self.only is not None and label not in self.only:
            return False
        self.happened.append(label)
        self.counts[kind] += 1
        return True
