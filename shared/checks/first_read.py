"""What the first read of opt-outs would do, among the first profiles: looked at before anything is
written.

Counts only.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from shared import identifiers
from shared.checks.findings import Finding
from shared.checks.look import Look
from shared.checks.wanted import OptOuts
from shared.entities.mappings import address
from shared.mapping import MappingDocument
from shared.opt_out.deciding import Seen, decide
from shared.opt_out.flow import FROM_CAMPAIGN, FROM_DYNAMICS
from shared.opt_out.systems import Contact, Contacts, profile_of

NAME, SUBJECT, MOST = "opt-out", "first read", 500


def first_read(look: Look, use: OptOuts, mapping: MappingDocument) -> Iterator[Finding]:
    """Says nothing once a side has been read: what was decided then is in the table of
    decisions.
    """
    places = ((FROM_DYNAMICS, "contact"), (FROM_CAMPAIGN, "profile"))
    if any(look.checkpoints.load(flow, table).link for flow, table in places):
        return
    profiles = by_contact(look, mapping)
    contacts = Contacts(look.wiring.dataverse)
    found = contacts.read(look.wiring.dataverse.table("contact"), use.document.pairs, profiles)
    counts = changes(use, found, profiles)
    sides = [f"{count} to opted out in {side}" for side, count in counts.items()]
    result = f"would set {' and '.join(sides)}" if sides else "would change no flag"
    yield Finding(
        NAME,
        SUBJECT,
        "ok",
        f"Among {len(profiles)} profiles, {len(found)} have a contact. It {result}; none to"
        " opted in.",
    )


def by_contact(look: Look, mapping: MappingDocument) -> dict[str, Mapping[str, Any]]:
    """Profiles whose key is a contact's id.

    One page, in the order of the key, from its end: profiles without one stand first.
    """
    key = mapping.key.target
    query = "?" + urlencode(
        {"_lineCount": MOST, "_order": f"{key} desc", "_forcePagination": "true"}
    )
    rows = look.wiring.campaign.page(address(mapping), query)[0]
    return {found: row for row in rows if (found := identifiers.record_id(row.get(key)))}


def changes(
    use: OptOuts, contacts: Mapping[str, Contact], profiles: Mapping[str, Mapping[str, Any]]
) -> Counter[str]:
    """Flags that the rules would set, by side, where nothing was agreed yet."""
    counts: Counter[str] = Counter()
    for record_id, contact in contacts.items():
        profile = profile_of(profiles[record_id], use.document.pairs)
        for flag, value in contact.values.items():
            flag_decision = decide(
                use.mode, Seen(value, profile.values[flag]), None, allow_opt_in=True
            )
            counts["Dynamics"] += flag_decision.dynamics != value
            counts["Campaign"] += flag_decision.campaign != profile.values[flag]
    return +counts
