"""`manage.py package`: the zip holds the app and, if Azure does not build, every locked package; it
runs where it is unpacked.
"""

import hashlib
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dev.commands.package import PACKAGES, run
from dev.commands.shipped import shipped
from tests.unit.test_lock import locked

ROOT = Path(__file__).parents[3]
APP = {path.relative_to(ROOT).as_posix() for path in shipped(ROOT)}
LOAD = """
import sys
sys.path[:0] = [sys.argv[1], sys.argv[2]]
import function_app, cryptography, yaml
print(cryptography.__file__)
print(len(function_app.app.get_functions()))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("package") / "app.zip"
    assert run(["--output", str(output)]) == 0
    return output


def names(path: Path) -> set[str]:
    with zipfile.ZipFile(path) as archive:
        return set(archive.namelist())


def test_the_zip_holds_the_app_and_exactly_the_locked_packages(package: Path) -> None:
    packages = {name for name in names(package) if name.startswith(f"{PACKAGES}/")}
    assert names(package) - packages == APP
    found = {
        match[1]
        for name in packages
        if (match := re.match(rf"{PACKAGES}/([^/]+)\.dist-info/METADATA$", name))
    }
    wanted = {
        f"{name.replace('-', '_')}-{str(one.specifier)[2:]}"
        for name, one in locked("requirements").items()
    }
    assert {name.lower().replace(".", "_") for name in found} == {
        name.lower().replace(".", "_") for name in wanted
    }
    assert not [name for name in packages if "__pycache__" in name]


def test_every_compiled_module_is_for_python_3_13_on_linux_x64(package: Path) -> None:
    compiled = {name for name in names(package) if name.endswith((".so", ".pyd", ".dylib"))}
    ours = [
        name for name in compiled if re.search(r"cpython-313-x86_64-linux-gnu|\.abi3\.so$", name)
    ]
    assert ours
    assert {
        name
        for name in compiled
        if name.endswith((".pyd", ".dylib")) or "darwin" in name or "cpython-312" in name
    } == set()


def test_for_a_remote_build_the_zip_holds_the_app_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "new folder" / "app.zip"
    assert run(["--output", str(output), "--remote-build"]) == 0
    assert names(output) == APP
    assert "Azure installs requirements.txt" in capsys.readouterr().out
    again = tmp_path / "again.zip"
    assert run(["--output", str(again), "--remote-build"]) == 0
    assert (
        hashlib.sha256(again.read_bytes()).digest() == hashlib.sha256(output.read_bytes()).digest()
    )


if sys.platform == "linux":

    def test_it_runs_where_it_is_unpacked(package: Path, tmp_path: Path) -> None:
        with zipfile.ZipFile(package) as archive:
            archive.extractall(tmp_path)
        command = [sys.executable, "-I", "-S", "-c", LOAD, str(tmp_path), str(tmp_path / PACKAGES)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        where, count = done.stdout.split()
        assert where.startswith(str(tmp_path))
        assert int(count) > 10
