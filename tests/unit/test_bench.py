"""What `manage.py bench` is given."""

import pytest

from dev.bench.__main__ import run


@pytest.mark.parametrize(
    "argv", [["--groups"], ["fuzz", "--groups"]], ids=["all of them", "one that starts no host"]
)
def test_processes_for_each_function_are_refused_where_they_change_nothing(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(argv)
    assert "--groups is for one of contacts, opt-out: name it" in capsys.readouterr().err
