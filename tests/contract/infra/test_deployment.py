"""What Azure would be sent, in each environment and with each choice: settings, state, roles,
closed doors, order.
"""

from fnmatch import fnmatch
from typing import Any

import pytest

from dev.bicep import Compiler
from dev.settings_bicep import LOCAL_ONLY, triggers
from shared.settings import Settings, environment_name, load_settings
from shared.state.storage import CONTAINERS, TABLES
from tests.contract.infra.kit import (
    AUTHOR,
    INFRA,
    NAMES,
    NAT,
    VARIANTS,
    Deployment,
    Deployments,
    is_expression,
    value,
)

PLATFORM = {
    "AzureWebJobsStorage__credential",
    "APPLICATIONINSIGHTS_CONNECTION_STRING",
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING",
    "AzureFunctionsJobHost__telemetryMode",
    "AzureFunctionsJobHost__extensions__queues__batchSize",
    "AzureFunctionsJobHost__extensions__queues__newBatchThreshold",
    "PYTHON_THREADPOOL_THREAD_COUNT",
}
SECRET = "a secret of the vault"
KNOWN_ONLY_TO_AZURE = {
    "APPLICATIONINSIGHTS_CONNECTION_STRING": (
        "InstrumentationKey=00000000-0000-4000-8000-000000000003"
    ),
    "APPLICATIONINSIGHTS_AUTHENTICATION_STRING": (
        "Authorization=AAD;ClientId=00000000-0000-4000-8000-000000000004"
    ),
    "AzureWebJobsStorage__clientId": "00000000-0000-4000-8000-000000000004",
    "DATAVERSE_CLIENT_ID": "00000000-0000-4000-8000-000000000004",
    "DATAVERSE_AUTHORITY_URL": "https://login.microsoftonline.com",
    "CONSOLE_IDENTITY_CLIENT_ID": "00000000-0000-4000-8000-000000000004",
    "CONSOLE_AUTHORITY_URL": "https://login.microsoftonline.com",
}
# Microsoft Learn, "Flex Consumption plan deprecations": these are refused or without effect there.
NOT_ON_FLEX = {
    "ENABLE_ORYX_BUILD", "FUNCTIONS_EXTENSION_VERSION", "FUNCTIONS_WORKER_RUNTIME",
    "FUNCTIONS_WORKER_RUNTIME_VERSION", "FUNCTIONS_MAX_HTTP_CONCURRENCY",
    "FUNCTIONS_WORKER_PROCESS_COUNT", "FUNCTIONS_WORKER_DYNAMIC_CONCURRENCY_ENABLED",
    "SCM_DO_BUILD_DURING_DEPLOYMENT", "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTOVERVNET", "WEBSITE_CONTENTSHARE", "WEBSITE_DNS_SERVER",
    "WEBSITE_MAX_DYNAMIC_APPLICATION_SCALE_OUT", "WEBSITE_NODE_DEFAULT_VERSION",
    "WEBSITE_RUN_FROM_PACKAGE", "WEBSITE_SKIP_CONTENTSHARE_VALIDATION", "WEBSITE_VNET_ROUTE_ALL",
}  # fmt: skip
SITE_TAKES = {
    "serverFarmId",
    "httpsOnly",
    "keyVaultReferenceIdentity",
    "virtualNetworkSubnetId",
    "siteConfig",
    "functionAppConfig",
}
SITE_CONFIG_TAKES = {"minTlsVersion", "scmMinTlsVersion", "http20Enabled"}
FLEX_TAKES = {"deployment", "runtime", "scaleAndConcurrency"}


def flows() -> set[str]:
    """The queues that triggers of the code name."""
    return {trigger.queue_name for trigger in triggers().values() if trigger.type == "queueTrigger"}


def test_every_allowed_value_of_every_choice_is_tried(compiler: Compiler) -> None:
    parameters = compiler.template(INFRA / "main.bicep")["parameters"]
    for name in ("emailEventsSource", "optOutMode", "optOutSource", "dataverseAuth"):
        tried = {variant[name].strip("'") for variant in VARIANTS.values() if name in variant}
        assert tried == set(parameters[name]["allowedValues"]), name
    assert {variant.get("networkIsolation") for variant in VARIANTS.values()} >= {"true", "false"}
    assert {"dev", "prod"} < set(NAMES)


def test_the_settings_are_those_that_the_code_knows(deployment: Deployment) -> None:
    known = {environment_name(field) for field in Settings.model_fields}
    assert set(deployment.settings()) == (known - LOCAL_ONLY) | PLATFORM


