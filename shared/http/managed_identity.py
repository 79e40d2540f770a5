"""Tokens of the app's managed identity.

Source: Microsoft Learn, "Managed identities in App Service and Azure Functions".
"""

from collections.abc import Callable

from azure.core.exceptions import AzureError, ClientAuthenticationError
from azure.identity import CredentialUnavailableError, ManagedIdentityCredential

from shared.deadlines import seconds_left
from shared.errors import Cause, Misconfigured, Retryable
from shared.sdk_transport import BoundedTransport


def managed_identity(
    client_id: str, scope: str, missing: tuple[str, str], refused: tuple[str, str]
) -> Callable[[], tuple[str, float]]:
    """Fetches a token and its end, in seconds since 1970.

    Raises Misconfigured, made of setting and sentence: `missing` where the app has no such
    identity, `refused` where it gets no token for the scope. Retryable while its endpoint gives
    none.
    """
    transport = BoundedTransport("identity", "the managed identity", seconds_left, uncertain=False)
    credential = ManagedIdentityCredential(client_id=client_id or None, transport=transport)

    def fetch() -> tuple[str, float]:
        try:
            token = credential.get_token(scope)
        except CredentialUnavailableError:
            raise Misconfigured(*missing) from None
        except ClientAuthenticationError:
            raise Misconfigured(*refused) from None
        except AzureError:
            raise Retryable(
                "The managed identity's endpoint could not be reached for a token; it is asked"
                " again.",
                cause=Cause.OUTAGE,
            ) from None
        except (ValueError, KeyError, TypeError):  # the answer's JSON is read without a check
            raise Retryable(
                "The managed identity's endpoint did not answer with a token; it is asked again."
            ) from None
        return token.token, float(token.expires_on)

    return fetch
