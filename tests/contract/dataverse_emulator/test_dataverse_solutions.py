"""Publishers, solutions and what lands in them.

Microsoft Learn: Use optional parameters; Create and update table definitions.
"""

from typing import Any

from tests.contract.dataverse_emulator.activity_kit import definition, text_column

PUBLISHER = {
    "uniquename": "examplepublisher", "friendlyname": "Example", "customizationprefix": "acs",
    "customizationoptionvalueprefix": 16000,
}  # fmt: skip


def solution(org: Any, name: str = "Bridge") -> str:
    publisher = org.create("publishers", **PUBLISHER)
    bound = {"publisherid@odata.bind": f"/publishers({publisher})"}
    return org.create(
        "solutions", uniquename=name, friendlyname="The bridge", version="1.0.0.0", **bound
    )


def created(org: Any, path: str, body: dict[str, Any], name: str) -> str:
    """The metadata id of a component made in a solution."""
    response = org.session.post(
        f"{org.api}/{path}", json=body, headers={"MSCRM.SolutionUniqueName": name}, timeout=30
    )
    assert response.status_code == 204, response.text
    return response.headers["OData-EntityId"][-37:-1]


def test_a_solution_is_found_by_its_unique_name_and_has_a_publisher(org: Any) -> None:
    row_id = solution(org)
    query = (
        "$select=version&$filter=uniquename eq"
        " 'Bridge'&$expand=publisherid($select=customizationprefix)"
    )
    (found,) = org.get(f"solutions?{query}")["value"]
    assert (found["solutionid"], found["publisherid"]["customizationprefix"]) == (row_id, "acs")
    assert org.refused("POST", "publishers", PUBLISHER)[:2] == (412, "0x80040237")
    assert org.refused("POST", "publishers", {"uniquename": "x"})[:2] == (400, "0x80040200")
    assert (
        org.refused(
            "POST", "solutions", {"uniquename": "x", "friendlyname": "x", "version": "1.0"}
        )[1]
        == "0x80040200"
    )


def test_tables_and_columns_land_in_the_solution_that_the_header_names(org: Any) -> None:
    row_id = solution(org)
    table = created(org, "EntityDefinitions", definition(), "Bridge")
    column = created(
        org,
        "EntityDefinitions(LogicalName='acs_emailsend')/Attributes",
        text_column("acs_code", 10),
        "Bridge",
    )
    listed = org.get(
        f"solutioncomponents?$select=componenttype,objectid&$filter=_solutionid_value eq {row_id}"
    )["value"]
    assert sorted((part["componenttype"], part["objectid"]) for part in listed) == [
        (1, table),
        (2, column),
    ]


def test_a_solution_that_does_not_exist_is_refused_and_nothing_is_made(org: Any) -> None:
    response = org.session.post(
        f"{org.api}/EntityDefinitions",
        json=definition(),
        headers={"MSCRM.SolutionUniqueName": "NoSuch"},
        timeout=30,
    )
    assert (response.status_code, "NoSuch" in response.json()["error"]["message"]) == (400, True)
    assert org.refused("GET", "EntityDefinitions(LogicalName='acs_emailsend')")[0] == 404
