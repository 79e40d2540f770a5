"""Settings of the console: it is off while CONSOLE_URL is empty."""

from base64 import b64decode
from binascii import Error
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from shared.setting_types import FAULTY, NAME, Part, Url, text

KEY_BYTES = 32


def session_key(value: SecretStr) -> SecretStr:
    """32 random bytes in base64; an empty one is none."""
    given = value.get_secret_value()
    try:
        fits = not given or len(b64decode(given, validate=True)) == KEY_BYTES
    except Error:
        fits = False
    if not fits:
        raise PydanticCustomError(
            FAULTY, "is not 32 bytes in base64: make one with `openssl rand -base64 32`"
        )
    return value


SessionKey = Annotated[SecretStr, AfterValidator(session_key)]


class ConsoleSettings(Part):
    """Where the console is, who may sign in, and what seals a session."""

    console_url: Url = Field(
        "",
        pattern=r"^([^/]+//[^/?#]+)?$",
        description="Address of the function app in a browser; empty: the console is off",
    )
    console_client_id: str = Field(
        "", pattern=NAME, description="Client id of the console's Entra app registration"
    )
    console_tenant_id: str = Field(
        "", pattern=NAME, description="Entra tenant whose people may sign in to the console"
    )
    console_auth: Literal["managed_identity", "client_secret"] = Field(
        "managed_identity", description="How the console proves to Entra who it is"
    )
    console_client_secret: SecretStr = Field(
        SecretStr(""), description="For client_secret: a Key Vault reference"
    )
    console_identity_client_id: str = Field(
        "", pattern=NAME, description="Client id of the managed identity that Entra trusts"
    )
    console_authority_url: Url = Field(
        "https://login.microsoftonline.com", description="Entra's address for people"
    )
    console_session_key: SessionKey = Field(
        SecretStr(""),
        description="Seals the session cookie: 32 bytes in base64; a Key Vault reference",
    )
    console_session_key_before: SessionKey = Field(
        SecretStr(""),
        description="The session key before, still read while it is replaced",
    )
    console_environment: str = Field(
        "", pattern=r"^[A-Za-z0-9 -]{0,12}$", description="Badge of every page, such as PROD"
    )

    @property
    def console_is_on(self) -> bool:
        return bool(self.console_url)

    @model_validator(mode="after")
    def console_complete(self) -> Self:
        """What a console that is on needs."""
        if self.console_url and (missing := self.missing(self.console_needs())):
            raise ValueError(f"CONSOLE_URL needs {', '.join(missing)}")
        return self

    def console_needs(self) -> list[str]:
        secret = ["console_client_secret"] if self.console_auth == "client_secret" else []
        return ["console_client_id", "console_tenant_id", "console_session_key", *secret]

    def session_keys(self) -> list[bytes]:
        """The first seals, all of them open."""
        keys = (self.console_session_key, self.console_session_key_before)
        return [b64decode(text(key)) for key in keys if text(key)]
