"""Errors named by what to do next; every failure of a call or a record becomes one of these.

    BridgeError
     +-- Retryable      the record goes back on the queue with a delay; the flow goes on
     |    +-- Contended others write records of its partition, nothing was done yet: what is
     |    |             urgent is tried again in place
     |    +-- ClaimLost others write them, and something may have been done
     |    +-- Unfinished they are settled, and what follows from that could not be done
     |    +-- StorageDenied
     +-- Rejected       the record becomes a dead letter with its reason; the flow goes on at full
                        speed
     +-- Misconfigured  nothing of this flow can succeed: the flow pauses with the cause, its
                        records wait on the queue

Anything else is our bug: it is raised, the host retries and at last moves the message to `-poison`.
No message here ever carries a value of a record: only names of fields, kinds of values, rules and
codes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf

from shared.answer_texts import emptied, named_fields, shortened, without_sql, without_values


class BridgeError(Exception):
    """Says what happened, to what, and what to do next."""


class Cause(Enum):
    """Why something is tried again; it decides what the failure uses up.

    PAUSE   throttled, busy storage, an open circuit breaker, the end of a run: nothing is used up
    OUTAGE  no answer, 408, 502-504: the time of the record is used up, a poll goes on for ever
    ANSWER  any other answer: the time of the record is used up, and that of a poll
    """

    PAUSE = "pause"
    OUTAGE = "outage"
    ANSWER = "answer"


class Retryable(BridgeError):
    """A passing failure.

    `retry_after_seconds` is what the server asked for, None if it did not say. `uncertain` is true
    if the work may have been done although no answer came: the next attempt must look before it
    creates. `cause`: PAUSE where somebody asked for a pause, else ANSWER, unless it is given.
    """

    def __init__(
        self,
        sentence: str,
        retry_after_seconds: float | None = None,
        uncertain: bool = False,
        cause: Cause | None = None,
    ) -> None:
        super().__init__(sentence)
        self.retry_after_seconds, self.uncertain = retry_after_seconds, uncertain
        self.cause = cause or (Cause.ANSWER if retry_after_seconds is None else Cause.PAUSE)


class Contended(Retryable):
    """Another delivery writes records of this partition, or did since. Nothing was written
    to the target yet.

    `ends_in_seconds`: when its claim ends, unless it is renewed.
    """

    def __init__(
        self,
        sentence: str,
        retry_after_seconds: float | None = None,
        ends_in_seconds: float = inf,
    ) -> None:
        super().__init__(sentence, retry_after_seconds)
        self.ends_in_seconds = ends_in_seconds


class ClaimLost(Retryable):
    """Another instance took the claim over. What was written under it since is in doubt."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, 1.0, uncertain=True)


class Unfinished(Retryable):
    """The records are settled, and what follows from that could not be done: their next delivery
    looks for it.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, 1.0, uncertain=True)


class StorageDenied(Retryable):
    """The storage account lets the app not in: a role is missing, or a firewall stands before it.

    `code` is the account's own, such as AuthorizationFailure.
    """

    code = ""


class TokenExpired(Exception):
    """A source no longer takes the position that was read up to."""

    def __init__(self, link: str = "") -> None:
        """`link`: where the read begins again, "" for the first row."""
        super().__init__()
        self.link = link


class Bug(Exception):
    """A bug of ours, with its type and place. Its own words may quote a value: they are left out."""

    def __init__(self, error: Exception) -> None:
        super().__init__(f"{type(error).__name__} in the bridge.")
        self.with_traceback(error.__traceback__)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one field of a record cannot be written: `rule` is a code, `sentence` for a person."""

    field: str
    rule: str
    sentence: str


class Rejected(BridgeError):
    """This record cannot be written as it is; its neighbours can. Carries every refusal.

    `metadata` names the metadata that had a say in it, "" where none had.
    """

    def __init__(self, *refusals: Refusal, metadata: str = "") -> None:
        super().__init__(" ".join(refusal.sentence for refusal in refusals))
        self.refusals, self.metadata = refusals, metadata

    @property
    def reason(self) -> str:
        """The first rule broken: the code that dead letters are grouped by."""
        return self.refusals[0].rule

    @property
    def field(self) -> str:
        """The target fields concerned, in order, each once."""
        return ", ".join(dict.fromkeys(refusal.field for refusal in self.refusals if refusal.field))


