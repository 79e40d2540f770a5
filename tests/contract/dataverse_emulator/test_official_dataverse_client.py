"""Microsoft's own Python client, unchanged, over TLS: PowerPlatform-Dataverse-Client from PyPI."""

from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient
from PowerPlatform.Dataverse.core.errors import HttpError
from PowerPlatform.Dataverse.models.filters import col
from PowerPlatform.Dataverse.models.upsert import UpsertItem


class Credential:
    """What azure-identity would be: a token for the scope that is asked for."""

    def __init__(self, org: Any) -> None:
        self.org = org

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        return AccessToken(
            self.org.token(scopes[0].removesuffix("/.default")), int(self.org.now()) + 3599
        )


@pytest.fixture
def client(org: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[DataverseClient]:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(org.certificate))
    with DataverseClient(org.tls_base, Credential(org)) as found:
        yield found


@pytest.fixture
def external_key(client: DataverseClient) -> None:
    client.tables.create_alternate_key("contact", "ExternalKey", ["externaluseridentifier"])


def names(client: DataverseClient, **query: Any) -> list[str]:
    return [row["lastname"] for row in client.records.list("contact", select=["lastname"], **query)]


def test_it_creates_reads_updates_and_deletes_a_row(client: DataverseClient) -> None:
    row_id = client.records.create(
        "contact", {"firstname": "Ana", "lastname": "O'Brien 𠮷", "donotemail": True}
    )
    client.records.update("contact", row_id, {"lastname": "Smith"})
    row = client.records.retrieve("contact", row_id, select=["fullname", "donotemail"])
    assert row is not None
    assert (row["fullname"], row["donotemail"]) == ("Ana Smith", True)
    client.records.delete("contact", row_id)
    assert client.records.retrieve("contact", row_id) is None


def test_it_resolves_choice_labels_through_metadata(client: DataverseClient) -> None:
    row_id = client.records.create("contact", {"lastname": "A", "gendercode": "Female"})
    row = client.records.retrieve("contact", row_id, select=["gendercode"])
    assert row is not None
    assert row["gendercode"] == 2


def test_it_creates_and_updates_many_rows_at_once(client: DataverseClient) -> None:
    ids = client.records.create("contact", [{"lastname": f"Row {number}"} for number in range(5)])
    client.records.update("contact", ids[:2], {"department": "Sales"})
    client.records.update("contact", ids[2:4], [{"department": "IT"}, {"department": "HR"}])
    found = {
        row["contactid"]: row["department"]
        for row in client.records.list("contact", select=["contactid", "department"])
    }
    assert [found[row_id] for row_id in ids] == ["Sales", "Sales", "IT", "HR", None]


def test_a_bulk_write_with_one_bad_row_writes_nothing(client: DataverseClient) -> None:
    with pytest.raises(HttpError) as caught:
        client.records.create("contact", [{"lastname": "good"}, {"lastname": "x" * 51}])
    assert caught.value.status_code == 400
    assert names(client) == []


def test_it_deletes_many_rows_by_a_bulk_delete_job(client: DataverseClient) -> None:
    ids = client.records.create("contact", [{"lastname": f"Row {number}"} for number in range(4)])
    job = client.records.delete("contact", ids[:3])
    assert job is not None
    assert names(client) == ["Row 3"]
    state = client.records.retrieve("asyncoperation", job, select=["statecode", "statuscode"])
    assert state is not None
    assert (state["statecode"], state["statuscode"]) == (3, 30)


@pytest.mark.usefixtures("external_key")
def test_it_upserts_by_alternate_key_one_and_many(client: DataverseClient) -> None:
    client.records.upsert(
        "contact", [UpsertItem({"externaluseridentifier": "x-1"}, {"lastname": "First"})]
    )
    items = [
        UpsertItem({"externaluseridentifier": f"x-{n}"}, {"lastname": f"Row {n}"})
        for n in (1, 2, 3)
    ]
    client.records.upsert("contact", items)
    assert sorted(names(client)) == ["Row 1", "Row 2", "Row 3"]


