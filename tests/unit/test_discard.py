"""A discard must name what it gives up."""

from typing import Any, cast

import pytest

from functions.console import command_discard
from shared.flow import Flow


@pytest.mark.parametrize(
    "body",
    [{}, {"what": "all"}, {"what": "record"}, {"what": "record", "id": "deliveryLogs_1.txt:3"}, {"what": "reason"}],
    ids=["empty", "another word", "no id", "no GUID", "no reason"],
)
def test_a_discard_that_names_nothing_is_refused_with_a_sentence(body: dict[str, Any]) -> None:
    answer = command_discard("email_events", cast(Flow, None), body)
    assert answer.status_code == 400
    assert b"must be" in answer.get_body()
