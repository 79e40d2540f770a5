"""Opt-outs for the demo, made in both systems, in each of the four modes; the comparison."""

from collections.abc import Callable, Mapping
from typing import Any

from dev.comparison import Comparison
from dev.verbs import Campaign, Dynamics, wait_until
from shared.opt_out.documents import OptOutDocument, default_opt_out_document, read_opt_out_document

FLOW, COLUMN, FLAG = "opt_out", "donotbulkemail", "blackListEmail"
PEOPLE = 10
# The flags (Dynamics, Campaign) in the end, of an opt-out in Dynamics and of one in Campaign.
MODES = {
    "disabled": ((True, False), (False, True)),  # nothing carries or undoes them
    "to-campaign": ((True, True), (False, True)),
    "from-campaign": ((True, False), (True, True)),
    "both": ((True, True), (True, True)),
}


def play(mode: str, dynamics: Dynamics, campaign: Campaign, settled: Callable[[], bool]) -> str:
    """Ten people who have not opted out yet: five opt out in Dynamics, five in Campaign."""
    people = [
        row["contactid"]
        for row in dynamics.contacts(f"contactid,{COLUMN},donotemail")
        if not (row[COLUMN] or row["donotemail"])
    ]
    free = [
        person for person in people if (profile := campaign.profile(person)) and not profile[FLAG]
    ][:PEOPLE]
    here, there = free[: PEOPLE // 2], free[PEOPLE // 2 :]
    for person in here:
        dynamics.change_contact(person, **{COLUMN: True})
    for person in there:
        campaign.http.json("PATCH", f"/profileAndServicesExt/profile/{person}", {FLAG: True})
    expected = {**dict.fromkeys(here, MODES[mode][0]), **dict.fromkeys(there, MODES[mode][1])}

    def as_expected() -> bool:
        return settled() and all(
            opted_out(dynamics, campaign, person) == wanted for person, wanted in expected.items()
        )

    wait_until(as_expected, f"opt-outs in mode {mode}", seconds=90, every=0.5)
    return mode


def opted_out(dynamics: Dynamics, campaign: Campaign, person: str) -> tuple[bool, bool]:
    profile = campaign.profile(person)
    return bool(dynamics.contact(person)[COLUMN]), bool(profile and profile[FLAG])


def compare_opt_outs(dynamics: Dynamics, campaign: Campaign) -> Comparison:
    """Flag by flag, both ways: who opted out on one side is opted out on the other."""
    document: OptOutDocument = read_opt_out_document(default_opt_out_document())
    found = Comparison("contact's opt-outs", "profile's opt-outs")
    profiles: dict[str, Mapping[str, Any]] = {
        profile["externalId"]: profile for profile in campaign.profiles()
    }
    for row in dynamics.contacts(",".join(["contactid", *document.columns])):
        profile = profiles.get(row["contactid"], {})
        for pair in document.pairs:
            here, there = pair.opted_out(row), bool(profile.get(pair.flag))
            found.source, found.target = found.source + here, found.target + there
            if here != there:
                found.different.append(f"{row['contactid']}: {pair.flag}")
    return found
