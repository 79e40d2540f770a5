"""Microsoft's compiler and the strictest rules that make sense find nothing in any file, and one
style holds.
"""

import json
import re
from pathlib import Path

import pytest

from dev.bicep import Compiler
from tests.contract.infra.kit import ENVIRONMENTS, INFRA

FILES = [*sorted(INFRA.rglob("*.bicep")), *ENVIRONMENTS]
EVERY = pytest.mark.parametrize(
    "path", FILES, ids=[path.relative_to(INFRA).as_posix() for path in FILES]
)
RULES = {
    "explicit-values-for-loc-params", "nested-deployment-template-scoping",
    "no-conflicting-metadata", "no-deployments-resources", "no-hardcoded-location",
    "no-loc-expr-outside-params", "no-module-name", "no-unused-existing-resources",
    "prefer-interpolation", "secure-params-in-nested-deploy", "use-resource-id-functions",
    "use-safe-access", "use-secure-value-for-secure-inputs", "use-stable-resource-identifiers",
    "use-user-defined-types", "what-if-short-circuiting",
}  # fmt: skip
EXCEPTIONS_AT_MOST = 4


@EVERY
def test_compiler_and_rules_find_nothing(compiler: Compiler, path: Path) -> None:
    assert compiler.findings(path) == []


@EVERY
def test_a_file_is_formatted(compiler: Compiler, path: Path) -> None:
    assert compiler.ask("format", path=str(path))["contents"] == path.read_text()


def test_every_rule_is_on() -> None:
    config = json.loads((INFRA / "bicepconfig.json").read_text())
    assert config["analyzers"]["core"]["rules"] == {rule: {"level": "warning"} for rule in RULES}


def test_exceptions_are_few_and_say_why() -> None:
    lines = [line for path in FILES for line in path.read_text().splitlines() if "#disable" in line]
    assert len(lines) <= EXCEPTIONS_AT_MOST
    assert all(re.fullmatch(r"\s*#disable-next-line [\w-]+ // .{10,}", line) for line in lines)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("param name object\noutput same object = name\n", "use-user-defined-types"),
        ("output place string = 'https://login.microsoftonline.com'\n", "no-hardcoded-env-urls"),
        ("output nothing string = somebody\n", "BCP057"),
    ],
    ids=["a rule of ours", "a usual rule", "an error"],
)
def test_what_is_wrong_is_found(compiler: Compiler, tmp_path: Path, source: str, code: str) -> None:
    (tmp_path / "bicepconfig.json").write_bytes((INFRA / "bicepconfig.json").read_bytes())
    (tmp_path / "wrong.bicep").write_text(source)
    assert any(code in finding for finding in compiler.findings(tmp_path / "wrong.bicep"))


def test_every_parameter_and_output_is_described_and_says_whether_it_must_be_given(
    compiler: Compiler,
) -> None:
    for path in sorted(INFRA.rglob("*.bicep")):
        template = compiler.template(path)
        for name, parameter in template.get("parameters", {}).items():
            optional = "defaultValue" in parameter or (
                parameter.get("nullable") is True and path.name == "main.bicep"
            )
            assert parameter["metadata"]["description"].startswith(
                "Optional. " if optional else "Required. "
            ), (path.name, name)
        for name, output in template.get("outputs", {}).items():
            assert output["metadata"]["description"], (path.name, name)


def test_what_has_a_range_says_it(compiler: Compiler) -> None:
    for name, parameter in compiler.template(INFRA / "main.bicep")["parameters"].items():
        if parameter.get("type") == "int":
            assert "minValue" in parameter or "allowedValues" in parameter, name


def test_no_template_reads_a_secret(compiler: Compiler) -> None:
    compiled = json.dumps(compiler.template(INFRA / "main.bicep"))
    assert not re.search(r"listKeys|listAccountSas|listSecrets|getSecret\(|AccountKey", compiled)
