"""The function app's settings on the local stack, in one place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

LOCAL_PACE = {
    "CONTACTS_SCHEDULE": "*/2 * * * * *",
    "CUSTOM_ENTITIES_SCHEDULE": "*/2 * * * * *",
    "EMAIL_EVENTS_SCHEDULE": "*/2 * * * * *",
    "OPT_OUT_SCHEDULE": "*/2 * * * * *",
    "PAUSED_DELAY_SECONDS": "5",
    "RETRY_DELAY_SECONDS": "2",
    "RETRY_DELAY_MAX_SECONDS": "30",
    "CLAIM_LEASE_SECONDS": "30",
    "CAMPAIGN_TIMEOUT_SECONDS": "30",
    "MAPPING_CACHE_SECONDS": "2",
}


def app_settings(parts: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, str]:
    """`parts` are the URLs and secrets of what runs; real defaults where the pace of a laptop does not need others."""
    return {
        "FUNCTIONS_WORKER_RUNTIME": "python",
        "PYTHON_THREADPOOL_THREAD_COUNT": "64",
        "AzureWebJobsStorage": parts["storage"],
        "DATAVERSE_URL": parts["dataverse"],
        "DATAVERSE_AUTH": "managed_identity",
        "DATAVERSE_CLIENT_ID": parts["dataverse_client_id"],
        "DATAVERSE_WEBHOOK_SECRET": parts["webhook_secret"],
        "CAMPAIGN_URL": parts["campaign"],
        "CAMPAIGN_IMS_URL": parts["ims"],
        "CAMPAIGN_CLIENT_ID": parts["campaign_api_key"],
        "CAMPAIGN_CLIENT_SECRET": parts["campaign_client_secret"],
        "CAMPAIGN_JOURNAL_URL": parts["journal"],
        "CAMPAIGN_IMS_ORGANIZATION": parts["ims_organization"],
        "SFTP_HOST": parts["sftp"]["host"],
        "SFTP_PORT": str(parts["sftp"]["port"]),
        "SFTP_USER": parts["sftp"]["user"],
        "SFTP_PRIVATE_KEY": Path(parts["sftp"]["key_file"]).read_text(),
        "SFTP_HOST_KEY": parts["sftp"]["host_key"],
        "SFTP_FOLDER": parts["sftp"]["exports"],
        "IDENTITY_ENDPOINT": f"{parts['identity']}/msi/token",
        "IDENTITY_HEADER": parts["identity_header"],
        **LOCAL_PACE,
        **overrides,
    }
