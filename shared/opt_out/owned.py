"""The eight opt-out flags belong to the opt-out flow in every mode: no mapping writes them.

A document that names one is not activated. One that was active before goes on without its
rules for them.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from shared.documents.kinds import DocumentId, World
from shared.mapping import CreateOnly, MappingDocument, SourceTable, TargetResource
from shared.mapping.documents import FieldRule, Link
from shared.opt_out.documents import FLAGS, OPT_OUT, Pair

PAIRS, CONTACT, PROFILE = "opt-out/opt_out.yaml", "contact", "profile"
BY_NAME = {flag.casefold(): flag for flag in FLAGS}


def flag_of(target: str) -> str:
    """The flag that a target means, however it is spelled (denyList as in Adobe's newer
    documentation); "" if none.
    """
    name = target.casefold()
    return BY_NAME.get(
        "blacklist" + name.removeprefix("denylist") if name.startswith("denylist") else name, ""
    )


def keeps_flags(document: MappingDocument) -> bool:
    """Whether its records have the flags: profiles, whatever they are made of."""
    return document.resource == PROFILE or document.table == CONTACT


def flag_problems(document: MappingDocument) -> list[str]:
    """Why it is not activated, with where to go; [] if it names no flag."""
    if not keeps_flags(document):
        return []
    places = [(f"fields[{number}]", rule.target) for number, rule in enumerate(document.fields, 1)]
    places += [(f"links[{number}]", link.target) for number, link in enumerate(document.links, 1)]
    places.append(("key", document.key.target))
    return [
        f"{document.place(place, target)}: {flag} is an opt-out flag, which only the opt-out flow"
        f" writes. Take it out. Name its column in a pair of {PAIRS}: see docs/opt-out.md."
        for place, target in places
        if (flag := flag_of(target))
    ]


def without_flags(document: MappingDocument) -> MappingDocument:
    """The document without what it says of flags."""
    if not keeps_flags(document):
        return document
    return document.model_copy(
        update={"fields": kept(document.fields), "links": kept(document.links)}
    )


def kept[Part: (FieldRule, Link)](rules: Iterable[Part]) -> list[Part]:
    return [rule for rule in rules if not flag_of(rule.target)]


def not_used(document: MappingDocument) -> list[str]:
    """The flags whose rules are not used, each once."""
    if not keeps_flags(document):
        return []
    return list(dict.fromkeys(flag for rule in document.fields if (flag := flag_of(rule.target))))


def not_carried(document: MappingDocument, pairs: Iterable[Pair]) -> list[str]:
    """Those of them whose columns no pair carries: not the flag's own, nor that of blackList, which
    holds for all channels.
    """
    carried = {pair.flag: set(pair.columns) for pair in pairs}
    everywhere = carried.get("blackList", set())
    rules = [rule for rule in document.fields if keeps_flags(document) and flag_of(rule.target)]
    return [
        flag_of(rule.target)
        for rule in rules
        if not columns(rule) <= carried.get(flag_of(rule.target), set()) | everywhere
    ]


def columns(rule: FieldRule) -> set[str]:
    return {rule.source} if rule.source else set(rule.template_columns())


def notes(document: MappingDocument, pairs: Iterable[Pair], carries: bool) -> list[str]:
    """What a person must know of an active document that names flags.

    `carries`: opt-outs go at all, by OPT_OUT_MODE.
    """
    found = []
    if alone := not_carried(document, pairs):
        found.append(
            f"The mapping's rules for {', '.join(alone)} are not used: the opt-out flow alone"
            f" writes flags. Add a pair for each to {PAIRS}, then take the rules out of the"
            " mapping."
        )
    if not carries and (flags := not_used(document)):
        found.append(
            f"OPT_OUT_MODE is disabled, and the mapping's rules for {', '.join(flags)} are not"
            " used. So an opt-out in Dynamics does not reach a profile that is there. Set"
            " OPT_OUT_MODE to both, or take out the rules."
        )
    return found


class OptOutFlags:
    """The flags as the entities' rooms ask for them (shared/entities/reserved.py)."""

    def needs(self, table: str) -> Sequence[DocumentId[Any]]:
        """The pairs by which a profile is created with its contact's opt-outs, in every mode."""
        return (OPT_OUT,) if table == CONTACT else ()

    def problems(self, document: MappingDocument) -> list[str]:
        return flag_problems(document)

    def without(self, document: MappingDocument) -> MappingDocument:
        return without_flags(document)

    def created_with(
        self, world: World, source: SourceTable, target: TargetResource
    ) -> tuple[CreateOnly, ...]:
        """The opt-outs that a profile is created with.

        A pair that does not fit is the opt-out flow's to complain of.
        """
        pairs = world[OPT_OUT].document.pairs if OPT_OUT in world.versions else ()
        fitting = [pair for pair in pairs if pair.flag in target.fields]
        there = [pair for pair in fitting if all(name in source.columns for name in pair.columns)]
        return tuple(CreateOnly(pair.flag, tuple(pair.columns), pair.opted_out) for pair in there)
