"""Campaign's export workflows, which write their files to the SFTP server in memory."""

import io
from datetime import timedelta
from functools import partial
from itertools import count

from dev.emulators.campaign.exports import within_a_line, write_lines
from dev.emulators.campaign.extracts import Style, extracts
from dev.emulators.campaign.marketing import Marketing
from dev.emulators.campaign.orders import Export
from dev.simulation.files import Server
from dev.simulation.world import World

FOLDER = "/d365_loads/exports"
LOGS = ("delivery", "tracking")
LONGEST_PAUSE_SECONDS = 25.0
"""Of an upload: less than the `settled_seconds` of the events document that is simulated."""


class Exporting:
    """Each run exports what happened since the last one, by log."""

    def __init__(self, world: World, marketing: Marketing, server: Server) -> None:
        self.world, self.marketing, self.server = world, marketing, server
        self.extracts = extracts(marketing)
        self.last_run: dict[str, float] = {}
        server.folders |= {FOLDER, f"{FOLDER}/processed", f"{FOLDER}/rejected"}

    def run(self, name: str) -> None:
        until = self.world.scheduler.now
        for log in LOGS:
            self.export(f"{name} {log}", log, until)

    def export(self, name: str, log: str, until: float) -> None:
        draws = self.world.draws
        order = Export(gzip=draws.share(f"{name} gzip") < 0.3)
        after, self.last_run[log] = self.last_run.get(log, 0.0), until
        lines = list(self.extracts[log].rows(after, until, Style.of(order)))
        if not lines:
            return
        spool = io.BytesIO()
        write_lines(spool, self.extracts[log].columns(order), iter(lines), order)
        path, body = self.new_path(self.extracts[log].file, order.gzip), spool.getvalue()
        label = f"file_cut: {name}"
        faults = self.world.faults
        if not (faults.on and "file_cut" in faults.kinds and draws.share(label) < 0.5):
            self.server.put(path, body)
        elif faults.happens(label, "file_cut"):
            self.server.put(path, body[: within_a_line(spool)])
            pause = draws.between(f"{label} for", 1.0, LONGEST_PAUSE_SECONDS)
            self.world.scheduler.at(until + pause, partial(self.server.put, path, body))
        else:
            self.server.put(path, body)

    def new_path(self, stem: str, gzip: bool) -> str:
        """Named after the second it is written in, or the next that is free."""
        now = self.marketing.engine.clock.now()
        for later in count():
            path = f"{FOLDER}/{stem}_{now + timedelta(seconds=later):%Y%m%d_%H%M%S}.txt"
            taken = {one.rpartition("/")[2].removesuffix(".gz") for one in self.server.files}
            if path.rpartition("/")[2] not in taken:
                break
        return f"{path}.gz" if gzip else path
