"""The first draft of a table: what has equal names and fits, and a key that can be found again."""

from shared.editing.proposing import proposal
from shared.mapping import SourceColumn, SourceTable, TargetField, TargetResource, read_document


def table(*columns: SourceColumn) -> SourceTable:
    key = SourceColumn("acs_carid", "Uniqueidentifier")
    found = {one.name: one for one in (key, *columns)}
    return SourceTable("acs_car", "acs_cars", "acs_carid", found)


def resource(*fields: TargetField, **filters: tuple[str, ...]) -> TargetResource:
    return TargetResource("cusCar", {one.name: one for one in fields}, filters)


CAR = TargetField("carId", "string", 36)
BY_ID = {"byCarid": ("carId_parameter",)}


def proposed(source: SourceTable, target: TargetResource) -> dict[str, str]:
    """Columns by fields; the text must be a document."""
    document = read_document(proposal(source, target, "customResources"))
    return {rule.target: rule.source or "" for rule in document.fields}


def test_equal_names_and_fitting_types_are_proposed_and_nothing_else() -> None:
    source = table(
        SourceColumn("name", "String"),
        SourceColumn("acs_colour", "Picklist"),
        SourceColumn("acs_car_seats", "Integer"),
        SourceColumn("birthdate", "DateTime"),
        SourceColumn("doors", "DateTime"),
        SourceColumn("picture", "Image"),
        SourceColumn("statecode", "State"),
        SourceColumn("owner", "Owner"),
    )
    target = resource(
        CAR,
        TargetField("name", "string"),
        TargetField("cusColour", "string"),
        TargetField("seats", "integer"),
        TargetField("birthDate", "date"),
        TargetField("doors", "integer"),
        TargetField("picture", "string"),
        TargetField("location.stateCode", "string"),
        TargetField("created", "datetime", read_only=True),
        **BY_ID,
    )
    assert proposed(source, target) == {
        "name": "name",
        "cusColour": "acs_colour",
        "seats": "acs_car_seats",
        "birthDate": "birthdate",
    }


def test_the_key_goes_by_a_published_filter_on_its_field() -> None:
    target = resource(CAR, TargetField("name", "string"), **BY_ID)
    document = read_document(
        proposal(table(SourceColumn("name", "String")), target, "customResources")
    )
    key = document.key
    assert (key.source, key.target, key.lookup) == ("acs_carid", "carId", "filter")
    assert (key.filter, key.parameter) == ("byCarid", "carId_parameter")


def test_two_columns_never_go_to_one_field() -> None:
    source = table(SourceColumn("acs_name", "String"), SourceColumn("name", "String"))
    found = proposed(source, resource(CAR, TargetField("name", "string"), **BY_ID))
    assert list(found) == ["name"]


def test_a_table_without_equal_names_says_where_to_begin() -> None:
    text = proposal(table(), resource(CAR, **BY_ID), "customResources")
    assert "No column has the name of a field" in text
