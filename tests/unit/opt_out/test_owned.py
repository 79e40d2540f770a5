"""Campaign's opt-out flags: no mapping writes them, whatever it says and however it spells them."""

from dataclasses import replace
from typing import Any

import pytest

from shared.documents.keeper import Keeper
from shared.entities.catalog import Catalog
from shared.entities.compiling import MappingCompiler
from shared.mapping import (
    Mapped,
    MappingDocument,
    TargetField,
    TargetResource,
    default_document,
    read_document,
)
from shared.opt_out.documents import FLAGS, default_opt_out_document, read_opt_out_document
from shared.opt_out.owned import (
    OptOutFlags,
    flag_of,
    flag_problems,
    not_carried,
    notes,
    without_flags,
)
from tests.unit.documents.kit import MemoryLibrary
from tests.unit.mapping.metadata import CONTACT, PROFILE, row

PAIRS = tuple(read_opt_out_document(default_opt_out_document()).pairs)
HEAD = (
    "table: {table}\nresource: {resource}\nkey: {{source: contactid, target:"
    " externalId}}\nfields:\n"
)
PLAIN = "  - {source: firstname, target: firstName}\n"
# As the packaged document of contact said until it left them to the opt-out flow.
OLD_RULES = """\
  - template: "{donotemail}{donotbulkemail}"
    target: blackListEmail
    replace: {"falsefalse": false, "false": false, "": false}
    otherwise: true
  - {source: donotsendmm, target: blackList}
  - {source: donotphone, target: blackListPhone}
  - {source: donotfax, target: blackListFax}
  - {source: donotpostalmail, target: blackListPostalMail}
  - {source: donotsendmm, target: blackListMobile, apply_updates: false}
"""
OLD = HEAD.format(table="contact", resource="profile") + PLAIN + OLD_RULES


def document(rules: str, table: str = "contact", resource: str = "profile") -> MappingDocument:
    return read_document(HEAD.format(table=table, resource=resource) + PLAIN + rules)


def spellings() -> list[str]:
    names = [*FLAGS, *(flag.replace("blackList", "denyList") for flag in FLAGS)]
    return [*names, *(name.lower() for name in names), *(name.upper() for name in names)]


@pytest.mark.parametrize("target", spellings())
@pytest.mark.parametrize(
    "form",
    [
        "{source: donotfax, target: %s}",
        "{template: '{donotfax}', target: %s, apply_updates: false}",
    ],
)
def test_a_mapping_that_names_a_flag_is_refused_with_where_to_go(target: str, form: str) -> None:
    (problem,) = flag_problems(document(f"  - {form % target}\n"))
    assert problem.startswith("Line 6, fields[2] (")
    assert f": {flag_of(target)} is an opt-out flag" in problem
    assert "opt-out/opt_out.yaml" in problem
    assert "docs/opt-out.md" in problem
    assert all(len(sentence.split()) <= 20 for sentence in problem.split(". "))


def test_a_link_or_a_key_that_is_a_flag_is_refused_too() -> None:
    found = document("links: [{source: _ownerid_value, target: denyListFax, parent: contact}]\n")
    assert "links[1] (denyListFax): blackListFax" in flag_problems(found)[0]
    keyed = read_document(
        (HEAD.format(table="contact", resource="profile") + PLAIN).replace(
            "externalId", "ccpaOptOut"
        )
    )
    assert "key (ccpaOptOut): ccpaOptOut" in flag_problems(keyed)[0]
    assert without_flags(found).links == []


@pytest.mark.parametrize(
    ("table", "resource", "owned"),
    [
        ("contact", "profile", True),
        ("contact", "cusPerson", True),
        ("lead", "profile", True),
        ("account", "cusFirm", False),
    ],
)
def test_flags_are_those_of_profiles_and_contacts(table: str, resource: str, owned: bool) -> None:
    found = document("  - {source: donotfax, target: blackListFax}\n", table, resource)
    assert bool(flag_problems(found)) is owned
    assert len(without_flags(found).fields) == 1 + (not owned)


@pytest.mark.parametrize("target", ["cusOptOut", "blackListOther", "location.blackList", "email"])
def test_other_fields_are_the_mappings(target: str) -> None:
    assert flag_of(target) == ""


