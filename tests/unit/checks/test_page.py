"""docs/set-up.md lists every check, in the order in which they are made."""

import re
from pathlib import Path

from admin.check.checks import CHECKS

PAGE = (Path(__file__).parents[3] / "docs" / "set-up.md").read_text()
TABLE = PAGE.split("\n| check | asks |\n|---|---|\n")[1].split("\n\n")[0]


def test_the_page_lists_every_check_and_no_other() -> None:
    rows = [re.fullmatch(r"\| ([a-z, -]+) \| (.+) \|", line) for line in TABLE.splitlines()]
    assert all(rows)
    listed = [name for row in rows if row for name in row[1].split(", ")]
    names = [check.name for check in CHECKS]
    assert listed == names, (
        f"docs/set-up.md, Check: add a row for {sorted(set(names) - set(listed))}, take"
        f" {sorted(set(listed) - set(names))} out; the order is that of the checks"
    )