def test_the_code_accepts_every_value(deployment: Deployment) -> None:
    given = deployment.settings()
    environ = {
        name: KNOWN_ONLY_TO_AZURE[name] if is_expression(text) else text
        for name, text in given.items()
    }
    vault = deployment.one("Microsoft.KeyVault/vaults")["name"]
    environ = {
        name: (
            SECRET
            if text.startswith(f"@Microsoft.KeyVault(VaultName={vault};SecretName=")
            else text
        )
        for name, text in environ.items()
    }
    assert not any("@Microsoft.KeyVault" in text for text in environ.values())
    settings = load_settings(environ)
    assert settings.storage_account == deployment.one("Microsoft.Storage/storageAccounts")["name"]


def test_only_what_azure_alone_knows_is_left_to_it(deployment: Deployment) -> None:
    unknown = {name for name, text in deployment.settings().items() if is_expression(text)}
    managed = deployment.settings()["DATAVERSE_AUTH"] == "managed_identity"
    assert unknown == set(KNOWN_ONLY_TO_AZURE) - (set() if managed else {"DATAVERSE_CLIENT_ID"})


def test_what_if_can_name_every_resource(deployment: Deployment) -> None:
    unknown = [
        resource["name"] for resource in deployment.resources if is_expression(resource["name"])
    ]
    assert [
        name for name in unknown if "privatelink" not in name
    ] == []  # zones of DNS are named by the cloud
    for role in deployment.all("Microsoft.Authorization/roleAssignments"):
        assert not is_expression(role["properties"]["roleDefinitionId"])


@pytest.mark.parametrize(
    ("name", "secrets"),
    [
        ("usual", set()),
        ("off", set()),
        ("files", {"SFTP_PRIVATE_KEY"}),
        ("opt-outs-from-files", {"SFTP_PRIVATE_KEY"}),
        ("journal", {"DATAVERSE_CLIENT_SECRET"}),
        ("both", {"DATAVERSE_CERTIFICATE", "SFTP_PRIVATE_KEY"}),
    ],
)
def test_a_secret_is_a_reference_and_only_where_it_is_needed(
    deployments: Deployments, name: str, secrets: set[str]
) -> None:
    given = deployments.of(name).settings()
    always = {"DATAVERSE_WEBHOOK_SECRET", "CAMPAIGN_CLIENT_SECRET"}
    assert {key for key, text in given.items() if "@Microsoft.KeyVault" in text} == always | secrets
    fields = {
        environment_name(field): info.annotation for field, info in Settings.model_fields.items()
    }
    for key in (
        key for key, kind in fields.items() if "SecretStr" in str(kind) and key not in LOCAL_ONLY
    ):
        assert given[key] == "" or given[key].startswith("@Microsoft.KeyVault("), key


def test_another_cloud_is_refused_in_a_sentence(deployments: Deployments) -> None:
    said = deployments.of("usual").settings()["DATAVERSE_AUTHORITY_URL"]
    assert said.startswith("[if(equals(environment().name, 'AzureCloud'), ")
    assert said.endswith(
        "fail('The bridge runs in the public cloud of Azure only. Choose a subscription there.'))]"
    )


def test_the_state_is_what_the_code_opens(deployment: Deployment) -> None:
    services = "Microsoft.Storage/storageAccounts"
    assert deployment.names(f"{services}/queueServices/queues") == flows() | {
        f"{flow}-poison" for flow in flows()
    }
    assert deployment.names(f"{services}/tableServices/tables") == set(TABLES)
    assert deployment.names(f"{services}/blobServices/containers") == {*CONTAINERS, "deployment"}


def test_flex_takes_every_property_and_setting(deployment: Deployment) -> None:
    app = deployment.one("Microsoft.Web/sites")["properties"]
    assert set(app) <= SITE_TAKES
    assert set(app["siteConfig"]) <= SITE_CONFIG_TAKES
    assert set(app["functionAppConfig"]) == FLEX_TAKES
    assert not NOT_ON_FLEX & set(deployment.settings())
    assert app["functionAppConfig"]["scaleAndConcurrency"]["maximumInstanceCount"] >= 40


CLOSED = [
    ("Microsoft.Storage/storageAccounts", "properties.allowBlobPublicAccess", False),
    ("Microsoft.Storage/storageAccounts", "properties.allowSharedKeyAccess", False),
    ("Microsoft.Storage/storageAccounts", "properties.allowCrossTenantReplication", False),
    ("Microsoft.Storage/storageAccounts", "properties.minimumTlsVersion", "TLS1_2"),
    ("Microsoft.Storage/storageAccounts", "properties.supportsHttpsTrafficOnly", True),
    (
        "Microsoft.Storage/storageAccounts/blobServices/containers",
        "properties.publicAccess",
        "None",
    ),
    ("Microsoft.KeyVault/vaults", "properties.enableRbacAuthorization", True),
    ("Microsoft.KeyVault/vaults", "properties.enablePurgeProtection", True),
    ("Microsoft.Insights/components", "properties.DisableLocalAuth", True),
    ("Microsoft.OperationalInsights/workspaces", "properties.features.disableLocalAuth", True),
    ("Microsoft.Web/sites", "properties.httpsOnly", True),
    ("Microsoft.Web/sites", "properties.siteConfig.minTlsVersion", "1.2"),
    ("Microsoft.Web/sites", "properties.siteConfig.scmMinTlsVersion", "1.2"),
    ("Microsoft.Web/sites", "identity.type", "UserAssigned"),
    ("Microsoft.Web/sites", "properties.functionAppConfig.runtime.version", "3.13"),
    (
        "Microsoft.Web/sites",
        "properties.functionAppConfig.deployment.storage.authentication.type",
        "UserAssignedIdentity",
    ),
    ("Microsoft.Web/sites/basicPublishingCredentialsPolicies", "properties.allow", False),
]


