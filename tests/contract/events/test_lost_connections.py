"""The connection to the SFTP server is lost while a file is read: the whole flow loses no event and
writes none twice.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.battery.kit import outcomes
from tests.contract.events.kit import World
from tests.contract.events.test_bad_files import HEADER, line
from tests.contract.sftp.kit import Embedded, embedded_server

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
FILE, EVENTS = "deliveryLogs_1.txt", 100


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Embedded]:
    with embedded_server(tmp_path) as running:
        yield running


def test_a_file_of_six_megabytes_arrives_whole_although_the_connection_is_lost_again_and_again(
    world: World, server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "shared.sftp.exports.pages.PAGE_LINES", 1000
    )  # so that it is lost behind pages that were handed off
    ana = world.contact("Ana")
    others = [line(number, ana, status="0", label="x" * 500) for number in range(1000, 10_000)]
    events = [line(number, ana) for number in range(1, EVENTS + 1)]
    text = "\n".join([HEADER, *events[:50], *others, *events[50:], ""])
    (server.folder / FILE).write_text(text)
    assert len(text) > 5_500_000
    cut = World(world.stack, **server.settings())
    seen: list[str] = []
    for at in (100, 300_000, 5_500_000):
        server.control.order(cut_after_bytes=at, cuts=1)
        assert cut.files.poll() == "interrupted"
        assert server.names() == [FILE]
        seen += outcomes(cut.files.drain())
    server.control.order()
    assert cut.files.poll() == "up to date"
    seen += outcomes(cut.files.drain())
    assert seen == ["created"] * EVENTS
    assert (len(world.activities("send")), server.names("processed"), world.letters()) == (
        EVENTS,
        [FILE],
        [],
    )
