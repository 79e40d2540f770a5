"""docs/limits.md lists every limit of shared/ on what comes from outside, with the value that the
code has.
"""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "limits.md").read_text()
ROW = re.compile(
    r"^\| (?P<what>[^|]+) \| (?P<limit>[^|]+) \| `(?P<file>[\w/]+\.py)` (?P<names>[^|]+) \|"
    r" (?P<beyond>[^|]+) \|$",
    re.M,
)
LIMIT = re.compile(r"(MOST|LONGEST|DEEPEST|LARGEST)(_\w+)?|\w+_LIMIT_BYTES")
SIZES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
TIMES = {"a week": 7 * 86400, "an hour": 3600, "two minutes": 120}

OURS = {
    ("shared/checks/first_read.py", "MOST"): "profiles that we ask for",
    ("shared/checks/tables.py", "MOST_RECORDS"): "records that we ask for",
    ("shared/dataverse/batch.py", "MOST_OPERATIONS"): "what one request of ours holds",
    ("shared/events/logs.py", "LONGEST"): "by column: LONGEST_NAME has the row",
    ("shared/console/acts/letters.py", "MOST_COUNTED"): "letters of ours that a plan looks through",
    ("shared/console/acts/mapping.py", "MOST_LINES"): "lines that a plan shows",
    ("shared/console/contact_events.py", "MOST_OF_A_KIND"): "rows that we ask for",
    ("shared/console/finding.py", "MOST_COLUMNS"): "columns that we ask for",
    ("shared/console/finding.py", "MOST_DIGITS"): "a key that we ask for",
    ("shared/console/finding.py", "MOST_FOUND"): "records that we ask for",
    ("shared/console/pages/activity.py", "MOST_IN_FILE"): "rows of ours in a download",
    ("shared/console/pages/events.py", "MOST_FILES"): "files that a page lists",
    ("shared/console/pages/letters.py", "MOST_IN_FILE"): "letters of ours in a download",
    ("shared/console/status.py", "MOST_GROUPS"): "groups of letters that the watch keeps",
    ("shared/console/story.py", "MOST_CHILDREN"): "children that a page lists",
    ("shared/editing/previewing.py", "MOST_ROWS"): "rows that we ask for",
    ("shared/editing/splicing.py", "MOST_IN_BRACES"): "how a document of ours is written",
    ("shared/pipeline/trial.py", "MOST_TRIED"): "records that a plan tries",
    ("shared/state/job_results.py", "MOST_BYTES"): "what a job of ours keeps of its results",
    ("shared/console/session.py", "LONGEST_SECONDS"): "how long a session of ours lasts",
    ("shared/state/figures.py", "MOST_REMOVED"): "rows that we take away at once",
    ("shared/file_samples.py", "MOST_CHARACTERS"): "what is kept of a file that was read",
    ("shared/file_samples.py", "MOST_ROWS"): "what is kept of a file that was read",
    ("shared/mapping/rule_checks.py", "MOST_NAMES"): "length of a sentence of ours",
    ("shared/mapping/comparing.py", "LARGEST"): "what Dataverse's columns hold",
    ("shared/mapping/comparing.py", "MOST_LABELS"): "length of a sentence of ours",
    ("shared/mapping/contradicting.py", "LONGEST_SHOWN"): "length of a sentence of ours",
    ("shared/mapping/syntax.py", "LONGEST_SHOWN"): "length of a sentence of ours",
    ("shared/opt_out/feeds.py", "MOST_REMEMBERED"): "a cache of ours",
    ("shared/mapping/syntax.py", "MOST_TEXTS"): "a cache of ours",
    ("shared/entities/families.py", "LONGEST_CYCLE"): "steps through our own ledger",
    ("shared/pipeline/reconsidering.py", "MOST_AT_ONCE"): "messages that we send at once",
    ("shared/pipeline/delays.py", "MOST_DOUBLINGS"): "a delay of ours",
    ("shared/pipeline/delays.py", "LONGEST_ENVELOPE_DELAY_SECONDS"): "a delay of ours",
    ("shared/pipeline/running.py", "LONGEST_PROBE_DELAY_SECONDS"): "a delay of ours",
    ("shared/pipeline/receipts.py", "MOST_RECEIPTS"): "deliveries of ours that met a bug",
    ("shared/http/breaker.py", "LONGEST_SECONDS"): "a pause of ours",
    ("shared/sftp/client.py", "MOST_NUMBERS"): "names that we try for a file that is put away",
    ("shared/state/presence.py", "MOST"): "a cache of ours",
    ("shared/state/groups.py", "MOST_AT_ONCE"): "requests for counts that a page adds up",
    ("shared/state/groups.py", "MOST_REQUESTS"): "requests for counts that a page adds up",
    ("shared/state/groups.py", "MOST_REMOVED"): "old counts that one run takes away",
    ("shared/console/pages/events.py", "MOST_DELIVERIES"): "deliveries that a page shows",
    ("shared/console/sign_in.py", "MOST_NAME_LETTERS"): "what is kept of a person's name",
    ("shared/entities/asking.py", "LONGEST_LOOK_SECONDS"): "how often a parent looks for children",
    ("shared/entities/asking.py", "LONGEST_PAUSE_SECONDS"): "how often a parent asks its children",
    ("shared/state/due.py", "LONGEST_DELAY_SECONDS"): "what is rounded: longer waits end by a word",
    ("shared/state/bloom_filter.py", "MOST"): "how many ids a filter of ours is made for",
    (
        "shared/http/transport.py",
        "LONGEST_WAIT_IN_PLACE_SECONDS",
    ): "how long a call of ours waits before its message does",
}
"""Constants of such a name that bound our own work and nothing that comes from outside, with what
they bound.
"""


