"""Queries: filters, order, pages, counts, annotations, expansion.

Microsoft Learn: Query data using the Web API; Filter rows; Page results; Count rows.
"""

import json
from typing import Any
from urllib.parse import quote, unquote

import pytest

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOOKUP = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
ROWS = (
    {
        "lastname": "O'Brien",
        "firstname": "Ana",
        "numberofchildren": 2,
        "birthdate": "1980-05-01",
        "donotemail": True,
    },
    {
        "lastname": "smith",
        "firstname": "Ben",
        "numberofchildren": 0,
        "birthdate": "1990-01-01",
        "gendercode": 1,
    },
    {"lastname": "Smith", "firstname": None, "birthdate": None, "gendercode": 2},
    {
        "lastname": "Ünal 50%",
        "firstname": "Élodie",
        "numberofchildren": 5,
        "emailaddress1": "e_1@example.org",
    },
)


@pytest.fixture
def rows(org: Any) -> list[str]:
    """Ids of ROWS, the first of them working for Contoso."""
    account = org.create("accounts", name="Contoso", numberofemployees=7)
    employed = {"parentcustomerid_account@odata.bind": f"/accounts({account})"}
    return [
        org.create("contacts", **row, **(employed if number == 0 else {}))
        for number, row in enumerate(ROWS)
    ]


def matching(org: Any, expression: str, **aliases: str) -> list[int]:
    """Which of ROWS a filter finds."""
    query = "&".join(
        [
            f"$filter={quote(expression)}",
            *(f"@{name}={quote(value)}" for name, value in aliases.items()),
        ]
    )
    found = [
        row["lastname"]
        for row in org.get(f"contacts?$select=lastname&$orderby=createdon&{query}")["value"]
    ]
    return sorted(number for number, row in enumerate(ROWS) if row["lastname"] in found)


@pytest.mark.usefixtures("rows")
@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("lastname eq 'O''Brien'", [0]),
        ("lastname eq 'SMITH'", [1, 2]),
        ("lastname eq 'ünal 50%'", [3]),
        ("firstname eq null", [2]),
        ("firstname ne null", [0, 1, 3]),
        ("firstname ne 'ana'", [1, 2, 3]),
        ("numberofchildren gt 1", [0, 3]),
        ("numberofchildren ge 0 and numberofchildren le 2", [0, 1]),
        ("2 lt numberofchildren", [3]),
        ("donotemail eq true", [0]),
        ("donotemail", [0]),
        ("not (donotemail eq true)", [1, 2, 3]),
        ("birthdate lt 1985-01-01", [0]),
        ("birthdate eq null or gendercode eq 1", [1, 2, 3]),
        ("(gendercode eq 1 or gendercode eq 2) and not startswith(firstname,'B')", [2]),
        ("createdon gt 2000-01-01T00:00:00Z", [0, 1, 2, 3]),
        ("createdon lt 2000-01-01T00:00:00Z", []),
        ("contains(lastname,'MIT')", [1, 2]),
        ("contains(lastname,'ÜN')", [3]),
        ("endswith(lastname,'brien')", [0]),
        ("startswith(lastname,'s_ith')", [1, 2]),
        ("contains(lastname,'[%]')", [3]),
        ("contains(firstname,'ÉL') and not contains(lastname,'x')", [3]),
        ("parentcustomerid_account/name eq 'contoso'", [0]),
        ("parentcustomerid_account/numberofemployees gt 5", [0]),
        ("parentcustomerid_account/createdby/fullname ne null", [0]),
        ("firstname eq lastname", []),
        (
            'Microsoft.Dynamics.CRM.In(PropertyName=\'lastname\',PropertyValues=["smith","x"])',
            [1, 2],
        ),
        ("Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=['O''Brien'])", [0]),
        (
            'Microsoft.Dynamics.CRM.In(PropertyName=\'numberofchildren\',PropertyValues=["5","0"])',
            [1, 3],
        ),
        ("Microsoft.Dynamics.CRM.In(PropertyName='numberofchildren',PropertyValues=[])", []),
        ("Microsoft.Dynamics.CRM.NotIn(PropertyName='lastname',PropertyValues=['smith'])", [0, 3]),
        (
            "Microsoft.Dynamics.CRM.Between(PropertyName='numberofchildren',PropertyValues=['1','4'])",
            [0],
        ),
        (
            "Microsoft.Dynamics.CRM.NotBetween(PropertyName='numberofchildren',PropertyValues=['1','4'])",
            [1, 3],
        ),
        ("Microsoft.Dynamics.CRM.On(PropertyName='birthdate',PropertyValue='1980-05-01')", [0]),
        (
            "Microsoft.Dynamics.CRM.OnOrAfter(PropertyName='birthdate',PropertyValue=1980-05-02)",
            [1],
        ),
        (
            "Microsoft.Dynamics.CRM.OnOrBefore(PropertyName='birthdate',PropertyValue='1980-05-01')",
            [0],
        ),
        (
            "Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=1)",
            [0, 1, 2, 3],
        ),
        (
            "Microsoft.Dynamics.CRM.LastXHours(PropertyName='createdon',PropertyValue=1)",
            [0, 1, 2, 3],
        ),
        ("Microsoft.Dynamics.CRM.NextXDays(PropertyName='createdon',PropertyValue=1)", []),
    ],
)
def test_a_filter_finds_its_rows(org: Any, expression: str, expected: list[int]) -> None:
    assert matching(org, expression) == expected