class Misconfigured(BridgeError):
    """No record of this flow can succeed until a person changes `setting`, also a right or table."""

    def __init__(self, setting: str, sentence: str) -> None:
        super().__init__(sentence)
        self.setting = setting


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table below.

    `system` is a key of TITLES, "" any; `status` 0 is any. `pattern` is searched in the code
    (Dataverse) or the text that the system gave. `name`: of Misconfigured the setting, of Rejected
    the reason of the dead letter, of Retryable "". `advice`: what is the matter, and behind a colon
    what to do; it ends a sentence.
    """

    system: str
    status: int
    pattern: str
    recovery: type[BridgeError]
    name: str
    advice: str


ELSEWHERE = (301, 302, 303, 307, 308, 405, 407, 415, 451)
NOT_THE_API = "what answers there is not Adobe's API: check the address, and any proxy in between"

STORAGE_ROLES = (
    "access is denied: check the roles of the app's identity, and the account's firewall"
)

# Read top to bottom, the first row that fits decides. Campaign answers 500 for mistakes of the
# caller: its text tells. Its causes that pass stand before its refusals, for such a text quotes
# SQL, and so names of columns and values. A refusal is Campaign's own phrase, never an everyday
# word. "dataverse write" is what a write to Dataverse is asked first; what it has no row for is
# decided as for a read. What no row names is Retryable: RETRY_HOURS end it.
RULES = (
    Rule("campaign", 0, r"Oops\. Something went wrong\. Check your URI", Misconfigured, "CAMPAIGN_URL", "it does not know the organization in CAMPAIGN_URL"),
    Rule("", 408, "", Retryable, "", "it timed out"),
    Rule("", 429, "", Retryable, "", "it throttles"),
    Rule("", 502, "", Retryable, "", "it could not be reached behind its gateway"),
    Rule("", 503, "", Retryable, "", "it is not available"),
    Rule("", 504, "", Retryable, "", "it took too long"),
    Rule("dataverse write", 0, "0x80040333", Rejected, "duplicate_found", "its duplicate detection found a record like it: look at the table's duplicate detection rules"),
    Rule("dataverse write", 0, "0x80040237|0x80060892|0x80073002", Rejected, "duplicate_key", "a row with this id or key is there already"),
    Rule("dataverse write", 0, "0x80040217|0x80060891", Rejected, "not_found", "a row that it refers to does not exist"),
    Rule("dataverse write", 0, "0x80044331", Rejected, "too_long", "a text is longer than its column: lengthen the column"),
    Rule("dataverse write", 0, "0x80040203|0x80040265|0x80048408|0x80044330|0x8004432[fF]|0x8004431[aA]|0x80040239|0x80040200|0x80040227", Rejected, "refused_value", "it refused a value: look at the table's rules and plug-ins"),
    Rule("dataverse write", 0, "0x80048d19", Misconfigured, "events document", "a table lacks a column or a lookup that the events document names: create the tables with `manage.py setup activities`, or correct the document"),
    Rule("dataverse write", 0, "0x8006088[dD]|0x80060883", Misconfigured, "optimistic concurrency", "the table does not check versions: switch on IsOptimisticConcurrencyEnabled of the table"),
    Rule("dataverse write", 412, "", Rejected, "changed_meanwhile", "the row was changed meanwhile"),
    Rule("dataverse write", 413, "", Rejected, "too_large", "the request is larger than it takes: shorten the texts"),
    Rule("", 409, "", Retryable, "", "others were changing the same"),
    Rule("", 423, "", Retryable, "", "others hold it locked"),
    Rule("", 425, "", Retryable, "", "it was asked too early"),
    Rule("dataverse", 401, "", Misconfigured, "DATAVERSE_AUTH", "it does not accept the token: check DATAVERSE_AUTH and DATAVERSE_URL"),
    Rule("dataverse", 0, "0x80040220|0x80040231|0x80048306", Misconfigured, "security role", "a privilege is missing: give the application user organization-level read on the table, as `manage.py setup dataverse` does"),
    Rule("dataverse", 0, "0x80072560|0x80042[fF]09|0x80040225|0x8004[aA]112", Misconfigured, "application user", "it knows no enabled application user with a role for this identity: create one in the Power Platform admin center"),
    Rule("dataverse", 0, "0x80072491", Misconfigured, "change tracking", "change tracking is off for the table: switch on 'Track changes' in its properties"),
    Rule("dataverse", 0, "0x80060888|0x80041102|0x80041103", Misconfigured, "mapping", "it does not know a table or column of the mapping: correct the mapping document"),
    Rule("dataverse", 0, "0x80044150|0x80044151", Retryable, "", "its database was busy"),
    Rule("dataverse", 403, "", Misconfigured, "security role", "access is denied: check the application user's security role"),
    Rule("dataverse write", 400, "", Rejected, "bad_request", "it refused the row: look at the table's rules and plug-ins"),
    Rule("dataverse", 404, "", Misconfigured, "mapping", "it does not know the table: correct the mapping document"),
    *(Rule("dataverse position", status, "", Misconfigured, "position", "it does not take the position that was read up to: if that goes on, read all again by POST /api/flows/<flow>/replay with {\"what\": \"all\"}") for status in (400, 412)),
    Rule("dataverse", 400, "", Misconfigured, "mapping", "it does not understand the request: check the mapping document"),
    Rule("campaign", 0, "(?i)deadlock|lock timeout|could not obtain lock|lock not available|partition is (currently )?locked", Retryable, "", "its database had the rows locked"),
    Rule("campaign", 0, "(?i)took too long|statement timeout|cancell?ing statement|query (was )?(timed out|cancell?ed)", Retryable, "", "its database took too long"),
    Rule("campaign", 0, "(?i)connection to (the )?(database|server)|connection (was |has been )?(lost|reset|refused)|closed the connection|terminating connection|could not connect|too many (database )?(connections|clients)|connection slots", Retryable, "", "it lost its database"),
    Rule("campaign", 0, "(?i)could not serialize|serialization failure", Retryable, "", "its database was busy"),
    Rule("campaign", 0, "(?i)out of (shared )?memory|no space left|disk (is )?full|could not (extend|write to) file|insufficient (memory|disk)", Retryable, "", "its database was short of memory or disk"),
    Rule("campaign", 0, "(?i)database system is|in a read-only transaction|hot standby", Retryable, "", "its database was restarting"),
    Rule("campaign", 401, "", Misconfigured, "CAMPAIGN_CLIENT_SECRET", "it does not accept the token: check CAMPAIGN_CLIENT_ID, CAMPAIGN_CLIENT_SECRET and CAMPAIGN_SCOPES"),
    Rule("campaign", 403, "", Misconfigured, "CAMPAIGN_CLIENT_ID", "the API key or product profile lacks this instance: check the project in the Adobe Developer Console"),
    Rule("campaign", 0, "expression '@id = @|Unable to decrypt PKey", Rejected, "not_found", "it does not know the PKey any more"),
    Rule("campaign", 0, "with the same key '.*' already exists|duplicate key value violates unique constraint", Rejected, "duplicate_key", "another record holds the same key"),
    Rule("campaign", 0, "is not valid for the '[^']*' enumeration of the '", Rejected, "bad_enumeration_value", "the value is not in the enumeration: add a replacement to the mapping"),
    Rule("campaign", 0, "Cannot update the '[^']*' property that is read-only", Misconfigured, "mapping", "a target field is read-only: take it out of the mapping document"),
    Rule("campaign", 0, "' property is not valid for the '|' attribute unknown", Misconfigured, "mapping", "it does not know a target field: publish the field, or take it out of the mapping document"),
    Rule("campaign", 0, "Inconsistent operation on resource '|Cannot update key '", Rejected, "key_changed", "a record's key cannot be changed"),
    Rule("campaign", 0, r"' field is too long|value too long for type character", Rejected, "too_long", "a value is longer than the field"),
    Rule("campaign", 0, "' field is not a valid e-?mail", Rejected, "not_an_email", "a value is no e-mail address"),
    Rule("campaign", 0, r"' field is not a valid date(time)?\b", Rejected, "not_a_date", "a value is no date"),
    Rule("campaign", 0, "' (field )?is not a valid |XTK-1700(06|36) Unable to parse expression|violates (not-null|check) constraint|invalid input syntax for|value out of range", Rejected, "refused_value", "it refused a value"),
    Rule("campaign", 404, "Unable to find document", Rejected, "not_found", "it has no record with this key"),
    Rule("campaign", 0, "Unable to find filter", Misconfigured, "filter", "it has no such filter: publish a filter definition of this name, or correct the name in the document"),
    Rule("campaign", 404, "", Misconfigured, "mapping", "it does not know the resource: publish it with its API, or correct the mapping"),
    Rule("campaign", 400, "", Rejected, "bad_request", "it could not read the record"),
    Rule("campaign", 413, "", Rejected, "too_large", "the record is larger than it takes: map fewer or shorter texts"),
    Rule("campaign", 422, "", Rejected, "bad_request", "it could not read the record"),
    *(Rule("campaign", status, "", Misconfigured, "CAMPAIGN_URL", NOT_THE_API) for status in ELSEWHERE),
    Rule("journal", 401, "", Misconfigured, "CAMPAIGN_CLIENT_SECRET", "it does not accept the token: check CAMPAIGN_CLIENT_ID, CAMPAIGN_CLIENT_SECRET and CAMPAIGN_SCOPES"),
    Rule("journal", 403, "", Misconfigured, "CAMPAIGN_IMS_ORGANIZATION", "the credential may not read it: check CAMPAIGN_IMS_ORGANIZATION, and that the project has the I/O Events API"),
    *(Rule("journal", status, "", Misconfigured, "CAMPAIGN_JOURNAL_URL", "there is no such journal: set CAMPAIGN_JOURNAL_URL as the Developer Console shows it") for status in (400, 404, *ELSEWHERE)),
    *(Rule("ims", status, "", Misconfigured, "CAMPAIGN_IMS_URL", NOT_THE_API) for status in (404, *ELSEWHERE)),
    Rule("sftp", 0, "^BadHostKey", Misconfigured, "SFTP_HOST_KEY", "its host key is not the one in SFTP_HOST_KEY: ask Adobe whether it was changed, then set the new one"),
    Rule("sftp", 0, "^AuthenticationException", Misconfigured, "SFTP_PRIVATE_KEY", "it does not accept the key: check SFTP_USER, register the public half in Campaign's Control Panel, or set SFTP_PRIVATE_KEY"),
    Rule("sftp", 0, "^Permission", Misconfigured, "SFTP_FOLDER", "it lets the user neither read nor move files there: check SFTP_FOLDER and its rights"),
    Rule("sftp", 0, "^NoFolder", Misconfigured, "SFTP_FOLDER", "it has no such folder: create it, or correct SFTP_FOLDER"),
    Rule("sftp", 0, "^Refused$", Misconfigured, "SFTP_FOLDER", "it refused that without saying why: look whether it has space left and lets the user do that; where files can't be moved, set `afterwards: delete` in the document"),
    Rule("sftp", 0, "^IncompatiblePeer", Misconfigured, "SFTP_HOST", "it supports none of the ways to encrypt that the bridge supports: look whether SFTP_HOST is the right server"),
    Rule("sftp", 0, "^BadAuthenticationType", Misconfigured, "SFTP_PRIVATE_KEY", "it takes no keys from this user: check SFTP_USER"),
    Rule("sftp", 0, "", Retryable, "", "it could not be reached or ended the connection"),
    Rule("", 500, "", Retryable, "", "it failed without saying why"),
    Rule("storage", 403, "", Retryable, "", STORAGE_ROLES),
    Rule("storage", 0, "", Retryable, "", "it could not be reached, or did not answer in time"),
    Rule("identity", 0, "", Retryable, "", "it could not be reached, or did not answer in time"),
)  # fmt: skip


TITLES = {
    "dataverse": "Dataverse",
    "dataverse write": "Dataverse",
    "dataverse position": "Dataverse",
    "campaign": "Campaign",
    "journal": "The journal",
    "ims": "Adobe's identity service",
    "sftp": "The SFTP server",
    "storage": "The storage account",
    "identity": "The managed identity's endpoint",
}
CAUSES: dict[str | int, Cause] = {
    "storage": Cause.PAUSE,
    "identity": Cause.OUTAGE,
    "sftp": Cause.OUTAGE,
    429: Cause.PAUSE,
    **dict.fromkeys((408, 502, 503, 504), Cause.OUTAGE),
}
"""By system, else by status, why a passing failure is tried again; else ANSWER."""


def recovery(
    system: str, status: int, text: str, route: str, fields: Sequence[str] = ()
) -> BridgeError:
    """What to do about an answer that is no success.

    `text` is only matched, never shown; those of `fields` that it names are.
    """
    text = shortened(text)
    rule, title = rule_of(system, status, text), TITLES[system]
    if rule is None:
        return Retryable(
            f"{title} answered {route} with status {status}, which is not known; it is tried again."
        )
    sentence = f"{title} refused {route}{f' (status {status})' if status else ''}: {rule.advice}."
    if rule.recovery is Retryable:
        return Retryable(sentence, cause=CAUSES.get(system, CAUSES.get(status)))
    named = ", ".join(named_fields(text, fields))
    if rule.recovery is Misconfigured:
        return Misconfigured(rule.name, sentence + (f" Named: {named}." if named else ""))
    return Rejected(Refusal(named, rule.name, sentence + (f" Field: {named}." if named else "")))


def rule_of(system: str, status: int, text: str) -> Rule | None:
    """The first row that fits.

    What a text quotes decides nothing: a refusal is none of its SQL, what passes or stops a flow is
    no value.
    """
    texts = {
        Retryable: (without_values(text),),
        Misconfigured: (emptied(text),),
        Rejected: (without_sql(text), emptied(text)),
    }
    return next(
        (
            rule
            for rule in RULES
            if any(fits(rule, system, status, one) for one in texts[rule.recovery])
        ),
        None,
    )


def fits(rule: Rule, system: str, status: int, text: str) -> bool:
    return (
        (rule.system in ("", system) or system.startswith(f"{rule.system} "))
        and rule.status in (0, status)
        and (not rule.pattern or re.search(rule.pattern, text) is not None)
    )
