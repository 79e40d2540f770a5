"""Whether a record's page says that its opt-out is on its way to Campaign."""

from typing import Any

import pytest

from shared.console.pages.story import still_to_come
from shared.console.story import OptOutsSeen

FLAG = "blackListEmail"


@pytest.mark.parametrize(
    ("mode", "dynamics", "campaign", "agreed", "to_come"),
    [
        ("both", True, False, False, [FLAG]),
        ("both", True, False, None, [FLAG]),
        ("to-campaign", True, False, None, [FLAG]),
        ("both", True, True, False, []),
        ("both", False, False, False, []),
        ("both", True, False, True, []),
        ("to-campaign", True, False, True, []),
        ("from-campaign", True, False, None, []),
        ("disabled", True, False, None, []),
        ("both", True, None, None, []),
    ],
)
def test_only_what_will_be_written_is_on_its_way(
    mode: str, dynamics: bool, campaign: bool | None, agreed: bool | None, to_come: list[str]
) -> None:
    flag: dict[str, Any] = {"dynamics": dynamics, "campaign": campaign, "agreed": agreed}
    assert still_to_come(OptOutsSeen({"mode": mode, "flags": {FLAG: flag}}, None, None)) == to_come
