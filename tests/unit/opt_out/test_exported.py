"""Lines of exported opt-outs as changes: whose they are, labels of other languages, times of other
zones.
"""

from typing import Any

import pytest

from shared.opt_out.documents import read_opt_out_document
from shared.opt_out.feeds import NOBODY, OptOutFormat
from shared.opt_out.systems import exported_time
from shared.sftp.faults import ParseError

ID = "8f0e1d2c-3b4a-4c5d-8e6f-708192a3b4c5"
HEADER = ["externalId", "blackListFax", "blackListFaxLastModified", "lastModified"]


def read(cells: list[str], files: str = "{}") -> Any:
    document = read_opt_out_document(
        f"pairs:\n  - {{column: donotfax, flag: blackListFax}}\nfiles: {files}\n"
    )
    return OptOutFormat(document).reader("optOuts_1.txt", HEADER, lambda: 0.0)(cells)


def flags(change: Any) -> tuple[bool, str, str]:
    row = change.row["campaign"]
    return row["values"]["blackListFax"], row["times"]["blackListFax"], row["changed"]


@pytest.mark.parametrize("text", [ID, f" {{{ID.upper()}}} ", ID.replace("-", ""), f"({ID})"])
def test_a_contacts_id_is_read_in_every_form(text: str) -> None:
    assert read([text, "1", "", ""]).record_id == ID


@pytest.mark.parametrize("text", ["", "customer-17", f"{{{ID}", "#N/A"])
def test_a_line_of_nobody_is_told_apart_so_that_it_can_be_counted(text: str) -> None:
    assert read([text, "1", "", ""]) is NOBODY


@pytest.mark.parametrize(
    ("label", "values", "expected"),
    [
        ("1", "{}", True),
        ("YES", "{}", True),
        ("false", "{}", False),
        ("", "{}", False),
        ("oui", "{Oui: yes, Non: no}", True),
        ("NON", "{Oui: yes, Non: no}", False),
        ("はい", "{はい: yes, いいえ: no}", True),
    ],
)
def test_a_flag_is_yes_or_no_in_the_documents_words(
    label: str, values: str, expected: bool
) -> None:
    assert flags(read([ID, label, "", ""], f"{{values: {values}}}"))[0] is expected


def test_a_flag_that_is_neither_is_named() -> None:
    with pytest.raises(ParseError, match="neither yes nor no in blackListFax"):
        read([ID, "Oui", "", ""])


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026/07/31 10:00:00", "UTC", "2026/07/31 10:00:00"),
        ("2026/07/31 10:00:00", "Europe/Berlin", "2026/07/31 08:00:00"),
        ("2026/07/31 10:00:00 +02:00", "America/New_York", "2026/07/31 08:00:00"),
        ("2026-07-31T10:00:00.750Z", "Europe/Berlin", "2026/07/31 10:00:00"),
        (
            "2026/10/25 02:30:00",
            "Europe/Berlin",
            "2026/10/25 00:30:00",
        ),  # comes twice: the earlier, which wins less
        ("2026/03/29 02:30:00", "Europe/Berlin", "2026/03/29 00:30:00"),
        ("", "Europe/Berlin", ""),
        ("yesterday", "Europe/Berlin", "yesterday"),
    ],
)
def test_times_are_told_in_utc(text: str, zone: str, expected: str) -> None:
    assert exported_time(text, zone) == expected
    assert flags(read([ID, "1", text, text], f"{{time_zone: {zone}}}"))[1:] == (expected, expected)
