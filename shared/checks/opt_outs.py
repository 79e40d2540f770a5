"""Opt-outs: are they carried, do the pairs fit both systems, can Campaign's be read, and does no
mapping undo them.

Their document, webhook, privileges and files are looked at with those of the other flows. Sources:
Adobe Campaign Standard documentation, "Filtering", "Sorting", "Metadata mechanism".
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from urllib.parse import urlencode

from shared.checks.findings import Finding, split
from shared.checks.first_read import first_read
from shared.checks.look import Look
from shared.checks.wanted import OptOuts
from shared.entities.mappings import address
from shared.errors import Misconfigured
from shared.mapping import MappingDocument, TargetResource
from shared.opt_out.documents import OptOutDocument, Pair, problems
from shared.opt_out.feeds import CHANGED, Cursor, FilterFeed, OptOutFormat, ScanFeed
from shared.opt_out.flow import FROM_CAMPAIGN
from shared.opt_out.owned import not_carried, not_used
from shared.opt_out.safety import late_file
from shared.sftp.client import RemoteFile
from shared.sftp.exports.positions import PROCESSED

NAME = "opt-out"
DOCUMENT, MAPPING = "opt-out/opt_out.yaml", "mappings/contact.yaml"
ADVICE = f"Correct {DOCUMENT} in the container config, or publish in Campaign what it names."
PUBLISH = (
    f"Publish a filter definition '{CHANGED} greater than or equal to' a parameter, and name both"
    f" in {DOCUMENT}."
)
FAR = "9999-01-01 00:00:00.000Z"


def opt_outs(look: Look) -> Iterator[Finding]:
    mapping = next(document for document in look.documents if document.table == "contact")
    if look.opt_outs is None:
        yield nobody()
        yield from owners((), mapping)
        return
    profile = look.wiring.campaign.resource(mapping.api, mapping.resource)
    yield from pairs(look, look.opt_outs, profile)
    if look.opt_outs.reads_campaign:
        yield from SOURCES[look.settings.opt_out_source](
            look, look.opt_outs.document, mapping, profile
        )
    yield from owners(look.opt_outs.document.pairs, mapping)
    yield from first_read(look, look.opt_outs, mapping)


def nobody() -> Finding:
    """A warning: who opts out on one side is mailed by the other."""
    message = (
        "OPT_OUT_MODE is disabled: an opt-out on one side never reaches a record that is there on"
        " the other."
    )
    return Finding(NAME, "", "warning", message, "Set OPT_OUT_MODE to both.")


def pairs(look: Look, use: OptOuts, profile: TargetResource) -> Iterator[Finding]:
    found = problems(use.document, look.wiring.dataverse.table("contact"), profile)
    for problem in found:
        yield error("pairs", *split(problem, ADVICE))
    if not found:
        yield ok(
            "pairs", f"{len(use.document.pairs)} fit both systems; OPT_OUT_MODE is {use.mode}."
        )


def published(
    look: Look, document: OptOutDocument, mapping: MappingDocument, profile: TargetResource
) -> Iterator[Finding]:
    """By the published filter: it is there, takes its parameter, and selects as it must."""
    name, parameter = document.filter.name, document.filter.parameter
    known = profile.filters
    if known is not None and name not in known:
        there = f"it has {', '.join(sorted(known))}" if known else "it has none"
        yield error(
            "filter", f"Resource {mapping.resource} has no filter {name}; {there}.", PUBLISH
        )
    elif known is not None and parameter not in known[name]:
        takes = ", ".join(known[name]) or "no parameter"
        yield error(
            "filter",
            f"Filter {name} takes {takes}, and not {parameter}.",
            f"Correct filter.parameter in {DOCUMENT}.",
        )
    elif wrong := unsortable(profile):
        yield wrong
    else:
        yield selecting(look, document, mapping)


def selecting(look: Look, document: OptOutDocument, mapping: MappingDocument) -> Finding:
    """Asked for times that all profiles and no profile are later than; no value of a profile is
    looked at.
    """
    one_line, feed = (
        document.model_copy(update={"page_lines": 1}),
        FilterFeed(look.wiring.campaign, look.wiring.now),
    )
    name = document.filter.name
    if any_rows(look, mapping, feed.start(Cursor(begin=FAR), one_line)):
        return error(
            "filter",
            f"Filter {name} finds profiles that have not changed since the time it was given.",
            PUBLISH,
        )
    if any_rows(look, mapping, all_rows()) and not any_rows(
        look, mapping, feed.start(Cursor(), one_line)
    ):
        return error(
            "filter",
            f"Filter {name} does not find profiles that have changed since the time it was given.",
            PUBLISH,
        )
    return ok(
        "filter",
        f"{name} takes {document.filter.parameter} and finds what has changed since, in order.",
    )


def all_rows() -> str:
    return "?" + urlencode({"_lineCount": 1})


def any_rows(look: Look, mapping: MappingDocument, link: str) -> bool:
    return bool(look.wiring.campaign.page(address(mapping), link)[0])


def scanned(
    look: Look, document: OptOutDocument, mapping: MappingDocument, profile: TargetResource
) -> Iterator[Finding]:
    if wrong := unsortable(profile):
        yield wrong
        return
    feed, one_line = (
        ScanFeed(look.wiring.campaign, look.wiring.now),
        document.model_copy(update={"page_lines": 1}),
    )
    any_rows(look, mapping, feed.start(one_line))
    yield ok("scan", f"Campaign lists its profiles by {CHANGED}.")


def unsortable(profile: TargetResource) -> Finding | None:
    """Both the filter and the scan read in the order of the last change."""
    target_field = profile.fields.get(CHANGED)
    if target_field and target_field.sortable:
        return None
    what = "is not sortable" if target_field else "is not there"
    return error(
        "order",
        f"{CHANGED} of resource {profile.name} {what} in Campaign's metadata.",
        "Set OPT_OUT_SOURCE to file.",
    )


def exported(
    look: Look, document: OptOutDocument, mapping: MappingDocument, profile: TargetResource
) -> Iterator[Finding]:
    """By the export: a file has come within the promise, and waits, or has been read."""
    now, folder = look.wiring.now(), look.exports_folder
    files, form = (
        listed(look, folder) + archived(look, f"{folder}/{PROCESSED}"),
        OptOutFormat(document),
    )
    newest = max([last_read(look), *(file.changed_at for file in files if form.takes(file.name))])
    if late := late_file(newest, document, now):
        yield error("export", *split(late[0].sentence, ADVICE))
    else:
        yield ok(
            "export",
            f"The newest is {(now - newest) / 3600:.1f} hours old, of"
            f" {document.files.promise_hours:g} at most.",
        )


def listed(look: Look, folder: str) -> list[RemoteFile]:
    return look.wiring.looking_sftp.files(folder)


def archived(look: Look, folder: str) -> list[RemoteFile]:
    """Made when the first file is put there."""
    try:
        return listed(look, folder)
    except Misconfigured:
        return []


def last_read(look: Look) -> float:
    """When a file last came to its end, as the flow remembers it: read files may have been
    deleted.
    """
    link = look.checkpoints.load(FROM_CAMPAIGN, "profile").link
    return float(json.loads(link).get("file_at", 0.0)) if link else 0.0


SOURCES: Mapping[
    str, Callable[[Look, OptOutDocument, MappingDocument, TargetResource], Iterator[Finding]]
] = {
    "filter": published,
    "scan": scanned,
    "file": exported,
}


def owners(pairs: Sequence[Pair], mapping: MappingDocument) -> Iterator[Finding]:
    """A mapping that was active before its flags belonged to the opt-out flow goes on without its
    rules for them.
    """
    alone, unused = not_carried(mapping, pairs), not_used(mapping)
    if unused and not alone:
        yield ok(
            "flags",
            f"{', '.join(unused)} belong to the opt-out flow; the contacts mapping's rules for them"
            " are not used.",
        )
    if alone:
        message = (
            f"{', '.join(alone)}: the contacts mapping's rules are not used, and no pair carries"
            " them."
        )
        yield Finding(
            NAME,
            "flags",
            "warning",
            message,
            f"Add a pair of each to {DOCUMENT}, then take them out of {MAPPING}.",
        )


def ok(subject: str, message: str) -> Finding:
    return Finding(NAME, subject, "ok", message)


def error(subject: str, message: str, advice: str) -> Finding:
    return Finding(NAME, subject, "error", message, advice)