def names_of(target: ast.expr) -> list[str]:
    parts = target.elts if isinstance(target, ast.Tuple) else [target]
    return [part.id for part in parts if isinstance(part, ast.Name) and LIMIT.fullmatch(part.id)]


def constants() -> set[tuple[str, str]]:
    """File and name of every constant that is named like a limit."""
    files = [*(ROOT / "shared").rglob("*.py"), *(ROOT / "functions").rglob("*.py")]
    assigned = (
        (path, node)
        for path in files
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.Assign)
    )
    return {
        (str(path.relative_to(ROOT)), name)
        for path, node in assigned
        for to in node.targets
        for name in names_of(to)
    }


def listed() -> list[tuple[str, str, str]]:
    """File, name and limit, as the page has them."""
    rows = [
        (row["file"], name, row["limit"])
        for row in ROW.finditer(PAGE)
        for name in re.findall(r"`(\w+)`", row["names"])
    ]
    return [row for row in rows if LIMIT.fullmatch(row[1])]


def forms(value: float) -> set[str]:
    """How the page may write a figure."""
    units = {f"{int(value) // size:,} {unit}" for unit, size in SIZES.items() if value % size == 0}
    power = {f"2^{int(value).bit_length() - 1}"} if int(value).bit_count() == 1 else set()
    return (
        {f"{int(value):,}"}
        | units
        | power
        | {words for words, seconds in TIMES.items() if seconds == value}
    )


def test_each_limit_stands_once_or_is_one_of_our_own_work() -> None:
    named = [(file, name) for file, name, _ in listed()]
    assert len(named) == len(set(named)), "one stands twice"
    assert set(named) == constants() - set(OURS)


def test_what_is_left_out_exists() -> None:
    assert set(OURS) <= constants()


@pytest.mark.parametrize(("file", "name", "limit"), listed())
def test_the_figure_is_the_code_s(file: str, name: str, limit: str) -> None:
    value = getattr(import_module(file.removesuffix(".py").replace("/", ".")), name)
    written = {
        form
        for form in forms(value)
        if re.search(rf"(?<![\d,.]){re.escape(form)}(?![\d^]|,\d)", limit)
    }
    assert written, f"{file} {name} is {value}; the page has: {limit}"


@pytest.mark.parametrize(
    ("value", "form"),
    [
        (4300, "4,300"),
        (512 << 10, "512 KiB"),
        (128 << 20, "128 MiB"),
        (2**53, "2^53"),
        (3600.0, "an hour"),
        (604800.0, "a week"),
    ],
)
def test_a_figure_is_written_as_people_write_it(value: float, form: str) -> None:
    assert form in forms(value)


def test_every_row_of_the_table_is_read() -> None:
    lines = [
        line
        for line in PAGE.splitlines()
        if line.startswith("| ") and not line.startswith(("| what ", "|--"))
    ]
    assert [match[0] for match in ROW.finditer(PAGE)] == lines
