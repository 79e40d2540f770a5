"""While settings are missing no timer ends in an exception: the flows are failed with that cause,
and that is all.
"""

from types import SimpleNamespace

import pytest

from dev.settings_bicep import functions
from functions import triggers
from shared.errors import Misconfigured
from shared.settings import Settings, environment_name

CONTEXT = SimpleNamespace(trace_context=SimpleNamespace(trace_parent=""))
TIMERS = {
    name: function.get_user_function()
    for name, function in functions().items()
    if function.get_trigger().get_binding_name() == "timerTrigger"
}


@pytest.mark.parametrize("name", TIMERS)
def test_a_timer_without_settings_tells_their_names(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(environment_name(field), raising=False)
    reported: list[Misconfigured] = []
    monkeypatch.setattr(triggers, "fail_all", reported.append)
    TIMERS[name](timer=None, context=CONTEXT)
    assert all("DATAVERSE_URL is missing" in str(error) for error in reported)
    assert reported
