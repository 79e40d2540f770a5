"""Parameters: any environment name works, pasted URLs are taken, and what is wrong ends before
anything is deployed.
"""

import re

import pytest

from dev.bicep import Compiler, Refused
from dev.settings_bicep import bounds, tunable
from tests.contract.infra.kit import JOURNAL, SFTP, Deployment, Deployments

ADDRESSES = "{ network: '10.1.0.0/24', app: '10.1.0.0/27', endpoints: '10.1.0.64/28' }"
LONGEST = "a" * 64
ENVIRONMENTS = [
    "x",
    "dev",
    "Dev",
    "a-b",
    "ab",
    "contoso-bridge-dev",
    "contoso-bridge-dev-2",
    "2.(b)_",
    "---",
    LONGEST,
]
WORD = r"(?!-)[A-Za-z0-9-]*(?<!-)"
# Azure's naming rules (Microsoft Learn: Naming rules and restrictions for Azure resources): form,
# least and most characters.
RULES = {
    "Microsoft.Storage/storageAccounts": (r"[a-z0-9]*", 3, 24),
    "Microsoft.KeyVault/vaults": (r"(?!.*--)[A-Za-z][A-Za-z0-9-]*(?<!-)", 3, 24),
    "Microsoft.Web/sites": (WORD, 2, 60),
    "Microsoft.Web/serverfarms": (WORD, 1, 40),
    "Microsoft.ManagedIdentity/userAssignedIdentities": (WORD, 3, 128),
    "Microsoft.OperationalInsights/workspaces": (WORD, 4, 63),
    "Microsoft.Insights/components": (WORD, 1, 260),
    "Microsoft.Insights/actionGroups": (WORD, 1, 260),
    "Microsoft.Insights/scheduledQueryRules": (WORD, 1, 260),
    "Microsoft.Insights/workbooks": (r"[0-9a-f-]*", 36, 36),
    "Microsoft.Network/virtualNetworks": (WORD, 2, 64),
    "Microsoft.Network/networkSecurityGroups": (WORD, 1, 80),
    "Microsoft.Network/publicIPAddresses": (WORD, 1, 80),
    "Microsoft.Network/natGateways": (WORD, 1, 80),
    "Microsoft.Network/privateEndpoints": (WORD, 2, 64),
    "Microsoft.Storage/storageAccounts/queueServices/queues": (
        r"(?!.*--)[a-z0-9][a-z0-9-]*(?<!-)",
        3,
        63,
    ),
    "Microsoft.Storage/storageAccounts/tableServices/tables": (r"[A-Za-z][A-Za-z0-9]*", 3, 63),
    "Microsoft.Storage/storageAccounts/blobServices/containers": (
        r"(?!.*--)[a-z0-9][a-z0-9-]*(?<!-)",
        3,
        63,
    ),
}
SHARED = {"Microsoft.Network/privateDnsZones"}  # named by the service, not by the environment


def made(deployments: Deployments, name: str) -> Deployment:
    return deployments.with_parameters(environmentName=f"'{name}'", networkIsolation="true")


@pytest.fixture(scope="module")
def by_environment(deployments: Deployments) -> dict[str, Deployment]:
    return {name: made(deployments, name) for name in ENVIRONMENTS}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_any_environment_name_makes_names_that_azure_takes(
    by_environment: dict[str, Deployment], name: str
) -> None:
    seen = set()
    for resource in by_environment[name].resources:
        if resource["type"] in RULES:
            form, least, most = RULES[resource["type"]]
            last = resource["name"].split("/")[-1]
            assert re.fullmatch(form, last), resource["name"]
            assert least <= len(last) <= most, resource["name"]
            seen.add(resource["type"])
    assert seen == set(RULES)
    tagged = [resource["tags"] for resource in by_environment[name].resources if "tags" in resource]
    assert {tags["azd-env-name"] for tags in tagged} == {name}


def test_two_environments_of_one_group_share_no_name(by_environment: dict[str, Deployment]) -> None:
    kinds = set(RULES) - {kind for kind in RULES if kind.count("/") > 1}
    for kind in kinds - SHARED:
        names = [
            resource["name"].lower()
            for made in by_environment.values()
            for resource in made.all(kind)
        ]
        assert len(names) == len(set(names)), kind


