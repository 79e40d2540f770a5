"""The documents that people write, and the files that Campaign's workflows export."""

from collections.abc import Callable
from decimal import Decimal
from random import Random
from typing import Any

from dev.bench.fuzz.answering import ID
from dev.bench.fuzz.mutations import CANARY
from dev.bench.fuzz.systems import EVENTS, OPT_OUT
from shared import exact_json
from shared.events.documents import default_events_document, misnamed, read_events_document
from shared.events.files import EventFormat
from shared.mapping import (
    SourceColumn,
    SourceTable,
    TargetField,
    TargetResource,
    check,
    compile_mapping,
    default_document,
)
from shared.mapping import read_document as read_mapping
from shared.opt_out.documents import default_opt_out_document, problems, read_opt_out_document
from shared.opt_out.feeds import OptOutFormat
from shared.records import Change
from shared.sftp.blocks import END, Blocks
from shared.sftp.client import RemoteFile
from shared.sftp.exports.pages import Exports
from shared.state.documents import MOST_DRAFT_BYTES
from shared.state.envelope import envelopes

TYPES = (
    "String",
    "Boolean",
    "Integer",
    "DateTime",
    "Picklist",
    "Money",
    "Double",
    "Memo",
    "Lookup",
)
KINDS = ("string", "boolean", "integer", "datetime", "date", "enumeration", "float")
MAPPING = default_document("contact")
OTHER_MAPPING = """\
table: contact
resource: profile
key: {source: contactid, target: externalId, lookup: filter, filter: byId, parameter: id}
choices: value
time_zone: Europe/Berlin
fields:
  - source: gendercode
    target: gender
    replace: {1: male, 2: female, "3": "unknown"}
    otherwise: unknown
  - template: "{firstname} {lastname}"
    target: cusName
    invalid: cut
filters:
  all:
    - {field: statecode, is: in, value: [0, 1]}
    - any:
        - {field: emailaddress1, is: is_null, value: false}
        - {field: annualincome, is: gt, value: 10.50}
links:
  - {source: _parentcustomerid_value, target: companyId, parent: [account, contact]}
"""


def draft(data: bytes) -> str:
    """As shared/state/documents.py reads it."""
    return data[:MOST_DRAFT_BYTES].decode("utf-8", "surrogateescape")


def drive_mapping(data: bytes, random: Random) -> str:
    """Read, checked against columns and fields of all types, compiled, and used on a row."""
    document = read_mapping(draft(data))
    plain = random.random() < 0.5
    names = {rule.source for rule in document.fields if rule.source} | {
        "contactid",
        "statecode",
        "emailaddress1",
        "annualincome",
    }
    names |= {name for rule in document.fields for name in rule.template_columns()} | {
        link.source for link in document.links
    }
    columns = {
        name: SourceColumn(name, "String" if plain else random.choice(TYPES), 100, {1: "Male"})
        for name in sorted(names)
    }
    columns["annualincome"] = SourceColumn("annualincome", "Money")
    columns["parentcustomerid"] = SourceColumn(
        "parentcustomerid", "Customer", targets=("account", "contact")
    )
    columns = {name: column for name, column in columns.items() if not name.startswith("_")}
    source = SourceTable("contact", "contacts", "contactid", columns, change_tracking=True)
    targets = {rule.target for rule in document.fields} | {
        document.key.target,
        *(link.target for link in document.links),
    }
    fields = {
        name: TargetField(
            name, "string" if plain else random.choice(KINDS), 50, {"male": "Male", "unknown": ""}
        )
        for name in sorted(targets)
    }
    found = check(
        document,
        source,
        TargetResource(document.resource, fields, {document.key.filter or "x": ("id",)}),
    )
    document.model_dump_json().encode()
    if found:
        return " ".join(found)
    compiled = compile_mapping(
        document, source, TargetResource(document.resource, fields, None), ()
    )
    values: tuple[Any, ...] = (
        (None, True, 1, Decimal("1e999"), 1.5, CANARY) if random.random() < 0.5 else ("2026-11-25",)
    )
    row = {name: random.choice(values) for name in compiled.columns}
    compiled.map({**row, "contactid": ID})
    return ""


