"""The connection drops at any place of a file: every row is handed off once, and the file is
archived only after its last.
"""

import gzip
import random
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from shared.events.documents import default_events_document, read_events_document
from shared.events.files import EventFormat
from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from shared.opt_out.feeds import OptOutFormat
from tests.contract.sftp.kit import Embedded, embedded_server, lines, reading

# paramiko asks ahead on a thread of its own, which ends with the connection and says so.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
CUTS, ROWS = 200, 120
SEED = random.SystemRandom().randrange(1 << 32)
BLOCK = 128


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with embedded_server(tmp_path_factory.mktemp("cuts")) as running:
        yield running


def contact(number: int) -> str:
    return str(uuid.UUID(int=number + 1, version=4))


def events(afterwards: str) -> tuple[Any, Any, bytes, str]:
    document = read_events_document(
        default_events_document()
        .replace("stable_seconds: 60", "stable_seconds: 0")
        .replace("afterwards: move ", f"afterwards: {afterwards} ")
    )
    header = list(document.files.delivery_log.columns.values())
    by_name = {"log_id": "{0}", "contact": "{1}", "status": "1", "at": "2026/05/04 10:00:00"}
    fields = document.files.delivery_log.columns
    rows = [
        [by_name.get(field, "x").format(number + 1, contact(number)) for field in fields]
        for number in range(ROWS)
    ]
    return document, EventFormat, lines(header, rows), "deliveryLogs_1.txt"


def opt_outs(afterwards: str) -> tuple[Any, Any, bytes, str]:
    document = read_opt_out_document(default_opt_out_document())
    files = document.files.model_copy(update={"stable_seconds": 0.0, "afterwards": afterwards})
    document = document.model_copy(update={"files": files})
    header = [files.contact, *(pair.flag for pair in document.pairs), files.changed]
    rows = [
        [contact(number), *("1" for _ in document.pairs), "2026-05-04 10:00:00.000Z"]
        for number in range(ROWS)
    ]
    return document, OptOutFormat, lines(header, rows), "optOuts_1.txt"


@pytest.mark.parametrize("afterwards", ["move", "delete"])
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize("kind", [events, opt_outs], ids=["events", "opt-outs"])
def test_every_row_arrives_once_wherever_the_connection_drops(
    server: Embedded, monkeypatch: pytest.MonkeyPatch, kind: Any, packed: bool, afterwards: str
) -> None:
    """Pages of a few rows, so that a cut falls before, within and behind what was handed off;
    sometimes several in a row.
    """
    monkeypatch.setattr("shared.sftp.exports.pages.PAGE_EVENTS", 40)
    monkeypatch.setattr(
        "shared.sftp.exports.open_file.MOST_ROWS", 5
    )  # else all is read ahead, and no cut falls behind the first page
    chance = random.Random(f"{SEED}-{kind.__name__}-{packed}-{afterwards}")
    document, form, data, name = kind(afterwards)
    data, name = (gzip.compress(data), f"{name}.gz") if packed else (data, name)
    reader = reading(server, document, form, block_bytes=BLOCK)
    for number in range(CUTS // 8):
        (server.folder / name).write_bytes(data)
        server.control.order(
            cut_after_bytes=chance.randrange(1, len(data)), cuts=chance.choice((1, 1, 1, 2))
        )
        reader.changes.clear()
        while not reader.poll():
            assert server.names() == [name], (
                f"seed {SEED}: put away although it broke off, cut {number}"
            )
        reported = Counter(reader.ids())
        assert (len(reported), set(reported.values())) == (
            ROWS,
            {1},
        ), f"seed {SEED}, cut {number}: {reported.most_common(3)}"
        assert not reader.faults(), f"seed {SEED}"
        assert server.names() == [], f"seed {SEED}"
    assert len(server.names("processed")) == (CUTS // 8 if afterwards == "move" else 0)
    for path in (server.folder / "processed").glob("*"):
        path.unlink()
