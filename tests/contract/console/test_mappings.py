"""The mapping pages on the real systems and storage: a draft, its check, its rows, its version."""

import json
from typing import Any

from shared.console.outgoing import Sent
from shared.console.roles import Role
from tests.contract.console.kit import World

MAPPER = (Role.VIEWER, Role.MAPPER)
LOOKER = (Role.VIEWER, Role.PERSONAL_DATA)
PAGE = "/mappings/contact"


def body(sent: Sent) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sent.body)
    return found


def save(world: World, text: str, opened: dict[str, Any]) -> Sent:
    form = {"etag": opened["etag"], "base": str(opened["base"]), "document": text}
    return world.ask(f"{PAGE}/save", *MAPPER, form=form)


def test_a_draft_is_checked_tried_and_activated_with_author_and_note(world: World) -> None:
    world.contacts.sync()
    opened = world.data(f"{PAGE}/yaml", *MAPPER)
    before, text = opened["version"], opened["document"]
    wrong = text.replace("source: firstname", "source: fistname")
    (problem,) = body(world.ask(f"{PAGE}/check", *MAPPER, form={"document": wrong}))["problems"]
    assert problem["line"] == wrong[: wrong.index("fistname")].count("\n") + 1
    assert "no column fistname" in problem["sentence"]

    changed = text + "deletes: ignore\n"
    assert save(world, changed, opened).status == 303
    world.contacts.sync()
    assert world.wiring.documents.newest("contact")[0] == before, "no flow reads a draft"
    late = save(world, text + "filtered_out: delete\n", opened)
    assert (late.status, body(late)["error"]) == (409, "changed_meanwhile")

    etag = world.data(f"{PAGE}/yaml", *MAPPER)["etag"]
    asked = {"kind": "mapping_in_force", "table": "contact", "etag": etag}
    plan = world.ask("/plans", *MAPPER, form=asked).headers["Location"].removeprefix("/console")
    shown = {line["text"] for line in world.data(plan, *MAPPER)["lines"]}
    assert "mapping_reads_changes" in shown
    assert world.ask(plan, *MAPPER, form={"why": "märketing"}).status == 303
    line = world.wiring.documents.versions("contact")[0]
    assert (line.number, line.signature.note) == (before + 1, "märketing")
    assert world.wiring.desk.drafts.find("contact") is None
    world.contacts.sync()
    assert world.contacts.flow.active().document.deletes == "ignore"

    back = {"kind": "mapping_back", "table": "contact", "version": str(before)}
    plan = world.ask("/plans", *MAPPER, form=back).headers["Location"].removeprefix("/console")
    assert world.ask(plan, *MAPPER, form={"why": "undone"}).status == 303
    assert world.wiring.documents.text("contact", before + 2) == text


def test_values_of_a_preview_are_shown_behind_a_look_that_is_written_down(world: World) -> None:
    contact = world.dynamics.create_contact(firstname="Marked", lastname="Previewed")
    world.contacts.sync()
    plain = world.ask(f"{PAGE}/preview", *MAPPER, form={"ids": contact})
    assert [row["record_id"] for row in body(plain)["rows"]] == [contact]
    assert b"Previewed" not in plain.body
    assert world.ask(f"{PAGE}/preview/values", *MAPPER, form={"ids": contact}).status == 403
    looked = world.ask(f"{PAGE}/preview/values", *LOOKER, form={"ids": contact})
    (row,) = body(looked)["rows"]
    values = {line["target"]: line["campaign_value"] for line in row["fields"]}
    assert (row["outcome"], values["lastName"]) == ("same", "Previewed")
    act = world.wiring.activity.page()[0].act
    assert (act.act, act.on, act.count, act.result) == ("look_at_values", "contact", 1, "done")


def test_the_fields_have_both_systems_names(world: World) -> None:
    shown = world.data(PAGE)
    rules = {rule["target"]: rule for rule in shown["rules"]}
    assert shown["missing"] == {}
    assert (rules["firstName"]["source_label"], rules["firstName"]["source_type"]) == (
        "First Name",
        "String",
    )
    offered = world.data("/mappings/add", *MAPPER)
    assert "account" in [one["name"] for one in offered["tables"]]
