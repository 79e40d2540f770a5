"""One table decides what each failure of the two systems means."""

import pytest

from shared.errors import RULES, Misconfigured, Rejected, Retryable, Rule, fits, recovery

RST = "RST-360011 An error has occurred - please contact your administrator."


ANSWERS: list[tuple[str, int, str, type[Exception], str]] = [
    ("dataverse", 429, "0x80072322", Retryable, ""),
    ("dataverse", 408, "", Retryable, ""),
    ("dataverse", 500, "", Retryable, ""),
    ("dataverse", 502, "", Retryable, ""),
    ("dataverse", 503, "", Retryable, ""),
    ("dataverse", 504, "", Retryable, ""),
    ("dataverse", 500, "0x80044150", Retryable, ""),
    ("dataverse", 500, "0x80044151", Retryable, ""),
    ("dataverse", 302, "", Retryable, ""),
    ("dataverse", 206, "", Retryable, ""),
    ("dataverse", 200, "0x80040216", Retryable, ""),
    ("dataverse", 401, "", Misconfigured, "DATAVERSE_AUTH"),
    ("dataverse", 403, "0x80040220", Misconfigured, "security role"),
    ("dataverse", 403, "0x80040231", Misconfigured, "security role"),
    ("dataverse", 403, "0x80048306", Misconfigured, "security role"),
    ("dataverse", 403, "", Misconfigured, "security role"),
    ("dataverse", 403, "0x80072560", Misconfigured, "application user"),
    ("dataverse", 403, "0x80042f09", Misconfigured, "application user"),
    ("dataverse", 403, "0x80040225", Misconfigured, "application user"),
    ("dataverse", 403, "0x8004A112", Misconfigured, "application user"),
    ("dataverse", 400, "0x80060888", Misconfigured, "mapping"),
    ("dataverse", 404, "0x80060888", Misconfigured, "mapping"),
    ("dataverse", 400, "0x80041102", Misconfigured, "mapping"),
    ("dataverse", 404, "0x80041103", Misconfigured, "mapping"),
    ("dataverse", 400, "", Misconfigured, "mapping"),
    ("dataverse", 404, "", Misconfigured, "mapping"),
    ("dataverse", 400, "0x80072491", Misconfigured, "change tracking"),
    ("dataverse write", 412, "0x80040333", Rejected, "duplicate_found"),
    ("dataverse write", 500, "0x80040333", Rejected, "duplicate_found"),
    ("dataverse write", 412, "0x80040237", Rejected, "duplicate_key"),
    ("dataverse write", 412, "0x80060892", Rejected, "duplicate_key"),
    ("dataverse write", 400, "0x80073002", Rejected, "duplicate_key"),
    ("dataverse write", 412, "0x80060882", Rejected, "changed_meanwhile"),
    ("dataverse write", 412, "", Rejected, "changed_meanwhile"),
    ("dataverse write", 413, "", Rejected, "too_large"),
    ("dataverse write", 404, "0x80040217", Rejected, "not_found"),
    ("dataverse write", 404, "0x80060891", Rejected, "not_found"),
    ("dataverse write", 400, "0x80044331", Rejected, "too_long"),
    ("dataverse write", 400, "0x80040265", Rejected, "refused_value"),
    ("dataverse write", 500, "0x80040265", Rejected, "refused_value"),
    ("dataverse write", 400, "0x80048408", Rejected, "refused_value"),
    ("dataverse write", 400, "0x80040203", Rejected, "refused_value"),
    ("dataverse write", 400, "0x8004432F", Rejected, "refused_value"),
    ("dataverse write", 400, "0x80044330", Rejected, "refused_value"),
    ("dataverse write", 400, "0x8004431a", Rejected, "refused_value"),
    ("dataverse write", 400, "0x80040239", Rejected, "refused_value"),
    ("dataverse write", 400, "0x80040200", Rejected, "refused_value"),
    ("dataverse write", 405, "0x80040227", Rejected, "refused_value"),
    ("dataverse write", 400, "0x80048d19", Misconfigured, "events document"),
    ("dataverse write", 400, "0x8006088D", Misconfigured, "optimistic concurrency"),
    ("dataverse write", 400, "0x80060883", Misconfigured, "optimistic concurrency"),
    ("dataverse write", 400, "0x80040299", Rejected, "bad_request"),
    ("dataverse write", 400, "0x80060888", Misconfigured, "mapping"),
    ("dataverse write", 403, "0x80040220", Misconfigured, "security role"),
    ("dataverse write", 405, "", Retryable, ""),
    ("dataverse write", 429, "0x80072322", Retryable, ""),
    ("sftp", 0, "BadHostKeyException", Misconfigured, "SFTP_HOST_KEY"),
    ("sftp", 0, "AuthenticationException", Misconfigured, "SFTP_PRIVATE_KEY"),
    ("sftp", 0, "PermissionError", Misconfigured, "SFTP_FOLDER"),
    ("sftp", 0, "NoFolder", Misconfigured, "SFTP_FOLDER"),
    ("sftp", 0, "Refused", Misconfigured, "SFTP_FOLDER"),
    ("sftp", 0, "ConnectionRefusedError", Retryable, ""),
    ("sftp", 0, "IncompatiblePeer", Misconfigured, "SFTP_HOST"),
    ("sftp", 0, "BadAuthenticationType", Misconfigured, "SFTP_PRIVATE_KEY"),
    ("sftp", 0, "Timeout", Retryable, ""),
    ("sftp", 0, "EOFError", Retryable, ""),
    ("campaign", 401, "401013 Oauth token is not valid", Misconfigured, "CAMPAIGN_CLIENT_SECRET"),
    ("campaign", 403, "403023 Profile is not valid", Misconfigured, "CAMPAIGN_CLIENT_ID"),
    ("campaign", 500, "500 Oops. Something went wrong. Check your URI and try again.", Misconfigured, "CAMPAIGN_URL"),
    ("campaign", 502, "Bad gateway", Retryable, ""),
    ("campaign", 500, RST, Retryable, ""),
    (
        "campaign",
        500,
        f"{RST} The value 'invalid' is not valid for the 'nms:recipient:gender' enumeration of the '@gender' field",
        Rejected,
        "bad_enumeration_value",
    ),
    (
        "campaign",
        500,
        "A 'Service' with the same key 'SVC4' already exists. PGS-220000 PostgreSQL error",
        Rejected,
        "duplicate_key",
    ),
    ("campaign", 500, "Cannot update the 'age' property that is read-only", Misconfigured, "mapping"),
    ("campaign", 500, "'shoeSize' property is not valid for the 'profile' resource.", Misconfigured, "mapping"),
    ("campaign", 404, f"{RST} Unable to find document with path 'Profile' from key 'x:0'", Rejected, "not_found"),
    ("campaign", 500, "'O5i' attribute unknown. XTK-170036 Unable to parse expression '@id = @O5i'.", Rejected, "not_found"),
    ("campaign", 404, "", Misconfigured, "mapping"),
    ("campaign", 418, "", Rejected, "status_418"),
]


