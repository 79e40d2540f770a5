"""Imports run one way, and what is deployed knows nothing of what is not."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOYED = [ROOT / "function_app.py", *(ROOT / "functions").rglob("*.py"), *(ROOT / "shared").rglob("*.py")]
CLIENTS = {
    *(
        f"shared.{name}"
        for name in ("addresses", "transport", "tokens", "errors", "exact_json", "identifiers", "links", "mapping")
    ),
    *(f"shared.{name}" for name in ("records", "settings", "understanding")),
}
GROUND = {f"shared.{name}" for name in ("errors", "exact_json", "file_samples", "identifiers", "records", "settings", "threads")}
LAYERS = [
    ("function_app", {"functions"}),
    ("functions", {"functions", "shared"}),
    ("shared.transport", {"shared.deadlines", "shared.errors", "shared.exact_json"}),
    ("shared.exact_json", set()),
    ("shared.links", {"shared.addresses", "shared.errors"}),
    ("shared.understanding", {"shared.errors"}),
    ("shared.tokens", {"shared.errors"}),
    ("shared.mapping", {"shared.mapping", "shared.addresses", "shared.errors", "shared.times"}),
    ("shared.errors", set()),
    ("shared.addresses", set()),
    ("shared.settings", {"shared.addresses", "shared.errors", "shared.identifiers"}),
    ("shared.identifiers", set()),
    ("shared.file_samples", set()),
    ("shared.labels", set()),
    ("shared.deadlines", set()),
    ("shared.threads", set()),
    ("shared.times", set()),
    ("shared.records", set()),
    ("shared.telemetry", set()),
    ("shared.dataverse", {"shared.dataverse", *CLIENTS}),
    ("shared.campaign", {"shared.campaign", *CLIENTS}),
    ("shared.sftp", {f"shared.{name}" for name in ("sftp", "errors", "file_samples", "identifiers", "records", "threads")}),
    ("shared.parents", {"shared.deciding", "shared.flow", "shared.mapping", "shared.records", "shared.state"}),
    ("shared.state", {"shared.state", *GROUND}),
]  # fmt: skip


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= (
                {f"{node.module}.{name.name}" for name in node.names} if node.module in ("shared", "functions") else {node.module}
            )
    return found


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@pytest.mark.parametrize(("package", "allowed"), LAYERS, ids=[package for package, _ in LAYERS])
def test_imports_run_one_way(package: str, allowed: set[str]) -> None:
    files = [path for path in DEPLOYED if within(module(path), package)]
    assert files
    for path in files:
        ours = {name for name in imports(path) if name.split(".")[0] in ("shared", "functions", "dev", "tests")}
        assert not {name for name in ours if not any(within(name, other) for other in allowed)}, path


def test_nothing_deployed_knows_of_the_local_stack() -> None:
    for path in DEPLOYED:
        assert not {name for name in imports(path) if name.split(".")[0] in ("dev", "tests", "aiohttp", "pytest")}, path


@pytest.mark.parametrize(
    ("library", "owners"),
    [
        ("azure.functions", ("function_app", "functions")),
        ("azure.storage.queue", ("shared.handoff",)),
        ("azure.data.tables", ("shared.state",)),
        ("azure.storage.blob", ("shared.state",)),
        ("os", ("shared.settings",)),
        ("urllib3", ("shared.transport",)),
    ],
)
def test_each_library_has_its_place(library: str, owners: tuple[str, ...]) -> None:
    users = {module(path) for path in DEPLOYED if any(within(name, library) for name in imports(path))}
    assert users
    assert not {user for user in users if not any(within(user, owner) for owner in owners)}


def test_there_is_one_broad_except() -> None:
    broad = [
        f"{module(path)}:{node.lineno}"
        for path in DEPLOYED
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler) and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert [place.split(":")[0] for place in broad] == ["shared.steps"]


def test_a_file_is_a_page_or_two() -> None:
    for path in DEPLOYED:
        assert path.read_text().count("\n") <= 350, path
