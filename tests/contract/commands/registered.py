"""What the emulated Dataverse has stored of the webhooks, read from its database: the API never
tells a key.
"""

import re
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from admin.setup.webhooks import PREFIX

SETTING = re.compile(r'name="([^"]*)" value="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Registered:
    url: str
    headers: dict[str, str]

    @property
    def key(self) -> str:
        return self.headers["x-functions-key"]


def registered(database: Path) -> dict[str, Registered]:
    """By the path that the bridge's endpoints have there."""
    with closing(sqlite3.connect(database)) as db:
        rows = db.execute("SELECT name, url, authvalue FROM serviceendpoint").fetchall()
    return {
        name.removeprefix(f"{PREFIX} "): Registered(url, dict(SETTING.findall(kept)))
        for name, url, kept in rows
    }
