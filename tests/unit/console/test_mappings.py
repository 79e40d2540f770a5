"""The mapping pages, on the product in memory: drafts, checks, forms, versions, previews."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from shared.console import patience
from shared.console.outgoing import Sent
from shared.mapping import default_document
from shared.state.activity import Act
from tests.unit.console.kit import Console
from tests.unit.memory import Memory, played

TEXT = default_document("contact")
CHANGED = TEXT + "deletes: ignore\n"
WHY = "asked for by marketing"


class Desk:
    """The console's pages over a product in memory that has run once."""

    def __init__(self, world: Memory) -> None:
        self.world = world
        world.contact(firstname="Aiko", lastname="Ito")
        world.sync("contact")
        self.console = Console()
        services: Any = self.console.front.services
        services.desk = world.wiring.desk

    def tick(self) -> None:
        """Of the console's clock: two acts are not at the same moment."""
        self.console.clock += 1.0

    def get(self, path: str = "", who: str = "mia", **query: str) -> Any:
        return self.console.data(f"/mappings{path}", who, **query)

    def page(self, path: str = "", who: str = "mia", **query: str) -> str:
        return self.console.ask(f"/mappings{path}", who, query=query).body.decode()

    def post(self, path: str, form: dict[str, Any], who: str = "mia") -> Sent:
        self.tick()
        return self.console.ask(f"/mappings{path}", who, form, accept="application/json")

    def save(self, text: str, who: str = "mia", **form: Any) -> Sent:
        """As a person does who has just opened the page."""
        opened = self.get("/contact/yaml", who)
        kept = {"etag": opened["etag"], "base": opened["base"]}
        return self.post("/contact/save", {**kept, "document": text, **form}, who)

    def put_in_force(self, who: str = "mia") -> Sent:
        etag = self.get("/contact/yaml", who)["etag"]
        plan = self.console.plan("mapping_in_force", who, table="contact", etag=etag)
        return self.console.ask(plan, who, {"why": WHY}, accept="application/json")

    @property
    def version(self) -> int:
        return int(self.world.wiring.documents.newest("contact")[0])

    @property
    def draft(self) -> Any:
        return self.world.wiring.desk.drafts.find("contact")


def on_desk(test: Callable[[Desk], None]) -> None:
    """The pages' threads are tasks of the simulation, too: none of before it, none after it."""
    patience.pool.cache_clear()
    try:
        played(lambda world: test(Desk(world)))
    finally:
        patience.pool.cache_clear()


def body(sent: Sent) -> Any:
    return json.loads(sent.body)


def test_the_list_shows_every_table_with_its_version_and_its_draft() -> None:
    def test(desk: Desk) -> None:
        desk.save(CHANGED)
        lines = {line["table"]: line for line in desk.get(who="vera")["lines"]}
        assert set(lines) == {"contact", "acs_vehicle", "acs_visit"}
        assert (lines["contact"]["version"], lines["contact"]["resource"]) == (1, "profile")
        assert lines["contact"]["draft"]["author"] == "Mia"
        assert (lines["acs_visit"]["version"], lines["acs_visit"]["draft"]) == (0, None)
        assert "Mia" in desk.page(who="vera")

    on_desk(test)


def test_no_flow_reads_a_draft() -> None:
    def test(desk: Desk) -> None:
        desk.save(CHANGED)
        desk.world.another_instance()
        desk.world.run()
        assert desk.version == 1
        assert desk.world.flow("contact").active().document.deletes == "apply"
        assert desk.world.wiring.bridge.flows.read("contacts").mapping_problem == ""

    on_desk(test)


def test_a_draft_is_put_in_force_over_a_plan_with_author_and_note() -> None:
    def test(desk: Desk) -> None:
        desk.save(CHANGED)
        sent = desk.put_in_force()
        assert sent.headers["Location"] == "/console/mappings/contact/versions"
        assert (desk.version, desk.draft) == (2, None)
        newest = desk.get("/contact/versions")["versions"][0]
        assert (newest["number"], newest["author"], newest["note"]) == (2, "Mia", WHY)
        acts = [act for act in desk.console.acts() if act.act == "mapping_in_force"]
        assert acts == [
            Act("Mia", "Bridge.Mapper", "mapping_in_force", "contact", WHY, "version 2")
        ]
        logged = [noted.act for noted in desk.world.wiring.activity.page()]
        assert [act for act in logged if act.why == WHY] == [], "once, not twice"
        desk.world.another_instance()
        assert desk.world.flow("contact").active().document.deletes == "ignore"

    on_desk(test)