def drive_events_document(data: bytes, random: Random) -> str:
    document = read_events_document(draft(data))
    document.model_dump_json().encode()
    return " ".join(misnamed(document))


def drive_opt_out_document(data: bytes, random: Random) -> str:
    document = read_opt_out_document(draft(data))
    document.model_dump_json().encode()
    columns = {
        name: SourceColumn(name, "Boolean") for name in document.columns if random.random() < 0.9
    }
    flags = {pair.flag: TargetField(pair.flag, "boolean") for pair in document.pairs}
    return " ".join(
        problems(
            document,
            SourceTable("contact", "contacts", "contactid", columns),
            TargetResource("profile", flags),
        )
    )


DELIVERY = EVENTS.files.delivery_log.columns
TRACKING = EVENTS.files.tracking_log.columns


def log_of(columns: dict[str, str], values: dict[str, str]) -> str:
    header = "\t".join(columns.values())
    row = "\t".join(values.get(field, "") for field in columns)
    return "\n".join([header, row, row, row])


SENT = {
    "log_id": "7",
    "contact": ID,
    "at": "2026/11/25 08:00:00",
    "status": "1",
    "channel": "0",
    "delivery": CANARY,
}
OPENED = {
    "log_id": "9",
    "broad_log_id": "7",
    "contact": ID,
    "at": "2026/11/25 08:00:00",
    "type": "2",
    "channel": "0",
}
EVENT_FILES = [log_of(DELIVERY, SENT), log_of(TRACKING, OPENED)]
FLAGS = [pair.flag for pair in OPT_OUT.pairs]
OPT_OUT_FILES = [
    "\t".join(["externalId", "lastModified", *FLAGS])
    + f"\n{ID}\t2026/11/25 08:00:00"
    + "\t1" * len(FLAGS)
    + "\n"
]


class Server:
    """An SFTP server with one file, read in blocks as the client gives them."""

    def __init__(self, name: str, data: bytes) -> None:
        self.name, self.data, self.moved = name, data, False

    def files(self, _: str) -> list[RemoteFile]:
        return [] if self.moved else [RemoteFile(self.name, len(self.data), 1.0)]

    def file(self, _: str) -> RemoteFile | None:
        return None if self.moved else RemoteFile(self.name, len(self.data), 1.0)

    def blocks(self, _: str, size: int) -> Blocks:
        for start in range(0, size, 32 * 1024):
            yield self.data[start : start + 32 * 1024]
        yield END

    def move(self, *_: str) -> None:
        self.moved = True

    delete = move


MOST_PAGES = 2000


def drive_file(
    name: str, document: Any, form: Callable[[Any], Any]
) -> Callable[[bytes, Random], str]:
    def drive(data: bytes, random: Random) -> str:
        packed, content = data[:3] == b"gz:", data[3:]
        server = Server(name + (".gz" if packed else ""), content)
        clock = iter(range(0, 10**9, 10_000))
        exports: Any = Exports(server, "/exports", lambda: float(next(clock)), form)  # type: ignore[arg-type]
        link, sentences = "", list[str]()
        for _ in range(MOST_PAGES):
            page = exports.page(link, document)
            link.encode()
            list(
                envelopes(
                    "email_events",
                    "files",
                    0,
                    [change for change in page.changes if change.record_id],
                    together=400,
                )
            )
            sentences += [sentence for change in page.changes if (sentence := fault_of(change))]
            link, sentences = page.link, sentences[-50:]
            if server.moved and page.complete:
                return " ".join(sentences)
        raise AssertionError("the file does not come to its end")

    return drive


def fault_of(change: Change) -> str:
    row = change.row or {}
    exact_json.carried(row)
    return str(row["fault"]["sentence"]) if "fault" in row else ""


drive_event_files = drive_file("deliveryLogs_1.txt", EVENTS, EventFormat)
drive_tracking_files = drive_file("trackingLogs_1.txt", EVENTS, EventFormat)
drive_opt_out_files = drive_file("optOuts_1.txt", OPT_OUT, OptOutFormat)
DOCUMENTS = {
    "mapping": [MAPPING, OTHER_MAPPING],
    "events": [default_events_document()],
    "opt_out": [default_opt_out_document()],
}