def test_the_rules_of_the_former_packaged_document_are_carried_by_the_packaged_pairs() -> None:
    """So that an installation that never wrote a document of its own is told nothing."""
    assert not_carried(read_document(OLD), PAIRS) == []
    assert notes(read_document(OLD), PAIRS, carries=True) == []


def test_a_rule_that_no_pair_carries_is_told_and_so_is_a_mode_that_carries_nothing() -> None:
    own = document(
        "  - {source: acs_nosms, target: blackListMobile}\n  - {source: donotfax, target:"
        " blackListPhone}\n"
    )
    assert not_carried(own, PAIRS) == ["blackListMobile", "blackListPhone"]
    (note,) = notes(own, PAIRS, carries=True)
    assert "blackListMobile, blackListPhone" in note
    assert "opt-out/opt_out.yaml" in note
    assert "OPT_OUT_MODE" in notes(read_document(OLD), PAIRS, carries=False)[0]
    assert notes(read_document(default_document("contact")), PAIRS, carries=False) == []


class Stored(MemoryLibrary):
    """Versions of the mapping of contact, and a draft of it."""

    def __init__(self, *versions: str) -> None:
        super().__init__()
        for text in versions:
            self.activate("mappings", "contact", text)

    def draft(self, text: str) -> None:
        self.put("mappings", "contact", text)

    def mappings(self) -> list[str]:
        return [text for text, _ in self.versions["mappings", "contact"]]


class Systems:
    """Both systems' metadata."""

    def __init__(self, profile: TargetResource = PROFILE) -> None:
        self.profile = profile

    def table(self, name: str) -> Any:
        return replace(CONTACT, change_tracking=True)

    def resource(self, api: str, name: str) -> TargetResource:
        return self.profile


def catalog(stored: Stored, systems: Systems | None = None) -> Catalog:
    """With the packaged pairs."""
    both: Any = systems or Systems()
    return Catalog(
        Keeper(stored, 0, lambda: 0.0),
        MappingCompiler(stored.folder("mappings"), both, both, OptOutFlags()),
    )


def test_a_document_with_a_flag_is_not_taken_into_force_and_every_problem_is_told() -> None:
    stored = Stored(default_document("contact"))
    stored.draft(OLD + "  - {source: firstname, target: cusNothing}\n")
    problem = catalog(stored).activate("contact")
    flags = (
        "fields[2] (blackListEmail): blackListEmail",
        "fields[7] (blackListMobile): blackListMobile",
    )
    for part in (*flags, "no field cusNothing", "Version 1 stays active"):
        assert part in problem
    assert len(stored.mappings()) == 1
    stored.draft(OLD.replace(OLD_RULES, ""))
    assert catalog(stored).activate("contact") == ""
    assert len(stored.mappings()) == 2


def test_a_flag_is_shown_as_it_was_written() -> None:
    stored = Stored(default_document("contact"))
    stored.draft(OLD.replace("blackListEmail", "denyListEmail"))
    assert "fields[2] (denyListEmail): blackListEmail is an opt-out flag" in catalog(
        stored
    ).activate("contact")


def test_a_version_in_force_that_names_flags_goes_on_without_its_rules_for_them() -> None:
    found = catalog(Stored(OLD))
    mapped = found.mapping("contact").mapping.map(
        row(firstname="Ana", donotphone=True, donotemail=True)
    )
    assert isinstance(mapped, Mapped)
    assert (mapped.update, mapped.record) == (
        {"firstName": "Ana"},
        {"firstName": "Ana", "externalId": row()["contactid"]},
    )
    assert mapped.create_only == {"blackListEmail": True, "blackListPhone": True}
    assert found.in_force("contact") == read_document(OLD)


def test_a_version_in_force_does_not_fail_for_a_flag_or_column_that_is_gone() -> None:
    gone = Systems(
        TargetResource(
            "profile", {name: f for name, f in PROFILE.fields.items() if name != "blackListFax"}
        )
    )
    text = OLD.replace("donotpostalmail", "acs_gone")
    mapped = (
        catalog(Stored(text), gone)
        .mapping("contact")
        .mapping.map(row(donotfax=True, donotphone=True))
    )
    assert isinstance(mapped, Mapped)
    assert mapped.create_only == {"blackListPhone": True}
    assert isinstance(gone.profile.fields["blackListPhone"], TargetField)
