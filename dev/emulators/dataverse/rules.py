"""What single tables compute or insist on when a row is written.

A rule gets the store, the values being written and the row as it will be; it returns further
values. Source: Microsoft Learn, table references of Contact, Account, Service Endpoint, Sdk Message
Processing Step.
"""

from collections.abc import Callable
from typing import Any

from dev.emulators.dataverse.problems import ApiError, duplicate_id, not_emulated
from dev.emulators.dataverse.steps import HTTP_HEADER, QUERY_STRING, WEBHOOK_KEY, read_settings
from dev.emulators.dataverse.store import Row, Store

Values = dict[str, Any]
Rule = Callable[[Store, Values, Row], Values]
NAME_PARTS = ("firstname", "lastname", "yomifirstname", "yomilastname")
WEBHOOK = 8
SETTINGS_AUTHENTICATIONS = {HTTP_HEADER, QUERY_STRING}
WEBHOOK_AUTHENTICATIONS = SETTINGS_AUTHENTICATIONS | {WEBHOOK_KEY}


def full_name(_: Store, values: Values, row: Row) -> Values:
    """First name and last name, the organization's default form."""
    if not any(name in values for name in NAME_PARTS):
        return {}
    first, last = row.get("firstname"), row.get("lastname")
    yomi_first, yomi_last = row.get("yomifirstname") or first, row.get("yomilastname") or last
    return {
        "fullname": joined(" ", first, last),
        "yomifullname": joined(" ", yomi_first, yomi_last),
    }


def joined(separator: str, *parts: str | None) -> str | None:
    return separator.join(part for part in parts if part) or None


def composite_address(number: int) -> Rule:
    """Address lines as one text: streets, then "city, state postal code", then country."""
    prefix = f"address{number}_"
    names = [
        prefix + part
        for part in ("line1", "line2", "line3", "city", "stateorprovince", "postalcode", "country")
    ]

    def rule(_: Store, values: Values, row: Row) -> Values:
        if not any(name in values for name in names):
            return {}
        streets = [row.get(n) for n in names[:3]]
        city, state, postal, country = [row.get(n) for n in names[3:]]
        town = joined(", ", city, joined(" ", state, postal))
        return {prefix + "composite": joined("\r\n", *streets, town, country)}

    return rule


SAME = f"{1:.12f}"  # an exchange rate


def base_amount(column: str) -> Rule:
    """Money in the base currency; the organization has one currency, so the amount is the same."""

    def rule(store: Store, values: Values, row: Row) -> Values:
        if column not in values:
            return {}
        currency = row.get("transactioncurrencyid") or store.fact("currency")
        return {
            f"{column}_base": values[column],
            "transactioncurrencyid": currency,
            "exchangerate": SAME,
        }

    return rule


def endpoint_is_webhook(_: Store, values: Values, row: Row) -> Values:
    """Only webhooks are delivered; the key is never read back."""
    if row.get("contract") != WEBHOOK:
        raise not_emulated("service endpoints other than webhooks (contract 8)")
    if row.get("authtype") not in WEBHOOK_AUTHENTICATIONS:
        raise ApiError(
            400,
            "0x80050204",
            "The webhook authentication type must be WebhookKey, HttpHeader or HttpQueryString.",
        )
    if not str(row.get("url") or "").startswith(("http://", "https://")):
        raise ApiError(400, "0x80050204", "The webhook URL is not valid.")
    if row["authtype"] in SETTINGS_AUTHENTICATIONS:
        read_settings(row.get("authvalue"))
    return {"isauthvalueset": int(bool(row.get("authvalue")))}


def step_is_asynchronous(store: Store, values: Values, row: Row) -> Values:
    """Asynchronous steps after the operation, on a service endpoint and a message that exist."""
    if row.get("mode") != 1 or row.get("stage") != 40:
        raise not_emulated(
            "steps other than asynchronous ones in the post-operation stage (mode 1, stage 40)"
        )
    if not row.get("eventhandler") or not row.get("sdkmessageid"):
        raise ApiError(400, "0x80040200", "The step needs an event handler and a message.")
    if (
        row.get("filteringattributes")
        and store.fetch("sdkmessage", "sdkmessageid", row["sdkmessageid"])["name"]  # type: ignore[index]
        != "Update"
    ):
        raise ApiError(
            400, "0x80040203", "Filtering attributes are only valid for the Update message."
        )
    return {}


def unique_name(table: str) -> Rule:
    """Publishers and solutions are known by their unique name."""

    def rule(store: Store, _: Values, row: Row) -> Values:
        other = store.fetch(table, "uniquename", row.get("uniquename"))
        if other and other[f"{table}id"] != row[f"{table}id"]:
            raise duplicate_id()
        return {}

    return rule


def needs(*names: str) -> Rule:
    def rule(_: Store, __: Values, row: Row) -> Values:
        if missing := [name for name in names if row.get(name) is None]:
            raise ApiError(400, "0x80040200", f"Required values are missing: {', '.join(missing)}.")
        return {}

    return rule


RULES: dict[str, tuple[Rule, ...]] = {
    "contact": (
        full_name,
        composite_address(1),
        composite_address(2),
        composite_address(3),
        base_amount("annualincome"),
        base_amount("creditlimit"),
    ),
    "account": (composite_address(1), base_amount("revenue"), base_amount("creditlimit")),
    "systemuser": (full_name,),
    "serviceendpoint": (endpoint_is_webhook,),
    "sdkmessageprocessingstep": (step_is_asynchronous,),
    "publisher": (
        needs(
            "uniquename", "friendlyname", "customizationprefix", "customizationoptionvalueprefix"
        ),
        unique_name("publisher"),
    ),
    "solution": (
        needs("uniquename", "friendlyname", "version", "publisherid"),
        unique_name("solution"),
    ),
}
