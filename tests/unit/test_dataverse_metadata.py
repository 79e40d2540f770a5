"""What Dataverse's metadata says of choices and days, in the mapping's words."""

from typing import Any

import pytest

from shared.dataverse import wire

GERMAN, ENGLISH, FRENCH = 1031, 1033, 1036


def choice(value: int, own: str | None, **labels: str) -> dict[str, Any]:
    listed = [
        {"Label": text, "LanguageCode": int(language[1:])} for language, text in labels.items()
    ]
    return {
        "Value": value,
        "Label": {
            "UserLocalizedLabel": own and {"Label": own, "LanguageCode": ENGLISH},
            "LocalizedLabels": listed,
        },
    }


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        pytest.param(
            choice(3, "Three", _1033="Three", _1031="Drei"), "Three", id="the user's language"
        ),
        pytest.param(choice(3, None, _1036="Trois", _1031="Drei"), "Drei", id="the base language"),
        pytest.param(
            choice(3, None, _1027="Tres", _1031="Drei"),
            "Drei",
            id="the base language before a lower code",
        ),
        pytest.param(choice(3, None, _1036="Trois", _1049="Tri"), "Trois", id="any language"),
        pytest.param(choice(3, "", _1031="", _1036="Trois"), "Trois", id="an empty label is none"),
        pytest.param(
            choice(3, " ", _1031="\u00a0", _1036="Trois"), "Trois", id="a blank label is none"
        ),
        pytest.param(choice(3, None), "", id="none"),
        pytest.param({"Value": 3, "Label": None}, "", id="no label at all"),
        pytest.param({"Value": 3}, "", id="not even null"),
    ],
)
@pytest.mark.parametrize("shape", ["own", "global", "yes or no"])
def test_a_label_is(option: dict[str, Any], expected: str, shape: str) -> None:
    sets: dict[str, Any] = {
        "own": {"OptionSet": {"Options": [option]}, "GlobalOptionSet": None},
        "global": {"OptionSet": {"Options": []}, "GlobalOptionSet": {"Options": [option]}},
        "yes or no": {"OptionSet": {"TrueOption": option, "FalseOption": None}},
    }
    column = wire.column(
        {"LogicalName": "x", "AttributeType": "Picklist", **sets[shape]}, lambda: GERMAN
    )
    assert column.options == {3: expected}


def test_the_base_language_is_asked_for_only_where_it_is_needed() -> None:
    asked: list[int] = []
    attribute = {
        "LogicalName": "x",
        "AttributeType": "Picklist",
        "OptionSet": {"Options": [choice(1, "One", _1033="One")]},
    }
    wire.column(attribute, lambda: asked.append(1) or GERMAN)
    assert asked == []


@pytest.mark.parametrize(
    ("behavior", "format_", "expected"),
    [
        ("UserLocal", "DateOnly", ("DateTime", True, True)),
        ("UserLocal", "DateAndTime", ("DateTime", True, False)),
        ("TimeZoneIndependent", "DateOnly", ("DateTime", False, False)),
        ("DateOnly", "DateOnly", ("DateOnly", False, False)),
    ],
)
def test_whose_days_a_column_holds(
    behavior: str, format_: str, expected: tuple[str, bool, bool]
) -> None:
    facts = {"DateTimeBehavior": {"Value": behavior}, "Format": format_}
    column = wire.column(
        {"LogicalName": "x", "AttributeTypeName": {"Value": "DateTimeType"}, **facts}
    )
    assert (column.type, column.user_local, column.date_only) == expected
