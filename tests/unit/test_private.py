"""Settings files with secrets are looked for under .local/, and one that lies beside the code is
named.
"""

import os
import subprocess
from functools import partial
from pathlib import Path

import pytest

from admin import private
from admin.check import private as check_private
from admin.check.__main__ import look
from admin.private import holds_secrets, misplaced, settings_file
from shared.settings import Settings, environment_name

ROOT = Path(__file__).parents[2]
SECRET = {
    environment_name(field)
    for field, info in Settings.model_fields.items()
    if "SecretStr" in str(info.annotation)
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".local").mkdir()
    monkeypatch.setattr(private, "PLACE", tmp_path / ".local")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_usual_file_is_read_if_none_is_given(folder: Path) -> None:
    assert settings_file(None, "setup.settings.json") is None
    (folder / ".local" / "setup.settings.json").write_text("{}")
    assert settings_file(None, "setup.settings.json") == folder / ".local" / "setup.settings.json"


def test_a_file_that_is_given_is_found_here_first_then_under_local(folder: Path) -> None:
    (folder / ".local" / "mine.json").write_text("{}")
    assert settings_file(Path("mine.json"), "x") == folder / ".local" / "mine.json"
    (folder / "mine.json").write_text("{}")
    assert settings_file(Path("mine.json"), "x") == Path("mine.json")
    assert settings_file(Path("none.json"), "x") == Path("none.json")


@pytest.mark.parametrize("name", sorted(SECRET))
@pytest.mark.parametrize(
    "form", ['{{"Values": {{"{}": "a value"}}}}', "{}=a-value\n", "export {}='a value'"]
)
def test_every_secret_setting_is_known(name: str, form: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(form.format(name))
    assert holds_secrets(file)


@pytest.mark.parametrize(
    "text",
    ['"CAMPAIGN_CLIENT_SECRET": ""',
     '"CAMPAIGN_CLIENT_SECRET": "@Microsoft.KeyVault(SecretUri=https://kv-example/x)"',
     '"AzureWebJobsStorage": "<connection string>"',
     '"AzureWebJobsStorage__accountName": "stexample"', "# CLIENT_SECRET", ""],
)  # fmt: skip
def test_what_is_no_secret_is_not_told(text: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.json"
    file.write_text(text)
    assert not holds_secrets(file)


def test_files_beside_the_code_are_named_and_those_under_local_are_not(folder: Path) -> None:
    secret = '{"Values": {"CAMPAIGN_CLIENT_SECRET": "a value"}}'
    for name in ("mine.json", ".env", ".local/mine.json", "local.settings.json"):
        (folder / name).write_text(secret)
    (folder / "key.txt").write_text("-----BEGIN PRIVATE KEY-----\n")
    assert misplaced(folder) == [".env", "key.txt", "mine.json"]
    (folder / "infra").mkdir()
    (folder / "infra" / "mine.json").write_text(secret)
    assert "infra/mine.json" in misplaced(folder, Path("infra/mine.json"))
    assert misplaced(folder, Path(".local/mine.json")) == misplaced(folder)


def test_the_repository_itself_holds_none() -> None:
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert not set(misplaced(ROOT)) & set(tracked), os.fspath(ROOT)


def test_check_warns_of_each(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "mine.json").write_text('{"Values": {"SFTP_PRIVATE_KEY": "a value"}}')
    monkeypatch.setattr(check_private, "misplaced", partial(misplaced, folder))
    (found,) = check_private.settings_files(look({}))
    assert (found.subject, found.state, found.next) == ("mine.json", "warning", private.ADVICE)
    assert "a value" not in str(found)
