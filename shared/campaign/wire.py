"""The forms of Campaign's REST API: keys in URLs, errors that are text, metadata; read once
here.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from shared import exact_json
from shared.errors import Misconfigured, Refusal, Rejected
from shared.http.transport import Response
from shared.mapping import TargetField, TargetResource
from shared.mapping.keys import key_fault

LENGTH = re.compile(r"\d{1,9}", re.ASCII)
LINKS = frozenset({"link", "collection"})


def key_in_url(key: str) -> str:
    """A custom key as a path segment; everything that could mean something else in a URL is
    escaped.

    Rejected `bad_key` for one that a URL would shorten: a call must never reach other records, or
    the list of all.
    """
    if fault := key_fault(key):
        raise Rejected(Refusal("", "bad_key", f"The record's key is {fault}. No call was made."))
    return quote(key, safe="")


def error_text(response: Response) -> str:
    """The engine answers with text, the gateway with an object, some with a JSON string: the text
    in any of them.
    """
    raw = response.body.decode("utf-8", "replace")
    try:
        answer = exact_json.read(raw)
    except ValueError:
        return raw
    if isinstance(answer, dict):
        return f"{answer.get('error_code', '')} {answer.get('message', raw)}"
    return str(answer)


ERROR_TEXTS = re.compile(rb'\s*"?(RST|XTK|PGS|SOP|SCR|BAS|ODB|XSV)-\d{6}')


ROLLED_BACK = re.compile(r"(?i)deadlock|could not serialize|serialization failure")


def was_rolled_back(text: str) -> bool:
    """Whether an error's text shows that the write was undone: the database ended its
    transaction.
    """
    return ROLLED_BACK.search(text) is not None


def is_error(response: Response) -> bool:
    """Whether an answer with a success status carries Campaign's error text, or the gateway's
    object, instead of a record.
    """
    if response.status >= 300:
        return False
    if ERROR_TEXTS.match(response.body):
        return True
    if b'"error_code"' not in response.body:
        return False
    try:
        answer = exact_json.read(response.body)
    except ValueError:
        return False
    return isinstance(answer, dict) and "error_code" in answer


def is_success(verb: str, response: Response, key_field: str, key: str) -> bool:
    """Whether a change of this record was carried out: no content, or the record's PKey and href; a
    deletion may say nothing.
    """
    if response.status == 204 or (verb == "DELETE" and response.body.strip() in (b"", b"{}")):
        return True
    try:
        answer = exact_json.read(response.body)
    except ValueError:
        return False
    return isinstance(answer, dict) and is_record(answer, key_field, key)


def is_record(answer: Mapping[str, Any], key_field: str, key: str) -> bool:
    """Whether an object is the record with this key: it names itself, and no other key.

    A PKey may change and tells nothing.
    """
    if answer.get(key_field) is not None:
        return str(answer[key_field]).lower() == key.lower()
    return bool(answer.get("PKey") or answer.get("href"))


def resource(
    name: str, metadata: Mapping[str, Any], published: Mapping[str, tuple[str, ...]] | None = None
) -> TargetResource:
    """A resource's fields from its metadata answer; sub-nodes such as `location` appear as
    `location.city`.
    """
    content = metadata.get("content")
    if not isinstance(content, dict):
        raise Misconfigured(
            "mapping",
            f"Campaign's metadata of {name} lists no fields: publish the resource with its API.",
        )
    fields: dict[str, TargetField] = {}
    collect(content, "", fields)
    return TargetResource(name, fields, published, str(metadata.get("label") or ""))


def filters(listed: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The parameters of each filter, from the template of its call:
    `/<api>/<resource>/byText?text=$value`.
    """
    templates = {
        name: urlsplit(str(item.get("data", "")))
        for name, item in listed.items()
        if isinstance(item, dict)
    }
    return {
        name: tuple(part.partition("=")[0] for part in url.query.split("&") if part)
        for name, url in templates.items()
    }


def collect(content: Mapping[str, Any], prefix: str, fields: dict[str, TargetField]) -> None:
    for name, item in content.items():
        if not isinstance(item, dict) or item.get("type") in LINKS:
            continue
        if isinstance(item.get("content"), dict):
            collect(item["content"], f"{prefix}{name}.", fields)
        else:
            fields[prefix + name] = field(prefix + name, item)


def field(name: str, item: Mapping[str, Any]) -> TargetField:
    length = str(item.get("length", ""))
    return TargetField(
        name=name,
        type="enumeration" if item.get("values") else str(item.get("type", "string")),
        length=int(length) or None if LENGTH.fullmatch(length) else None,
        values=labels(item.get("values")),
        read_only=bool(item.get("readOnly")),
        policy=str(item.get("dataPolicy", "")),
        sortable=bool(item.get("sortable", True)),
        label=str(item.get("label") or ""),
    )


def labels(values: Any) -> dict[str, str]:
    """The names of an enumeration with their labels, whether metadata gives a map or a list."""
    if isinstance(values, dict):
        return {
            name: str(value.get("label", name)) if isinstance(value, dict) else str(value)
            for name, value in values.items()
        }
    listed = values if isinstance(values, list) else []
    return dict(named(item) for item in listed)


def named(item: Any) -> tuple[str, str]:
    """Name and label of a listed value, which may be its name alone."""
    return (
        (str(item["name"]), str(item.get("label", item["name"])))
        if isinstance(item, dict)
        else (str(item), str(item))
    )
