"""One table decides what each failure of the two systems means."""

import re
import time
from collections import defaultdict
from collections.abc import Sequence

import pytest

from shared.errors import (
    ELSEWHERE,
    RULES,
    Misconfigured,
    Rejected,
    Retryable,
    Rule,
    recovery,
    rule_of,
)

RST = "RST-360011 An error has occurred - please contact your administrator."
SQL = (
    "WDB-200001 SQL statement 'UPDATE NmsRecipient SET sEmail='a@example.org', sNote='{}' WHERE"
    " iId=7' could not be executed."
)
BARE_SQL = (
    "UPDATE NmsRecipient SET sEmail='a@example.org', tsBirth='2000-01-01', sNote='{}' WHERE"
    " iRecipientId = 7"
)


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
    ("dataverse position", 400, "", Misconfigured, "position"),
    ("dataverse position", 412, "", Misconfigured, "position"),
    ("dataverse position", 400, "0x80060888", Misconfigured, "mapping"),
    ("dataverse position", 503, "", Retryable, ""),
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
    ("storage", 0, "ServiceResponseTimeoutError", Retryable, ""),
    ("storage", 403, "", Retryable, ""),
    ("identity", 0, "ServiceRequestError", Retryable, ""),
    ("campaign", 401, "401013 Oauth token is not valid", Misconfigured, "CAMPAIGN_CLIENT_SECRET"),
    ("campaign", 403, "403023 Profile is not valid", Misconfigured, "CAMPAIGN_CLIENT_ID"),
    (
        "campaign",
        500,
        "500 Oops. Something went wrong. Check your URI and try again.",
        Misconfigured,
        "CAMPAIGN_URL",
    ),
    ("campaign", 502, "Bad gateway", Retryable, ""),
    ("campaign", 500, RST, Retryable, ""),
    (
        "campaign",
        500,
        (
            f"{RST} The value 'invalid' is not valid for the 'nms:recipient:gender' enumeration of"
            " the '@gender' field"
        ),
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
    (
        "campaign",
        500,
        "Cannot update the 'age' property that is read-only",
        Misconfigured,
        "mapping",
    ),
    (
        "campaign",
        500,
        "'shoeSize' property is not valid for the 'profile' resource.",
        Misconfigured,
        "mapping",
    ),
    (
        "campaign",
        404,
        f"{RST} Unable to find document with path 'Profile' from key 'x:0'",
        Rejected,
        "not_found",
    ),
    (
        "campaign",
        500,
        "'O5i' attribute unknown. XTK-170036 Unable to parse expression '@id = @O5i'.",
        Rejected,
        "not_found",
    ),
    ("campaign", 404, "", Misconfigured, "mapping"),
    ("campaign", 418, "", Retryable, ""),
    ("dataverse", 418, "", Retryable, ""),
    ("campaign", 302, "", Misconfigured, "CAMPAIGN_URL"),
    ("campaign", 405, "", Misconfigured, "CAMPAIGN_URL"),
    ("campaign", 409, "", Retryable, ""),
    ("campaign", 413, "", Rejected, "too_large"),
    ("campaign", 415, "", Misconfigured, "CAMPAIGN_URL"),
    ("campaign", 423, "", Retryable, ""),
    ("campaign", 451, "", Misconfigured, "CAMPAIGN_URL"),
    (
        "campaign",
        503,
        "<html>the length exceeds it: A 'x' with the same key 'y' already exists</html>",
        Retryable,
        "",
    ),
    ("journal", 404, "", Misconfigured, "CAMPAIGN_JOURNAL_URL"),
    ("ims", 404, "", Misconfigured, "CAMPAIGN_IMS_URL"),
    ("ims", 500, "", Retryable, ""),
    (
        "campaign",
        500,
        f"{RST} The queue's length exceeds what the email server takes.",
        Retryable,
        "",
    ),
    ("campaign", 500, f"{RST} The date of the enumeration is unknown.", Retryable, ""),
    ("campaign", 500, f"{RST} cannot execute UPDATE in a read-only transaction", Retryable, ""),
]


