"""The types of settings: what each refuses, and the part that all parts are made from."""

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
    field_validator,
)
from pydantic_core import PydanticCustomError

from shared.addresses import address_fault, canonical

# A value that the platform was to fetch from elsewhere, and has not fetched. Source: Microsoft
# Learn, "Use Key Vault references as app settings in Azure App Service", "Use App Configuration
# references".
REFERENCE = re.compile(r"@\s*Microsoft\s*\.\s*(KeyVault|AppConfiguration)\s*\(", re.IGNORECASE)
UNRESOLVED, FAULTY = "unresolved", "faulty"


def is_reference(value: object) -> bool:
    """Whether a value is, or holds, a reference that nobody has resolved."""
    return isinstance(value, str) and REFERENCE.search(value) is not None


def as_url(value: Any) -> Any:
    return canonical(value) if isinstance(value, str) else value


def as_campaign_url(value: Any) -> Any:
    """As above; the last part is `campaign`, however it is written."""
    url = as_url(value)
    start, slash, last = str(url).rpartition("/")
    return f"{start}{slash}campaign" if last.lower() == "campaign" else url


def sound_url(value: str) -> str:
    """An address that tokens and records may be sent to; an empty one is none."""
    if value and (fault := address_fault(value)):
        raise PydanticCustomError(FAULTY, fault)
    return value


def sound_connection(value: SecretStr) -> SecretStr:
    """A connection string whose endpoints are encrypted, or on this machine."""
    parts = [part.partition("=")[::2] for part in value.get_secret_value().split(";")]
    pairs = [
        (name.strip().lower(), text.strip()) for name, text in parts
    ]  # one that stands twice is looked at twice
    urls = [text for name, text in pairs if name.endswith(("endpoint", "proxyuri")) and text]
    fault = next((fault for url in urls if (fault := address_fault(canonical(url)))), "")
    if (
        not fault
        and ("defaultendpointsprotocol", "http") in [(name, text.lower()) for name, text in pairs]
        and not urls
    ):
        fault = "asks for http: write DefaultEndpointsProtocol=https"
    if fault:
        raise PydanticCustomError(FAULTY, fault)
    return value


def printable(value: SecretStr) -> SecretStr:
    """A secret that travels in a header."""
    if not re.fullmatch("[ -~]*", value.get_secret_value()):
        raise PydanticCustomError(
            FAULTY,
            "has a line break or a letter beyond ASCII, which no header takes: make another one",
        )
    return value


Url = Annotated[str, BeforeValidator(as_url), AfterValidator(sound_url)]
CampaignUrl = Annotated[str, BeforeValidator(as_campaign_url), AfterValidator(sound_url)]
ConnectionString = Annotated[SecretStr, AfterValidator(sound_connection)]
HeaderSecret = Annotated[SecretStr, AfterValidator(printable)]
HEADER = "^[!-~]*$"  # what may stand in a header
NAME = "^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)?$"  # a GUID or a domain, as part of a URL


class Part(BaseModel):
    """Some of the settings.

    Every one of them is refused, by its name, while it is a reference that nobody has resolved.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    @field_validator("*", mode="before")
    @classmethod
    def resolved(cls, value: Any) -> Any:
        if is_reference(value):
            raise PydanticCustomError(
                UNRESOLVED, "is still a Key Vault reference, which the platform has not resolved"
            )
        return value

    def missing(self, fields: Iterable[str]) -> list[str]:
        """Those of the fields that have no value, as they are named in the environment."""
        return [field.upper() for field in fields if not text(getattr(self, field))]


def text(value: SecretStr | str) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
