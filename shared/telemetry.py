"""The log lines of the bridge: one per record at settle, one per poll, one per change of a flow's
status,
one per flow every few minutes.

The parameters of these functions are the allow-list: nothing else can be logged, so no name,
address, body, URL or text of a client's exception ever is. Lines are JSON on the logger `bridge`.
"""

import json
import logging
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

logger = logging.getLogger("bridge")
trace: ContextVar[str] = ContextVar("trace", default="")


def bind_trace(traceparent: str | None) -> None:
    """Ties the lines of this invocation to its trace (W3C Trace Context:
    version-traceid-parentid-flags).
    """
    parts = (traceparent or "").split("-")
    trace.set(parts[1] if len(parts) > 2 else "")


def settled(
    *,
    flow: str,
    record_id: str,
    outcome: str,
    reason: str,
    attempt: int,
    duration_ms: float,
    altered: str = "",
    level: int = logging.INFO,
) -> None:
    """The canonical line of one record.

    `altered`: the target fields that were left out or cut, with their rules.
    """
    if logger.isEnabledFor(level):
        line(
            level,
            event="settled",
            flow=flow,
            record_id=record_id,
            outcome=outcome,
            reason=reason,
            attempt=attempt,
            duration_ms=round(duration_ms, 1),
            **({"altered": altered} if altered else {}),
        )


def settled_together(
    *,
    flow: str,
    created: int = 0,
    unchanged: int = 0,
    filtered: int = 0,
    no_contact: int = 0,
    waiting: int = 0,
    rejected: int = 0,
    reasons: Mapping[str, int] | None = None,
) -> None:
    """The canonical line of an envelope whose records are created once: how many became what.

    `reasons`: why, of the rejected.
    """
    counts = {
        "created": created,
        "unchanged": unchanged,
        "filtered": filtered,
        "no_contact": no_contact,
    }
    reasons_shown = {"waiting": waiting, "rejected": rejected, "reasons": dict(reasons or {})}
    line(logging.INFO, event="settled_together", flow=flow, **counts, **reasons_shown)


def polled(
    *,
    flow: str,
    table: str,
    pages: int,
    changes: int,
    messages: int,
    passed_over: int,
    ended: str,
    duration_ms: float,
) -> None:
    """The canonical line of one poll.

    `passed_over`: read records without a contact's id. `ended` says why it stopped reading.
    """
    line(
        logging.INFO,
        event="polled",
        flow=flow,
        table=table,
        pages=pages,
        changes=changes,
        messages=messages,
        passed_over=passed_over,
        ended=ended,
        duration_ms=round(duration_ms, 1),
    )


def watched(
    *,
    flow: str,
    queue: str,
    status: str,
    oldest_unwritten_seconds: float,
    token_age_seconds: float,
    backlog_messages: int,
    poison_messages: int,
    poison_letters: int,
    dead_letters: int,
) -> None:
    """How a flow is, every few minutes whatever its status: what alerts and the workbook read
    (infra/modules/alerts.bicep).
    """
    line(
        logging.INFO,
        event="watched",
        flow=flow,
        queue=queue,
        status=status,
        oldest_unwritten_seconds=oldest_unwritten_seconds,
        token_age_seconds=token_age_seconds,
        backlog_messages=backlog_messages,
        poison_messages=poison_messages,
        poison_letters=poison_letters,
        dead_letters=dead_letters,
    )


def flow_changed(*, flow: str, status: str, reason: str, by: str) -> None:
    """A flow was started, stopped or has failed. `reason` is one of our own sentences."""
    level = logging.ERROR if status == "failed" else logging.WARNING
    line(level, event="flow_changed", flow=flow, status=status, reason=reason, by=by)


def refused(*, flow: str, reason: str) -> None:
    """A request to our own HTTP endpoints was refused."""
    line(logging.WARNING, event="refused", flow=flow, reason=reason)


def bug(*, flow: str, error: Exception) -> None:
    """A bug of ours that raised nothing to the host. `error` carries no words but its type."""
    fields = {"event": "bug", "flow": flow, "trace": trace.get()}
    logger.error("%s", json.dumps(fields), exc_info=error)


def noted(*, flow: str, event: str, count: int = 0, reason: str = "", by: str = "") -> None:
    """Anything else worth a line: an activated mapping, a sweep ended, a token expired.

    `by`: who gave the command.
    """
    line(
        logging.INFO,
        event=event,
        flow=flow,
        count=count,
        reason=reason,
        **({"by": by} if by else {}),
    )


def acted(*, by: str, role: str, act: str, on: str, result: str, count: int) -> None:
    """An act of a person or of the bridge, and what came of it: codes and ids."""
    fields = {"by": by, "role": role, "act": act, "on": on, "result": result, "count": count}
    line(logging.INFO, event="acted", **fields)


def line(level: int, **fields: Any) -> None:
    logger.log(level, "%s", json.dumps({**fields, "trace": trace.get()}, ensure_ascii=False))
