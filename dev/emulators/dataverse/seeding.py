"""Synthetic contacts: any number, the same ones for the same seed, none of them a real person.

Row `i` depends on the seed and `i` alone, so that a second call with `offset` goes on where the
first ended. Names come in several scripts, with quotes, emoji and characters beyond the basic
plane; some e-mail addresses are shared, some columns empty, some rows inactive.
"""

import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any

from dev.emulators.control import Clock
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.store import Store
from dev.emulators.yaml_files import read_yaml

CHUNK = 5000
WORDS: dict[str, list[Any]] = read_yaml(Path(__file__).parent / "people.yaml")
FIRST_BIRTHDAY = date(1935, 1, 1)
OPT_OUTS = (
    "donotemail",
    "donotbulkemail",
    "donotphone",
    "donotfax",
    "donotpostalmail",
    "donotbulkpostalmail",
    "donotsendmm",
)
ADDRESS = (
    "line1",
    "line2",
    "city",
    "stateorprovince",
    "postalcode",
    "country",
    "composite",
    "latitude",
    "longitude",
)
Values = dict[str, Any]


class Dice:
    """Numbers drawn from one digest of seed and row number: cheap, and the same everywhere."""

    def __init__(self, seed: int, row: int) -> None:
        digest = blake2b(f"{seed}/{row}".encode(), digest_size=64).digest()
        self.guid = str(uuid.UUID(bytes=digest[:16], version=4))
        self.left = int.from_bytes(digest[16:], "big")

    def below(self, number: int) -> int:
        self.left, drawn = divmod(self.left, number)
        return drawn

    def of(self, values: Sequence[Any]) -> Any:
        return values[self.below(len(values))]

    def chance(self, percent: int) -> bool:
        return self.below(100) < percent


def contact(seed: int, row: int, now: float) -> Values:
    """Column values of one contact, always the same columns in the same order.

    `now` is in seconds since 1970.
    """
    dice = Dice(seed, row)
    inactive = int(dice.chance(4))
    changed = now - dice.below(200_000_000)
    return {
        "contactid": dice.guid,
        **names(dice),
        **reach(dice, row),
        **traits(dice),
        **{name: int(dice.chance(8)) for name in OPT_OUTS},
        "followemail": int(not dice.chance(5)),
        **address(dice),
        "description": dice.of([*WORDS["descriptions"], "x" * 2000]) if dice.chance(10) else None,
        "statecode": inactive,
        "statuscode": inactive + 1,
        "createdon": timestamp(changed - dice.below(100_000_000)),
        "modifiedon": timestamp(changed),
    }


def names(dice: Dice) -> Values:
    first = None if dice.chance(3) else dice.of(WORDS["first_names"])
    last = dice.of(WORDS["last_names"])
    whole = f"{first} {last}" if first else last
    return {
        "firstname": first,
        "middlename": dice.of([None, None, None, "Q."]),
        "lastname": last,
        "fullname": whole,
        "yomifullname": whole,
        "nickname": dice.of([None, None, None, "Nick"]),
        "salutation": dice.of(WORDS["titles"]) if dice.chance(60) else None,
    }


def reach(dice: Dice, row: int) -> Values:
    """How to reach somebody; one in twenty-five shares an e-mail address with others."""
    mail = (
        f"family{dice.below(500)}@example.org"
        if dice.chance(4)
        else f"contact{row}.{dice.below(1000)}@example.org"
    )
    phone = f"+1 555 {dice.below(10_000_000):07d}"
    return {
        "emailaddress1": None if dice.chance(5) else mail,
        "emailaddress2": f"second.{row}@example.org" if dice.chance(10) else None,
        "telephone1": phone if dice.chance(70) else None,
        "mobilephone": f"+49 (0) 151/{dice.below(10_000_000):07d}" if dice.chance(70) else None,
        "fax": phone if dice.chance(10) else None,
        "websiteurl": f"https://example.org/people/{row}" if dice.chance(20) else None,
    }


def traits(dice: Dice) -> Values:
    birthday = (FIRST_BIRTHDAY + timedelta(days=dice.below(26_000))).isoformat()
    return {
        "jobtitle": dice.of(WORDS["jobs"]) if dice.chance(70) else None,
        "department": dice.of(WORDS["departments"]) if dice.chance(60) else None,
        "birthdate": None if dice.chance(20) else birthday,
        "gendercode": dice.of([None, 1, 2]),
        "familystatuscode": dice.of([None, None, 1, 2, 3, 4]),
        "preferredcontactmethodcode": 1 + dice.below(5),
        "numberofchildren": dice.of([None, None, 0, 1, 2, 3]),
    }


def address(dice: Dice) -> Values:
    if dice.chance(15):
        return {f"address1_{part}": None for part in ADDRESS}
    city, state, postal, country, latitude, longitude = dice.of(WORDS["places"])
    street = f"{dice.of(WORDS['streets'])} {dice.below(300) + 1}"
    second = 'c/o "Müller"' if dice.chance(5) else None
    town = ", ".join(part for part in (city, " ".join(p for p in (state, postal) if p)) if part)
    composite = "\r\n".join(part for part in (street, second, town, country) if part)
    parts = (street, second, city, state, postal, country, composite, latitude, longitude)
    return {f"address1_{name}": value for name, value in zip(ADDRESS, parts, strict=True)}


def timestamp(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))


class Seeding:
    def __init__(self, store: Store, registry: Registry, clock: Clock) -> None:
        self.store, self.table, self.clock = store, registry.named("contact"), clock

    def contacts(self, count: int, seed: int, offset: int) -> Values:
        """Writes contacts `offset` to `offset + count`, past all rules and webhooks.

        A row that is there already is left.
        """
        started = time.perf_counter()
        drawn, constant = contact(seed, 0, 0), self.constants()
        columns = ["versionnumber", *drawn, *constant]
        sql = (
            f'INSERT OR IGNORE INTO "contact" ({", ".join(columns)}) VALUES'
            f" ({', '.join('?' * len(columns))})"
        )
        with self.store.transaction():
            rows = self.rows(count, seed, offset, tuple(constant.values()))
            while chunk := list(islice(rows, CHUNK)):
                self.store.db.executemany(sql, chunk)
        return {"contacts": count, "seconds": round(time.perf_counter() - started, 3)}

    def rows(
        self, count: int, seed: int, offset: int, constant: tuple[Any, ...]
    ) -> Iterator[tuple[Any, ...]]:
        now = self.clock.time()
        for row in range(offset, offset + count):
            yield (self.store.next_version(), *contact(seed, row, now).values(), *constant)

    def constants(self) -> Values:
        """Defaults of the columns that are not drawn, and ownership."""
        drawn = contact(0, 0, 0).keys()
        columns = self.table.columns.values()
        defaults = {
            c.name: int(c.default) for c in columns if c.default is not None and c.name not in drawn
        }
        admin = self.store.fact("administrator")
        owner = {
            "ownerid": admin,
            "ownerid__type": "systemuser",
            "owninguser": admin,
            "createdby": admin,
            "modifiedby": admin,
        }
        return defaults | owner | {"owningbusinessunit": self.store.fact("business_unit")}