def test_lookups_and_ids_are_compared_as_bare_guids(org: Any, rows: list[str]) -> None:
    me = org.get("WhoAmI")["UserId"]
    assert matching(org, f"_ownerid_value eq {me}") == [0, 1, 2, 3]
    assert matching(org, f"contactid eq {rows[1].upper()}") == [1]
    assert matching(
        org,
        f"Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=['{rows[0]}','{rows[3]}'])",
    ) == [
        0,
        3,
    ]
    assert org.refused("GET", f"contacts?$filter=contactid eq guid'{rows[0]}'")[0] == 400


@pytest.mark.usefixtures("rows")
def test_values_can_stand_in_aliases(org: Any) -> None:
    assert matching(org, "lastname eq @n and numberofchildren eq @c", n="'O''Brien'", c="2") == [0]
    function = "Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=@p)"
    assert matching(org, function, p='["smith"]') == [1, 2]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (
            "$select=nosuch",
            "Could not find a property named 'nosuch' on type 'Microsoft.Dynamics.CRM.contact'.",
        ),
        ("$select=gendercodename", "Could not find a property named 'gendercodename'"),
        ("$select=parentcustomerid", "Could not find a property named 'parentcustomerid'"),
        ("$filter=nosuch eq 1", "Could not find a property named 'nosuch'"),
        (
            "$filter=lastname eq 1",
            "Found operand types 'Edm.String' and 'Edm.Int32' for operator kind 'Equal'.",
        ),
        (
            "$filter=donotemail eq 'x'",
            "Found operand types 'Edm.Boolean' and 'Edm.String' for operator kind 'Equal'.",
        ),
        ("$filter=lastname eq", "Syntax error at position"),
        ("$filter=lastname eq 'a' and", "Syntax error at position"),
        ("$filter=(lastname eq 'a'", "Syntax error at position"),
        ("$filter=lastname", "must evaluate to a single boolean value"),
        ("$filter=length(lastname) eq 1", "An unknown function with name 'length' was found."),
        ("$orderby=nosuch", "Could not find a property named 'nosuch'"),
        ("$orderby=lastname down", "Syntax error in $orderby"),
        ("$expand=nosuch", "Could not find a property named 'nosuch'"),
        ("$top=-1", "non-negative integer"),
        ("$skip=10", "The query parameter $skip is not supported."),
        ("$search=x", "The query parameter $search is not supported."),
        ("$format=json", "The query parameter $format is not supported."),
        ("$skiptoken=nonsense", "Malformed XML in the Paging Cookie"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(org: Any, query: str, words: str) -> None:
    status, _, message = org.refused("GET", f"contacts?{query}")
    assert status == 400
    assert words in message


@pytest.mark.parametrize(
    "query",
    [
        "$apply=aggregate($count as total)",
        "sql=SELECT fullname FROM contact",
        "fetchXml=<fetch/>",
        "$filter=contact_tasks/any(t:t/subject eq 'x')",
        "$filter=Microsoft.Dynamics.CRM.Under(PropertyName='lastname',PropertyValue='x')",
        "$expand=parentcustomerid_account($filter=name eq 'x')",
    ],
)
def test_what_the_emulator_does_not_do_it_refuses_with_a_sentence(org: Any, query: str) -> None:
    status, _, message = org.refused("GET", f"contacts?{query}")
    assert status == 501
    assert message.startswith("This emulator does not do ")


@pytest.mark.usefixtures("rows")
def test_rows_come_in_the_order_asked_for_with_nulls_first(org: Any) -> None:
    def ordered(order: str) -> list[Any]:
        return [
            row["numberofchildren"]
            for row in org.get(f"contacts?$select=numberofchildren&$orderby={order}")["value"]
        ]

    assert ordered("numberofchildren") == [None, 0, 2, 5]
    assert ordered("numberofchildren desc") == [5, 2, 0, None]
    assert ordered("lastname asc,firstname desc")[0] == 2


@pytest.mark.parametrize(
    "order",
    [
        "",
        "&$orderby=gendercode",
        "&$orderby=gendercode desc,lastname",
        "&$orderby=parentcustomerid_account/name",
    ],
)
def test_pages_are_complete_and_without_repeats_in_any_order(
    org: Any, rows: list[str], order: str
) -> None:
    whole = [row["contactid"] for row in org.get(f"contacts?$select=contactid{order}")["value"]]
    pages = [org.get(f"contacts?$select=contactid{order}", Prefer="odata.maxpagesize=1")]
    while "@odata.nextLink" in pages[-1]:
        pages.append(org.get(pages[-1]["@odata.nextLink"], Prefer="odata.maxpagesize=1"))
    assert [row["contactid"] for page in pages for row in page["value"]] == whole
    assert sorted(whole) == sorted(rows)


@pytest.mark.usefixtures("rows")
def test_a_next_link_has_the_platforms_cookie(org: Any) -> None:
    response = org.request("GET", "contacts?$select=lastname", Prefer="odata.maxpagesize=2")
    body = response.json()
    link = body["@odata.nextLink"]
    first, last = (body["value"][place]["contactid"].upper() for place in (0, 1))
    cookie = unquote(link.partition("&$skiptoken=")[2])
    ids = f"%20last%3d%22%7b{last}%7d%22%20first%3d%22%7b{first}%7d%22"
    inner = f"%3ccookie%20page%3d%221%22%3e%3ccontactid{ids}%20%2f%3e%3c%2fcookie%3e"
    assert link.startswith(f"{org.api}/contacts?$select=lastname&$skiptoken=")
    assert cookie == f'<cookie pagenumber="2" pagingcookie="{inner}" istracking="False" />'
    assert response.headers["Preference-Applied"] == "odata.maxpagesize=2"


@pytest.mark.usefixtures("rows")
def test_top_wins_over_page_size_and_has_no_next_link(org: Any) -> None:
    body = org.get("contacts?$select=lastname&$top=3", Prefer="odata.maxpagesize=1")
    assert (len(body["value"]), "@odata.nextLink" in body) == (3, False)


def test_a_page_has_at_most_5000_rows_and_so_have_counts(org: Any) -> None:
    org.control("seed", {"contacts": 5001, "seed": 1})
    body = org.get("contacts?$select=contactid&$count=true", Prefer="odata.maxpagesize=9999")
    assert (len(body["value"]), body["@odata.count"]) == (5000, 5000)
    assert len(org.get(body["@odata.nextLink"])["value"]) == 1
    assert org.request("GET", "contacts/$count").content == "\ufeff5000".encode()
    limited = org.get(
        "contacts?$select=contactid&$count=true&$top=1", Prefer='odata.include-annotations="*"'
    )
    assert limited["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"] is True
    names = 'EntityNames=@p1)?@p1=["contact","account"]'
    counts = org.get(f"RetrieveTotalRecordCount({names}")["EntityRecordCountCollection"]
    assert counts == {
        "Count": 2,
        "IsReadOnly": False,
        "Keys": ["account", "contact"],
        "Values": [0, 5001],
    }


@pytest.mark.usefixtures("rows")
def test_counts_follow_the_filter(org: Any) -> None:
    assert (
        org.get("contacts?$select=contactid&$filter=lastname eq 'smith'&$count=true&$top=1")[
            "@odata.count"
        ]
        == 2
    )
    assert (
        org.request("GET", "contacts/$count?$filter=lastname eq 'smith'").content.decode(
            "utf-8-sig"
        )
        == "2"
    )


def test_annotations_name_what_values_mean(org: Any, rows: list[str]) -> None:
    query = (
        "contacts?$select=donotemail,gendercode,birthdate,_parentcustomerid_value,annualincome&$filter=contactid"
        f" eq {rows[0]}"
    )
    response = org.request("GET", query, Prefer='odata.include-annotations="*"')
    body = response.json()
    row = body["value"][0]
    assert response.headers["Preference-Applied"] == 'odata.include-annotations="*"'
    assert body["@Microsoft.Dynamics.CRM.totalrecordcount"] == -1
    assert row[f"donotemail@{FORMATTED}"] == "Do Not Allow"
    assert row[f"birthdate@{FORMATTED}"] == "5/1/1980"
    assert row[f"_parentcustomerid_value@{FORMATTED}"] == "Contoso"
    assert row[f"_parentcustomerid_value@{LOOKUP}"] == "account"
    assert row[f"_parentcustomerid_value@{NAVIGATION}"] == "parentcustomerid_account"
    assert row["gendercode"] is None
    assert f"gendercode@{FORMATTED}" not in row
    assert "_transactioncurrencyid_value" in row


def test_a_long_list_of_ids_fits_into_a_url_up_to_the_platforms_length(
    org: Any, rows: list[str]
) -> None:
    def listed(count: int) -> str:
        ids = ",".join(f"'{row_id}'" for row_id in (rows * count)[:count])
        names = f"PropertyName='contactid',PropertyValues=[{ids}]"
        return f"contacts?$select=lastname&$filter=Microsoft.Dynamics.CRM.In({names})"

    assert len(org.get(listed(750))["value"]) == len(rows)
    assert org.refused("GET", listed(850))[0] == 414


def test_only_the_annotations_asked_for_come(org: Any, rows: list[str]) -> None:
    row = org.get(
        f"contacts({rows[0]})?$select=donotemail,_ownerid_value",
        Prefer=f'odata.include-annotations="{FORMATTED}"',
    )
    assert {name.partition("@")[2] for name in row if "@" in name[1:]} == {FORMATTED}
    assert not [name for name in org.get(f"contacts({rows[0]})") if "@" in name[1:]]


def test_lookups_expand_with_their_own_selection_and_deeper(org: Any, rows: list[str]) -> None:
    account = "parentcustomerid_account($select=name;$expand=createdby($select=fullname))"
    query = f"$select=lastname&$expand={account},createdby"
    row = org.get(f"contacts({rows[0]})?{query}")
    account = row["parentcustomerid_account"]
    assert account.keys() == {"@odata.etag", "name", "accountid", "createdby"}
    assert account["createdby"]["fullname"] == row["createdby"]["fullname"]
    assert org.get(f"contacts({rows[1]})?{query}")["parentcustomerid_account"] is None
    assert (
        org.get(f"contacts({rows[0]})/parentcustomerid_account?$select=name")["name"] == "Contoso"
    )
    assert org.request("GET", f"contacts({rows[1]})/parentcustomerid_account").status_code == 204


def test_a_selection_brings_the_etag_and_the_id_and_nothing_else(org: Any, rows: list[str]) -> None:
    text = org.request("GET", f"contacts({rows[0]})?$select=lastname").text
    row = json.loads(text)
    assert list(row) == ["@odata.context", "@odata.etag", "lastname", "contactid"]
    assert row["@odata.context"] == f"{org.api}/$metadata#contacts(lastname)/$entity"
    assert '"@odata.etag":"W/\\"' in text


def test_the_service_document_lists_the_sets(org: Any) -> None:
    body = org.get("")
    assert {"name": "contacts", "kind": "EntitySet", "url": "contacts"} in body["value"]


def test_names_of_columns_cannot_smuggle_sql(org: Any, rows: list[str]) -> None:
    for attempt in ('lastname" FROM contact; --', "lastname'", "1) OR (1"):
        assert org.refused("GET", f"contacts?$select={quote(attempt)}")[0] == 400
        assert org.refused("GET", f"contacts?$orderby={quote(attempt)}")[0] == 400
    assert matching(org, "lastname eq ''' OR 1=1 --'") == []


def test_choices_are_filtered_by_what_they_contain(org: Any) -> None:
    options = [
        {"Value": value, "Label": {"LocalizedLabels": [{"Label": name, "LanguageCode": 1033}]}}
        for value, name in ((1, "A"), (9, "B"))
    ]
    column = {
        "@odata.type": "Microsoft.Dynamics.CRM.MultiSelectPicklistAttributeMetadata",
        "SchemaName": "new_Topics",
        "OptionSet": {"Options": options},
    }
    assert (
        org.request(
            "POST", "EntityDefinitions(LogicalName='contact')/Attributes", column
        ).status_code
        == 204
    )
    row_id = org.create("contacts", lastname="A", new_topics="9,1")
    org.create("contacts", lastname="B", new_topics="1")
    found = org.get(
        "contacts?$select=new_topics&$filter=Microsoft.Dynamics.CRM.ContainValues(PropertyName='new_topics',PropertyValues=['9'])"
    )
    assert [(row["contactid"], row["new_topics"]) for row in found["value"]] == [(row_id, "1,9")]
    assert org.refused("POST", "contacts", {"new_topics": "1,2"})[1] == "0x8004431a"
