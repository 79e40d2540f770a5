"""`mapping preview`: what a document makes of real rows. Nothing is written."""

import argparse
import sys
from collections.abc import Sequence
from typing import Protocol

from azure.core.exceptions import HttpResponseError

from admin.mapping_access import CannotUse, activity_of, author_of
from shared.documents.keeper import Keeper
from shared.editing.desk import Desk
from shared.editing.previewing import FieldLine, RowPreview
from shared.editing.systems import Systems
from shared.entities.compiling import MappingCompiler
from shared.errors import Misconfigured
from shared.identifiers import record_id
from shared.opt_out.owned import OptOutFlags
from shared.settings import StorageSettings
from shared.state.activity import Act
from shared.state.documents import Documents, Library
from shared.state.drafts import Drafts
from shared.wiring import Wiring

NOT_WRITTEN = (
    "A look at values is written down first, and the table activity refuses it. You need Storage"
    " Table Data Contributor. Without --values the preview names fields only."
)


class Named(Protocol):
    """A document of a file, with where it belongs."""

    @property
    def folder(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...


def preview(
    options: argparse.Namespace,
    draft: Named,
    documents: Documents,
    systems: Wiring | str,
    storage: StorageSettings,
) -> int:
    if draft.folder != "mappings":
        raise CannotUse("Only a mapping document has rows to preview.")
    if isinstance(systems, str):
        raise CannotUse(f"A preview needs both systems. {systems}")
    if options.values:
        note_look(draft.name, systems, storage)
    ids = [found for one in options.ids if (found := record_id(one))]
    try:
        rows = desk_of(documents, systems).preview(draft.name, draft.text, ids)
    except Misconfigured as error:
        print(error, file=sys.stderr)
        return 1
    show(rows, options.values)
    return 0


def note_look(table: str, systems: Wiring, storage: StorageSettings) -> None:
    who = author_of(storage) or "somebody with access to the storage account"
    try:
        activity_of(storage, systems).note(Act(who, "storage", "look_at_values", table))
    except HttpResponseError:
        raise CannotUse(NOT_WRITTEN) from None


def desk_of(documents: Documents, systems: Wiring) -> Desk:
    keeper = Keeper(Library(documents.container), 0, systems.now)
    flags = OptOutFlags()
    compiler = MappingCompiler(documents, systems.dataverse, systems.campaign, flags)
    both = Systems(lambda: systems.dataverse, lambda: systems.campaign, systems.now)
    drafts = Drafts(documents.container, systems.now)
    return Desk(documents, drafts, keeper, compiler, flags, both)


def show(rows: Sequence[RowPreview], with_values: bool) -> None:
    for row in rows:
        what = row.reason or ", ".join(row.changed)
        print(f"{row.record_id}  {row.outcome}  {what}".rstrip())
        for line in row.fields if with_values else ():
            print(f"    {value_line(line)}")
    print(f"{len(rows)} rows. Nothing was written.")


def value_line(line: FieldLine) -> str:
    mark = "*" if line.is_changed else " "
    values = (line.source_value, line.campaign_value, line.before, line.after)
    shown = [repr(value) if value is not None else "-" for value in values]
    return (
        f"{mark} {line.target} from {line.origin}: Dynamics {shown[0]}, Campaign {shown[1]},"
        f" active version {shown[2]}, document {shown[3]}"
    )