def test_it_queries_by_page_with_filter_order_and_formatted_values(client: DataverseClient) -> None:
    client.records.create(
        "contact", [{"lastname": f"Row {n:02}", "gendercode": 1 + n % 2} for n in range(25)]
    )
    query = (
        client.query.builder("contact")
        .select("lastname", "gendercode")
        .where(col("gendercode") == 2)
        .order_by("lastname", descending=True)
        .page_size(5)
        .include_formatted_values()
    )
    pages = list(query.execute_pages())
    rows = [row for page in pages for row in page]
    assert [len(list(page)) for page in pages] == [5, 5, 2]
    assert [row["lastname"] for row in rows] == [f"Row {n:02}" for n in range(23, 0, -2)]
    assert {row["gendercode@OData.Community.Display.V1.FormattedValue"] for row in rows} == {
        "Female"
    }


def test_it_queries_with_every_kind_of_condition(client: DataverseClient) -> None:
    client.records.create(
        "contact", [{"lastname": "O'Brien", "numberofchildren": 2}, {"lastname": "Ümit"}]
    )
    assert names(client, filter=col("lastname") == "o'brien") == ["O'Brien"]
    assert names(client, filter=col("lastname").contains("mit")) == ["Ümit"]
    assert names(client, filter=col("lastname").startswith("ü")) == ["Ümit"]
    assert names(client, filter=col("numberofchildren").is_null()) == ["Ümit"]
    assert names(client, filter=col("numberofchildren").between(1, 3)) == ["O'Brien"]
    assert names(client, filter=col("lastname").in_(["üMIT", "Nobody"])) == ["Ümit"]
    assert names(client, filter=~(col("lastname") == "Ümit")) == ["O'Brien"]


def test_it_expands_a_lookup_that_it_has_bound(client: DataverseClient) -> None:
    account = client.records.create("account", {"name": "Contoso"})
    row_id = client.records.create(
        "contact", {"lastname": "A", "parentcustomerid_account@odata.bind": f"/accounts({account})"}
    )
    row = client.records.retrieve(
        "contact", row_id, select=["lastname"], expand=["parentcustomerid_account"]
    )
    assert row is not None
    assert row["parentcustomerid_account"]["name"] == "Contoso"


def test_its_batch_creates_in_a_change_set_and_refers_to_what_it_created(
    client: DataverseClient,
) -> None:
    batch = client.batch.new()
    with batch.changeset() as changes:
        account = changes.records.create("account", {"name": "Contoso"})
        changes.records.create(
            "contact", {"lastname": "A", "parentcustomerid_account@odata.bind": account}
        )
    batch.records.list("contact", select=["lastname", "_parentcustomerid_value"])
    result = batch.execute()
    assert [part.status_code for part in result.responses] == [204, 204, 200]
    assert (
        result.responses[2].data["value"][0]["_parentcustomerid_value"]
        == result.responses[0].entity_id
    )


def test_its_batch_goes_on_after_an_error_when_told_to(client: DataverseClient) -> None:
    batch = client.batch.new()
    batch.records.create("contact", {"lastname": "x" * 51})
    batch.records.create("contact", {"lastname": "good"})
    result = batch.execute(continue_on_error=True)
    assert [part.status_code for part in result.responses] == [400, 204]
    assert result.responses[0].error_code == "0x80044331"


def test_it_reads_and_makes_alternate_keys(client: DataverseClient, external_key: None) -> None:
    found = client.tables.get_alternate_keys("contact")
    assert [(key.schema_name, key.key_attributes, key.status) for key in found] == [
        ("ExternalKey", ["externaluseridentifier"], "Active")
    ]
    client.tables.delete_alternate_key("contact", found[0].metadata_id)
    assert client.tables.get_alternate_keys("contact") == []


def test_it_lists_tables_and_finds_one(client: DataverseClient) -> None:
    listed = {table["LogicalName"] for table in client.tables.list()}
    info = client.tables.get("contact")
    assert {"contact", "account", "systemuser"} <= listed
    assert info is not None
    assert (
        info["entity_set_name"],
        info["primary_id_attribute"],
        info["primary_name_attribute"],
    ) == (
        "contacts",
        "contactid",
        "fullname",
    )


def test_its_errors_carry_the_code_and_the_wait(client: DataverseClient, org: Any) -> None:
    with pytest.raises(HttpError) as missing:
        client.records.update("contact", "00000000-0000-0000-0000-00000000dead", {"lastname": "A"})
    assert (missing.value.status_code, missing.value.details["service_error_code"]) == (
        404,
        "0x80040217",
    )
    org.control("limits", {"requests": 1})
    with pytest.raises(HttpError) as throttled:
        for _ in range(2):
            client.records.list("contact", select=["lastname"])
    assert throttled.value.is_transient
    assert throttled.value.details["retry_after"] >= 1