ANSWERS += [
    *(("campaign", 500, text, Retryable, "") for text in (
        "PGS-220000 PostgreSQL error: ERROR:  deadlock detected DETAIL:  Process 1 waits for "
        "ShareLock.",
        "canceling statement due to lock timeout",
        "could not obtain lock on row in relation nmsrecipient",
        "ERROR:  lock not available",
        "The date partition is currently locked",
        "The query took too long",
        "canceling statement due to statement timeout",
        "canceling statement due to user request",
        "The query was cancelled",
        "The connection to the database ended",
        "The connection was reset",
        "server closed the connection unexpectedly",
        "terminating connection due to administrator command",
        "could not connect: is the host up?",
        "FATAL:  sorry, too many clients already",
        "remaining connection slots are reserved",
        "could not serialize access due to concurrent update",
        "serialization failure",
        "out of shared memory",
        "No space left on device",
        "The disk is full",
        "could not write to file",
        "insufficient memory",
        "FATAL:  the database system is starting up",
        "The server is a hot standby",
    )),
    ("campaign", 404, "Unable to decrypt PKey", Rejected, "not_found"),
    ("campaign", 500, 'ERROR:  duplicate key value violates unique constraint "k"', Rejected,
     "duplicate_key"),
    ("campaign", 500, "'shoeSize' attribute unknown (see definition of schema 'Profile').",
     Misconfigured, "mapping"),
    ("campaign", 500, "RST-360012 Inconsistent operation on resource 'service'.", Rejected,
     "key_changed"),
    ("campaign", 500, "Cannot update key 'a' to 'b'.", Rejected, "key_changed"),
    ("campaign", 500, "The value of the '@fax' field is too long (maximum length 32).", Rejected,
     "too_long"),
    ("campaign", 500, "ERROR:  value too long for type character varying(32)", Rejected,
     "too_long"),
    ("campaign", 500, "The value of the '@email' field is not a valid email address.", Rejected,
     "not_an_email"),
    ("campaign", 500, "The value of the '@birthDate' field is not a valid date.", Rejected,
     "not_a_date"),
    ("campaign", 500, "'@gibberish' is not a valid constant", Rejected, "refused_value"),
    ("campaign", 500, "XTK-170006 Unable to parse expression '@age + '.", Rejected,
     "refused_value"),
    ("campaign", 500, "null value violates not-null constraint", Rejected, "refused_value"),
    ("campaign", 500, 'ERROR:  invalid input syntax for type integer: "abc"', Rejected,
     "refused_value"),
    ("campaign", 500, "ERROR:  value out of range: overflow", Rejected, "refused_value"),
    ("campaign", 404, "Unable to find filter 'byCrmid'", Misconfigured, "filter"),
    ("campaign", 400, "", Rejected, "bad_request"),
    ("campaign", 422, "", Rejected, "bad_request"),
    ("campaign", 425, "", Retryable, ""),
    *(("campaign", status, "", Misconfigured, "CAMPAIGN_URL") for status in ELSEWHERE),
    ("journal", 401, "", Misconfigured, "CAMPAIGN_CLIENT_SECRET"),
    ("journal", 403, "", Misconfigured, "CAMPAIGN_IMS_ORGANIZATION"),
    *(("journal", status, "", Misconfigured, "CAMPAIGN_JOURNAL_URL") for status in (400,
                                                                                    *ELSEWHERE)),
    *(("ims", status, "", Misconfigured, "CAMPAIGN_IMS_URL") for status in ELSEWHERE),
]  # fmt: skip


@pytest.mark.parametrize(("system", "status", "text", "kind", "name"), ANSWERS)
def test_an_answer_means(
    system: str, status: int, text: str, kind: type[Exception], name: str
) -> None:
    error = recovery(system, status, text, "PATCH profile/{key}")
    assert type(error) is kind
    named = (
        error.setting
        if isinstance(error, Misconfigured)
        else error.reason
        if isinstance(error, Rejected)
        else ""
    )
    assert named == name


def test_a_sentence_names_the_field_and_never_the_value() -> None:
    text = (
        "The value 'Zaphod' is not valid for the 'nms:recipient:gender' enumeration of the"
        " '@gender' field"
    )
    error = recovery(
        "campaign", 500, text, "POST profile", ["firstName", "gender", "location.city"]
    )
    assert "gender" in str(error)
    assert "firstName" not in str(error)
    assert "Zaphod" not in str(error)
    assert isinstance(error, Rejected)
    assert error.field == "gender"


