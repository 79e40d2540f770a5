"""What every organization has before anybody writes a row: itself, a business unit, a currency,
users, messages.
"""

import uuid
from collections.abc import Iterable
from typing import Any

from dev.emulators.dataverse.metadata.shapes import PRIVILEGE_TYPES
from dev.emulators.dataverse.model import Table, stable_id
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.roles import ADMINISTRATOR, Roles
from dev.emulators.dataverse.rules import SAME
from dev.emulators.dataverse.store import Store

EVENT_MESSAGES = ("Create", "Update", "Delete")
BULK_MESSAGES = ("CreateMultiple", "UpdateMultiple")
OTHER_MESSAGES = (
    "Retrieve",
    "RetrieveMultiple",
    "Upsert",
    "UpsertMultiple",
    "Assign",
    "Merge",
    "SetState",
    "Associate",
    "Disassociate",
)
ADMINISTRATOR_TEMPLATE = "627090ff-40a3-4053-8790-584edc5be201"  # the same in every organization
METADATA = ("Entity", "Attribute", "Relationship", "OptionSet")
VERBS = ("Create", "Read", "Write", "Delete")
PLATFORM_PRIVILEGES = (
    *(f"prv{verb}{what}" for what in METADATA for verb in VERBS),
    "prvPublishCustomization",
)
FOUNDED = "2020-01-01T00:00:00Z"


def found(store: Store, registry: Registry) -> None:
    """Creates the organization in empty tables."""
    unit, currency, admin = (
        stable_id("row", name) for name in ("businessunit", "currency", "administrator")
    )
    organization = str(uuid.uuid4())
    facts = {
        "organization": organization,
        "organization_name": "unq" + organization.replace("-", "")[:28],
        "business_unit": unit,
        "currency": currency,
        "administrator": admin,
    }
    with store.transaction():
        registry.load_shipped()
        for name, value in facts.items():
            store.set_fact(name, value)
        put(store, registry, "businessunit", businessunitid=unit, name="Example organization")
        put(
            store,
            registry,
            "systemuser",
            systemuserid=admin,
            fullname="System Administrator",
            businessunitid=unit,
            isdisabled=0,
        )
        put(store, registry, "transactioncurrency", **dollars(currency))
        put(
            store,
            registry,
            "organization",
            **settings(organization, facts["organization_name"], currency),
        )
        add_messages(store, registry)
        add_roles(store, registry, unit)
        Roles(store).assign(admin, ADMINISTRATOR)


def dollars(row_id: str) -> dict[str, Any]:
    names = {"currencyname": "US Dollar", "isocurrencycode": "USD", "currencysymbol": "$"}
    return {
        "transactioncurrencyid": row_id,
        **names,
        "exchangerate": SAME,
        "statecode": 0,
        "statuscode": 1,
    }


def settings(row_id: str, name: str, currency: str) -> dict[str, Any]:
    """The organization's own row; change tokens live seven days, the platform's default."""
    language = {"languagecode": 1033, "fullnameconventioncode": 1}
    return {
        "organizationid": row_id,
        "name": name,
        "expirechangetrackingindays": 7,
        "basecurrencyid": currency,
        **language,
    }


def put(store: Store, registry: Registry, logical: str, **values: Any) -> None:
    """A row of the platform's own, written around all rules."""
    table = registry.named(logical)
    admin = stable_id("row", "administrator")
    row = {
        "createdon": FOUNDED,
        "modifiedon": FOUNDED,
        "createdby": admin,
        "modifiedby": admin,
        **values,
    }
    store.insert(logical, table.id_column, row)


def add_roles(store: Store, registry: Registry, unit: str) -> None:
    """The privileges that there are, and the role that holds them all."""
    for name in PLATFORM_PRIVILEGES:
        add_privilege(store, name)
    for table in registry:
        add_privileges(store, table)
    put(
        store,
        registry,
        "roletemplate",
        roletemplateid=ADMINISTRATOR_TEMPLATE,
        name="System Administrator",
    )
    facts = {
        "name": "System Administrator",
        "businessunitid": unit,
        "roletemplateid": ADMINISTRATOR_TEMPLATE,
    }
    put(store, registry, "role", roleid=ADMINISTRATOR, **facts)


def add_privileges(store: Store, table: Table) -> None:
    """Those of one table; activities share theirs."""
    for kind in PRIVILEGE_TYPES:
        add_privilege(store, f"prv{kind}{table.privilege}")


def add_privilege(store: Store, name: str) -> None:
    privilege_id = stable_id("privilege", name)
    if not store.fetch("privilege", "privilegeid", privilege_id):
        store.insert(
            "privilege",
            "privilegeid",
            {
                "privilegeid": privilege_id,
                "name": name,
                "createdon": FOUNDED,
                "modifiedon": FOUNDED,
            },
        )


def add_messages(store: Store, registry: Registry) -> None:
    for message in (*EVENT_MESSAGES, *BULK_MESSAGES, *OTHER_MESSAGES):
        put(store, registry, "sdkmessage", sdkmessageid=stable_id("message", message), name=message)
    for table in registry:
        add_message_filters(store, table)


def add_message_filters(store: Store, table: Table) -> None:
    """Which messages can be listened to on a table; the bulk ones stand only where the table has
    them.
    """
    if table.abstract:
        return
    add_filters(
        store, table, EVENT_MESSAGES + (BULK_MESSAGES if table.document.get("bulk") else ())
    )


def set_bulk_filters(store: Store, table: Table, supported: bool) -> None:
    """What `sdkmessagefilters` says of the bulk messages of a table; UpsertMultiple never stands
    there.
    """
    for message in BULK_MESSAGES:
        store.db.execute(
            "DELETE FROM sdkmessagefilter WHERE sdkmessagefilterid = ?",
            (stable_id("filter", message, table.logical),),
        )
    add_filters(store, table, BULK_MESSAGES if supported else ())


def add_filters(store: Store, table: Table, messages: Iterable[str]) -> None:
    for message in messages:
        row = {
            "sdkmessagefilterid": stable_id("filter", message, table.logical),
            "primaryobjecttypecode": table.logical,
            "secondaryobjecttypecode": "none",
            "iscustomprocessingstepallowed": 1,
            "sdkmessageid": stable_id("message", message),
            "createdon": FOUNDED,
            "modifiedon": FOUNDED,
        }
        store.insert("sdkmessagefilter", "sdkmessagefilterid", row)
