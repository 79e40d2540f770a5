"""How the bridge proves to Dataverse who it is: a managed identity, or an Entra application with a
secret or a certificate.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

import msal
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from msal.exceptions import MsalError

from shared.errors import Misconfigured, Retryable
from shared.http.entra import TIMEOUT_SECONDS, EntraHttp
from shared.http.managed_identity import managed_identity
from shared.http.tokens import CachedToken, code_of
from shared.http.transport import Send, pooled
from shared.http.understanding import OTHER_FORM, understood
from shared.setting_types import text
from shared.settings import DataverseSettings

NO_IDENTITY = (
    "DATAVERSE_AUTH",
    "No managed identity gave a token: assign it to the app, correct DATAVERSE_CLIENT_ID, or set"
    " DATAVERSE_AUTH.",
)
NOT_FOR_DATAVERSE = (
    "DATAVERSE_CLIENT_ID",
    "The managed identity got no token for Dataverse: check DATAVERSE_CLIENT_ID and DATAVERSE_URL.",
)


def dataverse_token(settings: DataverseSettings, send: Send | None = None) -> CachedToken:
    """The token source that DATAVERSE_AUTH chooses.

    Scope: `<organization URL>/.default` (Microsoft Learn: Use OAuth).
    """
    scope = f"{settings.dataverse_url}/.default"
    if settings.dataverse_auth == "managed_identity":
        return CachedToken(
            managed_identity(settings.dataverse_client_id, scope, NO_IDENTITY, NOT_FOR_DATAVERSE)
        )
    return CachedToken(application(settings, scope, send or pooled("Entra", TIMEOUT_SECONDS, 1)))


def application(
    settings: DataverseSettings, scope: str, send: Send
) -> Callable[[], tuple[str, float]]:
    """Client credentials of an Entra application (msal).

    A host other than Microsoft's own needs no instance discovery.
    """
    app: list[Any] = []

    def client() -> Any:
        if not app:
            app.append(confidential_client(settings, send))
        return app[0]

    def fetch() -> tuple[str, float]:
        try:
            answer = client().acquire_token_for_client(scopes=[scope])
        except (
            *OTHER_FORM,
            RuntimeError,
            MsalError,
        ):  # msal reads the answer's JSON without a check of its own
            raise Retryable(
                "Entra's answer to a token request is not what it should be; it is asked again."
            ) from None
        with understood("a token request to Entra"):
            if "access_token" not in answer:
                raise refusal(answer)
            return str(answer["access_token"]), time.time() + float(
                answer.get("expires_in", LEAST_SECONDS)
            )

    return fetch


LEAST_SECONDS = 600.0  # a token whose life is not given

# Microsoft Learn: Microsoft Entra authentication and authorization error codes (AADSTS).
REFUSALS = {
    7000222: (
        "DATAVERSE_CLIENT_SECRET",
        "the client secret has expired: make a new one at the Entra application, and set it",
    ),
    7000215: (
        "DATAVERSE_CLIENT_SECRET",
        "the client secret is not the application's: set its value, not its id",
    ),
    700027: (
        "DATAVERSE_CERTIFICATE",
        (
            "the certificate is not registered at the Entra application, or has expired: upload it"
            " there"
        ),
    ),
    700016: (
        "DATAVERSE_CLIENT_ID",
        "the tenant has no such application: correct DATAVERSE_CLIENT_ID or DATAVERSE_TENANT_ID",
    ),
    90002: ("DATAVERSE_TENANT_ID", "there is no such tenant: correct DATAVERSE_TENANT_ID"),
    500011: (
        "DATAVERSE_URL",
        (
            "the tenant has no such Dataverse organization: correct DATAVERSE_URL or"
            " DATAVERSE_TENANT_ID"
        ),
    ),
}


def refusal(answer: Mapping[str, Any]) -> Misconfigured:
    """What Entra's answer says is wrong, by its number; its text, which names ids, is not
    repeated.
    """
    listed = answer.get("error_codes")
    codes = (
        [code for code in listed if isinstance(code, int) and code in REFUSALS]
        if isinstance(listed, list)
        else []
    )
    setting, advice = REFUSALS[codes[0]] if codes else ("DATAVERSE_CLIENT_SECRET", UNKNOWN_REFUSAL)
    reason = code_of(answer.get("error")) or "no reason"
    return Misconfigured(
        setting, f"Entra refused the application's credential ({reason}): {advice}."
    )


UNKNOWN_REFUSAL = (
    "check DATAVERSE_CLIENT_ID, DATAVERSE_TENANT_ID and the secret or certificate, and whether it"
    " has expired"
)


def confidential_client(settings: DataverseSettings, send: Send) -> Any:
    host = settings.dataverse_authority_url.rstrip("/")
    return msal.ConfidentialClientApplication(
        settings.dataverse_client_id,
        authority=f"{host}/{settings.dataverse_tenant_id}",
        client_credential=credential(settings),
        http_client=EntraHttp(send),
        instance_discovery=None if host.endswith(".microsoftonline.com") else False,
    )


def credential(settings: DataverseSettings) -> str | dict[str, str]:
    if settings.dataverse_auth == "client_secret":
        return text(settings.dataverse_client_secret)
    pem = text(settings.dataverse_certificate)
    try:
        thumbprint = x509.load_pem_x509_certificate(pem.encode()).fingerprint(hashes.SHA1()).hex()  # noqa: S303
    except ValueError:
        raise Misconfigured(
            "DATAVERSE_CERTIFICATE",
            "DATAVERSE_CERTIFICATE holds no certificate in PEM form: give private key and"
            " certificate.",
        ) from None
    return {"private_key": pem, "thumbprint": thumbprint, "public_certificate": pem}
