"""Opens the customer's storage account: by the function app's identity, or by connection string
where there is none.
"""

from collections.abc import Callable
from typing import Any

from azure.core.credentials import TokenCredential
from azure.core.exceptions import ResourceExistsError
from azure.data.tables import TableClient, TableServiceClient
from azure.identity import DefaultAzureCredential, ManagedIdentityCredential
from azure.storage.blob import BlobServiceClient, ContainerClient

from shared.deadlines import seconds_to_end
from shared.sdk_transport import PASSING, BoundedTransport
from shared.setting_types import text
from shared.settings import StorageSettings

TABLES = (
    *("checkpoints", "ledger", "deadletters", "flows", "waiting", "decisions", "jobs", "brakes"),
    *("figures", "activity", "plans"),
)
CONTAINERS = ("config", "sweeps", "letters", "poison", "results")


class Storage:
    """Tables and containers by name; what is missing is made at first use, so that an empty account
    works.

    Where shared keys are switched off the account is reached by identity alone:
    `<service>.core.windows.net` hosts.
    """

    def __init__(self, settings: StorageSettings) -> None:
        self.settings = settings
        self.tables = service(settings, "table", TableServiceClient)
        self.blobs = service(settings, "blob", BlobServiceClient)

    def table(self, name: str) -> TableClient:
        self.tables.create_table_if_not_exists(name)
        client: TableClient = self.tables.get_table_client(name)
        return client

    def container(self, name: str) -> ContainerClient:
        client: ContainerClient = self.blobs.get_container_client(name)
        try:
            client.create_container()
        except ResourceExistsError:
            pass
        return client


OTHER_WAYS = (
    "environment",
    "workload_identity",
    "shared_token_cache",
    "visual_studio_code",
    "powershell",
    "broker",
)


def credential(client_id: str) -> TokenCredential:
    """The identity that is named.

    If none is: the app's own, else who has signed in by `az login` or `azd auth login`.

    So `manage.py check` and `setup` reach the account from any machine. Source: Microsoft Learn,
    "DefaultAzureCredential overview"; "Azure Functions developer guide", identity-based connections
    in local development.
    """
    transport = BoundedTransport("identity", "the managed identity", seconds_to_end)
    if client_id:
        return ManagedIdentityCredential(client_id=client_id, transport=transport)
    return DefaultAzureCredential(
        transport=transport, **{f"exclude_{way}_credential": True for way in OTHER_WAYS}
    )


def service(
    settings: StorageSettings, kind: str, factory: Callable[..., Any] | type, **options: Any
) -> Any:
    """A service client of the storage account; `kind` is blob, queue or table.

    A message that is there twice is harmless.
    """
    transport = BoundedTransport(
        "storage", f"{kind}s", seconds_to_end, passing=PASSING, repeats_all=kind == "queue"
    )
    options |= {"transport": transport, "retry_total": 0}
    if settings.storage_account:
        url = f"https://{settings.storage_account}.{kind}.core.windows.net"
        argument = "endpoint" if kind == "table" else "account_url"
        return factory(
            **{argument: url, "credential": credential(settings.storage_client_id), **options}
        )
    return factory.from_connection_string(text(settings.azurewebjobsstorage), **options)  # type: ignore[union-attr]
