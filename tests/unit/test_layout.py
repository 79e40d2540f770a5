"""Imports run one way, and what is deployed knows nothing of what is not."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOYED = [
    ROOT / "function_app.py",
    *(ROOT / "functions").rglob("*.py"),
    *(ROOT / "shared").rglob("*.py"),
]
ADMIN = sorted((ROOT / "admin").rglob("*.py"))
GROUND = {
    f"shared.{name}"
    for name in (
        *(
            "addresses",
            "answer_texts",
            "call_limits",
            "calls",
            "deadlines",
            "errors",
            "exact_json",
            "file_samples",
            "identifiers",
            "labels",
            "library_logs",
            "locked_property",
            "records",
        ),
        *(
            "pace_settings",
            "sdk_transport",
            "setting_problems",
            "setting_types",
            "settings",
            "telemetry",
        ),
        *("threads", "times", "waits"),
    )
}
DEV = sorted((ROOT / "dev").rglob("*.py"))
LONGEST = 350
NOT_PRODUCT = ("dev", "tests", "aiohttp", "pytest", "psutil")
CLIENTS = {"shared.campaign", "shared.dataverse", "shared.sftp"}
SFTP_CLIENT = {
    f"shared.sftp.{name}"
    for name in ("blocks", "client", "faults", "keys", "next_steps", "session")
}
LAYERS: dict[str, set[str]] = {
    "function_app": {"functions"},
    "functions": {"functions", "shared"},
    **{name: set() for name in sorted(GROUND)},
    "shared.records": {"shared.waits"},
    "shared.errors": {"shared.answer_texts"},
    "shared.deadlines": {"shared.errors"},
    "shared.call_limits": {"shared.threads"},
    "shared.locked_property": {"shared.deadlines"},
    "shared.sdk_transport": {"shared.call_limits", "shared.errors"},
    "shared.setting_types": {"shared.addresses"},
    "shared.setting_problems": {"shared.errors", "shared.setting_types"},
    "shared.campaign_settings": {"shared.setting_types"},
    "shared.console_settings": {"shared.setting_types"},
    "shared.pace_settings": {"shared.setting_types"},
    "shared.settings": {
        "shared.campaign_settings",
        "shared.console_settings",
        "shared.identifiers",
        "shared.pace_settings",
        "shared.setting_problems",
        "shared.setting_types",
    },
    "shared.http": {"shared.http", *GROUND},
    "shared.state": {"shared.state", *GROUND},
    "shared.mapping": {"shared.mapping", "shared.addresses", "shared.errors", "shared.times"},
    "shared.documents": {"shared.documents", "shared.state", "shared.mapping", *GROUND},
    "shared.dataverse": {"shared.dataverse", "shared.http", "shared.mapping", *GROUND},
    "shared.campaign": {"shared.campaign", "shared.http", "shared.mapping", *GROUND},
    "shared.sftp": {*SFTP_CLIENT, *GROUND},
    "shared.sftp.exports": {"shared.sftp", *GROUND},
    "shared.pipeline": {"shared.pipeline", "shared.state", "shared.mapping", *GROUND},
    "shared.entities": {
        "shared.entities",
        "shared.documents",
        "shared.pipeline",
        "shared.state",
        "shared.mapping",
        *("shared.campaign", "shared.dataverse", *GROUND),
    },
    "shared.events": {
        *(
            "shared.events",
            "shared.documents",
            "shared.pipeline",
            "shared.state",
            "shared.mapping",
            "shared.http",
        ),
        *CLIENTS,
        *GROUND,
    },
    "shared.opt_out": {
        *(
            "shared.opt_out",
            "shared.documents",
            "shared.entities",
            "shared.pipeline",
            "shared.state",
            "shared.mapping",
        ),
        *("shared.http", *CLIENTS, *GROUND),
    },
    "shared.checks": {
        *(
            "shared.checks",
            "shared.documents",
            "shared.entities",
            "shared.events",
            "shared.opt_out",
            "shared.state",
            "shared.mapping",
        ),
        *("shared.http", *CLIENTS, *GROUND),
    },
    "shared.editing": {
        "shared.editing",
        "shared.documents",
        "shared.entities",
        "shared.state",
        "shared.mapping",
        *("shared.campaign", "shared.dataverse", *GROUND),
    },
    "shared.console": {
        *("shared.console", "shared.console_settings", "shared.editing"),
        *("shared.checks", "shared.documents", "shared.entities", "shared.events"),
        *("shared.opt_out", "shared.pipeline", "shared.state", "shared.mapping"),
        *("shared.http", "shared.sftp.exports", *CLIENTS, *GROUND),
    },
    "shared.wiring": {"shared"},
    "shared.wiring_console": {"shared"},
    "shared.wiring_state": {"shared"},
    "shared.unconfigured": {"shared"},
}
"""What the files of a room may import of ours.