def test_an_environment_that_was_deployed_before_keeps_its_resources(
    by_environment: dict[str, Deployment],
) -> None:
    """Names as the version before made them: another name of the storage account would leave the
    state behind.
    """
    before = {
        "Microsoft.Storage/storageAccounts": "stdev2jvwogkkj36b",
        "Microsoft.KeyVault/vaults": "kv-dev-2jvwogkkj36b",
        "Microsoft.Web/sites": "func-bridge-dev-2jvwog",
        "Microsoft.ManagedIdentity/userAssignedIdentities": "id-bridge-dev",
        "Microsoft.OperationalInsights/workspaces": "log-bridge-dev",
        "Microsoft.Insights/components": "appi-bridge-dev",
        "Microsoft.Network/virtualNetworks": "vnet-bridge-dev",
    }
    assert {kind: by_environment["dev"].one(kind)["name"] for kind in before} == before


@pytest.mark.parametrize(
    ("parameters", "finding"),
    [
        (
            {"settings": "{ POLL_BUDGET_SECOND: '100' }"},
            'BCP089 .*POLL_BUDGET_SECOND".*Did you mean "POLL_BUDGET_SECONDS"',
        ),
        ({"settings": "{ DATAVERSE_PAGE_SIZE: 'many' }"}, "BCP036 .*DATAVERSE_PAGE_SIZE"),
        ({"settings": "{ DATAVERSE_PAGE_SIZE: 5001 }"}, "BCP327 .*5000"),
        ({"settings": "{ POLL_BUDGET_SECONDS: 0 }"}, "BCP328 .*1"),
        (
            {"settings": "{ CAMPAIGN_CLIENT_SECRET: 'never here' }"},
            "BCP037 .*CAMPAIGN_CLIENT_SECRET",
        ),
        ({"settings": "{ OPT_OUT_MODE: 'both' }"}, "BCP037 .*OPT_OUT_MODE"),
        ({"nonsense": "1"}, "BCP259 .*nonsense"),
        ({"emailEventsSource": "'file'"}, "BCP033 .*'files'"),
        ({"optOutMode": "'on'"}, "BCP033 .*'to-campaign'"),
        ({"maximumInstanceCount": "5"}, "BCP328 .*40"),
        ({"sftp": "{ host: 'h', user: 'u' }"}, "BCP035 .*hostKey"),
        ({"sftp": "{ host: 'h', user: 'u', hostkey: 'k' }"}, "hostkey"),
        ({"journal": "{ url: 'https://e.example.org/j' }"}, "BCP035 .*imsOrganization"),
        ({"addresses": "{ network: '10.0.0.0/24' }"}, "BCP035 .*app"),
        ({"tags": "{ cost: 7 }"}, "BCP036 .*cost"),
        (
            {"alwaysReady": "[{ name: 'function:opt_out_delivery', instanceCount: 1 }]"},
            "opt_out_deliver",
        ),
        ({"alwaysReady": "[{ name: 'http' }]"}, "BCP035 .*instanceCount"),
        (
            {"mappingAuthors": "[{ principalId: 'somebody', principalType: 'User' }]"},
            "BCP332|BCP333",
        ),
        ({"environmentName": "''"}, "BCP333"),
    ],
    ids=lambda given: (
        next(iter(given)) + " " + next(iter(given.values()))[:40] if isinstance(given, dict) else ""
    ),
)
def test_a_wrong_name_or_form_ends_when_it_is_compiled(
    compiler: Compiler, deployments: Deployments, parameters: dict[str, str], finding: str
) -> None:
    found = compiler.findings(deployments.write(parameters, "wrong"))
    assert any(re.search(finding, one, re.DOTALL) for one in found), found


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        (
            {"contactsSchedule": "'0 */5 * * *'"},
            "contactsSchedule must be NCRONTAB with six fields",
        ),
        (
            {"emailEventsSchedule": "'often'"},
            "emailEventsSchedule must be NCRONTAB with six fields",
        ),
        ({"optOutSchedule": "''"}, "optOutSchedule must be NCRONTAB with six fields"),
        (
            {"dataverseUrl": "'contoso.crm.dynamics.com'"},
            "dataverseUrl must be a URL like https://<org>.crm.dynamics.com",
        ),
        (
            {"campaignUrl": "'https://mc.adobe.io/campaign'"},
            "campaignUrl must be a URL like https://mc.adobe.io/",
        ),
        (
            {"dataverseAuth": "'certificate'"},
            "dataverseAuth certificate needs dataverseClientId and dataverseTenantId",
        ),
        ({"emailEventsSource": "'files'"}, "emailEventsSource files needs sftp"),
        ({"emailEventsSource": "'both'", "sftp": SFTP}, "emailEventsSource both needs journal"),
        ({"optOutMode": "'both'", "optOutSource": "'file'"}, "optOutSource file needs sftp"),
        (
            {"journal": JOURNAL.replace("https", "http")},
            "The url in journal must begin with https://",
        ),
        ({"campaignClientId": "'client id'"}, "campaignClientId must be the client id"),
        (
            {"dataverseTenantId": "'contoso.example.org/v2'"},
            "dataverseTenantId must be a GUID or a domain",
        ),
        (
            {"sftp": SFTP.replace("host: '", "host: 'sftp://")},
            "The host in sftp must be a name alone",
        ),
        (
            {"journal": JOURNAL.replace("imsOrganization: '", "imsOrganization: 'a b")},
            "The imsOrganization in journal must be",
        ),
        ({"alertEmail": "'operator'"}, "alertEmail must be an e-mail address"),
        (
            {"networkIsolation": "true", "addresses": ADDRESSES.replace("0.0/27", "0.0/28")},
            "The range app in addresses must be /27",
        ),
        (
            {"networkIsolation": "true", "addresses": ADDRESSES.replace("64/28", "64/29")},
            "The range endpoints in addresses must be",
        ),
        (
            {"networkIsolation": "true", "addresses": ADDRESSES.replace("0.0/27", "0.300/27")},
            "10.1.0.300/27",
        ),
        (
            {"natGatewayId": "'our-gateway'"},
            "natGatewayId must be a resource id that ends in /natGateways/<name>",
        ),
        (
            {"zoneRedundant": "true", "storageRedundancy": "'Standard_LRS'"},
            "zoneRedundant needs storageRedundancy Standard_ZRS",
        ),
    ],
    ids=lambda given: ", ".join(given) if isinstance(given, dict) else "",
)
def test_what_no_type_can_say_is_refused_in_a_sentence(
    deployments: Deployments, parameters: dict[str, str], sentence: str
) -> None:
    with pytest.raises(Refused, match=re.escape(sentence)):
        deployments.with_parameters(**parameters)


