"""Settings of Campaign: its API, its journal and its SFTP server (shared/settings.py)."""

from pydantic import Field, SecretStr

from shared.setting_types import HEADER, CampaignUrl, Part, Url

CAMPAIGN_SCOPES = (
    "campaign_sdk,openid,deliverability_service_general,campaign_config_server_general,AdobeID,"
    "additional_info.projectedProductContext"
)
SFTP = ["sftp_host", "sftp_user", "sftp_private_key", "sftp_host_key"]


class CampaignSettings(Part):
    """Which organization, and as whom; where events and exported files come from."""

    campaign_url: CampaignUrl = Field(
        pattern=r"^[^/]+//[^/?#]+/[^/?#%.][^/?#%]*/campaign$",
        description="https://mc.adobe.io/<organization>/campaign",
    )
    campaign_ims_url: Url = Field(
        "https://ims-na1.adobelogin.com", description="Adobe's identity service"
    )
    campaign_client_id: str = Field(
        min_length=1,
        pattern=HEADER,
        description="Client id (API key) of the Adobe Developer project",
    )
    campaign_client_secret: SecretStr = Field(
        min_length=1,
        description="Client secret of the Adobe Developer project; a Key Vault reference",
    )
    campaign_scopes: str = Field(
        CAMPAIGN_SCOPES, description="Scopes, as the Adobe Developer Console shows them"
    )
    campaign_timeout_seconds: float = Field(
        60, gt=0, le=120, description="Longest wait for an answer of Campaign"
    )
    campaign_doubt_seconds: float = Field(
        600,
        ge=10,
        le=86400,
        description=(
            "How long a system may still carry out a write that had no answer; then it is repeated"
        ),
    )
    campaign_max_concurrency: int = Field(
        16,
        ge=1,
        le=128,
        description=(
            "Most calls to Campaign under way at once in one instance; fewer if it throttles"
        ),
    )

    campaign_journal_url: Url = Field(
        "", description="The I/O Events journal, as the Developer Console shows it; for `journal`"
    )
    campaign_ims_organization: str = Field(
        "", pattern=HEADER, description="IMS organization id, ...@AdobeOrg; for `journal`"
    )
    sftp_host: str = Field(
        "",
        pattern=r"^[^/@\s]*$",
        description="Campaign's SFTP server, <instance>.campaign.adobe.com; for `files`",
    )
    sftp_port: int = Field(22, ge=1, le=65535, description="Port of the SFTP server")
    sftp_user: str = Field("", description="The user, as Campaign's Control Panel shows it")
    sftp_private_key: SecretStr = Field(
        SecretStr(""), description="The private key without a passphrase; a Key Vault reference"
    )
    sftp_host_key: str = Field(
        "", description="The server's public key as ssh-keyscan prints it: ssh-ed25519 AAAA..."
    )
    sftp_folder: str = Field(
        "/d365_loads/exports", description="The folder that Campaign's workflows export to"
    )
