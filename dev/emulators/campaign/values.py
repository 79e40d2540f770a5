"""Values on the wire: what a write may hold, and what is computed from the rest."""

import base64
import hashlib
import re
from datetime import date, datetime
from typing import Any

from dev.emulators.campaign import errors
from dev.emulators.campaign.model import Attribute, Resource

EMAIL = re.compile(r"[^\s@,;:<>()\[\]\"\\]+@[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)+")
MOMENT = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,3})?Z?")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def accepted(attribute: Attribute, value: Any, resource: Resource, truncate: bool) -> Any:
    """The value as it is kept; an EngineError if Campaign would refuse it.

    "" and null unset whatever it is.
    """
    if value is None or value == "":
        return attribute.unset
    if attribute.values:
        if value not in attribute.values or value == "__Invalid_value__":
            raise errors.bad_enumeration(value, resource.schema, attribute.name)
        return value
    if attribute.type == "string":
        return text(attribute, value, truncate)
    return TYPED[attribute.type](attribute, value)


def text(attribute: Attribute, value: Any, truncate: bool) -> str:
    if not isinstance(value, str):
        value = str(value).lower() if isinstance(value, bool) else str(value)
    if attribute.policy == "email" and not EMAIL.fullmatch(value):
        raise errors.bad_value(attribute.name, "email address")
    if attribute.length and len(value) > attribute.length:
        if not truncate:
            raise errors.too_long(attribute.name, attribute.length)
        return str(value[: attribute.length])
    return str(value)


def boolean(attribute: Attribute, value: Any) -> bool:
    if isinstance(value, bool) or value in (0, 1):
        return bool(value)
    if value in ("true", "false"):
        return bool(value == "true")
    raise errors.bad_value(attribute.name, "boolean")


def integer(attribute: Attribute, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not -(2**31) <= value < 2**31:
        raise errors.bad_value(attribute.name, "integer")
    return value


def number(attribute: Attribute, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise errors.bad_value(attribute.name, "number")
    return value


def day(attribute: Attribute, value: Any) -> str:
    try:
        if isinstance(value, str) and DAY.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise errors.bad_value(attribute.name, "date")


def moment(attribute: Attribute, value: Any) -> str:
    try:
        if isinstance(value, str) and MOMENT.fullmatch(value):
            return written(datetime.fromisoformat(value.rstrip("Z")))
    except ValueError:
        pass
    raise errors.bad_value(attribute.name, "datetime")


TYPED = {
    "boolean": boolean,
    "integer": integer,
    "float": number,
    "double": number,
    "date": day,
    "datetime": moment,
}


def written(when: datetime) -> str:
    """Campaign's form: YYYY-MM-DD HH:mm:ss.SSSZ."""
    return when.strftime("%Y-%m-%d %H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def postal_address(row: dict[str, Any]) -> dict[str, Any]:
    """The computed address lines of a profile, as live instances show them."""
    name = " ".join(
        part for part in (row["salutation"], row["firstName"], row["lastName"].upper()) if part
    )
    places = [row[f"location.address{line}"].upper() for line in (1, 2, 3, 4)]
    lines = [name, *places, f"{row['location.zipCode']} {row['location.city'].upper()}".strip()]
    shown: dict[str, Any] = {
        "addrDefined": bool(lines[5]),
        "addrErrorCount": 0,
        "addrLastCheck": "",
        "addrQuality": "0",
    }
    shown |= {f"line{number}": line for number, line in enumerate(lines, 1)}
    return shown | {"serialized": "\n".join(lines)}


def computed(row: dict[str, Any], today: date) -> dict[str, Any]:
    """The attributes of a profile that Campaign works out itself."""
    name = " ".join(part for part in (row["firstName"], row["lastName"]) if part)
    born = date.fromisoformat(row["birthDate"]) if row["birthDate"] else None
    age = (
        today.year - born.year - ((today.month, today.day) < (born.month, born.day)) if born else 0
    )
    crypted = base64.b64encode(hashlib.sha512(row["acsId"].encode()).digest()[:52]).decode()
    return {
        "age": max(0, age),
        "cryptedId": crypted,
        "domain": row["email"].rpartition("@")[2],
        "thumbnail": row["thumbnail"] or "/nl/img/thumbnails/defaultProfil.png",
        "title": f"{name} ({row['email']})" if row["email"] else name,
    }
