"""What the host's own API is sent: a JSON object with one text that counts.

As Newtonsoft reads it into a property of type string: its name in any case, a number or a truth
value as it is written, null as none. Source: azure-functions-host, FunctionsController and
KeysController.
"""

import json
import re

from aiohttp import web

JSON = re.compile(r"(application|text)/json|application/[^/]+\+json")


async def posted(request: web.Request, name: str) -> str | None:
    """The text of this name, None where there is none.

    415 for what is not said to be JSON, 400 for what is no object, or holds an object or a list
    there.
    """
    if not JSON.fullmatch(request.content_type if "Content-Type" in request.headers else ""):
        raise web.HTTPUnsupportedMediaType(text="")
    try:
        value = json.loads(await request.read(), parse_int=str, parse_float=str)
    except ValueError as error:
        raise web.HTTPBadRequest(text="") from error
    if not isinstance(value, dict):
        raise web.HTTPBadRequest(text="")
    return as_text(next((part for key, part in value.items() if key.lower() == name), None))


def as_text(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    if value is not None and not isinstance(value, str):
        raise web.HTTPBadRequest(text="")
    return value
