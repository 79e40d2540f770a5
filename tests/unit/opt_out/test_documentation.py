"""The truth table of docs/opt-out.md is what the code does: each of its rows is played in every way
that it allows.
"""

from itertools import product
from pathlib import Path

import pytest

from shared.opt_out.deciding import Agreed, Mode, Seen, decide

T0, T1 = "2026-01-01 00:00:00.000Z", "2026-01-02 00:00:00.000Z"
LATER = {"any": (True, False, None), "yes": (True,), "no": (False,), "unknown": (None,)}
EDITED = {"any": (True, False), "edited": (True,), "not": (False,)}
EITHER = "both changed, so opt-out wins or is Campaign's"


def rows() -> list[list[str]]:
    text = (Path(__file__).parents[3] / "docs/opt-out.md").read_text()
    table = text.split("| agreed | Dynamics |")[1].split("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]
    ]


@pytest.mark.parametrize("row", rows(), ids=lambda row: " / ".join(row[:5]))
def test_a_row_is_what_is_decided(row: list[str]) -> None:
    agreed, dynamics, campaign, edited, later, result, rule = row
    known = None if agreed == "none" else Agreed(agreed == "no", T0)
    time = T1 if campaign.endswith("changed") else T0
    for was_edited, was_later in product(EDITED[edited], LATER[later]):
        seen = Seen(
            dynamics == "no", campaign.startswith("no"), time, edited=was_edited, later=was_later
        )
        flag_decision = decide(Mode.BOTH, seen, known, allow_opt_in=True)
        assert flag_decision.agreed == (result == "no")
        assert rule in (flag_decision.rule.value, EITHER)


def test_the_table_has_every_combination_of_values() -> None:
    reported = {(row[0], row[1], row[2].split(",")[0]) for row in rows()}
    assert reported == set(product(("none", "no", "yes"), ("no", "yes"), ("no", "yes")))