def test_all_that_is_wrong_is_said_at_once(deployments: Deployments) -> None:
    with pytest.raises(Refused) as caught:
        deployments.with_parameters(
            dataverseUrl="'x'",
            campaignUrl="'y'",
            contactsSchedule="'z'",
            customEntitiesSchedule="'z'",
        )
    for name in ("dataverseUrl", "campaignUrl", "contactsSchedule, customEntitiesSchedule"):
        assert f"{name} must be" in str(caught.value)


def another(name: str) -> str:
    """A value of a setting that is allowed and not its default, as Bicep writes it."""
    least, _ = bounds(tunable()[name])
    if isinstance(tunable()[name].get_default(), str):
        return "'https://another.example.org'"
    return str((least or 0) + 1)


def test_every_setting_of_the_parameter_arrives(deployments: Deployments) -> None:
    wanted = {name: another(name) for name in tunable()}
    given = "{ " + ", ".join(f"{name}: {text}" for name, text in wanted.items()) + " }"
    settings = deployments.with_parameters(settings=given).settings()
    assert {name: settings[name] for name in wanted} == {
        name: text.strip("'") for name, text in wanted.items()
    }


def test_pasted_urls_and_spaced_schedules_arrive_as_they_are_used(deployments: Deployments) -> None:
    settings = deployments.with_parameters(
        dataverseUrl="' HTTPS://Contoso.CRM.dynamics.com/ '",
        campaignUrl="'https://MC.adobe.io/Contoso/Campaign/'",
        campaignClientId="' client-id '",
        sftp=SFTP.replace("user: 'bridge'", "user: ' bridge '"),
        contactsSchedule="' 0  */5 * * * * '",
    ).settings()
    assert settings["DATAVERSE_URL"] == "https://contoso.crm.dynamics.com"
    assert settings["CAMPAIGN_URL"] == "https://mc.adobe.io/Contoso/campaign"
    assert settings["CONTACTS_SCHEDULE"] == "0 */5 * * * *"
    assert settings["CAMPAIGN_CLIENT_ID"] == "client-id"
    assert settings["SFTP_USER"] == "bridge"
