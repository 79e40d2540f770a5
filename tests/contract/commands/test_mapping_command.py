"""`manage.py mapping`: a sound document comes into the container and into force; any other changes
nothing.
"""

from pathlib import Path

import pytest
import yaml

from admin.mapping import run
from dev.verbs import Dynamics
from shared.events.documents import default_events_document
from shared.opt_out.documents import default_opt_out_document
from shared.pipeline.poll import poll
from shared.settings import load_settings
from shared.state.documents import Documents
from shared.wiring import Wiring
from tests.contract.commands.conftest import Office

PATH = "mappings/contact.yaml"


def written(office: Office, text: str, name: str = "mine.yaml") -> Path:
    file = office.directory / name
    file.write_text(text)
    return file


def mapping(
    office: Office, command: str, file: Path, *arguments: str, **changed: str
) -> tuple[int, str]:
    code = run([command, str(file), "--settings", str(office.settings(**changed)), *arguments])
    return code, office.heard()


def sound_text(office: Office, label: str = "") -> str:
    document = office.contact_document()
    document["fields"] = [field for field in document["fields"] if field["source"] != label]
    return yaml.safe_dump(document, sort_keys=False)


def stored(office: Office, path: str = PATH) -> str:
    return office.config.download_blob(path).readall().decode()


def there(office: Office, path: str = PATH) -> bool:
    return bool(office.config.get_blob_client(path).exists())


def test_a_sound_document_is_put_and_the_next_poll_takes_it_into_force(sound: Office) -> None:
    text = sound_text(sound, "firstname")
    code, said = mapping(sound, "apply", written(sound, text))
    assert (code, stored(sound)) == (0, text), said
    assert "checked against Dataverse and Campaign" in said
    wiring = Wiring(load_settings({**sound.stack.environment, "MAPPING_CACHE_SECONDS": "0"}))
    flow = wiring.table_flow("contact")
    poll(flow, wiring.bridge)
    assert wiring.bridge.flows.read("contacts").mapping_problem == ""
    assert "firstname" not in flow.active().mapping.columns
    code, said = mapping(sound, "apply", written(sound, text))
    assert (code, "holds this already" in said) == (0, True)


def asked(office: Office, *argv: str) -> tuple[int, str]:
    code = run([*argv, "--settings", str(office.settings())])
    return code, office.heard()


def test_versions_have_author_and_note_and_one_is_put_back(sound: Office) -> None:
    first = sound_text(sound)
    second = sound_text(sound, "firstname")
    documents = Documents(sound.config)
    wiring = Wiring(load_settings({**sound.stack.environment, "MAPPING_CACHE_SECONDS": "0"}))
    flow = wiring.table_flow("contact")
    before = documents.newest("contact")[0]
    for text in (first, second):
        mapping(sound, "apply", written(sound, text), "--note", "asked by märketing")
        poll(flow, wiring.bridge)
    newest = documents.newest("contact")[0]
    assert newest >= before + 1
    assert documents.text("contact", newest) == second
    code, said = asked(sound, "history", "contact")
    assert code == 0
    assert f"{newest:6}  " in said.splitlines()[0]
    assert said.splitlines()[0].endswith("key of the storage account  asked by märketing  (active)")
    code, said = asked(sound, "revert", "contact", str(newest - 1), "--plan")
    assert (code, stored(sound)) == (0, second), said
    code, said = asked(sound, "revert", "contact", str(newest - 1))
    assert (code, stored(sound)) == (0, first), said
    poll(flow, wiring.bridge)
    line = documents.versions("contact")[0]
    assert (line.number, line.signature.note) == (newest + 1, f"back to version {newest - 1}")
    acts = [one.act for one in wiring.activity.page() if one.act.act != "job_ended"]
    assert (acts[0].act, acts[0].on, acts[0].who) == (
        "mapping_in_force", "contact", "key of the storage account",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["revert", "contact", "999999"], "There is no version 999999"),
        (["history", "../contact"], "is no name of a table"),
    ],
)
def test_a_version_or_a_table_that_there_is_not(sound: Office, argv: list[str], told: str) -> None:
    code, said = asked(sound, *argv)
    assert (code, told in said) == (2, True), said


def test_a_difference_and_a_preview_change_nothing(sound: Office) -> None:
    Dynamics(sound.stack.facts).create_contact(firstname="Aiko", lastname="Previewed")
    Documents(sound.config).add("contact", 1, sound_text(sound), "")
    before = sorted(blob.name for blob in sound.config.list_blobs())
    file = written(sound, sound_text(sound, "firstname"))
    code, said = mapping(sound, "diff", file)
    assert (code, "-- source: firstname" in said) == (0, True), said
    code, said = mapping(sound, "preview", file)
    assert (code, "Nothing was written." in said) == (0, True), said
    assert "Previewed" not in said
    code, said = mapping(sound, "preview", file, "--values")
    assert (code, "Previewed" in said) == (0, True), said
    assert sorted(blob.name for blob in sound.config.list_blobs()) == before
    wiring = Wiring(load_settings(sound.stack.environment))
    acts = [noted.act for noted in wiring.activity.page()]
    assert (acts[0].act, acts[0].on, acts[0].role) == ("look_at_values", "contact", "storage")


def test_it_works_on_the_local_stack(sound: Office) -> None:
    directory = ["--stack", "--directory", str(sound.stack.directory)]
    assert run(["apply", str(written(sound, sound_text(sound))), *directory]) == 0
    assert there(sound)