def test_a_plan_shows_the_lines_and_what_becomes_of_rows() -> None:
    def test(desk: Desk) -> None:
        desk.save(TEXT.replace("target: lastName}", "target: lastName, replace: {Ito: Itoh}}"))
        etag = desk.get("/contact/yaml")["etag"]
        plan = desk.console.plan("mapping_in_force", "mia", table="contact", etag=etag)
        lines = {line["text"]: line for line in desk.console.data(plan, "mia")["lines"]}
        assert lines["mapping_lines"]["items"] == [
            "- " + "  - {source: lastname, target: lastName}",
            "+ " + "  - {source: lastname, target: lastName, replace: {Ito: Itoh}}",
        ]
        assert lines["mapping_tried_changes"]["arguments"] == {"count": 1, "of": 1}
        assert "mapping_reads_changes" in lines
        assert desk.version == 1

    on_desk(test)


def test_what_was_put_past_the_console_is_in_the_activity_log_once() -> None:
    def test(desk: Desk) -> None:
        desk.world.document("contact", CHANGED)
        desk.world.sync("contact")
        desk.world.another_instance()
        desk.world.sync("contact")
        acts = [noted.act for noted in desk.world.wiring.activity.page()]
        assert [(act.act, act.on, act.result) for act in acts if act.on == "contact"] == [
            ("mapping_in_force", "contact", "version 2"),
            ("mapping_in_force", "contact", "version 1"),
        ]

    on_desk(test)


def test_back_to_an_earlier_version_is_a_new_version() -> None:
    def test(desk: Desk) -> None:
        desk.save(CHANGED)
        desk.put_in_force()
        assert desk.get("/contact/versions/1")["document"] == TEXT
        plan = desk.console.plan("mapping_back", "mia", table="contact", version="1")
        assert desk.console.ask(plan, "mia", {"why": "undone"}).status == 303
        assert desk.version == 3
        assert desk.world.wiring.documents.text("contact", 3) == TEXT
        assert desk.get("/contact/versions")["versions"][0]["note"] == "undone"

    on_desk(test)


def test_the_second_of_two_people_is_told_and_nothing_is_overwritten() -> None:
    def test(desk: Desk) -> None:
        opened = desk.get("/contact/yaml")
        desk.save(CHANGED)
        mine = TEXT + "filtered_out: delete\n"
        form = {"etag": opened["etag"], "base": "1", "document": mine}
        sent = desk.post("/contact/save", form)
        told = body(sent)
        assert (sent.status, told["error"], told["document"]) == (409, "changed_meanwhile", mine)
        assert desk.draft.text == CHANGED
        assert {"kind": "removed", "text": "deletes: ignore"} in told["changes"]
        again = {"etag": told["etag"], "base": str(told["base"]), "document": mine}
        assert desk.post("/contact/save", again).status == 303, "now that it was seen"
        assert desk.draft.text == mine

    on_desk(test)


@pytest.mark.parametrize("path", ["discard", "rule", "settings"])
def test_every_form_of_an_older_page_is_refused(path: str) -> None:
    def test(desk: Desk) -> None:
        desk.save(CHANGED)
        form = {"etag": '"older"', "base": "1", "number": "2", "target": "x", "deletes": "ignore"}
        assert desk.post(f"/contact/{path}", form).status == 409
        assert desk.draft.text == CHANGED

    on_desk(test)


