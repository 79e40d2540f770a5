"""One record's story, so that "why did it not arrive?" has an answer; its values by a look that is
written down.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from shared.console.outgoing import Answer, File, Redirect, View
from shared.console.pages.shown import shown_missing, shown_value
from shared.console.patience import Missing
from shared.console.roles import Least, Role
from shared.console.sentences import sentence
from shared.console.standing import AS_IT_SHOULD, WAITING, Noted, Why
from shared.console.status import letter_json
from shared.console.story import Family, OptOutsSeen, Story, tell
from shared.console.summary import name_of
from shared.console.visit import Visit
from shared.console.with_records import with_records
from shared.entities.both_sides import FieldPair
from shared.identifiers import record_id
from shared.opt_out.deciding import Mode
from shared.opt_out.flow import KEY as OPT_OUT
from shared.state.activity import Act
from shared.state.ledger_rows import LedgerRow

DOWNLOAD_SECONDS = 30.0
TO_CAMPAIGN = (Mode.TO_CAMPAIGN, Mode.BOTH)
"""In which the bridge carries opt-outs to Campaign."""


def story(visit: Visit) -> Answer:
    """Without a value of the record."""
    return with_story(visit, lambda found: page(visit, found, values=False))


def values(visit: Visit) -> Answer:
    """The same with values. Written down first: where that fails, nothing is shown."""
    return with_story(visit, lambda found: page(visit, found, values=True), "look_at_values")


def download(visit: Visit) -> Answer:
    """All that both systems and the bridge hold of a person, for an access request."""
    return with_story(
        visit, lambda found: file_of(visit, found), "download_record", DOWNLOAD_SECONDS
    )


def with_story(
    visit: Visit, answer: Callable[[Story], Answer], act: str = "", seconds: float | None = None
) -> Answer:
    key, wanted = visit.parts["flow"], record_id(visit.parts["id"])
    flow = with_records(visit.services.flows().get(key))
    if key == OPT_OUT and wanted:
        return Redirect(f"/records/contacts/{wanted}")
    if not flow or not wanted:
        return unknown(visit, wanted)
    if act:
        visit.services.activity.note(
            Act(visit.who, Role.PERSONAL_DATA.value, act, f"{key}/{wanted}")
        )
    found = tell(visit.services, flow, wanted, seconds)
    return answer(found) if found.is_known else unknown(visit, wanted)


def unknown(visit: Visit, wanted: str) -> View:
    said = sentence("never_seen", visit.look.language, id=wanted or "?")
    return View("refused", {"error": "never_seen", "sentence": said}, 404)


def page(visit: Visit, found: Story, values: bool) -> View:
    standing, settings = found.standing, visit.services.bridge.settings
    noted = None if isinstance(found.noted, Missing) else found.noted
    row = noted.row if noted else None
    return View(
        "record",
        {
            "flow": found.flow.key,
            "name": name_of(found.flow.key),
            "table": found.flow.table,
            "record_id": found.record_id,
            "standing": standing_with(standing.code, found.opt_outs),
            "why": [said(visit, one) for one in (*standing.why, *opted_out(found.opt_outs))],
            "in_dynamics": there(found.source, lambda source: source.row is not None),
            "in_campaign": there(found.target, lambda target: target is not None),
            "settled": settled(row),
            "values": values,
            "may_see_values": visit.may(Least.PERSONAL_DATA),
            "fields": [field(pair, values) for pair in standing.pairs],
            "dead_letter": letter_json(noted.letter) if noted and noted.letter else None,
            "altered": [
                {"field": name, "what": what, "rule": rule}
                for name, what, rule in (row.altered if row else [])
            ],
            **family(found.family),
            "opt_outs": opt_outs(found.opt_outs),
            "events": events(found.events, values),
            "history": history(noted, found.opt_outs),
            "links": {
                "dynamics": dynamics_page(settings.dataverse_url, found),
                "campaign": campaign_page(settings.campaign_url),
            },
            "missing": shown_missing(visit, found.missing),
        },
    )


def said(visit: Visit, why: Why) -> dict[str, Any]:
    language = visit.look.language
    arguments = dict(why.arguments)
    if "part" in arguments:
        arguments["part"] = sentence(str(arguments["part"]), language)
    return {
        "code": why.code,
        **why.arguments,
        "sentence": sentence(why.code, language, **arguments),
    }


def there[T](part: T | Missing, is_there: Callable[[T], bool]) -> bool | None:
    """None where the system could not be asked."""
    return None if isinstance(part, Missing) else is_there(part)


def settled(row: LedgerRow | None) -> dict[str, Any] | None:
    """What the bridge last did with it."""
    if row is None:
        return None
    names = ("outcome", "reason", "version", "attempts", "settled_at")
    return {name: getattr(row, name) for name in names}


def field(pair: FieldPair, values: bool) -> dict[str, Any]:
    shown = {"dynamics": shown_value(pair.dynamics), "campaign": shown_value(pair.campaign)}
    return {"field": pair.name, "same": pair.state, **(shown if values else {})}


def family(found: Family | Missing) -> dict[str, Any]:
    if isinstance(found, Missing):
        return {"parents": [], "children": [], "more_children": False}
    return {
        "parents": [asdict(one) for one in found.parents],
        "children": [asdict(one) for one in found.children],
        "more_children": found.more,
    }


def standing_with(code: str, found: OptOutsSeen | Missing | None) -> str:
    """A record that is as it should be waits while an opt-out of it does."""
    return WAITING if code == AS_IT_SHOULD and still_to_come(found) else code


def opt_outs(found: OptOutsSeen | Missing | None) -> dict[str, Any] | None:
    if found is None or isinstance(found, Missing):
        return None
    now = found.now or {"flags": {}, "mode": "", "outcome": None, "reason": None}
    letter = letter_json(found.letter) if found.letter else None
    return {**now, "dead_letter": letter}


def opted_out(found: OptOutsSeen | Missing | None) -> list[Why]:
    """A person who is as they should be gets no e-mail for all that; but one whose no has not
    reached Campaign may still get some.
    """
    if not isinstance(found, OptOutsSeen) or not found.now:
        return []
    done = [flag for flag, one in found.now["flags"].items() if one["campaign"]]
    to_come = still_to_come(found)
    said = [Why("why_opted_out", {"flags": ", ".join(done)})] if done else []
    return said + ([Why("why_opt_out_to_come", {"flags": ", ".join(to_come)})] if to_come else [])


def still_to_come(found: OptOutsSeen | Missing | None) -> list[str]:
    """The flags that are opted out in Dynamics and not in Campaign, where the bridge carries them
    there and has not yet: there is a profile, and the opt-out is not what was agreed.
    """
    if not isinstance(found, OptOutsSeen) or not found.now or found.now["mode"] not in TO_CAMPAIGN:
        return []
    flags = found.now["flags"].items()
    return [
        flag
        for flag, one in flags
        if one["dynamics"] and one["campaign"] is False and not one["agreed"]
    ]


def events(found: Any, values: bool) -> list[dict[str, Any]] | None:
    """Kind and time alone; with values, what they were about."""
    if found is None or isinstance(found, Missing):
        return None
    shown = ("kind", "at", "delivery", "campaign", "bounce_type") if values else ("kind", "at")
    return [{**{name: one[name] for name in shown}, "at": seconds(one["at"])} for one in found]


def seconds(moment: Any) -> float | None:
    """Seconds since 1970 of a time as Dataverse writes it."""
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return None


def history(
    noted: Noted | None, opt_outs: OptOutsSeen | Missing | None
) -> list[dict[str, Any]] | None:
    """What the bridge did with it and with its opt-outs, newest first; None where nobody knows."""
    if noted is None:
        return None
    rows = [("record", noted.row)]
    if isinstance(opt_outs, OptOutsSeen):
        rows.append(("opt_out", opt_outs.row))
    names = ("at", "outcome", "version", "reason", "attempts")
    entries = [
        {"about": about, **dict(zip(names, entry, strict=True))}
        for about, row in rows
        for entry in (row.history if row else [])
    ]
    return sorted(entries, key=lambda entry: float(entry["at"]), reverse=True)


def dynamics_page(url: str, found: Story) -> str:
    """Source: Microsoft Learn, "Open apps, forms, and views with a URL"."""
    return f"{url}/main.aspx?pagetype=entityrecord&etn={found.flow.table}&id={found.record_id}"


def campaign_page(url: str) -> str:
    """Campaign's home page: it has no documented address of one profile. "" where the API is
    reached at another host than Adobe's gateway, whose paths begin with the instance's name.
    """
    host, _, rest = url.removeprefix("https://").partition("/")
    return f"https://{rest.partition('/')[0]}.campaign.adobe.com" if host == "mc.adobe.io" else ""


def file_of(visit: Visit, found: Story) -> File:
    """What is missing is named in the file: it must not pass for all there is."""
    noted, source, seen = found.noted, found.source, found.opt_outs
    known = noted if isinstance(noted, Noted) else None
    letters = visit.services.bridge.deadletters
    content = {
        "made_at": visit.now(),
        "made_by": visit.who,
        "flow": found.flow.key,
        "record_id": found.record_id,
        "missing": shown_missing(visit, found.missing),
        "dynamics": None if isinstance(source, Missing) else source.row,
        "campaign": None if isinstance(found.target, Missing) else found.target,
        "opt_outs": opt_outs(seen),
        "events": events(found.events, values=True),
        "bridge": {
            "settled": settled(known.row if known else None),
            "dead_letter": letter_json(known.letter) if known and known.letter else None,
            "kept_row": letters.row(found.flow.key, found.record_id),
            "history": history(known, seen),
        },
    }
    text = json.dumps(content, ensure_ascii=False, indent=2, default=str)
    name = f"record-{found.record_id}.json"
    return File(text.encode("utf-8", "replace"), "application/json; charset=utf-8", name)
