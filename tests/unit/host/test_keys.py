"""The keys that an instance has read: when it reads them anew, and in which forms of the file."""

import json
from pathlib import Path

import pytest

from dev.host.keys import HOST, SYSTEM, Keys


def test_a_miss_reads_the_keys_anew_once_a_minute(tmp_path: Path) -> None:
    """And a key that was taken away opens an instance that has read it, until that reads anew."""
    clock = [0.0]
    one, other = (Keys(tmp_path / "keys.json", ["guarded"], lambda: clock[0]) for _ in range(2))
    assert not other.allow("function", "guarded", "nobody's")
    one.set("guarded", "anna", "anna.1")
    assert not other.allow("function", "guarded", "anna.1")
    clock[0] = 59.0
    assert not other.allow("function", "guarded", "anna.1")
    clock[0] = 60.0
    assert other.allow("function", "guarded", "anna.1")
    assert one.delete("guarded", "anna")
    clock[0] = 119.0
    assert [keys.allow("function", "guarded", "anna.1") for keys in (one, other)] == [False, True]
    clock[0] = 120.0
    assert not other.allow("function", "guarded", "nobody's")
    assert not other.allow("function", "guarded", "anna.1")


def test_a_file_of_the_earlier_form_is_read(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"_master": "m", "default": "d", "guarded": "g"}))
    keys = Keys(file, ["guarded", "other"])
    assert [keys.allow("function", "guarded", given) for given in ("m", "d", "g")] == [True] * 3
    assert [keys.allow("function", "other", given) for given in ("m", "d", "g")] == [
        True,
        True,
        False,
    ]
    assert keys.named(HOST) == {"default": "d"}


@pytest.mark.parametrize("name", ["host", "system", "master", "functions"])
def test_a_function_may_be_named_like_a_scope(tmp_path: Path, name: str) -> None:
    keys = Keys(tmp_path / "keys.json", [name, "other"])
    keys.set(name, "anna", "anna.1")
    keys.set(SYSTEM, "extension", "extension.1")
    assert keys.allow("function", name, "anna.1")
    assert not keys.allow("function", "other", "anna.1")
    assert not keys.allow("function", name, "extension.1")
    assert not keys.opens_host("anna.1")
    assert "anna" not in keys.named(HOST) | keys.named(SYSTEM)
