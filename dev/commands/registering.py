"""The webhooks of a local stack, registered as `manage.py setup dataverse` does it."""

from collections.abc import Mapping
from typing import Any

from admin.connection import GivenToken, client
from admin.setup.customizing import Customizing
from admin.setup.documents import in_use
from admin.setup.function_keys import stack_keys
from admin.setup.webhooks import Receiver, Webhooks
from shared.checks.wanted import subscriptions
from shared.settings import ChosenFlows, StorageSettings, load


def register_webhooks(
    facts: Mapping[str, Any], environment: Mapping[str, str], secret: str
) -> None:
    """Those that the settings need. `facts` is what `stack.json` holds."""
    receiver = Receiver(facts["functions"], stack_keys(facts), secret)
    dataverse = Customizing(client(facts["dataverse"], GivenToken(facts["dataverse_token"])))
    used = in_use(load(ChosenFlows, environment), load(StorageSettings, environment))
    Webhooks(dataverse, lambda _: None).run(subscriptions(used), receiver)
