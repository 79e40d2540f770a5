"""The Bicep files hang together: they parse, every name is declared, modules get what they ask for, nothing is open."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.infra.bicep import FILES, INFRA, Bicep, all_files, faults, items, read, resources, text, tree, value, walk, words

EVERY = pytest.mark.parametrize("file", all_files(), ids=[file.name for file in all_files()])
COMPILER = shutil.which("bicep")
FUNCTIONS = {
    "allowed", "any", "description", "empty", "endsWith", "environment", "guid", "length", "loadTextContent", "max", "maxLength",
    "maxValue", "minLength", "minValue", "resourceGroup", "split", "startsWith", "string", "subscription",
    "subscriptionResourceId", "take", "union", "uniqueString",
}  # fmt: skip
ROLES = {
    "Storage Blob Data Owner": ("b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "storage"),
    "Storage Queue Data Contributor": ("974c5e8b-45b9-4653-ba55-5f855dd0fb88", "storage"),
    "Storage Table Data Contributor": ("0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3", "storage"),
    "Key Vault Secrets User": ("4633458b-17de-408a-b874-0445c86b69e6", "vault"),
    "Monitoring Metrics Publisher": ("3913510d-42f4-4e42-8a64-420c390055eb", "insights"),
}
CLOSED = {
    ("Microsoft.Storage/storageAccounts", "properties.allowBlobPublicAccess"): "false",
    ("Microsoft.Storage/storageAccounts", "properties.allowSharedKeyAccess"): "false",
    ("Microsoft.Storage/storageAccounts", "properties.minimumTlsVersion"): "TLS1_2",
    ("Microsoft.Storage/storageAccounts", "properties.supportsHttpsTrafficOnly"): "true",
    ("Microsoft.Storage/storageAccounts", "properties.publicNetworkAccess"): "closed ? 'Disabled' : 'Enabled",
    ("Microsoft.Storage/storageAccounts", "properties.networkAcls.defaultAction"): "closed ? 'Deny' : 'Allow",
    ("Microsoft.Storage/storageAccounts/blobServices/containers", "properties.publicAccess"): "None",
    ("Microsoft.KeyVault/vaults", "properties.enableRbacAuthorization"): "true",
    ("Microsoft.KeyVault/vaults", "properties.enablePurgeProtection"): "true",
    ("Microsoft.KeyVault/vaults", "properties.publicNetworkAccess"): "closed ? 'Disabled' : 'Enabled",
    ("Microsoft.KeyVault/vaults", "properties.networkAcls.defaultAction"): "closed ? 'Deny' : 'Allow",
    ("Microsoft.Insights/components", "properties.DisableLocalAuth"): "true",
    ("Microsoft.OperationalInsights/workspaces", "properties.features.disableLocalAuth"): "true",
    ("Microsoft.Web/sites", "properties.httpsOnly"): "true",
    ("Microsoft.Web/sites", "properties.siteConfig.minTlsVersion"): "1.2",
    ("Microsoft.Web/sites", "properties.siteConfig.ftpsState"): "Disabled",
    ("Microsoft.Web/sites", "identity.type"): "UserAssigned",
    ("Microsoft.Web/sites", "properties.functionAppConfig.runtime.version"): "3.13",
    ("Microsoft.Web/sites", "properties.functionAppConfig.deployment.storage.authentication.type"): "UserAssignedIdentity",
}


@EVERY
def test_a_file_parses_whole(file: Bicep) -> None:
    assert faults(file.root) == []


def test_a_file_that_is_wrong_is_noticed() -> None:
    assert faults(tree(b"param name string\nresource x 'a/b@2024-01-01' = {\n  name: name\n"))
    assert faults(tree(b"param = 3\n"))


@EVERY
def test_every_name_is_declared_once_and_every_function_known(file: Bicep) -> None:
    known = set(file.names()) | file.loop_names()
    assert {name for kind, name in file.references() if kind == "name"} <= known
    assert {name for kind, name in file.references() if kind == "function"} <= FUNCTIONS
    assert len(file.names()) == len(set(file.names()))


@EVERY
def test_every_parameter_and_variable_is_used_and_every_parameter_and_output_described(file: Bicep) -> None:
    named = {name for kind, name in file.references() if kind == "name"}
    for made in file.declared():
        name = made.name
        if made.kind in ("parameter", "variable"):
            assert name in named, name
        if made.kind == "parameter":
            has_default = any(text(child) == "=" for child in made.node.children)
            assert f"@description('{'Optional' if has_default else 'Required'}. " in made.decorators, name
        if made.kind == "output":
            assert "@description('" in made.decorators, name


def test_what_has_a_range_says_it() -> None:
    for name, made in read("main.bicep").declarations("parameter").items():
        kind = text(made.node.named_children[1])
        assert kind != "int" or "@minValue(" in made.decorators or "@allowed(" in made.decorators, name


@EVERY
def test_modules_exist_and_get_exactly_their_parameters(file: Bicep) -> None:
    for made in file.declarations("module").values():
        module = read((Path(file.name).parent / made.about).as_posix())
        asked = module.declarations("parameter")
        given = items(items(made.body)["params"])
        assert set(given) == set(asked), made.name


def test_every_module_is_used() -> None:
    used = {(Path(f.name).parent / made.about).as_posix() for f in all_files() for made in f.declarations("module").values()}
    assert used == {path.relative_to(INFRA).as_posix() for path in FILES} - {"main.bicep"}


@EVERY
def test_every_output_that_is_read_is_given_and_every_output_is_read(file: Bicep) -> None:
    modules = file.declarations("module")
    for node in walk(file.root):
        parts = text(node).split(".")
        if node.type == "member_expression" and len(parts) == 3 and parts[1] == "outputs":
            assert parts[2] in read(modules[parts[0]].about).declarations("output"), text(node)


def test_nothing_is_open() -> None:
    for (kind, path), wanted in CLOSED.items():
        found = resources(kind)
        assert found, kind
        assert {value(body, path) for body in found} == {wanted}, (kind, path)


def test_no_secret_is_written_down_or_asked_for() -> None:
    for file in all_files():
        assert not {name for _, name in file.references()} & {"listKeys", "listAccountSas", "listSecrets", "getSecret"}
        assert b"AccountKey" not in (file.root.text or b"")
    bridge = items(read("modules/function_app.bicep").variable("bridge"))
    for name, node in bridge.items():
        if name.endswith(("_SECRET", "_CERTIFICATE", "_PRIVATE_KEY")):
            assert "${secret}" in text(node), name


def test_the_roles_are_the_least_each_on_one_resource() -> None:
    listed = read("modules/roles.bicep").variable("roles")
    found = {value(node, "name"): (value(node, "id"), value(node, "on")) for node in listed.named_children}
    assert found == ROLES
    assignments = resources("Microsoft.Authorization/roleAssignments")
    assert sorted(value(body, "scope") for body in assignments) == ["account", "insights", "vault"]
    assert len([f for f in all_files() if b"roleAssignments@" in (f.root.text or b"")]) == 1


def test_each_service_that_is_closed_has_its_endpoint_zone_and_records() -> None:
    services = read("modules/network.bicep").variable("services")
    assert {value(node, "group"): value(node, "target") for node in services.named_children} == {
        "blob": "storageId", "queue": "storageId", "table": "storageId", "vault": "keyVaultId",
    }  # fmt: skip
    for kind in (
        "privateEndpoints",
        "privateDnsZones",
        "privateDnsZones/virtualNetworkLinks",
        "privateEndpoints/privateDnsZoneGroups",
    ):
        (body,) = resources(f"Microsoft.Network/{kind}")
        assert body.type == "for_statement"
        assert "in services:" in text(body)


def test_refusals_name_the_same_rule_on_both_sides() -> None:
    passed = items(items(read("main.bicep").declarations("module")["checks"].body)["params"])
    for name, made in read("modules/checks.bicep").declarations("parameter").items():
        rule = made.decorators.split("@allowed([")[1].split("'")[1]
        assert f"'{rule}'" in text(passed[name]), name


def test_outputs_hold_no_secret() -> None:
    outputs = read("main.bicep").declarations("output")
    assert set(outputs) == {"functionAppName", "functionAppHost", "identityClientId", "keyVaultName"}


if COMPILER is not None:  # not on every machine, and in no package registry

    def test_the_compiler_builds_it(tmp_path: Path) -> None:
        command = [str(COMPILER), "build", str(INFRA / "main.bicep"), "--outdir", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_flows_are_listed_once() -> None:
    flows = words(read("main.bicep").variable("flows"))
    assert len(flows) == len(set(flows))
    lists = [
        name for file in all_files() for name, made in file.declarations("variable").items() if "'contacts'" in text(made.body)
    ]
    assert lists == ["flows"]
