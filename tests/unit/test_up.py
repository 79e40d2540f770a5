"""What `manage.py up` is given: settings by name, and what Campaign's administrator has
published.
"""

from pathlib import Path

import pytest
import yaml

from dev.commands.preparing import CannotPrepare, read_documents, read_tables
from dev.commands.settings import UnknownSetting, chosen_settings
from dev.commands.up import RUNNING, STARTING, parse, publication_file, replaceable, run
from dev.emulators.campaign.publication import InvalidPublication, extended_publication
from dev.seed.vehicles import PUBLICATION
from shared.errors import Misconfigured


def test_settings_are_taken_by_their_names_and_the_last_counts() -> None:
    given = [
        "OPT_OUT_MODE=both",
        "CAMPAIGN_SCOPES=a=b,c",
        "OPT_OUT_MODE=disabled",
        "PYTHON_THREADPOOL_THREAD_COUNT=8",
    ]
    assert chosen_settings(given) == {
        "OPT_OUT_MODE": "disabled",
        "CAMPAIGN_SCOPES": "a=b,c",
        "PYTHON_THREADPOOL_THREAD_COUNT": "8",
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("OPT_OUT_MOD=both", "OPT_OUT_MODE"),
        ("opt_out_mode=both", "OPT_OUT_MODE"),
        ("POLL_BUDGET_SECOND=100", "POLL_BUDGET_SECONDS"),
        ("COLOUR=blue", "local.settings.json.example"),
        ("OPT_OUT_MODE", "OPT_OUT_MODE=VALUE"),
        ("", "no setting"),
    ],
)
def test_a_name_that_is_none_is_refused_with_what_was_meant(given: str, said: str) -> None:
    with pytest.raises(UnknownSetting, match=said):
        chosen_settings([given])


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("POLL_BUDGET_SECONDS=many", "POLL_BUDGET_SECONDS"),
        ("OPT_OUT_MODE=sometimes", "OPT_OUT_MODE"),
        ("DATAVERSE_AUTH=certificate", "DATAVERSE_CERTIFICATE"),
    ],
)
def test_a_value_that_the_app_does_not_take_is_refused(given: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said) as raised:
        chosen_settings([given])
    assert "sometimes" not in str(raised.value)


def publication(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    return path


def test_a_publication_adds_to_what_the_local_stack_has(tmp_path: Path) -> None:
    text = (
        "profile: {fields: {cusShoeSize: {type: integer}}}\ncusCar: {fields: {carId: {length: 64}},"
        " keys: [[carId]]}"
    )
    found = extended_publication(publication(tmp_path, text))
    assert {"cusShoeSize", "cusDisplayName"} <= found["profile"]["fields"].keys()
    assert (found["profile"]["keys"], found["cusCar"]["keys"]) == ([["externalId"]], [["carId"]])
    assert {"externalid", "lastmodified"} <= found["profile"]["filters"].keys()


def test_the_examples_publication_is_sound() -> None:
    found = extended_publication(PUBLICATION)
    assert {"cusVehicle", "cusVisit"} <= found.keys()
    assert found["profile"]["keys"] == [["externalId"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("profile: [", "Line 1: this is not YAML", id="no YAML"),
        pytest.param("- profile", "form", id="a list"),
        pytest.param("", "form", id="empty"),
        pytest.param(
            "profile: {field: {a: {}}}",
            "Line 1, profile.field is no key that is known here: take it out, or correct its name."
            " Did you mean fields",
            id="an unknown word",
        ),
        pytest.param(
            "profile: {fields: {a: {type: text}}}",
            "profile.fields.a.type must be one of",
            id="an unknown type",
        ),
        pytest.param(
            "profile: {keys: [[nothing]]}", "no field nothing", id="a key that is no field"
        ),
        pytest.param(
            "profile: {filters: {x: {conditions: [{field: nothing}]}}}",
            "no field nothing",
            id="a filter",
        ),
        pytest.param(
            "cusA: {fields: {b: {}}, links: {c: {target: cusB, join: {b: id}}}}",
            "links to cusB",
            id="a link",
        ),
        pytest.param(
            "cusA: {fields: {b: {}}, links: {c: {target: profile, join: {b: id}}}}",
            "no field id",
            id="a join",
        ),
    ],
)
def test_a_publication_that_is_none_is_refused_with_its_place(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(InvalidPublication, match=said):
        extended_publication(publication(tmp_path, text))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--set", "OPT_OUT_MOD=both"], "Did you mean OPT_OUT_MODE"),
        (["--set", "OPT_OUT_MODE=sometimes"], "OPT_OUT_MODE"),
        (["--publication", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["--tables", "nowhere.yaml"], "nowhere.yaml cannot be read"),
        (["--document", "nowhere.yaml"], "nowhere.yaml cannot be read"),
    ],
)
def test_nothing_is_started_where_something_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert run([*arguments, "--directory", str(tmp_path / "stack")]) == 1
    out = capsys.readouterr().out
    assert "Nothing was started." in out
    assert said in out
    assert not (tmp_path / "stack").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("contact: {colums: {a: {}}}", "Line 1, contact.colums is no key that is known here"),
        (
            "contact:\n  columns: {a: {kind: Text}}",
            "Line 2, contact.columns.a.kind must be one of these",
        ),
        ("contact: 5", "Line 1, contact must hold `key: value` lines"),
        ("contact: {", "this is not YAML"),
    ],
)
def test_tables_of_another_form_are_refused_with_file_and_line(
    tmp_path: Path, text: str, said: str
) -> None:
    path = publication(tmp_path, text)
    with pytest.raises(CannotPrepare) as caught:
        read_tables(path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)
    assert "Input should" not in str(caught.value)


