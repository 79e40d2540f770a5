"""The Web API: finds out what a request addresses and hands it to the part that does it."""

import re
from collections.abc import Callable

from dev.emulators.control import Clock
from dev.emulators.dataverse.access import Access
from dev.emulators.dataverse.batch import Batch
from dev.emulators.dataverse.bulk import Bulk
from dev.emulators.dataverse.keys import Address, read_address
from dev.emulators.dataverse.merging import Merging
from dev.emulators.dataverse.metadata.options import ChoiceOptions
from dev.emulators.dataverse.metadata.privileges import definition_privileges
from dev.emulators.dataverse.metadata.reads import MetadataReads
from dev.emulators.dataverse.metadata.writes import MetadataWrites
from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.odata.expressions import Parser
from dev.emulators.dataverse.odata.options import Options, read_options
from dev.emulators.dataverse.payloads import Payloads
from dev.emulators.dataverse.problems import ApiError, bad_query, no_such_path, not_emulated
from dev.emulators.dataverse.reading import Reading
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.rendering import Rendering, install_functions
from dev.emulators.dataverse.roles import ASSOCIATION, ROLE_TABLES
from dev.emulators.dataverse.steps import REGISTRATION_TABLES
from dev.emulators.dataverse.store import Store
from dev.emulators.dataverse.tracking import Tracking
from dev.emulators.dataverse.webhooks import Webhooks
from dev.emulators.dataverse.wire import Request, Response, json_response, text_response
from dev.emulators.dataverse.writing import Intent, Writing, Written, intent_of

SEGMENT = re.compile(r"(\w+)\((.*)\)", re.DOTALL)
ACTION = "Microsoft.Dynamics.CRM."
DEFINITIONS = ("EntityDefinitions", "RelationshipDefinitions")


