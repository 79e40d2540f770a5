"""YAML files of the emulators, read by libyaml where PyYAML has it: each start of an emulator reads
them.
"""

from pathlib import Path
from typing import Any

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """What the file says. OSError, UnicodeDecodeError or yaml.YAMLError where it says nothing."""
    return yaml.load(path.read_text("utf-8"), Loader=LOADER)  # a safe one