@pytest.mark.parametrize(("system", "status", "text", "kind", "name"), ANSWERS)
def test_an_answer_means(system: str, status: int, text: str, kind: type[Exception], name: str) -> None:
    error = recovery(system, status, text, "PATCH profile/{key}")
    assert type(error) is kind
    named = error.setting if isinstance(error, Misconfigured) else error.reason if isinstance(error, Rejected) else ""
    assert named == name


def test_a_sentence_names_the_field_and_never_the_value() -> None:
    text = "The value 'Zaphod' is not valid for the 'nms:recipient:gender' enumeration of the '@gender' field"
    error = recovery("campaign", 500, text, "POST profile", ["firstName", "gender", "location.city"])
    assert "gender" in str(error)
    assert "firstName" not in str(error)
    assert "Zaphod" not in str(error)
    assert isinstance(error, Rejected)
    assert error.field == "gender"


def test_every_message_says_what_to_what_and_what_next() -> None:
    error = recovery("dataverse", 403, "0x80040220", "GET changes of contact")
    assert str(error).startswith("Dataverse refused GET changes of contact (status 403)")
    assert "give the application user organization-level read" in str(error)


def test_every_row_for_dataverse_is_reached() -> None:
    reached = {first_rule(system, status, text) for system, status, text, _, _ in ANSWERS}
    assert {rule for rule in RULES if rule.system.startswith("dataverse") or not rule.system} <= reached


def first_rule(system: str, status: int, text: str) -> Rule | None:
    return next((rule for rule in RULES if fits(rule, system, status, text)), None)
