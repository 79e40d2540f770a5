"""GET on EntityDefinitions and what stands below it."""

import re
from collections.abc import Iterator
from typing import Any

from dev.emulators.dataverse.metadata.attributes import (
    BASE_PROPERTIES,
    NAVIGATION,
    PREFIX,
    attribute_documents,
)
from dev.emulators.dataverse.metadata.queries import Shape, matches, picked, read_shape
from dev.emulators.dataverse.metadata.shapes import (
    Document,
    key_document,
    relationships,
    table_document,
)
from dev.emulators.dataverse.model import Table
from dev.emulators.dataverse.problems import ApiError, bad_query, no_such_path, no_such_property
from dev.emulators.dataverse.registry import Registry
from dev.emulators.dataverse.wire import Request, Response, json_response

SEGMENT = re.compile(r"(\w+)(?:\((.*)\))?")
COLLECTIONS = (
    "Attributes",
    "Keys",
    "ManyToOneRelationships",
    "OneToManyRelationships",
    "ManyToManyRelationships",
)


def split_key(segment: str) -> tuple[str, str | None]:
    """`Attributes(LogicalName='x')` -> ("Attributes", "LogicalName='x'")."""
    match = SEGMENT.fullmatch(segment)
    if not match:
        raise no_such_path(segment)
    return match[1], match[2]


def named_key(text: str) -> str:
    """The value of `LogicalName='x'`, or the bare metadata id."""
    match = re.fullmatch(r"(?:LogicalName|SchemaName)\s*=\s*'([^']*)'", text.strip())
    return match[1].lower() if match else text.strip().strip("'").lower()


class MetadataReads:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.built: dict[str, tuple[Table, list[tuple[str, Document]]]] = {}

    def columns_of(self, table: Table) -> list[tuple[str, Document]]:
        """Class and document of each column, made once for a definition: a change makes a new
        Table.
        """
        known, documents = self.built.get(table.logical, (None, []))
        if known is not table:
            documents = list(attribute_documents(table))
            self.built[table.logical] = table, documents
        return documents

    def table(self, text: str) -> Table:
        wanted = named_key(text)
        for table in self.registry:
            if wanted in {table.logical, table.metadata_id}:
                return table
        return self.registry.named(wanted)

    def definitions(self, request: Request, segments: list[str]) -> Response:
        """EntityDefinitions, EntityDefinitions(..), EntityDefinitions(..)/Attributes and so on."""
        _, key = split_key(segments[0])
        shape = read_shape(request.query)
        if key is None:
            found = [
                self.table_shape(table, shape)
                for table in self.registry
                if matches(shape.filter, table_document(table))
            ]
            return collection(request, "EntityDefinitions", shape, found)
        table = self.table(key)
        if len(segments) == 1:
            return single(request, "EntityDefinitions", shape, self.table_shape(table, shape))
        name, inner_key = split_key(segments[1])
        if name == "Attributes":
            return self.attributes(request, table, inner_key, segments[2:], shape)
        if name not in COLLECTIONS:
            raise no_such_path(name)
        found = self.collection_of(table, name, shape)
        if inner_key is None:
            return collection(request, f"EntityDefinitions('{table.logical}')/{name}", shape, found)
        return single(request, name, shape, one_of(found, inner_key))

    def table_shape(self, table: Table, shape: Shape) -> Document:
        whole = table_document(table)
        document = picked(whole, shape, whole, "EntityMetadata")
        for name, inner in shape.expand.items():
            if name not in COLLECTIONS:
                raise no_such_property(name, "EntityMetadata")
            document[name] = self.collection_of(table, name, inner)
        return document

    def collection_of(self, table: Table, name: str, shape: Shape) -> list[Document]:
        if name == "Attributes":
            return self.attribute_shapes(table, None, shape)
        found = list(self.documents_of(table, name))
        return [picked(doc, shape, doc, name) for doc in found if matches(shape.filter, doc)]

    def documents_of(self, table: Table, name: str) -> Iterator[Document]:
        if name == "Keys":
            yield from (key_document(table, key) for key in table.keys)
        elif name == "ManyToOneRelationships":
            yield from relationships(table, self.registry.tables)
        elif name == "OneToManyRelationships":
            yield from (
                document
                for document in self.all_relationships()
                if document["ReferencedEntity"] == table.logical
            )

    def all_relationships(self) -> list[Document]:
        return [
            doc for table in self.registry for doc in relationships(table, self.registry.tables)
        ]

    def relationship_definitions(self, request: Request, segments: list[str]) -> Response:
        shape = read_shape(request.query)
        _, key = split_key(segments[0])
        documents = [
            {"@odata.type": f"#{PREFIX}OneToManyRelationshipMetadata", **doc}
            for doc in self.all_relationships()
        ]
        if key is not None:
            one = one_of(documents, key)
            return single(
                request,
                "RelationshipDefinitions",
                shape,
                picked(one, shape, one, "RelationshipMetadataBase"),
            )
        found = [
            picked(doc, shape, doc, "RelationshipMetadataBase")
            for doc in documents
            if matches(shape.filter, doc)
        ]
        return collection(request, "RelationshipDefinitions", shape, found)

    def attributes(
        self, request: Request, table: Table, key: str | None, rest: list[str], shape: Shape
    ) -> Response:
        """Attributes, Attributes/<cast>, Attributes(..), Attributes(..)/<cast>, and /OptionSet
        below those.
        """
        wanted_class = cast_of(rest[0]) if rest and rest[0].startswith(PREFIX) else None
        below = rest[1:] if wanted_class else rest
        path = f"EntityDefinitions('{table.logical}')/Attributes" + (
            f"/{PREFIX}{wanted_class}" if wanted_class else ""
        )
        if key is None:
            return collection(
                request, path, shape, self.attribute_shapes(table, wanted_class, shape)
            )
        if below:
            return self.option_set(request, table, key, below[0])
        return single(request, path, shape, self.one_attribute(table, key, wanted_class, shape))

    def attribute_shapes(
        self, table: Table, wanted_class: str | None, shape: Shape
    ) -> list[Document]:
        return [
            attribute_shape(own_class, document, wanted_class, shape)
            for own_class, document in self.columns_of(table)
            if wanted_class in {None, own_class} and matches(shape.filter, document)
        ]

    def one_attribute(
        self, table: Table, key: str, wanted_class: str | None, shape: Shape
    ) -> Document:
        own_class, document = self.attribute_of(table, key)
        if wanted_class not in {None, own_class}:
            raise ApiError(
                404, "0x80060888", f"Resource not found for the segment '{PREFIX}{wanted_class}'."
            )
        return attribute_shape(own_class, document, wanted_class, shape)

    def attribute_of(self, table: Table, key: str) -> tuple[str, Document]:
        wanted = named_key(key)
        for own_class, document in self.columns_of(table):
            if wanted in {document["LogicalName"], document["MetadataId"]}:
                return own_class, document
        message = (
            f"Could not find an attribute with specified name: {wanted} for entity {table.logical}"
        )
        raise ApiError(404, "0x80040217", message)

    def option_set(self, request: Request, table: Table, key: str, name: str) -> Response:
        _, document = self.attribute_of(table, key)
        if name not in NAVIGATION or name not in document:
            raise no_such_path(name)
        if document[name] is None:
            return Response(204)
        return json_response(
            {"@odata.context": f"{request.api}/$metadata#{name}", **document[name]}
        )


