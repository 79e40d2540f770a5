"""The connection to the SFTP server is lost while an export of opt-outs is read: no opt-out is
lost.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from tests.contract.opt_out.kit import FLAG, World
from tests.contract.sftp.kit import Embedded, embedded_server

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
FILE, PEOPLE = "optOuts_1.txt", 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Embedded]:
    with embedded_server(tmp_path) as running:
        yield running


@pytest.mark.parametrize("afterwards", ["move", "delete"])
def test_every_opt_out_of_a_file_arrives_although_the_connection_is_lost(
    new_world: Callable[..., World], server: Embedded, afterwards: str
) -> None:
    world = new_world("both", OPT_OUT_SOURCE="file", **server.settings())
    flags = [pair.flag for pair in read_opt_out_document(default_opt_out_document()).pairs]
    text = default_opt_out_document().replace("stable_seconds: 60", "stable_seconds: 0")
    text = text.replace("afterwards: move", f"afterwards: {afterwards}")
    world.wiring.storage.container("config").upload_blob(
        "opt-out/opt_out.yaml", text, overwrite=True
    )
    people = [world.person() for _ in range(PEOPLE)]
    for person in people:
        world.in_campaign(person, True)
    rows = [
        [person, *("1" if flag == FLAG else "0" for flag in flags), "2026-05-04 10:00:00.000Z"]
        for person in people
    ]
    lines = ["\t".join(cells) for cells in (["externalId", *flags, "lastModified"], *rows)]
    data = ("\n".join(lines) + "\n").encode()
    (server.folder / FILE).write_bytes(data)
    for at in (1, len(data) // 2, len(data)):
        server.control.order(cut_after_bytes=at, cuts=1)
        assert world.from_campaign.poll() == "interrupted"
        assert server.names() == [FILE]
    server.control.order()
    world.sync("opt_out-from-campaign")
    assert [world.says(person) for person in people] == [(True, True)] * PEOPLE
    assert (server.names(), server.names("processed")) == (
        [],
        [FILE] if afterwards == "move" else [],
    )
