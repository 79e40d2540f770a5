"""The engine behind the gateway: creating, reading, changing and deleting rows, with Campaign's own
refusals.
"""

import uuid
from typing import Any

from dev.emulators.campaign import errors, values
from dev.emulators.campaign.model import Link, Resource
from dev.emulators.campaign.pkeys import PKeys
from dev.emulators.campaign.store import Row, Rows
from dev.emulators.control import Clock

FLAGS_WITH_TIME = (
    "blackList",
    "blackListEmail",
    "blackListFax",
    "blackListMobile",
    "blackListPhone",
    "blackListPostalMail",
    "ccpaOptOut",
)


class Engine:
    """All resources.

    `flavor` "v8" answers as Campaign v8 does; `truncate` cuts over-long texts instead of refusing
    them.
    """

    def __init__(
        self,
        resources: dict[str, Resource],
        clock: Clock,
        flavor: str = "standard",
        truncate: bool = False,
    ) -> None:
        self.resources, self.clock, self.flavor, self.truncate = resources, clock, flavor, truncate
        self.pkeys = PKeys()
        self.reset()

    def reset(self) -> None:
        self.out_of_unit: set[tuple[str, str]] = set()
        self.tables = {name: Rows(resource) for name, resource in self.resources.items()}

    def create(self, api: str, resource: Resource, body: dict[str, Any]) -> tuple[int, Row]:
        table = self.tables[resource.name]
        row = {name: attribute.unset for name, attribute in resource.attributes.items()}
        row.update(self.changes(api, resource, body))
        self.refuse_clash(resource, row)
        now = self.now()
        row |= {"acsId": str(uuid.uuid4()), "created": now, "lastModified": now}
        self.stamp_flags(row, {}, now)
        return table.add(row), row

    def update(self, api: str, resource: Resource, address: str, body: dict[str, Any]) -> int:
        """`address` is a PKey or, where the resource allows it, a custom key, which then cannot be
        changed.
        """
        number = self.find(api, resource, address)
        old = self.tables[resource.name].rows[number]
        changes = self.changes(api, resource, body)
        key = resource.keys[0][0] if resource.keys else ""
        if not address.startswith("@") and key in changes and changes[key] != old[key]:
            raise self.as_flavored(errors.key_changed(resource.name, old[key], changes[key]))
        self.change(resource, number, changes)
        return number

    def change(self, resource: Resource, number: int, changes: Row) -> None:
        """What is written to a row; its `lastModified` moves only when something differs."""
        table = self.tables[resource.name]
        old = table.rows[number]
        if all(old.get(name) == value for name, value in changes.items()):
            return
        new = old | changes
        self.refuse_clash(resource, new, number)
        new["lastModified"] = self.now()
        self.stamp_flags(new, old, new["lastModified"])
        table.replace(number, new)

    def delete(self, api: str, resource: Resource, address: str) -> None:
        self.remove(resource, self.find(api, resource, address))

    def remove(self, resource: Resource, number: int) -> None:
        """The row, and what its links' deletion rules take with it."""
        row = self.tables[resource.name].rows[number]
        self.tables[resource.name].remove(number)
        for other in self.resources.values():
            for link in other.links:
                if link.target == resource.name and link.cascade and row[link.key] != "":
                    rows = self.tables[other.name].rows
                    for child in [
                        n for n, held in rows.items() if held[link.field] == row[link.key]
                    ]:
                        if child in rows:
                            self.remove(other, child)

    def target(self, link: Link, row: Row) -> tuple[int, Row] | None:
        """What a row's link leads to."""
        table = self.tables[link.target]
        number = table.by_key(row[link.field]) if row[link.field] != "" else None
        return (number, table.rows[number]) if number else None

    def hide(self, name: str, key: str) -> None:
        """The row with this key is in an organizational unit that the API's product profile does
        not see; KeyError if none is.
        """
        number = self.tables[name].by_key(key)
        if number is None:
            raise KeyError(key)
        self.out_of_unit.add((name, str(self.tables[name].rows[number]["acsId"])))

    def may_hide(self, resource: Resource) -> bool:
        """Whether rows of the resource may be hidden at all."""
        return bool(self.out_of_unit) or any(link.required for link in resource.links)

    def hidden(self, resource: Resource, row: Row) -> bool:
        """A row is hidden in another organizational unit, and while a required link leads nowhere
        or to a hidden row.
        """
        if (resource.name, str(row["acsId"])) in self.out_of_unit:
            return True
        for link in resource.links:
            if link.required:
                found = self.target(link, row)
                if found is None or self.hidden(self.resources[link.target], found[1]):
                    return True
        return False

    def find(self, api: str, resource: Resource, address: str) -> int:
        """The row at a PKey or custom key; Campaign's error if there is none."""
        table = self.tables[resource.name]
        if address.startswith("@"):
            number = self.pkeys.read(f"{api}/{resource.name}", address)
            if (
                number is not None
                and number in table.rows
                and not self.hidden(resource, table.rows[number])
            ):
                return number
            if self.flavor == "v8":
                raise errors.EngineError(404, f"Unable to decrypt PKey. (PKey={address})")
            raise errors.bad_pkey(address, resource.label, resource.schema)
        number = table.by_key(address) if resource.key_in_url else None
        if number is None or self.hidden(resource, table.rows[number]):
            refusal = errors.unknown_key(resource.label, resource.schema, address)
            raise (
                errors.EngineError(404, refusal.text.removeprefix(f"{errors.PREFIX} "))
                if self.flavor == "v8"
                else refusal
            )
        return number

    def changes(self, api: str, resource: Resource, body: dict[str, Any]) -> Row:
        """The body's attributes, flat and accepted."""
        visible, changes = resource.visible(api), {}
        for name, value in flat(body, resource).items():
            attribute = visible.get(name)
            if attribute is None:
                raise self.as_flavored(errors.unknown_attribute(name, resource.name))
            if attribute.read_only:
                raise self.as_flavored(errors.read_only(name, resource.name))
            changes[name] = self.accept(attribute, value, resource)
        return changes

    def accept(self, attribute: Any, value: Any, resource: Resource) -> Any:
        try:
            return values.accepted(attribute, value, resource, self.truncate)
        except errors.EngineError as refusal:
            raise self.as_flavored(refusal) from None

    def refuse_clash(self, resource: Resource, row: Row, number: int = 0) -> None:
        if clash := self.tables[resource.name].clash(row, number):
            raise self.as_flavored(
                errors.duplicate(resource.label.rstrip("s"), resource.schema, *clash)
            )

    def as_flavored(self, refusal: errors.EngineError) -> errors.EngineError:
        """Campaign v8 hides the detail of a 500."""
        return (
            errors.EngineError(500, errors.PREFIX.partition(" ")[2])
            if self.flavor == "v8"
            else refusal
        )

    def stamp_flags(self, new: Row, old: Row, now: str) -> None:
        for flag in FLAGS_WITH_TIME:
            if f"{flag}LastModified" in new and new.get(flag) != old.get(flag, False):
                new[f"{flag}LastModified"] = now

    def now(self) -> str:
        return values.written(self.clock.now())

    def shown(
        self, api: str, resource: Resource, number: int, row: Row, root: str
    ) -> dict[str, Any]:
        """A row as the API shows it: keys in alphabetical order, PKey first."""
        pkey = self.pkeys.make(f"{api}/{resource.name}", number)
        place = f"{root}/{api}/{resource.name}"
        nested = nest({name: row[name] for name in resource.visible(api)})
        if resource.name == "profile":
            collection = self.pkeys.make(f"{api}/{resource.name}/subscriptions", number)
            nested |= values.computed(row, self.clock.now().date()) | {
                "postalAddress": values.postal_address(row)
            }
            nested["subscriptions"] = {"href": f"{place}/{collection}/subscriptions/"}
            nested |= {} if api == "profileAndServices" else {"orgUnit": None, "geoUnit": None}
        nested |= {link.name: self.linked(api, link, row, root) for link in resource.links}
        nested |= {"PKey": pkey, "href": f"{place}/{pkey}"}
        return dict(sorted(nested.items()))

    def linked(self, api: str, link: Link, row: Row, root: str) -> dict[str, Any] | None:
        found = self.target(link, row)
        if found is None:
            return None
        pkey = self.pkeys.make(f"{api}/{link.target}", found[0])
        return {
            "PKey": pkey,
            "href": f"{root}/{api}/{link.target}/{pkey}",
            "title": self.title(link.target, found[1]),
        }

    def title(self, resource: str, row: Row) -> str:
        return str(
            values.computed(row, self.clock.now().date())["title"]
            if resource == "profile"
            else row["acsId"]
        )


def flat(body: dict[str, Any], resource: Resource) -> dict[str, Any]:
    """Sub-nodes become dotted names."""
    found: dict[str, Any] = {}
    for name, value in body.items():
        if isinstance(value, dict) and any(
            known.startswith(f"{name}.") for known in resource.attributes
        ):
            found |= {f"{name}.{inner}": held for inner, held in value.items()}
        else:
            found[name] = value
    return found


def nest(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in row.items():
        outer, _, inner = name.rpartition(".")
        if outer:
            found.setdefault(outer, {})[inner] = value
        else:
            found[name] = value
    return found
