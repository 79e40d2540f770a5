"""The part of the composition root that the console's door needs: it opens, and says what is wrong,
while the settings of the bridge are missing (shared/wiring.py).
"""

import threading
import time
from collections.abc import Callable

from shared.console.session import Seal
from shared.console.sign_in import SignIn
from shared.console_settings import ConsoleSettings
from shared.http.entra import TIMEOUT_SECONDS
from shared.http.transport import Send, pooled
from shared.library_logs import quiet_libraries
from shared.locked_property import locked_cached_property
from shared.settings import load


class ConsoleWiring:
    """The console's own settings, and signing in. Every part is built at first use, once."""

    def __init__(
        self,
        now: Callable[[], float] = time.time,
        send: Callable[[str, float, int], Send] = pooled,
    ) -> None:
        self.now, self.send = now, send
        quiet_libraries()

    @locked_cached_property
    def settings(self) -> ConsoleSettings:
        """Misconfigured while they are wrong: that stops no flow."""
        return load(ConsoleSettings)

    @locked_cached_property
    def sign_in(self) -> SignIn:
        seal = Seal(self.settings.session_keys())
        return SignIn(self.settings, seal, self.send("Entra", TIMEOUT_SECONDS, 4), self.now)


_lock = threading.Lock()
_wiring: list[ConsoleWiring] = []


def console_wiring() -> ConsoleWiring:
    """The process's one."""
    with _lock:
        if not _wiring:
            _wiring.append(ConsoleWiring())
        return _wiring[0]