def test_a_draft_of_before_another_version_is_not_put_in_force() -> None:
    def test(desk: Desk) -> None:
        desk.save(CHANGED)
        desk.world.document("contact", TEXT + "filtered_out: delete\n")
        desk.world.sync("contact")
        etag = desk.get("/contact/yaml")["etag"]
        asked = {"kind": "mapping_in_force", "table": "contact", "etag": etag}
        sent = desk.console.ask("/plans", "mia", asked, accept="application/json")
        assert (sent.status, body(sent)["error"]) == (409, "draft_behind")
        desk.save(CHANGED)
        assert desk.put_in_force().status == 303
        assert desk.version == 3

    on_desk(test)


def test_a_plan_of_a_draft_that_was_changed_since_does_nothing() -> None:
    def test(desk: Desk) -> None:
        desk.save(CHANGED)
        etag = desk.get("/contact/yaml")["etag"]
        plan = desk.console.plan("mapping_in_force", "mia", table="contact", etag=etag)
        desk.save(
            TEXT + "choices: label\n".replace("choices", "filtered_out").replace("label", "delete")
        )
        desk.tick()
        sent = desk.console.ask(plan, "mia", {"why": WHY}, accept="application/json")
        assert (sent.status, body(sent)["error"]) == (409, "draft_changed")
        assert desk.version == 1
        assert desk.console.acts()[0].result == "failed"

    on_desk(test)


def test_a_document_that_was_put_between_plan_and_button_stays() -> None:
    def test(desk: Desk) -> None:
        desk.save(CHANGED)
        etag = desk.get("/contact/yaml")["etag"]
        plan = desk.console.plan("mapping_in_force", "mia", table="contact", etag=etag)
        desk.world.document("contact", "nonsense")
        sent = desk.console.ask(plan, "mia", {"why": WHY}, accept="application/json")
        assert (sent.status, body(sent)["error"]) == (409, "mapping_changed")
        assert (desk.version, desk.world.wiring.documents.draft("contact")[0]) == (1, "nonsense")

    on_desk(test)


WRONG = TEXT.replace("source: firstname", "source: fistname").replace("target: fax", "target: fux")


def test_problems_are_shown_by_line_and_nothing_is_saved() -> None:
    def test(desk: Desk) -> None:
        told = body(desk.post("/contact/check", {"document": WRONG, "etag": ""}))
        assert [one["line"] for one in told["problems"]] == [13, 19]
        assert "no column fistname" in told["problems"][0]["sentence"]
        assert desk.draft is None
        sound = body(desk.post("/contact/check", {"document": CHANGED.replace("\n", "\r\n")}))
        assert (sound["problems"], sound["document"]) == ([], CHANGED)

    on_desk(test)


def test_a_draft_with_problems_is_kept_and_not_put_in_force() -> None:
    def test(desk: Desk) -> None:
        assert desk.save(WRONG).status == 303
        asked = {"kind": "mapping_in_force", "table": "contact"}
        sent = desk.console.ask("/plans", "mia", asked, accept="application/json")
        assert (sent.status, body(sent)["error"]) == (400, "not_sound")
        assert "no column fistname" in body(sent)["sentence"]

    on_desk(test)


def test_the_form_changes_one_rule_of_the_draft() -> None:
    def test(desk: Desk) -> None:
        shown = desk.get("/contact", edit="10")
        assert shown["form"]["replace"] == "1: male\n2: female"
        assert shown["rules"][1]["source_label"] == "First Name"
        form = {**shown["form"], "etag": "", "base": "1", "number": "10", "otherwise": "male"}
        form = {name: value for name, value in form.items() if value is not False}
        assert desk.post("/contact/rule", form).status == 303
        assert desk.draft.text == TEXT.replace("otherwise: unknown", "otherwise: male")
        opened = desk.get("/contact")
        more = {"etag": opened["etag"], "base": "1", "number": "new"}
        rule = {"source": "jobtitle", "target": "cusTitle", "invalid": "cut"}
        assert desk.post("/contact/rule", more | rule).status == 303
        assert "- {source: jobtitle, target: cusTitle, invalid: cut}\n" in desk.draft.text
        opened = desk.get("/contact")
        gone = {"etag": opened["etag"], "base": "1", "number": "20", "remove": "1"}
        assert desk.post("/contact/rule", gone).status == 303
        assert "jobtitle" not in desk.draft.text
        opened = desk.get("/contact")
        settings = {"etag": opened["etag"], "base": "1", "deletes": "ignore", "time_zone": "UTC"}
        assert desk.post("/contact/settings", settings).status == 303
        assert desk.draft.text.endswith("deletes: ignore\ntime_zone: UTC\n")

    on_desk(test)


