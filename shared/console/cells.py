"""Files for a spreadsheet: cells that none of them runs."""

import csv
import io
from collections.abc import Iterable, Sequence

from shared.console.outgoing import File

FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a cell begins that a spreadsheet takes for a formula, in Japanese too (OWASP, "CSV
Injection").
"""


def csv_file(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> File:
    content = csv_text(columns, rows).encode("utf-8", "replace")
    return File(content, "text/csv; charset=utf-8", name)


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    writer.writerows([harmless(cell) for cell in row] for row in rows)
    return written.getvalue()


def harmless(value: object) -> str:
    """A cell that no spreadsheet runs."""
    text = str(value if value is not None else "")
    return f"'{text}" if text.startswith(FORMULA) else text
