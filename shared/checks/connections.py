"""Settings, tokens, the first call to each system, and how far their clocks are from this
machine's.
"""

from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from shared.checks.findings import Finding, State
from shared.checks.look import Look
from shared.http.concurrency import AdaptiveConcurrency
from shared.http.transport import Request, Transport
from shared.setting_problems import CAUSES

SKEW_WARNING_SECONDS, SKEW_ERROR_SECONDS = 60.0, 300.0


def settings(look: Look) -> Iterator[Finding]:
    name = "settings"
    for problem in look.problems:
        setting, sentence = problem.setting, problem.sentence
        if problem.unresolved and look.inside:
            yield Finding(name, setting, "error", f"{sentence}.", CAUSES)
        elif problem.unresolved:
            message = f"{setting} is a Key Vault reference, which only the function app resolves."
            yield Finding(
                name,
                setting,
                "error",
                message,
                "Put the secret itself into the settings that this check reads.",
            )
        else:
            yield Finding(
                name,
                setting or sentence.split(" ")[0],
                "error",
                f"{sentence}.",
                "Set it, then run the check again.",
            )
    if not look.problems:
        count = len(look.settings.model_fields_set)
        yield Finding(
            name, "", "ok", f"All are valid; {count} are set, the others have their defaults."
        )


def dataverse_token(look: Look) -> Iterator[Finding]:
    look.wiring.dataverse_tokens.token()
    yield Finding("dataverse token", "", "ok", f"Entra gave one ({look.settings.dataverse_auth}).")


def dataverse(look: Look) -> Iterator[Finding]:
    yield Finding("dataverse", "", "ok", f"It knows the application user, {look.user_id}.")


def campaign_token(look: Look) -> Iterator[Finding]:
    look.wiring.campaign_tokens.token()
    yield Finding("campaign token", "", "ok", "Adobe's identity service gave one.")


def campaign(look: Look) -> Iterator[Finding]:
    client = look.wiring.campaign
    client.call(
        "GET", f"{client.url}/profileAndServicesExt/resourceType/profile", "metadata of profile"
    )
    organization = urlsplit(client.url).path.split("/")[1]
    yield Finding(
        "campaign", "", "ok", f"Organization {organization} answers, and publishes its profiles."
    )


def clocks(look: Look) -> Iterator[Finding]:
    """Any answer has a Date header, a refusal too (RFC 9110, 6.6.1)."""
    for system, url in (
        ("Dataverse", look.settings.dataverse_url),
        ("Campaign", look.settings.campaign_url),
    ):
        transport = Transport(system, look.wiring.send(system, 30.0, 1), AdaptiveConcurrency(1))
        before = look.wiring.now()
        response = transport.send(Request("GET", url, "its clock"))
        here = (before + look.wiring.now()) / 2
        yield skew(system, response.headers.get("date", ""), here)


def state_of(away: float) -> State:
    return "error" if away > SKEW_ERROR_SECONDS else "warning"


def skew(system: str, date: str, here: float) -> Finding:
    try:
        seconds = here - parsedate_to_datetime(date).timestamp()
    except ValueError:
        return Finding(
            "clocks",
            system,
            "warning",
            "Its answer has no readable Date.",
            "Look at what answers in its place.",
        )
    away = abs(seconds)
    if away <= SKEW_WARNING_SECONDS:
        return Finding("clocks", system, "ok", "It agrees with this machine's to a minute.")
    message = f"This machine's clock is {away:.0f} s {'ahead of' if seconds > 0 else 'behind'} it."
    return Finding(
        "clocks",
        system,
        state_of(away),
        message,
        "Set this machine's clock by a time server; tokens and files go by it.",
    )
