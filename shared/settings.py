"""Every setting of the bridge, declared once. The only reader of the environment.

A name that begins with DATAVERSE_ or CAMPAIGN_ belongs to that system; the rest are the bridge's
own. A setting without a default must be given. Triggers name some of them as %NAME%;
`local.settings.json.example` and the Bicep files list all. Some parts have a file of their own:
`campaign_settings.py`, `console_settings.py`, `pace_settings.py`.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_core import PydanticUndefined

from shared.campaign_settings import SFTP, CampaignSettings
from shared.console_settings import ConsoleSettings
from shared.identifiers import trimmed
from shared.pace_settings import PaceSettings
from shared.setting_problems import SettingProblem, problem, refused
from shared.setting_types import (
    NAME,
    UNRESOLVED,
    ConnectionString,
    HeaderSecret,
    Part,
    Url,
    text,
)


class StorageSettings(Part):
    """Where the state is: what is needed even when everything else is missing."""

    azurewebjobsstorage: ConnectionString = Field(
        SecretStr(""),
        alias="AzureWebJobsStorage",
        description="Connection string; only where there is no identity",
    )
    storage_account: str = Field(
        "",
        pattern=r"^([a-z0-9]{3,24})?$",
        alias="AzureWebJobsStorage__accountName",
        description="Storage account reached by the managed identity",
    )
    storage_client_id: str = Field(
        "",
        alias="AzureWebJobsStorage__clientId",
        description="Client id of the identity that reaches the storage",
    )


class DataverseSettings(Part):
    """Which organization, and as whom: all that a set-up of Dataverse needs."""

    dataverse_url: Url = Field(
        pattern=r"^[^/]+//[^/?#]+$", description="Organization URL, https://<org>.crm.dynamics.com"
    )
    dataverse_auth: Literal["managed_identity", "client_secret", "certificate"] = Field(
        "managed_identity", description="How the bridge proves to Dataverse who it is"
    )
    dataverse_client_id: str = Field(
        "", description="Client id of the managed identity or the Entra application"
    )
    dataverse_tenant_id: str = Field(
        "", pattern=NAME, description="Entra tenant; for client_secret and certificate"
    )
    dataverse_client_secret: SecretStr = Field(
        SecretStr(""), description="For client_secret: a Key Vault reference"
    )
    dataverse_certificate: SecretStr = Field(
        SecretStr(""),
        description=(
            "For certificate: private key and certificate in PEM form, a Key Vault reference"
        ),
    )
    dataverse_authority_url: Url = Field(
        "https://login.microsoftonline.com", description="Entra's sign-in host"
    )
    dataverse_page_size: int = Field(
        5000, ge=1, le=5000, description="Rows a page of change tracking asks for"
    )
    dataverse_timeout_seconds: float = Field(
        60, gt=0, le=120, description="Longest wait for an answer of Dataverse"
    )
    dataverse_max_concurrency: int = Field(
        8, ge=1, le=52, description="Most calls to Dataverse under way at once"
    )

    @model_validator(mode="after")
    def credential_complete(self) -> Self:
        """What the chosen way to prove who we are makes necessary."""
        needed = {
            "managed_identity": (),
            "client_secret": (
                "dataverse_client_id",
                "dataverse_tenant_id",
                "dataverse_client_secret",
            ),
            "certificate": ("dataverse_client_id", "dataverse_tenant_id", "dataverse_certificate"),
        }[self.dataverse_auth]
        if missing := self.missing(needed):
            raise ValueError(f"DATAVERSE_AUTH={self.dataverse_auth} needs {', '.join(missing)}")
        return self


class WebhookSettings(Part):
    """What Dataverse proves itself with to the bridge."""

    dataverse_webhook_secret: HeaderSecret = Field(
        min_length=16,
        description=(
            "Shared secret that Dataverse sends in the header x-webhook-secret; a Key Vault"
            " reference"
        ),
    )


class ChosenFlows(Part):
    """Which of the flows that can be left out are on."""

    email_events_source: Literal["none", "files", "journal", "both"] = Field(
        "none",
        description=(
            "Where e-mail events come from: exported files, the I/O Events journal, or both"
        ),
    )
    opt_out_mode: Literal["disabled", "to-campaign", "from-campaign", "both"] = Field(
        "both",
        description="Which way opt-outs go: to Campaign, from Campaign, both ways, or not at all",
    )


class Settings(
    CampaignSettings,
    StorageSettings,
    DataverseSettings,
    WebhookSettings,
    ChosenFlows,
    PaceSettings,
    ConsoleSettings,
):
    """Names are those of the environment in lower case; each field's description is its help."""

    email_events_schedule: str = Field(
        "0 * * * * *", description="When e-mail events are read: NCRONTAB, six fields"
    )
    opt_out_source: Literal["filter", "scan", "file"] = Field(
        "filter",
        description=(
            "How Campaign's opt-outs are found: a published filter, a scan of the last modified, or"
            " an export"
        ),
    )
    opt_out_schedule: str = Field(
        "*/15 * * * * *", description="When opt-outs are read on both sides: NCRONTAB, six fields"
    )
    contacts_schedule: str = Field(
        "*/15 * * * * *", description="When contacts are polled: NCRONTAB, six fields"
    )
    custom_entities_schedule: str = Field(
        "*/15 * * * * *", description="When custom entities are polled: NCRONTAB, six fields"
    )

    @model_validator(mode="after")
    def complete(self) -> Self:
        """What one choice makes necessary."""
        if missing := self.missing(self.events_need()):
            raise ValueError(
                f"EMAIL_EVENTS_SOURCE={self.email_events_source} needs {', '.join(missing)}"
            )
        if missing := self.missing(self.opt_out_needs()):
            raise ValueError(f"OPT_OUT_SOURCE={self.opt_out_source} needs {', '.join(missing)}")
        if not self.storage_account and not text(self.azurewebjobsstorage):
            raise ValueError("AzureWebJobsStorage__accountName (or AzureWebJobsStorage) is missing")
        return self

    def events_need(self) -> list[str]:
        """The settings that the chosen source of e-mail events makes necessary."""
        journal = ["campaign_journal_url", "campaign_ims_organization"]
        return {"none": [], "files": SFTP, "journal": journal, "both": SFTP + journal}[
            self.email_events_source
        ]

    def opt_out_needs(self) -> list[str]:
        """The settings that reading opt-outs from an export makes necessary."""
        return (
            SFTP
            if self.opt_out_source == "file" and self.opt_out_mode in ("from-campaign", "both")
            else []
        )


