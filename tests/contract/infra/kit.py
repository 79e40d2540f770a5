"""The evaluated deployment of a parameter file: what Azure would be sent, resource by resource."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dev.bicep import Compiler

ROOT = Path(__file__).parents[3]
INFRA = ROOT / "infra"
ENVIRONMENTS = sorted((INFRA / "environments").glob("*.bicepparam"))
GIVEN_BY_THE_WORKFLOW = {
    "DATAVERSE_URL": "https://contoso.crm.dynamics.com",
    "CAMPAIGN_URL": "https://mc.adobe.io/contoso/campaign",
    "CAMPAIGN_CLIENT_ID": "client-id",
    "ALERT_EMAIL": "operator@example.org",
}
USUAL = {
    "environmentName": "'dev'",
    "dataverseUrl": "'https://contoso.crm.dynamics.com'",
    "campaignUrl": "'https://mc.adobe.io/contoso/campaign'",
    "campaignClientId": "'client-id'",
}
SFTP = "{ host: 'contoso.campaign.example.org', user: 'bridge', hostKey: 'ssh-ed25519 AAAA' }"
JOURNAL = "{ url: 'https://events.example.org/a/b', imsOrganization: 'contoso@AdobeOrg' }"
AUTHOR = "00000000-0000-4000-8000-00000000000a"
NAT = "/subscriptions/s/resourceGroups/hub/providers/Microsoft.Network/natGateways/ours"
VARIANTS: dict[str, dict[str, str]] = {
    "usual": {},
    "files": {
        "emailEventsSource": "'files'",
        "sftp": SFTP,
        "optOutMode": "'from-campaign'",
        "optOutSource": "'file'",
        "dataverseAuth": "'managed_identity'",
        "networkIsolation": "false",
    },
    "journal": {
        "emailEventsSource": "'journal'",
        "journal": JOURNAL,
        "optOutMode": "'to-campaign'",
        "optOutSource": "'scan'",
        "dataverseAuth": "'client_secret'",
        "dataverseClientId": "'application'",
        "dataverseTenantId": "'tenant'",
    },
    "both": {
        "emailEventsSource": "'both'",
        "sftp": SFTP,
        "journal": JOURNAL,
        "optOutMode": "'both'",
        "optOutSource": "'filter'",
        "dataverseAuth": "'certificate'",
        "dataverseClientId": "'application'",
        "dataverseTenantId": "'tenant'",
        "networkIsolation": "true",
        "natGatewayId": f"'{NAT}'",
        "lockStorage": "true",
        "zoneRedundant": "true",
        "mappingAuthors": f"[{{ principalId: '{AUTHOR}', principalType: 'Group' }}]",
        "alwaysReady": "[{ name: 'function:opt_out_deliver', instanceCount: 1 }]",
    },
    "off": {
        "emailEventsSource": "'none'",
        "optOutMode": "'disabled'",
        "optOutSource": "'file'",
        "storageRedundancy": "'Standard_LRS'",
    },
    "opt-outs-from-files": {"optOutMode": "'both'", "optOutSource": "'file'", "sftp": SFTP},
}


@dataclass(frozen=True)
class Deployment:
    resources: list[dict[str, Any]]
    outputs: dict[str, Any]

    def all(self, kind: str) -> list[dict[str, Any]]:
        """Every resource of a type."""
        return [resource for resource in self.resources if resource["type"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.all(kind)
        return found

    def names(self, kind: str) -> set[str]:
        """The last part of each name of a type."""
        return {resource["name"].split("/")[-1] for resource in self.all(kind)}

    def settings(self) -> dict[str, str]:
        """The application settings, expressions included."""
        given: dict[str, str] = self.one("Microsoft.Web/sites/config")["properties"]
        return given


def is_expression(value: object) -> bool:
    """Whether only Azure knows the value: `[reference(...)...]`."""
    return isinstance(value, str) and re.fullmatch(r"\[(?!\[).*\]", value, re.DOTALL) is not None


def value(resource: dict[str, Any], path: str) -> Any:
    """What stands at `a.b.c`; KeyError if nothing does."""
    found: Any = resource
    for part in path.split("."):
        found = found[part]
    return found


class Deployments:
    """Deployments of this run, each evaluated once."""

    def __init__(self, compiler: Compiler, folder: Path) -> None:
        self.compiler = compiler
        self.folder = folder
        self.taken: dict[str, Deployment] = {}

    def write(self, parameters: dict[str, str], name: str = "try") -> Path:
        """A parameter file with these parameters beside the usual ones, as Bicep expressions."""
        path = self.folder / f"{name}.bicepparam"
        template = Path(os.path.relpath(INFRA / "main.bicep", self.folder)).as_posix()
        lines = [f"param {key} = {given}" for key, given in {**USUAL, **parameters}.items()]
        path.write_text("\n".join([f"using '{template}'", *lines, ""]))
        return path

    def of_file(self, path: Path) -> Deployment:
        if str(path) not in self.taken:
            snapshot = self.compiler.snapshot(path)
            assert snapshot["diagnostics"] == []
            self.taken[str(path)] = Deployment(snapshot["predictedResources"], snapshot["outputs"])
        return self.taken[str(path)]

    def of(self, name: str) -> Deployment:
        """An environment (`dev`, `prod`) or a variant by its name."""
        environment = INFRA / "environments" / f"{name}.bicepparam"
        if environment.exists():
            return self.of_file(environment)
        path = self.folder / f"{name}.bicepparam"
        return self.of_file(path if path.exists() else self.write(VARIANTS[name], name))

    def with_parameters(self, **parameters: str) -> Deployment:
        """The deployment of the usual parameters and these. Refused says why there is none."""
        return self.of_file(self.write(parameters, f"try-{len(self.taken)}"))


NAMES = [*(path.stem for path in ENVIRONMENTS), *VARIANTS]
