"""Versions of a document, as `mapping history` lists them and `mapping revert` takes one."""

from azure.core.exceptions import ResourceNotFoundError

from admin.mapping_access import CannotUse
from shared.identifiers import table_name
from shared.state.documents import Documents

FOLDERS = {"opt_out": "opt-out", "email_events": "events"}
"""Of documents that are no table's, by their names."""


def place_of(name: str) -> tuple[str, str]:
    """Folder and name of a document; CannotUse for what is the name of none."""
    if name in FOLDERS:
        return FOLDERS[name], name
    if not table_name(name):
        raise CannotUse(f"{name} is no name of a table. Write its logical name, such as contact.")
    return "mappings", name


def history(documents: Documents, name: str) -> int:
    """Every version, the newest first, which is the active one."""
    lines = documents.versions(name)
    if not lines:
        print(f"No version of {documents.folder}/{name}.yaml is active.")
    for number, line in enumerate(lines):
        at = line.at.strftime("%Y-%m-%d %H:%M:%S UTC")
        author, note = line.signature.author or "-", line.signature.note or "-"
        print(f"{line.number:6}  {at}  {author}  {note}{'  (active)' if not number else ''}")
    return 0


def version_text(documents: Documents, name: str, version: int) -> str:
    try:
        return documents.text(name, version)
    except ResourceNotFoundError:
        raise CannotUse(
            f"There is no version {version} of {name}. List them: mapping history {name}."
        ) from None