def test_a_plan_and_a_check_say_what_would_change_and_change_nothing(sound: Office) -> None:
    mapping(sound, "apply", written(sound, sound_text(sound)))
    before = stored(sound)
    file = written(sound, sound_text(sound, "firstname"))
    code, said = mapping(sound, "apply", file, "--plan")
    assert (code, stored(sound)) == (0, before)
    assert "\n-- source: firstname\n" in said
    assert "This was a plan." in said
    assert mapping(sound, "check", file)[0] == 0
    assert stored(sound) == before


def test_a_plan_of_the_active_text_says_that_nothing_changes(sound: Office) -> None:
    text = sound_text(sound)
    Documents(sound.config).add("contact", 1, text, "")
    code, said = mapping(sound, "apply", written(sound, text), "--plan")
    assert (code, "It says the same as version 1.\n" in said) == (0, True), said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("table: contact\n  x: [", "Line "),
        ("nothing", "document"),
        ("table: contact\nresource: profile\nkey: {source: contactid, target: externalId, "
         "lookup: uri}\nfields:\n"
         "  - {source: fistname, target: firstName}\n",
         "Line 5, fields[1] (firstName): table contact has no column fistname"),
        ("table: contact\ntable: contact\n", "Line 2: the key table stands twice"),
        ("table: ../versions/contact\nresource: profile\n", "table"),
        ("pairs: 3\n", "pairs"),
        ("kinds: {send: {table: 3}}\n", "kinds"),
        ("pairs:\n  - {flag: blackListEmail, column: donotbulkmail}\n", "donotbulkmail"),
    ],
    ids=["no YAML", "a word", "a column that is not there", "a key twice", "a table that is a path",
         "opt-outs", "events",
         "a pair's column that is not there"],
)  # fmt: skip
def test_a_refused_document_is_told_by_line_and_not_applied(
    sound: Office, text: str, message: str
) -> None:
    before = sorted(blob.name for blob in sound.config.list_blobs())
    code, said = mapping(sound, "apply", written(sound, text))
    assert code == 1, said
    assert message in said
    assert "Nothing was changed." in said
    assert sorted(blob.name for blob in sound.config.list_blobs()) == before


def test_a_byte_that_is_no_utf_8_is_told_by_its_line(sound: Office) -> None:
    file = sound.directory / "latin.yaml"
    file.write_bytes(sound_text(sound).encode() + b"# caf\xe9\n")
    code, said = mapping(sound, "apply", file)
    assert (code, "UTF-8" in said, there(sound)) == (1, True, False)


def test_what_somebody_changed_in_between_is_not_overwritten(
    sound: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for before in ("", "table: contact\n"):
        if before:
            sound.config.upload_blob(PATH, before, overwrite=True)
        real = Documents.draft

        def overtaken(self: Documents, table: str, real=real) -> tuple[str, str]:  # type: ignore[no-untyped-def]
            found: tuple[str, str] = real(self, table)
            sound.config.upload_blob(PATH, "another's: 1\n", overwrite=True)
            return found

        with monkeypatch.context() as patch:
            patch.setattr(Documents, "draft", overtaken)
            code, said = mapping(sound, "apply", written(sound, sound_text(sound)))
        assert (code, "Somebody changed" in said, stored(sound)) == (1, True, "another's: 1\n")


@pytest.mark.parametrize(
    "changed",
    [
        {"DATAVERSE_URL": "http://127.0.0.1:9"},
        {"CAMPAIGN_CLIENT_SECRET": "wrong"},
        {"CAMPAIGN_URL": ""},
    ],
    ids=["no Dataverse", "a wrong secret", "no settings"],
)
def test_what_could_not_be_checked_against_the_systems_is_said(
    sound: Office, changed: dict[str, str]
) -> None:
    code, said = mapping(sound, "apply", written(sound, sound_text(sound)), **changed)
    assert (code, there(sound)) == (0, True), said
    assert "It was NOT checked against Dataverse and Campaign." in said
    flags = sound.contact_document()
    flags["fields"].append({"source": "donotemail", "target": "blackListEmail"})
    assert mapping(sound, "check", written(sound, yaml.safe_dump(flags)), **changed)[0] == 1
    assert mapping(sound, "check", written(sound, "table: contact\n"), **changed)[0] == 1


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (default_opt_out_document(), "opt-out/opt_out.yaml"),
        (default_events_document(), "events/email_events.yaml"),
    ],
    ids=["opt-outs", "events"],
)
def test_the_other_documents_go_where_the_bridge_reads_them(
    sound: Office, text: str, path: str
) -> None:
    code, said = mapping(sound, "apply", written(sound, text), CAMPAIGN_URL="")
    assert code == 0, said
    assert stored(sound, path) == text
    sound.config.delete_blob(path)


def test_a_file_or_an_account_that_is_not_there_is_said(
    sound: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = mapping(sound, "apply", sound.directory / "none.yaml")
    assert (code, "cannot be read" in said) == (2, True)
    file = written(sound, sound_text(sound))
    code, said = mapping(
        sound, "check", file, AzureWebJobsStorage="", AzureWebJobsStorage__accountName=""
    )
    assert (code, "--storage-account" in said) == (2, True)
    dead = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;BlobEndpoint=http://127.0.0.1:9/a;"
    code, said = mapping(sound, "check", file, AzureWebJobsStorage=dead)
    assert (code, "does not answer" in said) == (2, True)