@pytest.mark.parametrize(
    ("kind", "path", "wanted"),
    CLOSED,
    ids=[f"{kind.split('/')[-1]} {path}" for kind, path, _ in CLOSED],
)
def test_nothing_is_open(deployments: Deployments, kind: str, path: str, wanted: Any) -> None:
    for name in NAMES:
        found = deployments.of(name).all(kind)
        assert found, kind
        assert [value(resource, path) for resource in found] == [wanted] * len(found)


def test_both_ways_of_publishing_with_a_password_are_off(deployment: Deployment) -> None:
    assert deployment.names("Microsoft.Web/sites/basicPublishingCredentialsPolicies") == {
        "ftp",
        "scm",
    }


@pytest.mark.parametrize(
    ("name", "isolated"), [("dev", False), ("usual", False), ("prod", True), ("both", True)]
)
def test_isolation_closes_storage_and_vault(
    deployments: Deployments, name: str, isolated: bool
) -> None:
    deployment = deployments.of(name)
    for kind in ("Microsoft.Storage/storageAccounts", "Microsoft.KeyVault/vaults"):
        properties = deployment.one(kind)["properties"]
        assert properties["publicNetworkAccess"] == ("Disabled" if isolated else "Enabled")
        assert properties["networkAcls"]["defaultAction"] == ("Deny" if isolated else "Allow")
    endpoints = deployment.all("Microsoft.Network/privateEndpoints")
    groups = {
        value(endpoint, "properties.privateLinkServiceConnections")[0]["name"]
        for endpoint in endpoints
    }
    assert groups == ({"blob", "queue", "table", "vault"} if isolated else set())
    for kind in (
        "privateDnsZones",
        "privateDnsZones/virtualNetworkLinks",
        "privateEndpoints/privateDnsZoneGroups",
    ):
        assert len(deployment.all(f"Microsoft.Network/{kind}")) == len(groups), kind
    subnet = deployment.one("Microsoft.Web/sites")["properties"]["virtualNetworkSubnetId"] or ""
    assert subnet.endswith("/subnets/app") == isolated


@pytest.mark.parametrize(
    ("name", "gateway"), [("prod", "natGateways/ng-bridge-prod"), ("both", NAT)]
)
def test_an_isolated_app_has_one_named_way_out(
    deployments: Deployments, name: str, gateway: str
) -> None:
    deployment = deployments.of(name)
    app, endpoints = deployment.one("Microsoft.Network/virtualNetworks")["properties"]["subnets"]
    assert app["properties"]["natGateway"]["id"].endswith(gateway)
    assert [subnet["properties"]["defaultOutboundAccess"] for subnet in (app, endpoints)] == [
        False,
        False,
    ]
    assert len(deployment.all("Microsoft.Network/natGateways")) == (gateway != NAT)
    assert deployment.outputs["outboundAddress"].endswith(".ipAddress]") == (gateway != NAT)


@pytest.mark.parametrize(("name", "locked"), [("dev", False), ("prod", True)])
def test_a_lock_keeps_the_storage_of_production(
    deployments: Deployments, name: str, locked: bool
) -> None:
    locks = deployments.of(name).all("Microsoft.Authorization/locks")
    account = deployments.of(name).one("Microsoft.Storage/storageAccounts")["id"]
    assert [
        (lock["properties"]["level"], lock["id"].split("/providers/Microsoft.Authorization")[0])
        for lock in locks
    ] == ([("CanNotDelete", account)] if locked else [])


def test_zones_are_paid_for_only_where_somebody_asks(deployments: Deployments) -> None:
    spread = {
        name: deployments.of(name).one("Microsoft.Web/serverfarms")["properties"]["zoneRedundant"]
        for name in NAMES
    }
    assert {name for name, on in spread.items() if on} == {"both"}