CONSOLE = frozenset(ConsoleSettings.model_fields)


def environment_name(field: str) -> str:
    return Settings.model_fields[field].alias or field.upper()


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """What the flows need. Misconfigured names all that are missing or out of range, no values.

    The console's own are not read: a wrong one stops no flow.
    """
    try:
        return Settings.model_validate(
            {name: value for name, value in given(environ).items() if name not in CONSOLE}
        )
    except ValidationError as error:
        raise refused(error) from None


def load[Some: Part](part: type[Some], environ: Mapping[str, str] | None = None) -> Some:
    """One part of the settings, for those who need no more; Misconfigured as above."""
    try:
        return part.model_validate(given(environ))
    except ValidationError as error:
        raise refused(error) from None


def load_storage_settings(environ: Mapping[str, str] | None = None) -> StorageSettings:
    return load(StorageSettings, environ)


def given(environ: Mapping[str, str] | None) -> dict[str, str]:
    """Our settings in the environment, by the names of the model, trimmed; a blank one is none."""
    source = os.environ if environ is None else environ
    found = {
        field: trimmed(source.get(environment_name(field), "")) for field in Settings.model_fields
    }
    return {
        Settings.model_fields[field].alias or field: value
        for field, value in found.items()
        if value
    }


def problems(environ: Mapping[str, str] | None = None) -> list[SettingProblem]:
    """Each setting that is missing, out of range or unresolved."""
    try:
        Settings.model_validate(given(environ))
    except ValidationError as error:
        items = error.errors(include_input=False)
        return [
            SettingProblem(*problem(item), unresolved=item["type"] == UNRESOLVED) for item in items
        ]
    return []


@dataclass(frozen=True, slots=True)
class SettingOrigin:
    """Where a setting comes from, without its value. `origin`: "given", "default", or "none": it is
    empty, and so is its default.
    """

    name: str
    origin: str
    is_secret: bool


def origins(environ: Mapping[str, str] | None = None) -> list[SettingOrigin]:
    """Every setting, by its name in the environment, in the order of its declaration."""
    found = given(environ)
    return [
        SettingOrigin(
            environment_name(field),
            "given" if (info.alias or field) in found else origin_of(info.get_default()),
            info.annotation is SecretStr,
        )
        for field, info in Settings.model_fields.items()
    ]


def origin_of(default: object) -> str:
    filled = default is not PydanticUndefined and text_of(default)
    return "default" if filled else "none"


def text_of(default: object) -> str:
    return text(default) if isinstance(default, SecretStr) else str(default)
