"""The active opt-out document, checked against both systems."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.campaign.client import Address, CampaignClient
from shared.dataverse.client import DataverseClient
from shared.documents.keeper import Keeper, Kept
from shared.documents.kinds import DocumentId, World
from shared.entities.mappings import CONTACTS, address
from shared.errors import Misconfigured
from shared.mapping import SourceTable
from shared.opt_out.documents import (
    KIND,
    OPT_OUT,
    OptOutDocument,
    Pair,
    problems,
    read_opt_out_document,
)

NAME = OPT_OUT.name


@dataclass(frozen=True, slots=True)
class ActiveOptOut:
    version: int
    document: OptOutDocument
    contact: SourceTable
    profile: Address


class OptOutCompiler:
    """Asks both systems whether they have what the pairs name."""

    kind = KIND

    def __init__(self, dataverse: DataverseClient, campaign: CampaignClient) -> None:
        self.dataverse = dataverse
        self.campaign = campaign

    def needs(self, name: str) -> Sequence[DocumentId[Any]]:
        """The mapping of contact says where profiles are, whether or not it fits the systems."""
        return (CONTACTS,)

    def problems(self, name: str, text: str, version: int, world: World) -> list[str]:
        self.fitted(read_opt_out_document(text), version + 1, world)
        return []

    def compiled(self, name: str, world: World) -> ActiveOptOut:
        active = world[OPT_OUT]
        return self.fitted(active.document, active.number, world)

    def fitted(self, document: OptOutDocument, version: int, world: World) -> ActiveOptOut:
        contact, profile = self.dataverse.table("contact"), address(world[CONTACTS].document)
        found = problems(document, contact, self.campaign.resource(profile.api, profile.resource))
        if not contact.change_tracking:
            found.append(
                "Change tracking is off for table contact: switch on 'Track changes' in its"
                " properties."
            )
        if found:
            raise Misconfigured(
                "opt-out document", f"The opt-out document does not fit: {' '.join(found)}"
            )
        return ActiveOptOut(version, document, contact, profile)


class OptOutCatalog(Kept[OptOutDocument, ActiveOptOut]):
    def __init__(self, keeper: Keeper, compiler: OptOutCompiler) -> None:
        super().__init__(keeper, compiler, NAME)

    def pairs(self) -> tuple[Pair, ...]:
        """The pairs by which profiles are created with their contacts' opt-outs, also while the
        flow is switched off.
        """
        return tuple(self.version().document.pairs)