def cast_of(segment: str) -> str:
    found = segment.removeprefix(PREFIX)
    if found == "EnumAttributeMetadata":
        raise bad_query(
            "The type 'Microsoft.Dynamics.CRM.EnumAttributeMetadata' cannot be used for a cast: it"
            " is abstract."
        )
    if not found.endswith("AttributeMetadata"):
        raise no_such_path(segment)
    return found


def attribute_shape(
    own_class: str, document: Document, wanted_class: str | None, shape: Shape
) -> Document:
    """Without a cast, only what all columns have can be selected; option sets come by `$expand`
    alone.
    """
    plain = {name: value for name, value in document.items() if name not in NAVIGATION}
    selectable = plain if wanted_class else BASE_PROPERTIES
    chosen = picked(
        plain, shape, selectable if shape.select else plain, wanted_class or "AttributeMetadata"
    )
    for name, inner in shape.expand.items():
        if name not in NAVIGATION or wanted_class is None:
            raise no_such_property(name, wanted_class or "AttributeMetadata")
        chosen[name] = expanded_option_set(document.get(name), inner)
    return chosen if wanted_class else {"@odata.type": f"#{PREFIX}{own_class}", **chosen}


def expanded_option_set(found: Any, shape: Shape) -> Any:
    return None if found is None else picked(found, shape, found, "OptionSetMetadata")


def one_of(documents: list[Document], key: str) -> Document:
    wanted = named_key(key)
    for document in documents:
        if wanted in {
            str(document.get(name, "")).lower()
            for name in ("MetadataId", "LogicalName", "SchemaName")
        }:
            return document
    raise ApiError(404, "0x80040217", f"Could not find metadata with key {key}")


def selection(shape: Shape) -> str:
    return f"({','.join(shape.select)})" if shape.select else ""


def collection(request: Request, name: str, shape: Shape, found: list[Document]) -> Response:
    return json_response(
        {"@odata.context": f"{request.api}/$metadata#{name}{selection(shape)}", "value": found}
    )


def single(request: Request, name: str, shape: Shape, found: Document) -> Response:
    return json_response(
        {"@odata.context": f"{request.api}/$metadata#{name}{selection(shape)}/$entity", **found}
    )
