"""The two sides of a contact: its columns in Dynamics, its flags in Campaign; read and written with
as little as will do.

Sources: Microsoft Learn, "Perform conditional operations using the Web API"; Adobe Campaign
Standard documentation, "Profile resource". Times of different systems are compared by their ages,
each by its own system's clock, so that a clock that is hours wrong decides nothing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.calls import called
from shared.campaign.client import Address, CampaignClient
from shared.dataverse import wire
from shared.dataverse.client import DataverseClient
from shared.errors import Rejected, Retryable
from shared.mapping import SourceTable
from shared.opt_out.documents import Pair
from shared.times import in_utc, iso_time

EXPORTED = "%Y/%m/%d %H:%M:%S"
# Campaign reported a profile whose key is the contact's id in another form, such as {8F0E...}:
# certainly, or possibly. The contact's id does not find it.
ALIAS, MAYBE_ALIAS = "certain", "perhaps"
MODIFIED, MASTER = "modifiedon", "_masterid_value"
# A migration may tell an earlier `createdon`; then `overriddencreatedon` tells when the row was
# made. Source: Microsoft Learn, "contact EntityType".
CREATED, MIGRATED = "createdon", "overriddencreatedon"
# the Date header has whole seconds, so a smaller difference cannot be distinguished from none
CLOCKS_AGREE_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Contact:
    """A contact as read: `values` by flag, True for a no; `held` are the flags that say no by a
    column that is not ours; `empty` are those whose column has no value. `created_at`: when this
    row was made, which tells it from an earlier one of the same id; "" where that was not read.
    `life`: how many replays of all were ordered before it was read; 0 where a feed brought it.
    """

    record_id: str
    etag: str
    modified_at: str
    master: str
    values: Mapping[str, bool] = field(repr=False)
    held: frozenset[str]
    empty: frozenset[str] = frozenset()
    created_at: str = ""
    life: int = 0

    @property
    def version(self) -> int:
        return wire.version({"@odata.etag": self.etag})


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile's flags and their times, "" where Campaign tells none."""

    values: Mapping[str, bool] = field(repr=False)
    times: Mapping[str, str] = field(repr=False)


def contact_of(row: Mapping[str, Any], pairs: Iterable[Pair], life: int = 0) -> Contact:
    listed = list(pairs)
    return Contact(
        str(row["contactid"]).lower(),
        str(row.get("@odata.etag", "")),
        str(row.get(MODIFIED) or ""),
        str(row.get(MASTER) or "").lower(),
        {pair.flag: pair.opted_out(row) for pair in listed},
        frozenset(pair.flag for pair in listed if pair.held(row)),
        frozenset(pair.flag for pair in listed if pair.is_empty(row)),
        str(row.get(MIGRATED) or row.get(CREATED) or ""),
        life,
    )


def profile_of(row: Mapping[str, Any], pairs: Iterable[Pair]) -> Profile:
    flags = [pair.flag for pair in pairs]
    return Profile(
        {flag: bool(row.get(flag)) for flag in flags},
        {flag: str(row.get(f"{flag}LastModified") or "") for flag in flags},
    )


class Contacts:
    """Contacts in Dataverse.

    `life`: how many replays of all were ordered by now. What was agreed before one may since have
    been undone by a restore.
    """

    def __init__(self, client: DataverseClient, life: Callable[[], int] = lambda: 0) -> None:
        self.client, self.life = client, life

    def columns(self, pairs: Iterable[Pair]) -> list[str]:
        of_pairs = {name for pair in pairs for name in pair.columns}
        return sorted({"contactid", MODIFIED, MASTER, CREATED, MIGRATED, *of_pairs})

    def read(
        self, table: SourceTable, pairs: Collection[Pair], ids: Iterable[str]
    ) -> dict[str, Contact]:
        """The contacts that exist of these ids, in one request for some hundreds."""
        life = self.life()  # before the request: what it finds may be newer, never older
        rows = self.client.rows(table, self.columns(pairs), ids)
        found = (contact_of(row, pairs, life) for row in rows)
        return {contact.record_id: contact for contact in found}

    def write(
        self,
        table: SourceTable,
        pairs: Collection[Pair],
        contact: Contact,
        values: Mapping[str, bool],
    ) -> Contact:
        """Sets these flags' columns, and no others, if the contact is still as it was read; then
        what it became.

        Retryable if it was changed meanwhile: it is looked at and decided again.
        """
        by_flag = {pair.flag: pair for pair in pairs}
        body = {
            by_flag[flag].column: by_flag[flag].column_value(value)
            for flag, value in values.items()
        }
        called("PATCH")
        try:
            row = self.client.update(
                table, contact.record_id, body, contact.etag, self.columns(pairs)
            )
        except Rejected as refusal:
            if refusal.reason not in ("changed_meanwhile", "not_found"):
                raise
            raise Retryable(
                "The contact was changed while its opt-out was decided; it is decided again.", 0.0
            ) from None
        return contact_of(row, pairs, contact.life)


class Profiles:
    """Profiles in Campaign, by the contact's id."""

    def __init__(self, client: CampaignClient) -> None:
        self.client = client

    def read(self, address: Address, pairs: Collection[Pair], record_id: str) -> Profile | None:
        """None if there is no profile with this contact's id.

        Retryable where the answer lacks a flag, which is no opt-in.
        """
        row = self.client.read(address, record_id)
        if row is not None and any(pair.flag not in row for pair in pairs):
            raise Retryable(
                "Campaign's answer to GET profile/{key} lacks opt-out flags; it is asked for again."
            )
        return None if row is None else profile_of(row, pairs)

    def write(
        self, address: Address, pairs: Collection[Pair], record_id: str, values: Mapping[str, bool]
    ) -> Profile | None:
        """Sets these flags, then what the profile says of all of them; None if it is gone."""
        if not self.client.patched(address, record_id, values):
            return None
        return self.read(address, pairs, record_id)


def later(
    campaign_time: str, modified_at: str, campaign_ahead: float | None, dynamics_ahead: float | None
) -> bool | None:
    """Whether the flag changed later than the contact, by whole seconds, for Dataverse tells no
    parts; None if it cannot be compared.

    `..._ahead`: how many seconds the system's clock is ahead of ours. Clocks that differ are
    allowed for, and then what lies within their uncertainty is not later.
    """
    if campaign_ahead is None or dynamics_ahead is None:
        return None
    flag, contact = instant(campaign_time), instant(modified_at)
    if flag is None or contact is None:
        return None
    difference = campaign_ahead - dynamics_ahead
    if abs(difference) < CLOCKS_AGREE_SECONDS:
        return int(flag) > int(contact)
    return flag - difference > contact + 1 + CLOCKS_AGREE_SECONDS


def instant(text: str, zone: str = "UTC") -> float | None:
    """Seconds since 1970 of a time in any form that the systems and their exports write; None if it
    is none.

    In the time of the zone, or with an offset of its own.
    """
    form = text.strip().replace("/", "-").replace(" ", "T", 1).replace(" ", "")
    try:
        return in_utc(iso_time(form), zone).timestamp()
    except ValueError:
        return None


def exported_time(text: str, zone: str) -> str:
    """A time of an export in UTC, as exports in UTC write it; what is no time stays as it is."""
    moment = instant(text, zone)
    return (
        text if moment is None else datetime.fromtimestamp(int(moment // 1), UTC).strftime(EXPORTED)
    )
