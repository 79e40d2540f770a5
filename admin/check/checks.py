"""The checks of the command: first of the machine that it runs on, then all that the bridge itself
can make.
"""

from admin.check.private import settings_files
from shared.checks import every
from shared.checks.findings import Check

CHECKS = (Check("settings files", settings_files), *every.CHECKS)
