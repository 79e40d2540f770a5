"""`manage.py setup`: makes in Dataverse what the bridge needs there. Run it with the rights of a
customizer.

activities   the tables that e-mail events are written to
dataverse    those if e-mail events are on, change tracking, the security role of the function app,
             its webhooks
"""

import argparse
import sys
from pathlib import Path

from admin.connection import NoConnection, Place, by_settings, by_stack, require_sign_in
from admin.private import ADVICE, PLACE, misplaced, settings_file
from admin.setup.activities import Activities
from admin.setup.customizing import Customizing, Refused
from admin.setup.dataverse import DataverseSetUp, Order
from admin.setup.documents import in_use
from admin.setup.function_keys import ONE_KEY_FOR_ALL, given_keys, stack_keys
from admin.setup.webhooks import Receiver
from shared.addresses import address_fault, canonical
from shared.errors import BridgeError
from shared.mapping import InvalidDocument
from shared.setting_types import text
from shared.settings import ChosenFlows, DataverseSettings, StorageSettings, WebhookSettings, load

USUAL = "setup.settings.json"


def run(argv: list[str]) -> int:
    """0 if everything is there and fits; what an error interrupted is finished by the next run."""
    options = parse(argv)
    for name in misplaced(given=options.settings):
        print(f"{name} holds secrets and lies beside the code. {ADVICE}", file=sys.stderr)
    try:
        place = (
            by_stack(options.directory)
            if options.stack
            else by_settings(settings_file(options.settings, USUAL))
        )
        dataverse = Customizing(place.client)
        if options.what == "activities":
            return 1 if Activities(dataverse, print, options.plan).run() else 0
        return 1 if set_up(dataverse, place, options) else 0
    except (BridgeError, Refused, InvalidDocument) as error:
        print(f"{error}\nRun the command again to finish what is missing.", file=sys.stderr)
    except FileNotFoundError as error:
        print(f"There is no {error.filename}: correct its path.", file=sys.stderr)
    except NoConnection as error:
        print(error, file=sys.stderr)
    return 1


def set_up(dataverse: Customizing, place: Place, options: argparse.Namespace) -> int:
    work = DataverseSetUp(dataverse, print, options.plan)
    client_id = options.user or load(DataverseSettings).dataverse_client_id
    if options.remove:
        return work.remove(client_id)
    require_sign_in(load(StorageSettings))
    return work.run(
        Order(in_use(load(ChosenFlows), load(StorageSettings)), client_id, receiver(place, options))
    )


def receiver(place: Place, options: argparse.Namespace) -> Receiver | None:
    """Where webhooks go; None leaves their addresses as they are."""
    if options.function_key_file:
        raise Refused(ONE_KEY_FOR_ALL)
    address = options.functions or place.facts.get("functions", "")
    if not address:
        return None
    keys = given_keys(options.function_keys) if options.function_keys else stack_keys(place.facts)
    if not keys:
        raise Refused(
            "Each webhook needs a key of its own function: give --function-keys, or - to read it"
            " from standard input."
        )
    address = canonical(address)
    if fault := address_fault(address):
        raise Refused(
            f"The address in --functions {fault}. It has the form https://<app>.azurewebsites.net."
        )
    return Receiver(address, keys, text(load(WebhookSettings).dataverse_webhook_secret))


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="manage.py setup",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "what",
        choices=["activities", "dataverse"],
        metavar="activities|dataverse",
        help="what is to be made: see above",
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--settings", type=Path, help=f"settings; without it .local/{USUAL}, else the environment"
    )
    place.add_argument(
        "--stack", action="store_true", help="the emulator of the stack that `manage.py up` started"
    )
    parser.add_argument(
        "--directory", type=Path, default=PLACE, help="where that stack's stack.json is"
    )
    parser.add_argument(
        "--plan", action="store_true", help="say what would be done, and do nothing"
    )
    parser.add_argument(
        "--remove",
        action="store_true",
        help="take away what `setup dataverse` has made, and only that",
    )
    parser.add_argument(
        "--user",
        default="",
        help="client id of the function app's identity; DATAVERSE_CLIENT_ID if not given",
    )
    parser.add_argument(
        "--functions",
        default="",
        help="address of the function app, for webhooks: https://<app>.azurewebsites.net",
    )
    parser.add_argument(
        "--function-keys",
        type=Path,
        help=(
            'JSON, {"<function>": "<its key>"}, one object or several in a row; - is standard input'
        ),
    )
    parser.add_argument("--function-key-file", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
