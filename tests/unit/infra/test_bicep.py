"""The Bicep files: they parse, they name what the code names, they open nothing. No compiler is needed."""

import re
from functools import cache
from pathlib import Path

import pytest
import tree_sitter
import tree_sitter_bicep

from shared.settings import Settings, environment_name
from shared.state.storage import CONTAINERS, TABLES

ROOT = Path(__file__).parents[3]
FILES = sorted((ROOT / "infra").rglob("*.bicep"))
PLATFORM = {
    "AzureWebJobsStorage__credential",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "PYTHON_THREADPOOL_THREAD_COUNT",
}
LEAST_ROLES = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": "Storage Blob Data Owner",
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": "Storage Queue Data Contributor",
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": "Storage Table Data Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "3913510d-42f4-4e42-8a64-420c390055eb": "Monitoring Metrics Publisher",
}


@cache
def text(name: str) -> str:
    return (ROOT / "infra" / name).read_text()


def faults(node: tree_sitter.Node) -> list[tuple[int, int]]:
    found = [tuple(node.start_point)] if node.type == "ERROR" or node.is_missing else []
    return [*found, *(fault for child in node.children for fault in faults(child))]  # type: ignore[list-item]


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_a_file_parses_whole(path: Path) -> None:
    parser = tree_sitter.Parser(tree_sitter.Language(tree_sitter_bicep.language()))
    assert faults(parser.parse(path.read_bytes()).root_node) == []


@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_every_parameter_is_described_and_used_and_every_output_described(path: Path) -> None:
    content = path.read_text()
    for name in re.findall(r"^param (\w+)", content, re.MULTILINE):
        assert re.search(rf"@description\('(Required|Optional)\. [^\n]+'\)\n([@ \]][^\n]*\n)*param {name}\b", content), name
        assert len(re.findall(rf"\b{name}\b", content)) > 1, name
    for name in re.findall(r"^output (\w+)", content, re.MULTILINE):
        assert re.search(rf"@description\('[^\n]+'\)\noutput {name}\b", content), name


def test_modules_exist_and_get_exactly_their_parameters() -> None:
    modules = re.findall(r"^module \w+ '([^']+)' = \{(.*?)^\}", text("main.bicep"), re.MULTILINE | re.DOTALL)
    assert {path for path, _ in modules} == {f"modules/{file.name}" for file in FILES if file.parent.name == "modules"}
    for path, body in modules:
        block = body.split("params: {")[1].split("\n  }")[0]
        given = set(re.findall(r"^    (\w+):", block, re.MULTILINE))
        assert given == set(re.findall(r"^param (\w+)", text(path), re.MULTILINE)), path


def test_the_settings_are_those_of_the_code() -> None:
    block = text("modules/function_app.bicep").split("name: 'appsettings'")[1].split("\n  }")[0]
    given = set(re.findall(r"^    (\w+):", block, re.MULTILINE))
    known = {environment_name(field): info for field, info in Settings.model_fields.items()}
    assert given - PLATFORM <= set(known)
    assert {name for name, info in known.items() if info.is_required()} <= given
    named = {name for file in (ROOT / "functions").glob("*.py") for name in re.findall(r"%(\w+)%", file.read_text())}
    assert named <= given


def test_no_secret_is_written_down() -> None:
    block = text("modules/function_app.bicep")
    for name in re.findall(r"^    (\w*(?:SECRET|PRIVATE_KEY)\w*): (.+)$", block, re.MULTILINE):
        assert name[1].startswith("'@Microsoft.KeyVault("), name
    assert not [path for path in FILES if re.search(r"listKeys|connectionString\(|AccountKey", path.read_text())]


def test_state_is_what_the_code_opens() -> None:
    storage = text("modules/storage.bicep")
    for listed, wanted in (("tableNames", TABLES), ("containerNames", (*CONTAINERS, "deployment"))):
        names = re.findall(r"'(\w+)'", storage.split(f"var {listed} = [")[1].split("]")[0])
        assert set(names) == set(wanted)


def test_every_flow_has_queue_poison_queue_and_alerts_from_one_list() -> None:
    flows = re.findall(r"'([\w-]+)'", text("main.bicep").split("var flows = [")[1].split("]")[0])
    triggers = {
        queue
        for file in (ROOT / "functions").glob("*.py")
        for queue in re.findall(r'queue_trigger\("\w+", "([\w-]+)"', file.read_text())
    }
    assert set(flows) == triggers
    assert "[for flow in flows: {\n  parent: queueService\n  name: '${flow}-poison'" in text("modules/storage.bicep")
    assert text("modules/alerts.bicep").count("[for flow in flows:") == 3


def test_nothing_is_open() -> None:
    storage = text("modules/storage.bicep")
    for line in (
        "allowBlobPublicAccess: false",
        "allowSharedKeyAccess: false",
        "minimumTlsVersion: 'TLS1_2'",
        "publicAccess: 'None'",
    ):
        assert line in storage
    assert "httpsOnly: true" in text("modules/function_app.bicep")
    assert "enablePurgeProtection: true" in text("modules/key_vault.bicep")


def test_the_roles_are_the_least() -> None:
    roles = text("modules/roles.bicep")
    assert set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", roles)) == set(LEAST_ROLES)
    for name in LEAST_ROLES.values():
        assert name in roles