# Azure built-in roles (Microsoft Learn): what each may do that the bridge needs.
MAY = {
    "b7e6dc6d-f1e8-4753-8033-0f276bb0955b": (
        "Storage Blob Data Owner",
        ["containers/*", "blobs/*"],
    ),
    "974c5e8b-45b9-4653-ba55-5f855dd0fb88": (
        "Storage Queue Data Contributor",
        ["queues/*", "messages/*"],
    ),
    "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3": (
        "Storage Table Data Contributor",
        ["tables/*", "entities/*"],
    ),
    "4633458b-17de-408a-b874-0445c86b69e6": ("Key Vault Secrets User", ["secrets/read"]),
    "3913510d-42f4-4e42-8a64-420c390055eb": ("Monitoring Metrics Publisher", ["telemetry/write"]),
}
NEEDS = {
    "leases of timers, keys of functions, deployed code": (
        "Microsoft.Storage/storageAccounts",
        "blobs/write",
    ),
    "containers made at first use": ("Microsoft.Storage/storageAccounts", "containers/write"),
    "mapping documents": ("Microsoft.Storage/storageAccounts", "blobs/read"),
    "envelopes sent and received": ("Microsoft.Storage/storageAccounts", "messages/process"),
    "queue lengths": ("Microsoft.Storage/storageAccounts", "queues/read"),
    "checkpoints and ledger": ("Microsoft.Storage/storageAccounts", "entities/write"),
    "tables made at first use": ("Microsoft.Storage/storageAccounts", "tables/write"),
    "Key Vault references": ("Microsoft.KeyVault/vaults", "secrets/read"),
    "log lines that alerts read": ("Microsoft.Insights/components", "telemetry/write"),
}


def granted(deployment: Deployment) -> list[tuple[str, str]]:
    """(id of the role, id of the one resource) of each role of the identity."""
    assignments = deployment.all("Microsoft.Authorization/roleAssignments")
    return [
        (
            role["properties"]["roleDefinitionId"].split("/")[-1],
            role["id"].split("/providers/Microsoft.Authorization")[0],
        )
        for role in assignments
        if role["properties"]["principalId"] != AUTHOR
    ]


def unmet(deployment: Deployment, roles: list[tuple[str, str]]) -> set[str]:
    """What the bridge needs and these roles do not let it do."""
    scopes = {kind: deployment.one(kind)["id"] for kind, _ in NEEDS.values()}
    return {
        need
        for need, (kind, action) in NEEDS.items()
        if not any(
            on == scopes[kind] and any(fnmatch(action, may) for may in MAY[role][1])
            for role, on in roles
        )
    }


def test_the_identity_may_do_all_that_the_bridge_does(deployment: Deployment) -> None:
    assert unmet(deployment, granted(deployment)) == set()
    named = [
        role["properties"]["description"]
        for role in deployment.all("Microsoft.Authorization/roleAssignments")
    ]
    assert named[: len(MAY)] == [name for name, _ in MAY.values()]


@pytest.mark.parametrize("role", MAY, ids=[name for name, _ in MAY.values()])
def test_no_role_can_be_taken_away(deployment: Deployment, role: str) -> None:
    roles = granted(deployment)
    assert len(roles) == len(MAY)
    assert unmet(deployment, [(kept, on) for kept, on in roles if kept != role]) != set()


def test_authors_of_mappings_may_write_the_documents_and_nothing_else(
    deployments: Deployments,
) -> None:
    for name in NAMES:
        roles = deployments.of(name).all("Microsoft.Authorization/roleAssignments")
        given = [
            (role["properties"], role["id"])
            for role in roles
            if role["properties"]["principalId"] == AUTHOR
        ]
        assert len(given) == (name == "both")
        for properties, place in given:
            assert properties["roleDefinitionId"].endswith("/ba92f5b4-2d11-453d-a403-e96b0029c9fe")
            assert (
                "/blobServices/default/containers/config/providers/Microsoft.Authorization/"
                in place
            )
            assert properties["principalType"] == "Group"


BEFORE = {
    "functionApp": {"roles", "identity", "storage", "keyVault", "monitoring", "network"},
    "roles": {"identity", "storage", "keyVault", "monitoring"},
    "network": {"storage", "keyVault"},
    "storage": {"monitoring"},
    "keyVault": {"monitoring"},
    "alerts": {"monitoring"},
    "workbook": {"monitoring"},
}


@pytest.mark.parametrize("later", BEFORE)
def test_what_is_looked_up_by_name_is_made_before(compiler: Compiler, later: str) -> None:
    modules = compiler.template(INFRA / "main.bicep")["resources"]

    def before(name: str) -> set[str]:
        direct = set(modules[name].get("dependsOn", []))
        return direct.union(*(before(earlier) for earlier in direct))

    assert before(later) >= BEFORE[later]


def test_outputs_hold_no_secret(deployment: Deployment) -> None:
    assert set(deployment.outputs) == {
        "functionAppName", "functionAppHost", "identityClientId", "keyVaultName",
        "storageAccountName", "outboundAddress",
    }  # fmt: skip
