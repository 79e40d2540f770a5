"""Which table a Campaign resource belongs to: to one alone, the first that was activated.

Profiles belong to contacts.
"""

from shared.entities.mappings import MAPPINGS
from shared.identifiers import table_name
from shared.mapping import MappingDocument
from shared.mapping.identity import Identity, identity_in
from shared.state.documents import Documents, Listing

PROFILE, CONTACT = "profile", "contact"


class Claims:
    """Reads the active versions; each once, for a version never changes."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents
        self.identities: dict[tuple[str, int], Identity | None] = {}

    def active(self, table: str, version: int) -> Identity | None:
        """What the active version of a table may not change; None before the first."""
        if version and (table, version) not in self.identities:
            self.identities[table, version] = identity_in(self.documents.text(table, version))
        return self.identities.get((table, version))

    def owner(self, table: str, resource: str, listing: Listing) -> str:
        """The other table that the resource belongs to, "" if there is none.

        Where two were activated at once, the same loses everywhere: a listing that has the later
        one has the earlier one too.
        """
        if resource.casefold() == PROFILE and table != CONTACT:
            return CONTACT
        activated = {
            name: one
            for (folder, name), one in listing.activated.items()
            if folder == MAPPINGS.folder
        }
        listed = {CONTACT, *mapped_tables(listing)} - {table}
        rivals = [
            name
            for name in listed
            if name in activated and self.maps(name, activated[name].version, resource)
        ]
        mine = activated.get(table)
        earlier = [
            name
            for name in rivals
            if mine is None or (activated[name].since, name) < (mine.since, table)
        ]
        return min(earlier, key=lambda name: (activated[name].since, name), default="")

    def maps(self, table: str, version: int, resource: str) -> bool:
        known = self.active(table, version)
        return known is not None and known.resource.casefold() == resource.casefold()

    def problems(self, document: MappingDocument, listing: Listing) -> list[str]:
        """Why the document's table may not be mapped to its resource; [] if it may."""
        if not (owner := self.owner(document.table, document.resource, listing)):
            return []
        what = f"{document.resource} belongs to table {owner}, and a resource takes one table."
        return [
            f"{document.place('resource')}: {what} Name another resource, or take the document of"
            f" {owner} away."
        ]


def mapped_tables(listing: Listing) -> list[str]:
    """The tables that a person has put a document for.

    A file whose name is no table's is none; `check` names it.
    """
    return sorted(
        name for folder, name in listing.drafted if folder == MAPPINGS.folder and table_name(name)
    )
