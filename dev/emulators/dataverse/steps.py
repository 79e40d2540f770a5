"""Who listens to what: registered steps, read from their tables as on a real organization.

Source: Microsoft Learn, "Register a webhook", "Register a plug-in" (filtering attributes, images).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

from dev.emulators.dataverse.events import Event
from dev.emulators.dataverse.problems import ApiError
from dev.emulators.dataverse.store import Store

ENABLED = 0
WEBHOOK_KEY, HTTP_HEADER, QUERY_STRING = 4, 5, 6
REGISTRATION_TABLES = {
    "serviceendpoint",
    "sdkmessageprocessingstep",
    "sdkmessageprocessingstepimage",
}
QUERY = """
    SELECT s.sdkmessageprocessingstepid, s.name, m.name, f.primaryobjecttypecode,
           s.filteringattributes, s.asyncautodelete, e.url, e.authtype, e.authvalue
    FROM sdkmessageprocessingstep s
    JOIN serviceendpoint e ON e.serviceendpointid = s.eventhandler
    JOIN sdkmessage m ON m.sdkmessageid = s.sdkmessageid
    LEFT JOIN sdkmessagefilter f ON f.sdkmessagefilterid = s.sdkmessagefilterid
    WHERE s.statecode = ? ORDER BY s.rank, s.versionnumber
"""


@dataclass(frozen=True)
class Image:
    alias: str
    before: bool
    after: bool
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One enabled registration.

    `table` None listens to every table, `columns` empty to every column.
    """

    step_id: str
    name: str
    message: str
    table: str | None
    columns: frozenset[str]
    auto_delete: bool
    url: str
    auth_type: int
    auth_value: str | None
    images: tuple[Image, ...] = ()

    def concerns(self, event: Event) -> bool:
        """A filtered step fires when one of its columns is in the request, whether or not the value
        differs.
        """
        if self.message != event.message or self.table not in {None, event.table.logical}:
            return False
        if "CustomAsync" in event.bypass or self.step_id in event.bypass_steps:
            return False
        return not self.columns or bool(self.columns & event.sent)

    @property
    def parameters(self) -> dict[str, str]:
        """What authentication adds to the URL's query."""
        if self.auth_type == WEBHOOK_KEY:
            return {"code": self.auth_value or ""}
        return read_settings(self.auth_value) if self.auth_type == QUERY_STRING else {}

    @property
    def headers(self) -> dict[str, str]:
        return read_settings(self.auth_value) if self.auth_type == HTTP_HEADER else {}


def read_settings(text: str | None) -> dict[str, str]:
    """`<settings><setting name="x-key" value="secret"/></settings>`; ApiError 400 for anything
    else.
    """
    try:
        found = ElementTree.fromstring(text or "<settings/>")
    except ElementTree.ParseError:
        raise ApiError(
            400, "0x80050203", "The webhook's headers or parameters are not valid XML."
        ) from None
    return {setting.get("name", ""): setting.get("value", "") for setting in found.iter("setting")}


class Steps:
    """The enabled steps, read again after a registration has changed."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.enabled: list[Step] = []

    def reload(self) -> None:
        self.enabled = list(self._read())

    def _read(self) -> Iterator[Step]:
        for row in self.store.db.execute(QUERY, (ENABLED,)).fetchall():
            step_id, name, message, table, columns, auto_delete, url, auth_type, auth_value = row
            names = frozenset(part.strip() for part in (columns or "").split(",") if part.strip())
            images = tuple(self._images(step_id))
            yield Step(
                step_id,
                name,
                message,
                table,
                names,
                bool(auto_delete),
                url,
                auth_type,
                auth_value,
                images,
            )

    def _images(self, step_id: str) -> Iterator[Image]:
        sql = (
            "SELECT entityalias, imagetype, attributes FROM sdkmessageprocessingstepimage WHERE"
            " sdkmessageprocessingstepid = ?"
        )
        for alias, kind, attributes in self.store.db.execute(sql, (step_id,)):
            names = tuple(part.strip() for part in (attributes or "").split(",") if part.strip())
            yield Image(alias, kind in {0, 2}, kind in {1, 2}, names)

    def listening(self, message: str, table: str) -> bool:
        return any(step.message == message and step.table in {None, table} for step in self.enabled)

    def concerned(self, event: Event) -> list[Step]:
        return [step for step in self.enabled if step.concerns(event)]