def test_every_message_says_what_to_what_and_what_next() -> None:
    error = recovery("dataverse", 403, "0x80040220", "GET changes of contact")
    assert str(error).startswith("Dataverse refused GET changes of contact (status 403)")
    assert "give the application user organization-level read" in str(error)


def alternatives(pattern: str) -> list[str]:
    """A pattern's parts between the bars that stand in no bracket; each decides by itself."""
    flags, parts, depth = "(?i)" if pattern.startswith("(?i)") else "", [""], 0
    for token in re.findall(r"\\.|.", pattern.removeprefix("(?i)")):
        depth += (token in "([") - (token in ")]")
        parts = [*parts, ""] if token == "|" and not depth else [*parts[:-1], parts[-1] + token]
    return [flags + part for part in parts]


def unreached(rules: Sequence[Rule]) -> list[tuple[str, int, str, str]]:
    """System, status, alternative and name of what no answer of the table above leads to."""
    texts = defaultdict(list)
    for system, status, text, *_ in ANSWERS:
        texts[rule_of(system, status, text)].append(text)
    return [
        (rule.system, rule.status, part, rule.name)
        for rule in rules
        for part in alternatives(rule.pattern)
        if not any(re.search(part, text) for text in texts[rule])
    ]


def test_every_row_of_the_table_is_reached_by_each_of_its_alternatives() -> None:
    """And so has its meaning asserted above.

    A row that an earlier one hides, or that no answer leads to, decides nothing.
    """
    missing = unreached(RULES)
    assert not missing, f"put an answer into ANSWERS of this file for {missing}"


def test_a_row_without_an_answer_is_named() -> None:
    new = Rule(
        "campaign", 0, "no such weather|(no )?(rain|snow)", Rejected, "weather", "look outside"
    )
    assert [part for _, _, part, _ in unreached([*RULES, new]) if part in new.pattern] == [
        "no such weather",
        "(no )?(rain|snow)",
    ]


PASSES = [
    "deadlock detected",
    "canceling statement due to lock timeout",
    "canceling statement due to statement timeout",
    "The query took too long",
    "connection to database lost",
    "server closed the connection unexpectedly",
    "the date partition is locked",
    "FATAL:  sorry, too many clients already",
    "too many connections",
    "could not serialize access due to concurrent update",
    "ERROR:  out of memory DETAIL:  Failed on request of size 8",
    "could not extend file: No space left on device",
]
REFUSES = [
    text for system, status, text, kind, _ in ANSWERS
    if system == "campaign" and text and kind is not Retryable and "Oops" not in text
    and (rule := rule_of(system, status, text)) and rule.pattern
]  # fmt: skip


@pytest.mark.parametrize("cause", PASSES)
@pytest.mark.parametrize("phrase", REFUSES)
@pytest.mark.parametrize(
    "form", ["{cause} {phrase}", "{phrase}\n{cause}", "PGS-220000 ERROR:  {cause} {sql}"]
)
def test_a_cause_that_passes_is_never_a_refusal(cause: str, phrase: str, form: str) -> None:
    text = form.format(cause=cause, phrase=phrase, sql=SQL.format(phrase))
    assert type(recovery("campaign", 500, text, "PATCH profile/{key}")) is Retryable


@pytest.mark.parametrize("phrase", REFUSES)
@pytest.mark.parametrize(
    "sql", [SQL, BARE_SQL, BARE_SQL.lower()], ids=["quoted", "bare", "lower case"]
)
def test_what_sql_quotes_refuses_nothing_and_names_no_field(phrase: str, sql: str) -> None:
    unknown = f"{RST} PGS-220000 PostgreSQL error: ERROR:  something new\n{sql.format(phrase)}"
    assert (
        type(recovery("campaign", 500, unknown, "PATCH profile/{key}", ["email", "gender"]))
        is Retryable
    )
    known = f"The value of the '@fax' field is too long (maximum length 32).\n{sql.format(phrase)}"
    error = recovery("campaign", 500, known, "PATCH profile/{key}", ["email", "gender", "fax"])
    assert isinstance(error, Rejected)
    assert (error.reason, error.field) == ("too_long", "fax")


