"""`manage.py setup activities`: makes in Dataverse what the bridge writes to. Run it with the rights of a customizer."""

import argparse
import sys
from pathlib import Path

from dev.commands.setup.activities import Activities
from dev.commands.setup.connection import by_settings, by_stack
from dev.commands.setup.customizing import Customizing, Refused
from dev.commands.stack import DIRECTORY
from shared.errors import BridgeError


def run(argv: list[str]) -> int:
    """0 if everything is there and fits; what an error interrupted is finished by the next run."""
    options = parse(argv)
    try:
        client = by_stack(options.directory) if options.stack else by_settings(options.settings)
        return 1 if Activities(Customizing(client), print, options.plan).run() else 0
    except (BridgeError, Refused) as error:
        print(f"{error}\nRun the command again to finish what is missing.", file=sys.stderr)
    except FileNotFoundError as error:
        print(f"There is no {error.filename}.", file=sys.stderr)
    return 1


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="manage.py setup", description=__doc__)
    parser.add_argument("what", choices=["activities"], help="activities: the tables of e-mail events")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--settings", type=Path, help="a local.settings.json; without it the environment holds the settings")
    place.add_argument("--stack", action="store_true", help="the emulator of the stack that `manage.py up` started")
    parser.add_argument("--directory", type=Path, default=DIRECTORY, help="where that stack's stack.json is")
    parser.add_argument("--plan", action="store_true", help="say what would be made, and make nothing")
    return parser.parse_args(argv)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