@pytest.mark.parametrize(
    ("option", "value"), [("--contacts", "-3"), ("--instances", "0"), ("--contacts", "many")]
)
def test_a_number_that_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], option: str, value: str
) -> None:
    with pytest.raises(SystemExit):
        parse([f"{option}={value}"])
    assert f"argument {option}: must be a whole number, " in capsys.readouterr().err


def test_the_merged_publication_is_written_for_the_emulator(tmp_path: Path) -> None:
    written = publication_file(PUBLICATION, tmp_path / "stack")
    assert written
    assert yaml.safe_load(written.read_text())["cusVehicle"]["label"] == "Vehicles"
    assert publication_file(None, tmp_path) is None


@pytest.mark.parametrize(
    ("package", "name", "place"),
    [
        ("dev.seed", "acs_vehicle.yaml", "mappings/acs_vehicle.yaml"),
        ("shared.mapping.defaults", "contact.yaml", "mappings/contact.yaml"),
        ("shared.events.defaults", "email_events.yaml", "events/email_events.yaml"),
        ("shared.opt_out.defaults", "opt_out.yaml", "opt-out/opt_out.yaml"),
    ],
)
def test_a_document_is_put_where_the_bridge_looks_for_it(
    package: str, name: str, place: str
) -> None:
    path = Path(*package.split(".")) / name
    assert read_documents([path]) == {place: path.read_bytes()}


@pytest.mark.parametrize("text", ["a: 1", "- table", "", "table: 3"])
def test_a_file_that_is_no_document_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(CannotPrepare, match="no document"):
        read_documents([publication(tmp_path, text)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("acs_car: {column: {}}", "acs_car.column is no key"),
        ("acs_car: {columns: {acs_plate: {kind: Text}}}", "acs_plate.kind must be"),
        ("acs_car: {lookups: [contact]}", "acs_car.lookups must hold"),
        ("[acs_car]", "form"),
        ("acs_car: [", "not YAML"),
    ],
)
def test_tables_of_another_form_are_refused_with_their_place(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises(CannotPrepare, match=said):
        read_tables(publication(tmp_path, text))


def test_without_core_tools_nothing_is_started(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(["--host", "func", "--directory", str(tmp_path / "stack")]) == 1
    assert "install version 4" in capsys.readouterr().out
    assert not (tmp_path / "stack").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--no-host", "--groups"], "--no-host starts no host"),
        (["--no-host", "--instances", "2"], "--no-host starts no host"),
        (["--no-host", "--host", "func"], "--no-host starts no host"),
        (["--host", "func", "--groups"], "Core Tools run every function in one host"),
    ],
)
def test_options_that_contradict_each_other_are_refused(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "is_so"),
    [
        pytest.param(None, True, id="none is there"),
        pytest.param(
            '{"Values": {"DATAVERSE_URL": "http://127.0.0.1:4711"}}', True, id="a stack's"
        ),
        pytest.param(
            '{"Values": {"DATAVERSE_URL": "https://a.crm4.dynamics.com"}}', False, id="own"
        ),
        pytest.param('{"Values": {}}', False, id="without an address"),
        pytest.param("{", False, id="half written by a person"),
        pytest.param("[]", False, id="of another form"),
    ],
)
def test_only_settings_of_a_local_stack_are_replaced(
    tmp_path: Path, text: str | None, is_so: bool
) -> None:
    file = tmp_path / "local.settings.json"
    if text is not None:
        file.write_text(text)
    assert replaceable(file) == is_so


def test_the_page_shows_what_up_prints_first_and_last() -> None:
    page = (Path(__file__).parents[2] / "docs" / "local-stack.md").read_text("utf-8")
    assert f"```\n{STARTING}\n" in page
    assert f"\n{RUNNING}\n```" in page
