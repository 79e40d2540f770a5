"""What the gateway and the engine answer when they refuse, in their own words.

Sources: Adobe Campaign Standard documentation, "Troubleshooting"; Campaign v8 documentation,
"Limitations" (its column for Standard).
"""

PREFIX = "RST-360011 An error has occurred - please contact your administrator."


class GatewayError(Exception):
    """Answered by the gateway as a JSON object."""

    def __init__(self, status: int, body: dict[str, object]) -> None:
        super().__init__(status)
        self.status, self.body = status, body


class EngineError(Exception):
    """Answered by the engine as text. 500 also for what is the caller's mistake."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class NotDone(Exception):
    """The emulator does not do this, and says so rather than guess."""


def bad_token() -> GatewayError:
    return GatewayError(401, {"error_code": "401013", "message": "Oauth token is not valid"})


def bad_api_key() -> GatewayError:
    return GatewayError(403, {"error_code": "403003", "message": "Api Key is invalid"})


def unknown_tenant() -> GatewayError:
    return GatewayError(
        500, {"code": 500, "message": "Oops. Something went wrong. Check your URI and try again."}
    )


def unknown_key(label: str, schema: str, key: str) -> EngineError:
    name = schema.rpartition(":")[2]
    return EngineError(
        404,
        f"{PREFIX} Unable to find document with path '{label}' from key '{key}:0' (document with"
        f" schema '{name}' and name '{key}')",
    )


def bad_pkey(pkey: str, label: str, schema: str) -> EngineError:
    name = pkey.lstrip("@")
    text = (
        f"'{name}' attribute unknown (see definition of '{label} ({schema})' schema). XTK-170036"
        f" Unable to parse expression '@id = @{name}'."
    )
    return EngineError(500, text)


def duplicate(label: str, schema: str, attribute: str, value: str) -> EngineError:
    table = schema.replace(":", "").lower()
    text = (
        f"A '{label}' with the same key '{value}' already exists. PGS-220000 PostgreSQL error:"
        " ERROR:  duplicate key value violates "
        f'unique constraint "{table}_{attribute.lower()}" DETAIL:  Key'
        f" (s{attribute.lower()})=({value}) already exists."
    )
    return EngineError(500, text)


def key_changed(resource: str, old: str, new: str) -> EngineError:
    return EngineError(
        500,
        f"{PREFIX} RST-360012 Inconsistent operation on resource '{resource}' – Cannot update key"
        f" '{old}' to '{new}'.",
    )


def bad_enumeration(value: object, schema: str, attribute: str) -> EngineError:
    text = (
        f"{PREFIX} The value '{value}' is not valid for the '{schema}:{attribute}' enumeration of"
        f" the '@{attribute}' field"
    )
    return EngineError(500, text)


def read_only(attribute: str, resource: str) -> EngineError:
    text = (
        f"Cannot update the '{attribute}' property that is read-only\n'{attribute}' property is not"
        f" valid for the '{resource}' resource."
    )
    return EngineError(500, f"{PREFIX} {text}")


def unknown_attribute(attribute: str, resource: str) -> EngineError:
    return EngineError(
        500, f"{PREFIX} '{attribute}' property is not valid for the '{resource}' resource."
    )


def bad_value(attribute: str, what: str) -> EngineError:
    return EngineError(
        500, f"{PREFIX} XTK-170006 The value of the '@{attribute}' field is not a valid {what}."
    )


def too_long(attribute: str, length: int) -> EngineError:
    return EngineError(
        500,
        f"{PREFIX} The value of the '@{attribute}' field is too long (maximum length {length}).",
    )