The room of a file is the longest name that begins its own.
"""


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


@cache
def imports(path: Path) -> frozenset[str]:
    found: set[str] = set()
    for node in nodes(path):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= (
                {f"{node.module}.{name.name}" for name in node.names}
                if node.module in ("shared", "functions")
                else {node.module}
            )
    return frozenset(found)


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


@cache
def room_of(path: Path) -> str:
    return max((room for room in LAYERS if within(module(path), room)), key=len, default="")


@pytest.mark.parametrize("path", DEPLOYED, ids=module)
def test_imports_run_one_way(path: Path) -> None:
    room = room_of(path)
    assert room or path.stat().st_size == 0, (
        f"no rule says what {module(path)} may import: name its room in LAYERS of this file"
    )
    ours = {
        name
        for name in imports(path)
        if name.split(".")[0] in ("shared", "functions", "admin", "dev", "tests")
    }
    if not room:
        return
    refused = sorted(
        name for name in ours if not any(within(name, other) for other in LAYERS[room])
    )
    assert not refused, f"{module(path)} may not import {refused}: see LAYERS of this file, {room}"


def test_every_use_case_is_registered() -> None:
    """A file of `functions/` whose blueprint nobody registers would be no part of the app."""
    files = [
        path for path in (ROOT / "functions").glob("*.py") if "Blueprint()" in path.read_text()
    ]
    registered = (ROOT / "function_app.py").read_text()
    forgotten = [
        path.stem
        for path in files
        if f"app.register_functions({path.stem}.blueprint)" not in registered
    ]
    assert files
    assert not forgotten, f"register the blueprint of {forgotten} in function_app.py"


@pytest.mark.parametrize("room", LAYERS)
def test_every_rule_is_of_a_room_that_exists(room: str) -> None:
    assert room in {room_of(path) for path in DEPLOYED}


def test_nothing_deployed_knows_of_the_local_stack() -> None:
    for path in DEPLOYED:
        assert not {
            name for name in imports(path) if name.split(".")[0] in ("admin", *NOT_PRODUCT)
        }, path


def test_what_an_administrator_runs_knows_nothing_of_the_local_stack() -> None:
    assert ADMIN
    for path in ADMIN:
        assert not {name for name in imports(path) if name.split(".")[0] in NOT_PRODUCT}, path


@pytest.mark.parametrize(
    ("library", "owners"),
    [
        ("azure.functions", ("function_app", "functions")),
        ("azure.storage.queue", ("shared.state",)),
        ("azure.data.tables", ("shared.state",)),
        ("azure.storage.blob", ("shared.state",)),
        ("os", ("shared.settings",)),
        ("urllib3", ("shared.call_limits", "shared.http.transport", "shared.sdk_transport")),
    ],
)
def test_each_library_has_its_place(library: str, owners: tuple[str, ...]) -> None:
    users = {
        module(path) for path in DEPLOYED if any(within(name, library) for name in imports(path))
    }
    assert users
    assert not {user for user in users if not any(within(user, owner) for owner in owners)}


def test_what_catches_everything_is_a_record_s_step_and_a_check() -> None:
    broad = [
        f"{module(path)}:{node.lineno}"
        for path in DEPLOYED
        for node in nodes(path)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
    ]
    assert sorted(place.split(":")[0] for place in broad) == [
        "shared.checks.findings",
        "shared.pipeline.guarded",
    ]


def test_a_file_is_a_page_or_two() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in [*DEPLOYED, *ADMIN, *DEV]
        if (lines := path.read_text().count("\n")) > LONGEST
    }
    assert not long, f"more than {LONGEST} lines: move a part to a file of its own: {long}"