def test_what_was_typed_wrong_is_shown_again_with_its_problem() -> None:
    def test(desk: Desk) -> None:
        form = {"etag": "", "base": "1", "number": "2", "source": "firstname", "target": "lastName"}
        sent = desk.post("/contact/rule", form)
        told = body(sent)
        assert (sent.status, told["form"]["target"]) == (400, "lastName")
        assert "two sources for one target" in told["problems"][0]
        assert desk.draft is None

    on_desk(test)


def test_a_preview_names_fields_and_shows_values_only_to_whom_it_may() -> None:
    def test(desk: Desk) -> None:
        text = TEXT.replace("target: lastName}", "target: lastName, replace: {Ito: Itoh}}")
        desk.save(text)
        plain = desk.post("/contact/preview", {"ids": ""})
        (row,) = body(plain)["rows"]
        assert (row["outcome"], row["changed"], row["fields"]) == ("changes", ["lastName"], [])
        assert b"Ito" not in plain.body
        assert desk.post("/contact/preview/values", {"ids": ""}).status == 403
        looked = desk.post("/contact/preview/values", {"ids": row["record_id"]}, "paula")
        lines = {line["target"]: line for line in body(looked)["rows"][0]["fields"]}
        name = lines["lastName"]
        assert [name[key] for key in ("source_value", "campaign_value", "before", "after")] == [
            "Ito", "Ito", "Ito", "Itoh",
        ]  # fmt: skip
        act = desk.console.acts()[0]
        assert (act.act, act.who, act.on, act.count) == ("look_at_values", "Paula", "contact", 1)
        assert "Ito" not in str(desk.console.acts())
        assert desk.version == 1

    on_desk(test)


def test_who_saves_a_draft_with_problems_sees_them() -> None:
    def test(desk: Desk) -> None:
        saved = desk.save(TEXT.replace("target: lastName", "target: lastNam"))
        assert saved.headers["Location"] == "/console/mappings/contact/yaml?saved=1"
        told = desk.get("/contact/yaml", saved="1")
        assert (told["saved"], told["checked"]) == (True, True)
        assert "no field lastNam" in told["problems"][0]["sentence"]
        assert desk.get("/contact/yaml")["checked"] is False

    on_desk(test)


def test_a_preview_of_what_the_filters_leave_out_changes_no_field() -> None:
    def test(desk: Desk) -> None:
        desk.save(TEXT + "filters: {all: [{field: lastname, is: eq, value: Nobody}]}\n")
        (row,) = body(desk.post("/contact/preview", {"ids": ""}))["rows"]
        assert (row["outcome"], row["changed"]) == ("left_out", [])
        looked = body(desk.post("/contact/preview/values", {"ids": row["record_id"]}, "paula"))
        (name,) = [one for one in looked["rows"][0]["fields"] if one["target"] == "lastName"]
        assert (name["is_changed"], name["before"], name["after"]) == (False, "Ito", None)

    on_desk(test)


def test_a_preview_of_what_is_no_id_says_so() -> None:
    def test(desk: Desk) -> None:
        desk.save(TEXT)
        (row,) = body(desk.post("/contact/preview", {"ids": ""}))["rows"]
        for ids in ("x", f"{row['record_id']} x", " ".join([row["record_id"]] * 21)):
            sent = desk.post("/contact/preview", {"ids": ids})
            assert (sent.status, body(sent)["error"]) == (400, "no_guid")
            assert "more than 20" in body(sent)["sentence"]

    on_desk(test)


def test_a_table_is_added_with_fields_of_equal_names() -> None:
    def test(desk: Desk) -> None:
        offered = desk.get("/add")
        assert "account" in [one["name"] for one in offered["tables"]]
        assert "contact" not in [one["name"] for one in offered["tables"]]
        assert "service" in offered["resources"]
        sent = desk.post("/add", {"table": "account", "resource": "service"})
        assert sent.status == 303, sent.body
        assert sent.headers["Location"] == "/console/mappings/account?proposed=1"
        draft = desk.world.wiring.desk.drafts.find("account")
        assert draft is not None
        assert "{source: name, target: name}" in draft.text
        assert "account" not in desk.world.wiring.documents.tables()
        assert desk.post("/add", {"table": "account", "resource": "service"}).status == 409

    on_desk(test)