class Api:
    """All parts over one store. `handle` raises ApiError for what is refused."""

    def __init__(
        self, store: Store, clock: Clock, webhooks: Webhooks, access: Access, registry: Registry
    ) -> None:
        self.store, self.webhooks, self.access, self.registry = store, webhooks, access, registry
        rendering = Rendering(registry)
        install_functions(store.db)
        self.reading = Reading(store, registry, rendering, clock)
        self.tracking = Tracking(store, rendering, clock)
        payloads = Payloads(store, registry)
        self.writing = Writing(store, payloads, clock, webhooks)
        self.bulk = Bulk(store, registry, self.writing)
        self.batch = Batch(store, self.handle)
        self.metadata = MetadataReads(registry)
        self.metadata_writes = MetadataWrites(registry, self.metadata, clock)
        self.choice_options = ChoiceOptions(registry)
        self.merging = Merging(payloads, self.writing)

    def handle(self, request: Request) -> Response:
        if "callerobjectid" in request.headers or "mscrmcallerid" in request.headers:
            raise not_emulated("impersonation")
        segments = request.path.split("/") if request.path else []
        if not segments:
            return self.service_document(request)
        head = segments[0].partition("(")[0]
        special: dict[str, Callable[[Request], Response]] = {
            "WhoAmI": self.who_am_i,
            "RetrieveTotalRecordCount": self.total_record_count,
            "RetrieveRolePrivilegesRole": self.role_privileges,
            "BulkDelete": self.bulk.bulk_delete,
            "Merge": self.merge,
            "InsertOptionValue": self.insert_option,
            "PublishXml": self.publish,
            "PublishAllXml": self.publish,
            "$batch": self.batch.run,
        }
        if head in special:
            return special[head](request)
        if head in DEFINITIONS:
            return self.definitions(request, segments)
        if head in {"$metadata", "GlobalOptionSetDefinitions"} or (
            head not in self.registry.sets and head[:1].isupper()
        ):
            raise not_emulated(head)
        return self.rows(request, segments)

    def service_document(self, request: Request) -> Response:
        sets = [
            {"name": table.set, "kind": "EntitySet", "url": table.set} for table in self.registry
        ]
        return json_response({"@odata.context": f"{request.api}/$metadata", "value": sets})

    def who_am_i(self, request: Request) -> Response:
        caller = request.caller
        self.access.roles.rights(caller.user_id)
        return json_response(
            {
                "@odata.context": f"{request.api}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
                "BusinessUnitId": caller.business_unit_id,
                "UserId": caller.user_id,
                "OrganizationId": caller.organization_id,
            }
        )

    def total_record_count(self, request: Request) -> Response:
        """RetrieveTotalRecordCount(EntityNames=['contact']) or with an alias."""
        match = re.fullmatch(r"RetrieveTotalRecordCount\(EntityNames=(.+)\)", request.path)
        if not match:
            raise bad_query(
                "The function RetrieveTotalRecordCount needs the parameter EntityNames."
            )
        parser = Parser(
            f"={match[1]}",
            {name: value for name, value in request.query.items() if name.startswith("@")},
        )
        names = parser.parameter()
        if not isinstance(names, list):
            raise bad_query("The parameter EntityNames must be a collection.")
        return self.reading.total_record_count(request, [str(name) for name in names])

    def role_privileges(self, request: Request) -> Response:
        self.access.require(request.caller, "Read", self.registry.named("role"))
        return self.access.roles.of_role(request)

    def publish(self, request: Request) -> Response:
        self.access.require_platform(request.caller, "prvPublishCustomization")
        self.choice_options.publish(request)
        return Response(204)

    def insert_option(self, request: Request) -> Response:
        self.access.require_platform(request.caller, "prvWriteAttribute")
        return self.choice_options.insert(request)

    def merge(self, request: Request) -> Response:
        self.access.require(request.caller, "Write", self.registry.named("contact"))
        return self.merging.run(request)

    def definitions(self, request: Request, segments: list[str]) -> Response:
        self.access.require_platform(request.caller, *definition_privileges(request, segments))
        if request.method != "GET":
            return self.metadata_writes.handle(request, segments)
        if segments[0].startswith("Relationship"):
            return self.metadata.relationship_definitions(request, segments)
        return self.metadata.definitions(request, segments)

    def rows(self, request: Request, segments: list[str]) -> Response:
        match = SEGMENT.fullmatch(segments[0])
        table = self.registry.of_set(match[1] if match else segments[0])
        if table.abstract and request.method not in {"GET", "DELETE"}:
            raise not_emulated(f"writing to {table.set}; write to the activity's own table")
        if match:
            return self.one_row(request, table, read_address(table, match[2]), segments[1:])
        return self.collection(request, table, segments[1:])

    def collection(self, request: Request, table: Table, below: list[str]) -> Response:
        if request.method == "POST" and below and below[0].startswith(ACTION):
            message = below[0].removeprefix(ACTION)
            self.access.require(
                request.caller, "Create" if message == "CreateMultiple" else "Write", table
            )
            for target in request.json().get("Targets") or []:
                self.may_write(request, table, message, target if isinstance(target, dict) else {})
            return self.refreshed(table, self.bulk.run(request, table, message))
        if request.method == "POST" and not below:
            return self.create(request, table)
        if request.method != "GET":
            raise unsupported(request)
        if below not in ([], ["$count"]):
            raise no_such_path(below[0])
        options = read_options(request.query)
        return self.count(request, table, options) if below else self.many(request, table, options)

    def may_write(
        self, request: Request, table: Table, message: str, target: dict[str, object]
    ) -> None:
        """Whether the caller may write this row of a bulk message, and link it."""
        self.access.require_links(request.caller, table, target)
        if message == "CreateMultiple" or self.access.everywhere(request.caller, "Write", table):
            return
        if target.get("@odata.id") or target.get(table.id_column):
            found = self.bulk.address(table, target).find(self.store)
            self.access.require_row(request.caller, "Write", table, found)

    def many(self, request: Request, table: Table, options: Options) -> Response:
        tracked = (
            options.delta_token is not None
            or request.prefer.track_changes
            or is_tracking(options.skip_token)
        )
        self.access.require(request.caller, "Read", table, everywhere=tracked)
        if tracked:
            return self.tracking.read(request, table, options)
        return self.reading.many(request, table, options, self.access.reach(request.caller, table))

    def count(self, request: Request, table: Table, options: Options) -> Response:
        tracked = options.delta_token is not None
        self.access.require(request.caller, "Read", table, everywhere=tracked)
        return (
            self.tracking.count(table, options)
            if tracked
            else self.reading.count(request, table, options)
        )

    def create(self, request: Request, table: Table) -> Response:
        self.access.require(request.caller, "Create", table)
        self.access.require_links(request.caller, table, request.json())
        written = self.writing.create(table, request.json(), intent_of(request))
        return self.refreshed(
            table, self.written(request, written, f"{table.set}({written.row_id})")
        )

    def one_row(
        self, request: Request, table: Table, address: Address, below: list[str]
    ) -> Response:
        if (
            below
            and table.logical in ROLE_TABLES
            and (answer := self.security(request, table, address, below))
        ):
            return answer
        if below:
            return self.part_of_row(request, table, address, below)
        if request.method == "GET":
            self.access.require(request.caller, "Read", table)
            return self.reading.one(request, table, address)
        action = "Delete" if request.method == "DELETE" else "Write"
        self.access.require(request.caller, action, table)
        self.access.require_row(request.caller, action, table, address.find(self.store))
        if request.method == "DELETE":
            self.writing.delete(
                self.activity(address) if table.abstract else address, intent_of(request)
            )
            return self.refreshed(table, Response(204))
        if request.method != "PATCH":
            raise unsupported(request)
        self.access.require_links(request.caller, table, request.json())
        written = self.writing.upsert(address, request.json(), intent_of(request))
        return self.refreshed(table, self.written(request, written, f"{table.set}({address.text})"))

    def security(
        self, request: Request, table: Table, address: Address, below: list[str]
    ) -> Response | None:
        """What stands below a user or a role: its roles, its privileges; None for an ordinary
        part.
        """
        roles, name = self.access.roles, below[0].partition("(")[0]
        if (
            name == f"{ACTION}RetrieveUserPrivileges"
            and request.method == "GET"
            and table.logical == "systemuser"
        ):
            self.access.require(request.caller, "Read", table)
            return roles.of_user(
                request, address.require(self.store)["systemuserid"], self.access.depths
            )
        if (
            name == f"{ACTION}ReplacePrivilegesRole"
            and request.method == "POST"
            and table.logical == "role"
        ):
            self.access.require(request.caller, "Write", table)
            return roles.replace(request, address)
        if name != ASSOCIATION or table.logical != "systemuser":
            return None
        self.access.require(request.caller, "Read", self.registry.named("role"))
        if request.method == "GET" and below == [ASSOCIATION]:
            return roles.listed(request, address)
        self.access.require(request.caller, "Assign", self.registry.named("role"))
        return roles.associate(request, address, below)

    def activity(self, base: Address) -> Address:
        """The activity itself that a base row stands for."""
        row = base.require(self.store)
        table = self.registry.named(row["activitytypecode"])
        return Address(table, base.text, {table.id_column: row["activityid"]})

    def part_of_row(
        self, request: Request, table: Table, address: Address, below: list[str]
    ) -> Response:
        """One column (GET, PUT, DELETE) or one lookup (GET, PUT and DELETE of its `$ref`)."""
        if request.method == "GET":
            self.access.require(request.caller, "Read", table)
            return self.reading.part(request, table, address, below)
        self.access.require(request.caller, "Write", table)
        intent = intent_of(request)
        update = Intent(
            intent.caller,
            intent.request_id,
            "*",
            None,
            intent.bypass,
            intent.bypass_steps,
            intent.tag,
        )
        self.writing.upsert(address, single_change(request, table, below), update)
        return self.refreshed(table, Response(204))

    def written(self, request: Request, written: Written, path: str) -> Response:
        entity_id = {"OData-EntityId": f"{request.api}/{path}"}
        if not request.prefer.representation:
            return Response(204, entity_id)
        options = Options(select=read_options(request.query).select)
        text = self.reading.text_of(request, written.table, written.row_id, options)
        response = text_response(text, 201 if written.created else 200, **entity_id)
        response.headers["ETag"] = f'W/"{written.version}"'
        return response

    def refreshed(self, table: Table, response: Response) -> Response:
        """Registrations and users are read again once they have been written."""
        if table.logical in REGISTRATION_TABLES:
            self.webhooks.steps.reload()
        elif table.logical in ROLE_TABLES:
            self.access.forget_callers()
        return response


def is_tracking(skip_token: str | None) -> bool:
    return skip_token is not None and 'istracking="True"' in skip_token


def single_change(request: Request, table: Table, below: list[str]) -> dict[str, object]:
    """The body that PUT or DELETE of a single property stands for."""
    name = below[0]
    if below[1:] == ["$ref"] and name in table.navigation:
        return {
            f"{name}@odata.bind": (
                request.json().get("@odata.id") if request.method == "PUT" else None
            )
        }
    if below[1:] or name not in table.columns or request.method not in {"PUT", "DELETE"}:
        raise unsupported(request) if name in table.columns else no_such_path(name)
    return {name: request.json().get("value") if request.method == "PUT" else None}


def unsupported(request: Request) -> ApiError:
    return ApiError(
        405,
        "0x80060888",
        f"The requested resource does not support http method '{request.method}'.",
    )