def test_a_value_in_the_text_names_no_field() -> None:
    text = (
        "The value 'email' is not valid for the 'nms:recipient:gender' enumeration of the '@gender'"
        " field"
    )
    error = recovery("campaign", 500, text, "POST profile", ["email", "gender", "location.city"])
    assert isinstance(error, Rejected)
    assert error.field == "gender"
    nested = recovery(
        "campaign",
        500,
        "The value of the '@location.city' field is too long",
        "POST",
        ["email", "location.city"],
    )
    assert isinstance(nested, Rejected)
    assert nested.field == "location.city"


QUOTED = [
    ("The value '{}' of the '@lastName' field is too long", "too_long"),
    ("The value 'L'Oise {}' of the '@lastName' field is too long", "too_long"),
    (
        (
            "The value '{}' is not valid for the 'nms:recipient:gender' enumeration of the"
            " '@gender' field"
        ),
        "bad_enumeration_value",
    ),
    ("A 'Service' with the same key '{}' already exists.", "duplicate_key"),
    ("The '@email' field is not a valid email (value: '{}').", "not_an_email"),
    ('ERROR:  invalid input syntax for type integer: "{}"', "refused_value"),
    (
        (
            'ERROR:  duplicate key value violates unique constraint "k" DETAIL:  Key (slabel)=({})'
            " already exists."
        ),
        "duplicate_key",
    ),
    (
        (
            "ERROR:  null value violates not-null constraint DETAIL:  Failing row contains (7, {},"
            " null)."
        ),
        "refused_value",
    ),
    (
        (
            "WDB-200001 SQL statement 'UPDATE x SET s='{}'' could not be executed. The '@fax' field"
            " is too long"
        ),
        "too_long",
    ),
]


@pytest.mark.parametrize("value", [*PASSES, "No connection to server", "took too long"])
@pytest.mark.parametrize(
    ("form", "reason"),
    QUOTED,
    ids=[f"{number}-{reason}" for number, (_, reason) in enumerate(QUOTED)],
)
def test_a_value_that_reads_like_a_passing_cause_is_none(
    form: str, reason: str, value: str
) -> None:
    error = recovery("campaign", 500, form.format(value), "PATCH profile/{key}")
    assert isinstance(error, Rejected)
    assert error.reason == reason


STOPPING = ["Oops. Something went wrong. Check your URI and try again.", "Unable to find filter"]
LIKE_SQL = [
    "select the best from us",
    "insert into my heart",
    "delete from list",
    "update us set free",
    "select x from y where",
]


@pytest.mark.parametrize("value", [*STOPPING, *LIKE_SQL])
@pytest.mark.parametrize(
    ("form", "reason"),
    QUOTED,
    ids=[f"{number}-{reason}" for number, (_, reason) in enumerate(QUOTED)],
)
def test_a_value_neither_stops_the_flow_nor_hides_the_refusal(
    form: str, reason: str, value: str
) -> None:
    error = recovery("campaign", 500, form.format(value), "PATCH profile/{key}")
    assert isinstance(error, Rejected)
    assert error.reason == reason


@pytest.mark.parametrize(
    "value",
    ["'a " * 20_000, "'=(" * 20_000, "select " * 10_000, "SQL statement '" * 5_000, "x" * 100_000],
)
def test_a_long_value_costs_little_and_hides_no_refusal(value: str) -> None:
    started = time.process_time()
    error = recovery(
        "campaign",
        500,
        f"{RST} The value '{value}' of the '@lastName' field is too long",
        "PATCH",
        ["lastName"],
    )
    assert isinstance(error, Rejected)
    assert (error.reason, error.field) == ("too_long", "lastName")
    assert time.process_time() - started < 5


def test_a_system_without_statuses_is_told_without_one() -> None:
    message = str(recovery("sftp", 0, "AuthenticationException", "list /exports"))
    assert message.startswith(
        "The SFTP server refused list /exports: it does not accept the key: check SFTP_USER"
    )