def test_the_editor_gets_the_schema_and_both_systems_names() -> None:
    def test(desk: Desk) -> None:
        sent = desk.console.ask("/mappings/contact/words", "vera")
        words = body(sent)
        assert words["schema"]["properties"]["fields"]["type"] == "array"
        columns = {one["name"]: one for one in words["columns"]}
        assert columns["firstname"] == {
            "name": "firstname", "label": "First Name", "type": "String"
        }  # fmt: skip
        assert "_parentcustomerid_value" in columns
        assert "location.city" in [one["name"] for one in words["fields"]]

    on_desk(test)


def test_a_system_that_is_silent_is_missing_and_the_page_is_there_in_time() -> None:
    def test(desk: Desk) -> None:
        systems = desk.world.wiring.desk.systems
        slow = systems.dataverse()

        class Slow:
            def table(self, name: str) -> Any:
                desk.world.later(60.0)
                return slow.table(name)

        systems.dataverse = Slow  # type: ignore[assignment]
        before = desk.world.now
        shown = desk.get("/contact")
        assert desk.world.now - before < 3.0
        assert shown["missing"] == {"Dataverse": ""}
        assert shown["rules"][1]["target_type"] == "string"
        checked = body(desk.post("/contact/check", {"document": CHANGED}))
        assert checked["missing"] == {"Dataverse": ""}
        desk.world.later(60.0)
        assert desk.get("/contact")["missing"] == {}, "the late answer is there for the next page"

    on_desk(test)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/none", 404), ("/..%2Fcontact", 404), ("/contact/versions/9", 404),
        ("/contact/versions/x", 404), ("/contact/versions/0", 404), ("/%00", 404),
    ],
)  # fmt: skip
def test_what_is_not_there_is_not_found(path: str, status: int) -> None:
    on_desk(lambda desk: assert_status(desk, path, status))


def assert_status(desk: Desk, path: str, status: int) -> None:
    assert desk.console.ask(f"/mappings{path}", "mia").status == status


def test_every_page_is_shown_with_hostile_texts_in_both_languages() -> None:
    hostile = TEXT + "# <script>alert(1)</script>\n"

    def test(desk: Desk) -> None:
        desk.save(hostile, who="mia")
        plan = desk.put_in_force()
        assert plan.status == 303
        desk.save(hostile + "deletes: <b>\n")
        pages = ["", "/add", "/contact", "/contact/yaml", "/contact/versions", "/contact/preview"]
        for path in [*pages, "/contact/versions/2"]:
            for who in ("mia", "vera", "paula"):
                if (path, who) not in {("/add", "vera"), ("/add", "paula")}:
                    page = desk.page(path, who)
                    assert "<h1" in page, page
                    assert "<script>alert" not in page

    on_desk(test)


def test_every_change_of_a_draft_is_in_the_activity_log() -> None:
    def test(desk: Desk) -> None:
        desk.save(CHANGED)
        desk.post("/contact/discard", {"etag": desk.draft.etag})
        assert desk.draft is None
        assert [(act.act, act.who, act.role) for act in desk.console.acts()] == [
            ("mapping_draft_discarded", "Mia", "Bridge.Mapper"),
            ("mapping_draft_saved", "Mia", "Bridge.Mapper"),
        ]

    on_desk(test)


@pytest.mark.parametrize("who", ["vera", "otto", "paula"])
@pytest.mark.parametrize(
    "path", ["check", "save", "rule", "settings", "discard", "preview", "../add"]
)
def test_who_is_no_mapper_changes_nothing(path: str, who: str) -> None:
    console = Console()
    address = "/mappings/add" if path == "../add" else f"/mappings/contact/{path}"
    assert console.ask(address, who, {"document": TEXT}).status == 403
