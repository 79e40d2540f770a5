"""A finding, a check, and how checks are run: each for itself, so that one that fails stops nobody
but those that need it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from azure.core.exceptions import AzureError, HttpResponseError

from shared.checks.look import Look
from shared.errors import BridgeError, Misconfigured, StorageDenied
from shared.mapping import InvalidDocument

State = Literal["ok", "warning", "error", "skipped"]
STORAGE_ADVICE = (
    "Give the identity Storage Blob Data Owner, Storage Queue Data Contributor and Storage Table"
    " Data Contributor on the account, or correct AzureWebJobsStorage."
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and for anything but ok what to do next.

    Never holds a secret or a value of a record.
    """

    check: str
    subject: str
    state: State
    message: str
    next: str = ""

    def __str__(self) -> str:
        named = self.subject and not self.message.startswith(f"{self.subject} ")
        about = f"{self.check}: {self.subject}" if named else self.check
        return f"{self.state:<8} {about}: {self.message}" + (f" {self.next}" if self.next else "")


@dataclass(frozen=True, slots=True)
class Check:
    """`needs` are checks that must have come out well before.

    `advice` is what to do when it fails in a way that says nothing.
    """

    name: str
    run: Callable[[Look], Iterable[Finding]]
    needs: tuple[str, ...] = ()
    advice: str = "Run this again in a minute."


def run_all(checks: Sequence[Check], look: Look) -> Iterator[Finding]:
    """The findings in the order of the checks, as they come."""
    failed: set[str] = set()
    for check in checks:
        for finding in run_one(check, look, failed):
            if finding.state in ("error", "skipped"):
                failed.add(check.name)
            yield finding


def run_one(check: Check, look: Look, failed: set[str]) -> Iterator[Finding]:
    """A check that has nothing to look at says nothing."""
    if wrong := [name for name in check.needs if name in failed]:
        message = f"Not looked at, for it needs what failed: {', '.join(wrong)}."
        yield Finding(check.name, "", "skipped", message, "Fix it, then run the check again.")
        return
    yield from guarded(check, partial(check.run, look))


def guarded(
    check: Check, work: Callable[[], Iterable[Finding]], subject: str = ""
) -> Iterator[Finding]:
    """What the work finds; whatever breaks it is a finding too."""
    try:
        yield from work()
    except Exception as error:  # noqa: BLE001  # a check that breaks, by a bug of ours too, stops no other
        yield from failures(check, error, subject)


def failures(
    check: Check, error: Exception, subject: str = "", state: State = "error"
) -> Iterator[Finding]:
    """What an exception means. One that is not ours shows only its kind: its text may hold all."""
    for message, advice in meanings(check, error):
        yield Finding(check.name, subject, state, message, advice)


def meanings(check: Check, error: Exception) -> Iterator[tuple[str, str]]:
    """What happened, and what to do."""
    kind = type(error).__name__
    match error:
        case InvalidDocument():
            yield from (split(text, "Correct the mapping document.") for text in error.problems)
        case Misconfigured():
            yield split(str(error), check.advice)
        case StorageDenied():
            refusal = f"403, {error.code or 'access denied'}"
            yield f"The storage account refuses it ({refusal}).", STORAGE_ADVICE
        case BridgeError():
            yield str(error).partition(";")[0].rstrip(".") + ".", check.advice
        case HttpResponseError():
            refusal = f"{error.status_code}, {getattr(error, 'error_code', '') or kind}"
            yield f"The storage account refuses it ({refusal}).", STORAGE_ADVICE
        case AzureError():
            yield f"The storage account does not answer ({kind}).", STORAGE_ADVICE
        case _:
            yield f"It could not be looked at ({kind}).", check.advice


def split(sentence: str, advice: str) -> tuple[str, str]:
    """What happened, and what to do: our sentences put the second behind a colon."""
    head, colon, tail = sentence.rpartition(": ")
    if not colon or not tail[:1].islower():
        return sentence, advice
    return f"{head}.", tail[0].upper() + tail[1:]
