"""What is asked about opt-outs: may a delivery start, how does a contact stand, what was decided on
a day.

JSON-ready.
"""

import json
from dataclasses import asdict, fields
from datetime import date
from typing import Any

from shared.console.cells import csv_text
from shared.console.status import moment
from shared.opt_out.deciding import Mode
from shared.opt_out.flow import FROM_CAMPAIGN, OptOutFlow
from shared.opt_out.flows import OptOut
from shared.opt_out.safety import Reason, reasons
from shared.pipeline.flow import Bridge
from shared.state.decisions import OptOutDecision, day_of
from shared.state.ledger_rows import bucket, partition_name

COLUMNS = [item.name for item in fields(OptOutDecision)]


def safe_to_send(parts: OptOut, bridge: Bridge) -> dict[str, Any]:
    """{"safe": bool, "reasons": [sentence]}."""
    found = unsafe(parts, bridge)
    return {"safe": not found, "reasons": [one.sentence for one in found]}


def safe_for_the_watch(parts: OptOut, bridge: Bridge) -> dict[str, Any]:
    """The same with codes and arguments, for who reads it later in another language."""
    found = unsafe(parts, bridge)
    why = [{"code": one.code, "arguments": dict(one.arguments)} for one in found]
    return {"safe": not found, "reasons": [one.sentence for one in found], "why": why}


def unsafe(parts: OptOut, bridge: Bridge) -> list[Reason]:
    """Why a delivery should not start; [] if it may."""
    if parts.mode is Mode.DISABLED:
        return [Reason("unsafe_disabled", "Opt-outs are not carried: OPT_OUT_MODE is disabled.")]
    return reasons(parts.deliver(), parts.peeks(), bridge, file_at(parts, bridge))


def file_at(parts: OptOut, bridge: Bridge) -> float | None:
    """When an export of opt-outs last came to its end; 0 if never, None where exports are not
    read.
    """
    if not parts.reads_campaign or bridge.settings.opt_out_source != "file":
        return None
    link = bridge.checkpoints.load(FROM_CAMPAIGN, "profile").link
    return float(json.loads(link)["file_at"]) if link else 0.0


def contact(flow: OptOutFlow, bridge: Bridge, record_id: str) -> dict[str, Any] | None:
    """Both sides as they are now, and what was last decided on each flag; None if neither side
    knows the contact.
    """
    active, reconciler = flow.active(), flow.reconciler
    pairs = active.document.pairs
    found = reconciler.contacts.read(active.contact, pairs, [record_id]).get(record_id)
    profile = reconciler.profiles.read(active.profile, pairs, record_id)
    if found is None and profile is None:
        return None
    row = bridge.ledger.row(partition_name(flow.key, bucket(record_id)), record_id)
    state = flow.agreed_state(row.agreed if row else {})
    flags = {}
    for pair in pairs:
        entry = state.flags.get(pair.flag, {})
        flags[pair.flag] = {
            "column": pair.column,
            "dynamics": found.values[pair.flag] if found else None,
            "dynamics_changed_at": found.modified_at if found else None,
            "campaign": profile.values[pair.flag] if profile else None,
            "campaign_changed_at": (profile.times[pair.flag] or None) if profile else None,
            "agreed": entry.get("value"),
            "winner": entry.get("winner"),
            "rule": entry.get("rule"),
            "decided_at": moment(entry.get("decided_at", 0.0)),
        }
    outcome = {"outcome": row.outcome if row else None, "reason": row.reason if row else None}
    return {"contact": record_id, "mode": reconciler.mode.value, "flags": flags, **outcome}


def today(parts: OptOut) -> str:
    return day_of(parts.reconciler.now())


def is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def decisions(parts: OptOut, day: str) -> list[dict[str, Any]]:
    """The decisions of a day in the order in which they fell; True is a no."""
    listed = sorted(
        parts.reconciler.decisions.of_day(day),
        key=lambda one: (one.decided_at, one.contact, one.flag),
    )
    return [{**asdict(one), "decided_at": moment(one.decided_at)} for one in listed]


def csv_of(parts: OptOut, day: str) -> str:
    return csv_text(COLUMNS, ([one[name] for name in COLUMNS] for one in decisions(parts, day)))
