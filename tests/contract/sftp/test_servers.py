"""The reader of exports on servers of several makers, on broken uploads, and on files that people
touch while they are read.
"""

import gzip
import json
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from threading import Thread
from typing import Any

import paramiko
import pytest

from shared.errors import Misconfigured, Retryable
from shared.events.documents import EventsDocument, default_events_document, read_events_document
from shared.events.files import EventFormat
from shared.opt_out.feeds import OptOutFormat
from shared.sftp.exports.pages import Position
from shared.state.envelope import MESSAGE_BYTES, envelopes
from tests.contract.sftp.kit import Embedded, Reading, embedded_server, lines, reading
from tests.contract.sftp.test_cuts import opt_outs as all_opt_outs

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
NAME = "deliveryLogs_1.txt"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Embedded]:
    with embedded_server(tmp_path_factory.mktemp("servers")) as server:
        yield server


@pytest.fixture
def server(running: Embedded) -> Embedded:
    running.control.order()
    for path in running.folder.rglob("*"):
        if path.is_file():
            path.unlink()
    return running


def document(settled: int = 0) -> EventsDocument:
    text = default_events_document().replace("stable_seconds: 60", f"stable_seconds: {settled}")
    return read_events_document(text)


DOCUMENT = document()
COLUMNS = DOCUMENT.files.delivery_log.columns
HEADER = list(COLUMNS.values())


def row(number: int, **cells: str) -> list[str]:
    known = {
        "log_id": str(number),
        "contact": "0f8fad5b-d9cb-469f-a165-70867728950e",
        "status": "1",
    }
    values = {**known, "at": "2026/05/04 10:00:00", **cells}
    return [values.get(field, "x") for field in COLUMNS]


def text(*numbers: int, header: list[str] | None = None) -> bytes:
    return lines(header or HEADER, [row(number) for number in numbers])


def put(server: Embedded, data: bytes, name: str = NAME) -> Path:
    path = server.folder / name
    path.write_bytes(data)
    return path


def events(server: Embedded, settled: int = 0, **options: Any) -> Reading:
    return reading(server, document(settled), EventFormat, **options)


@pytest.mark.parametrize(
    "faults",
    [
        {"no_posix_rename": True},
        {"no_rename": True},
        {"no_permissions": True},
        {"no_times": True},
        {"no_permissions": True, "no_times": True, "no_posix_rename": True},
        {"read_bytes": 100},
    ],
    ids=[
        "no posix-rename",
        "posix-rename alone",
        "no permissions",
        "no times",
        "none of them",
        "short reads",
    ],
)
def test_other_servers_work(server: Embedded, faults: dict[str, int]) -> None:
    put(server, text(1, 2, 3))
    server.control.order(**faults)
    reader = events(server)
    reader.until_done()
    assert (len(set(reader.ids())), server.names(), server.names("processed")) == (3, [], [NAME])


def test_a_server_that_tells_no_sizes_is_refused_with_a_sentence(server: Embedded) -> None:
    put(server, text(1))
    server.control.order(no_sizes=True)
    with pytest.raises(Misconfigured, match="does not tell the sizes of files"):
        events(server).poll()
    assert server.names() == [NAME]


def test_a_server_that_moves_nothing_is_refused_with_a_sentence(server: Embedded) -> None:
    put(server, text(1))
    server.control.order(no_rename=True, no_posix_rename=True)
    with pytest.raises(Misconfigured, match="afterwards: delete"):
        events(server).poll()


def test_an_archived_file_takes_the_place_of_no_other(server: Embedded) -> None:
    reader = events(server)
    for number in (1, 2, 3):
        put(server, text(number))
        reader.until_done()
    assert server.names("processed") == ["deliveryLogs_1-2.txt", "deliveryLogs_1-3.txt", NAME]
    assert len(set(reader.ids())) == 3


UNFINISHED_NAMES = (
    ".filepart .part .tmp ~ .writing .inprogress .incomplete .lck .lock .filepart2 .crdownload .bak"
)


@pytest.mark.parametrize(
    "name", [".deliveryLogs_1.txt", *(f"{NAME}{end}" for end in UNFINISHED_NAMES.split())]
)
def test_an_unfinished_name_is_left(server: Embedded, name: str) -> None:
    put(server, text(1), name)
    wide = read_events_document(
        default_events_document()
        .replace("stable_seconds: 60", "stable_seconds: 0")
        .replace("deliveryLogs_*", "*deliveryLogs_*")
    )
    assert EventFormat(wide).takes(name)
    reader = reading(server, wide, EventFormat)
    assert (reader.poll(), reader.ids(), server.names()) == (True, [], [name])


def test_a_file_that_is_put_back_is_read_from_its_first_row(server: Embedded) -> None:
    put(server, text(1, 2, 3, header=["LogId", *HEADER[1:]]))
    reader = events(server)
    reader.until_done()
    assert (server.names("rejected"), len(reader.faults())) == ([NAME], 1)
    put(server, text(1, 2, 3))
    reader.until_done()
    assert (len(set(reader.ids())), server.names("processed"), reader.finished) == (
        3,
        [NAME],
        [NAME],
    )


def test_a_file_that_is_replaced_while_it_is_read_is_read_from_its_first_row(
    server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.sftp.exports.pages.PAGE_EVENTS", 2)
    path = put(server, text(*range(1, 9)))
    reader = events(server, block_bytes=64)
    page = reader.exports.page("", reader.document)
    draft = put(server, text(*range(21, 29)) + b"\n", "draft")
    draft.replace(path)
    reader.link = page.link
    reader.until_done()
    reader.until_done()
    assert len(set(reader.ids())) >= 8
    assert server.names("processed") == [NAME]
    assert not reader.faults()


def test_an_upload_that_pauses_longer_than_it_should_loses_nothing(
    server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stops in the middle of a line, goes on just before the file is put away, and again
    after.
    """
    whole = text(*range(1, 31))
    path = put(server, whole[: len(whole) // 3])
    reader = events(server)
    page = reader.exports.page("", reader.document)
    path.write_bytes(whole)
    reader.link = page.link
    reader.until_done()
    reader.until_done()
    assert (len(set(reader.ids())), server.names("processed")) == (30, [NAME])


def test_half_a_line_of_an_upload_that_goes_on_meanwhile_is_no_event_and_no_letter(
    server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.sftp.exports.pages.PAGE_EVENTS", 2)
    whole = text(*range(1, 9))
    path = put(server, whole[:-10])
    reader = events(server, block_bytes=64)
    reader.link = reader.exports.page("", reader.document).link
    path.write_bytes(whole)
    reader.until_done()
    reader.until_done()
    assert (len(set(reader.ids())), reader.faults(), server.names("processed")) == (8, [], [NAME])


def test_a_file_that_grows_is_left_until_it_has_settled(server: Embedded) -> None:
    whole = text(1, 2, 3)
    path = put(server, whole[:100])
    reader = events(server, settled=20)
    assert (reader.poll(), reader.changes) == (True, [])
    path.write_bytes(whole)
    for _ in range(40):
        reader.poll()
    assert (len(reader.ids()), reader.faults(), server.names("processed")) == (3, [], [NAME])


def test_a_file_that_grows_on_and_on_is_not_begun(server: Embedded) -> None:
    """It settles when it has stopped, however long ago it was first seen."""
    path, reader = put(server, text(1)), events(server, settled=20)
    for number in range(2, 40):
        reader.poll()
        path.write_bytes(text(*range(1, number)))
    assert (reader.exports.now() > 1_800_000_040, reader.changes) == (True, [])
    for _ in range(40):
        reader.poll()
    assert (len(set(reader.ids())), reader.faults(), server.names("processed")) == (38, [], [NAME])


def test_a_file_that_is_deleted_while_it_is_read_is_a_dead_letter_and_the_next_is_read(
    server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.sftp.exports.pages.PAGE_EVENTS", 2)
    path = put(server, text(*range(1, 9)))
    reader = events(server, block_bytes=64)
    reader.link = reader.exports.page("", reader.document).link
    path.unlink()
    put(server, text(11, 12), "deliveryLogs_2.txt")
    again = events(server)
    again.link = reader.link
    again.until_done()
    ((rule, sentence),) = again.faults()
    assert (rule, "deliveryLogs_1.txt was deleted while it was read" in sentence) == (
        "unreadable_file",
        True,
    )
    assert (len(again.ids()), server.names("processed")) == (2, ["deliveryLogs_2.txt"])


def test_a_position_of_an_earlier_version_goes_on_at_its_line(server: Embedded) -> None:
    put(server, text(1, 2, 3, 4))
    reader = events(server)
    reader.link = f'{{"file": "{NAME}", "line": 3, "ended": ""}}'
    reader.until_done()
    assert (len(reader.ids()), server.names("processed")) == (1, [NAME])
    assert Position.read(f'{{"file": "{NAME}", "line": 3, "ended": "", "new": 1}}').line == 3


@pytest.mark.parametrize(
    "data", [b"\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n\n"], ids=["blank", "mark", "both"]
)
def test_bytes_without_a_header_are_rejected(server: Embedded, data: bytes) -> None:
    put(server, data)
    reader = events(server)
    reader.until_done()
    assert ([rule for rule, _ in reader.faults()], server.names("rejected")) == (
        ["unreadable_file"],
        [NAME],
    )


@pytest.mark.parametrize("data", [b"", text()], ids=["empty", "header alone"])
def test_a_file_without_rows_is_done(server: Embedded, data: bytes) -> None:
    put(server, data)
    reader = events(server)
    reader.until_done()
    assert (reader.changes, server.names("processed")) == ([], [NAME])


def test_a_gz_that_grows_out_of_proportion_is_rejected_once(server: Embedded) -> None:
    put(server, gzip.compress(text(1) + b"0" * (100 << 20), 9), f"{NAME}.gz")
    reader = events(server)
    reader.until_done()
    assert (len(reader.ids()), server.names("rejected")) == (1, [f"{NAME}.gz"])
    assert [rule for rule, _ in reader.faults()] == ["broken_line", "unreadable_file"]
    assert "inflates to more than" in reader.faults()[1][1]


def test_a_read_that_stalls_ends_and_is_tried_again(server: Embedded) -> None:
    put(server, text(1, 2))
    server.control.order(stalls=1)
    reader = events(server, answer_seconds=0.5)
    assert reader.poll() is False
    reader.until_done()
    assert len(reader.ids()) == 2


def test_a_lost_connection_keeps_nothing_of_the_reader(server: Embedded) -> None:
    put(server, text(*range(1, 200)))
    server.control.order(cut_after_bytes=2000, cuts=1)
    reader = events(server, block_bytes=500)
    assert reader.poll() is False
    assert (reader.exports.open, server.names()) == (None, [NAME])
    reader.until_done()
    assert len(set(reader.ids())) == 199


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gz"])
def test_a_file_that_ends_before_its_size_is_not_put_away(server: Embedded, packed: bool) -> None:
    """What a server has cached, or not yet written, may be less than it lists."""
    data, name = text(*range(1, 200)), f"{NAME}.gz" if packed else NAME
    data = gzip.compress(data) if packed else data
    put(server, data, name)
    server.control.order(ends_at_bytes=len(data) - 10)
    reader = events(server, block_bytes=500)
    assert [reader.poll() for _ in range(3)] == [False] * 3
    assert (server.names(), reader.faults()) == ([name], [])
    server.control.order()
    reader.until_done()
    assert (len(set(reader.ids())), reader.faults(), server.names("processed")) == (199, [], [name])


@pytest.mark.parametrize(
    ("host_key", "private_key", "setting"),
    [
        ("SHA256:uNiVztksCsDhcc0u9e8BrqQkXW2JNhnnZ0eJ/0p3X0k", "", "SFTP_HOST_KEY"),
        ("ssh-rsa AAAA", "", "SFTP_HOST_KEY"),
        ("", "PuTTY-User-Key-File-3: ssh-ed25519", "SFTP_PRIVATE_KEY"),
    ],
    ids=["fingerprint", "cut off", "putty"],
)
def test_a_wrong_key_is_a_setting_to_correct(
    server: Embedded, host_key: str, private_key: str, setting: str
) -> None:
    with pytest.raises(Misconfigured) as caught:
        server.client(host_key, private_key).files("/")
    assert caught.value.setting == setting


def test_several_host_keys_are_known_for_a_rotation(server: Embedded, tmp_path: Path) -> None:
    from dev.emulators.sftp.keys import prepared

    other = prepared(tmp_path)
    known = f"# before\n{other.client_key} comment\n[127.0.0.1]:22 {server.facts['host_key']}\n"
    assert server.client(known).files("/") == []
    with pytest.raises(Misconfigured, match="ask Adobe whether it was changed"):
        server.client(other.client_key).files("/")
    with pytest.raises(Misconfigured, match="ask Adobe whether it was changed"):
        server.client(other.host_key).files("/")


def test_a_server_of_several_keys_is_asked_for_the_one_that_is_known(tmp_path: Path) -> None:
    """In a rotation it has the old key and the new one, of another kind."""
    from dev.emulators.sftp.keys import prepared, public_line

    second = tmp_path / "server" / "sftp_host_key_rsa"
    second.parent.mkdir()
    prepared(tmp_path / "other").client_file.rename(second)
    with embedded_server(second.parent) as rotating:
        assert rotating.client(public_line(second)).files("/") == []
        assert rotating.client(rotating.facts["host_key"]).files("/") == []


def test_two_sources_read_side_by_side(server: Embedded) -> None:
    """One of them stalls: the other goes on."""
    put(server, text(1, 2))
    server.control.order(stalls=1)
    slow, quick = events(server, answer_seconds=3.0), events(server)

    def stalled() -> None:
        with pytest.raises(Retryable):
            slow.exports.sftp.run(
                "read", lambda sftp: sftp.open(f"{slow.exports.folder}/{NAME}").read()
            )

    thread = Thread(target=stalled)
    thread.start()
    listed = 0
    while thread.is_alive():
        listed += len(quick.exports.sftp.files(quick.exports.folder))
    thread.join()
    assert (
        listed > 1
    )  # with one session for both, the first listing would have waited for the stall to end
    quick.until_done()
    assert len(quick.ids()) == 2


def test_a_row_that_no_message_takes_is_a_dead_letter_of_its_line(server: Embedded) -> None:
    """In a column that travels; what stands in others costs nothing."""
    known, form, data, name = all_opt_outs("move")
    header, first, second, *_ = data.decode().splitlines()
    wide, large = "\u4e2d" * 40_000, second.split("\t")
    place = header.split("\t").index("lastModified")
    large[place] = wide
    kept = f"{first}\t{wide}"
    text = "\n".join((f"{header}\tnote", kept, "\t".join([*large, ""]), ""))
    put(server, text.encode(), name)
    reader = reading(server, known, form)
    reader.until_done()
    assert len(reader.ids()) == 1
    ((rule, sentence),) = reader.faults()
    assert rule == "too_large"
    assert f"Line 3 of file {name}" in sentence
    assert all(len(text) <= MESSAGE_BYTES for text, _ in envelopes("f", "t", 1, reader.changes))


def test_an_upload_that_pauses_longer_than_the_stable_seconds_is_watched_on(
    server: Embedded,
) -> None:
    """It was read to its end by then.

    Other files are read meanwhile, and what came later is read as well.
    """
    whole = text(*range(1, 31))
    path = put(server, whole[: len(whole) // 2])
    reader = events(server, settled=60)
    while not reader.ids():
        reader.poll()
    put(server, text(41), "deliveryLogs_2.txt")
    path.write_bytes(whole)
    for _ in range(200):
        reader.poll()
    assert (len(set(reader.ids())), server.names()) == (31, [])
    assert sorted(set(reader.finished)) == [NAME, "deliveryLogs_2.txt"]
    assert (server.folder / "processed" / NAME).read_bytes() == whole


def test_a_file_is_put_away_only_when_it_was_watched_once_more(server: Embedded) -> None:
    put(server, text(1))
    reader = events(server, settled=60)
    polls = 0
    while not reader.ids():
        polls += reader.poll()
    assert (server.names(), reader.poll()) == ([NAME], True)
    again = events(server, settled=60)  # another instance goes on
    again.exports.now = reader.exports.now
    again.link = reader.link
    for _ in range(100):
        again.poll()
    assert (again.ids(), again.finished, server.names("processed")) == ([], [NAME], [NAME])


def test_many_files_that_wait_keep_the_link_short(server: Embedded) -> None:
    for number in range(70):
        put(server, text(number + 1), f"deliveryLogs_{number:03d}_{'long' * 20}.txt")
    reader, longest = events(server, settled=60), 0
    for _ in range(400):
        reader.poll()
        longest = max(longest, len(json.dumps({"position": reader.link})))
    assert (len(set(reader.ids())), server.names()) == (70, [])
    assert longest < 32_000


@pytest.mark.parametrize(
    "error",
    [PermissionError(13, "Permission denied"), OSError("Failure")],
    ids=["denied", "failure"],
)
def test_a_file_that_cannot_be_opened_is_one_dead_letter_and_its_neighbours_are_read(
    server: Embedded, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    real = paramiko.SFTPClient.open

    def opened(session: paramiko.SFTPClient, name: str, *given: Any) -> Any:
        if "_0" in name:
            raise error
        return real(session, name, *given)

    put(server, text(1), "deliveryLogs_0.txt")
    put(server, text(2, 3))
    reader = events(server)
    with monkeypatch.context() as played:
        played.setattr(paramiko.SFTPClient, "open", opened)
        for _ in range(3):
            assert reader.poll() is True
    ((rule, sentence),) = reader.faults()
    assert (rule, "deliveryLogs_0.txt: the SFTP server does not let it be read" in sentence) == (
        "unreadable_file",
        True,
    )
    assert (len(set(reader.ids())), server.names()) == (2, ["deliveryLogs_0.txt"])
    (letter,) = [change for change in reader.changes if change.row and "fault" in change.row]
    for _ in range(700):
        reader.poll()
    assert (len(set(reader.ids())), server.names(), len(reader.faults())) == (3, [], 1)
    assert letter.sample


def test_a_name_that_is_not_utf_8_is_left_alone(server: Embedded) -> None:
    odd = os.fsencode(server.folder) + b"/deliveryLogs_caf\xe9.txt"
    Path(os.fsdecode(odd)).write_bytes(text(1))
    put(server, text(2))
    reader = events(server)
    reader.until_done()
    assert (len(reader.ids()), server.names("processed"), Path(os.fsdecode(odd)).exists()) == (
        1,
        [NAME],
        True,
    )


@pytest.mark.parametrize(
    "blank",
    ["\u00a0", "\u202f", "\u3000", "\u200b"],
    ids=["no-break", "narrow", "wide", "zero width"],
)
def test_a_name_with_a_blank_of_another_kind_is_read(server: Embedded, blank: str) -> None:
    name = f"deliveryLogs_10{blank}h.txt"
    (server.folder / name).write_bytes(text(1))
    reader = events(server)
    reader.until_done()
    assert (len(reader.ids()), server.names(), server.names("processed")) == (1, [], [name])


def test_names_that_are_taken_a_thousand_times_leave_a_free_one(server: Embedded) -> None:
    (server.folder / "processed").mkdir(exist_ok=True)
    for name in (NAME, *(f"deliveryLogs_1-{number}.txt" for number in range(2, 1100))):
        (server.folder / "processed" / name).write_bytes(b"")
    put(server, text(1))
    reader = events(server)
    reader.until_done()
    assert (len(reader.ids()), server.names(), len(server.names("processed"))) == (1, [], 1100)


def test_two_who_make_a_folder_at_once_both_go_on(
    server: Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = paramiko.SFTPClient.mkdir

    def made_before(session: paramiko.SFTPClient, path: str, *given: Any) -> None:
        real(session, path, *given)
        real(session, path, *given)

    monkeypatch.setattr(paramiko.SFTPClient, "mkdir", made_before)
    folder = server.folder / "processed"
    if folder.exists():
        folder.rmdir()
    put(server, text(1))
    reader = events(server)
    reader.until_done()
    assert server.names("processed") == [NAME]


def test_who_reads_at_once_does_not_put_away_at_once(server: Embedded) -> None:
    """The look before a delivery takes files that may still be written: what comes later is read as
    well.
    """
    known, _, data, name = all_opt_outs("move")
    known = known.model_copy(
        update={"files": known.files.model_copy(update={"stable_seconds": 60.0})}
    )
    path = put(server, data[: len(data) // 2], name)
    reader = reading(server, known, partial(OptOutFormat, at_once=True))
    reader.until_done()
    assert (len(reader.ids()) > 0, server.names()) == (True, [name])
    path.write_bytes(data)
    reader.until_done()
    assert (len(set(reader.ids())), server.names()) == (120, [name])
    for _ in range(100):
        reader.poll()
    assert server.names("processed") == [name]
