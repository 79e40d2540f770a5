"""Which documents are activated, on real storage and real emulators; and what becomes of one that
is active and means nothing.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.commands.stack import Stack
from dev.seed.tables import Table, write_publication
from dev.verbs import Campaign, Dynamics
from shared.calls import counting
from shared.errors import Misconfigured, Rejected
from shared.settings import load_settings
from shared.state.documents import Documents
from shared.wiring import Wiring
from tests.contract.battery.kit import Worker, outcomes
from tests.contract.fresh import take_identity
from tests.contract.parents.kit import PACE, Queue

TOPICS = {
    "kind": "MultiSelectPicklist",
    "OptionSet": {
        "@odata.type": "Microsoft.Dynamics.CRM.OptionSetMetadata",
        "IsGlobal": False,
        "OptionSetType": "Picklist",
        "Options": [
            {"Value": value, "Label": {"LocalizedLabels": [{"Label": text, "LanguageCode": 1033}]}}
            for value, text in ((1, "News"), (2, "Sport"))
        ],
    },
    "target": {"length": 100},
}
FIRST = Table("acs_thing", columns={"acs_text": {"MaxLength": 100}, "acs_topics": TOPICS})
SECOND = Table("acs_other")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory: Path = tmp_path_factory.mktemp("stack")
    publication = write_publication(directory / "publication.yaml", [FIRST, SECOND])
    settings = {**PACE, "MAPPING_CACHE_SECONDS": "0"}  # the documents are what changes here
    with Stack(
        directory=directory, host=False, settings=settings, publication=publication
    ) as running:
        for table in (FIRST, SECOND):
            table.create(Dynamics(running.facts))
        yield running


@pytest.fixture
def wiring(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Wiring:
    """An instance on the common storage, whose documents are as new."""
    take_identity(stack, monkeypatch)
    made = Wiring(load_settings(stack.environment))
    config = made.storage.container("config")
    for blob in config.list_blobs(name_starts_with="mappings/"):
        config.delete_blob(blob.name)
    return made


def put(wiring: Wiring, table: Table, **changes: Any) -> str:
    """A person's document, and what keeps it from being activated."""
    document = table.document() | changes
    text = yaml.safe_dump(document, sort_keys=False)
    wiring.storage.container("config").upload_blob(
        f"mappings/{table.name}.yaml", text, overwrite=True
    )
    return str(wiring.table_flow(table.name).activate())


def active(wiring: Wiring, table: Table, version: int, **changes: Any) -> None:
    """A version as an earlier release has activated it, with the draft it came from."""
    put_text = yaml.safe_dump(table.document() | changes, sort_keys=False)
    config = wiring.storage.container("config")
    config.upload_blob(f"mappings/{table.name}.yaml", put_text, overwrite=True)
    documents = Documents(config)
    documents.add(table.name, version, put_text, documents.draft_etag(table.name))


KEY = FIRST.document()["key"]
TEXT = [{"source": "acs_text", "target": "acs_text"}]


@pytest.mark.parametrize(
    ("changes", "path", "before", "after"),
    [
        ({"key": KEY | {"target": "name"}, "fields": TEXT}, "key.target", "recordId", "name"),
        ({"key": KEY | {"lookup": "uri"}}, "key.lookup", "filter", "uri"),
        ({"key": KEY | {"source": "acs_text"}}, "key.source", "acs_thingid", "acs_text"),
        ({"resource": "cusSomething"}, "resource", "cusThing", "cusSomething"),
        ({"api": "customResources"}, "api", "profileAndServicesExt", "customResources"),
    ],
    ids=["key.target", "key.lookup", "key.source", "resource", "api"],
)
def test_key_and_resource_cannot_change_in_place(
    wiring: Wiring, changes: dict[str, Any], path: str, before: str, after: str
) -> None:
    assert put(wiring, FIRST) == ""
    problem = put(wiring, FIRST, **changes)
    assert (
        f", {path}: it is {before} in version 1, which is active, and cannot become {after} in"
        " place." in problem
    )
    assert "docs/mapping.md" in problem
    assert "Line " in problem
    assert wiring.catalog.mapping(FIRST.name).version == 1
    assert wiring.catalog.mapping(FIRST.name).document.key.target == "recordId"


def test_what_is_not_the_key_may_change(wiring: Wiring) -> None:
    assert put(wiring, FIRST) == ""
    assert put(wiring, FIRST, deletes="ignore") == ""
    assert wiring.catalog.mapping(FIRST.name).version == 2


def test_a_second_document_for_a_resource_is_refused(wiring: Wiring) -> None:
    assert put(wiring, FIRST) == ""
    problem = put(wiring, SECOND, resource="cusThing")
    assert "resource: cusThing belongs to table acs_thing" in problem
    assert put(wiring, SECOND) == ""
    assert "in place" in put(wiring, SECOND, resource="cusThing")


def test_profiles_belong_to_contacts(wiring: Wiring) -> None:
    key = {"source": "acs_otherid", "target": "externalId"}
    problem = put(
        wiring,
        SECOND,
        resource="profile",
        key=key,
        fields=[{"source": "acs_other_name", "target": "lastName"}],
    )
    assert "resource: profile belongs to table contact" in problem


def test_of_two_that_were_activated_at_once_the_same_one_runs_everywhere(
    wiring: Wiring, stack: Stack
) -> None:
    active(wiring, FIRST, 1)
    active(wiring, SECOND, 1, resource="cusThing")
    found = [running(one) for one in (wiring, Wiring(wiring.settings))]
    assert found[0] == found[1]
    assert len(found[0]) == 1


def running(wiring: Wiring) -> list[str]:
    names = []
    for table in (SECOND, FIRST):
        try:
            wiring.catalog.mapping(table.name)
            names.append(table.name)
        except Misconfigured as error:
            assert "takes one table" in str(error)
    return names


def test_the_table_whose_rival_is_taken_away_runs(wiring: Wiring) -> None:
    active(wiring, FIRST, 1)
    active(wiring, SECOND, 1, resource="cusThing")
    (winner,) = running(wiring)
    wiring.storage.container("config").delete_blob(f"mappings/{winner}.yaml")
    other = (SECOND if winner == FIRST.name else FIRST).name
    assert other in running(Wiring(wiring.settings))


NEVER = {
    "filters": {"field": "acs_topics", "is": "contains", "value": "Nws"},
    "filtered_out": "delete",
}


def test_a_condition_that_cannot_match_is_refused_with_its_line(wiring: Wiring) -> None:
    assert put(wiring, FIRST) == ""
    problem = put(wiring, FIRST, **NEVER)
    assert (
        "filters: acs_topics contains compares with 'Nws', which is no choice of the column"
        in problem
    )
    assert "such as 'News', 'Sport'" in problem
    assert "Version 1 stays active" in problem


def test_an_active_condition_that_cannot_match_fails_the_flow_and_deletes_nothing(
    wiring: Wiring, stack: Stack
) -> None:
    dynamics, campaign = Dynamics(stack.facts), Campaign(stack.facts)
    assert put(wiring, FIRST) == ""
    response = dynamics.http.ask(
        "POST", "/acs_things", {"acs_thing_name": "one", "acs_topics": "1,2"}
    )
    assert response.status_code == 204, response.text
    worker = Worker(Queue(FIRST.name), wiring)  # type: ignore[arg-type]
    worker.poll()
    assert [
        outcome for message in worker.messages() for outcome in outcomes(worker.deliver(message))
    ] == ["created"]
    active(wiring, FIRST, 2, **NEVER)
    record_id = response.headers["OData-EntityId"].rsplit("(", 1)[1].rstrip(")")
    dynamics.http.json(
        "PATCH", f"/acs_things({record_id})", {"acs_thing_name": "two"}, If_Match="*"
    )
    assert worker.poll() == "failed"
    state = wiring.bridge.flows.read(worker.flow.key)
    assert "'Nws', which is no choice of the column" in state.reason
    assert [row["name"] for row in campaign.records("cusThing")] == ["one"]


def test_an_active_document_goes_on_with_what_is_merely_pointless(wiring: Wiring) -> None:
    fields = [{"source": "acs_topics", "target": "acs_topics", "replace": {"Nws": "x"}}]
    active(wiring, FIRST, 1, fields=fields)
    assert wiring.catalog.mapping(FIRST.name).version == 1
    assert "the key Nws of replace" in put(wiring, FIRST, fields=fields, deletes="ignore")


def test_an_active_document_that_cannot_be_read_any_more_says_so_and_is_corrected(
    wiring: Wiring,
) -> None:
    active(wiring, FIRST, 1)
    config = wiring.storage.container("config")
    text = (
        yaml.safe_dump(FIRST.document(), sort_keys=False)
        + "filters: {field: acs_text, is: eq, value: 01067}\n"
    )
    Documents(config).add(FIRST.name, 2, text, Documents(config).draft_etag(FIRST.name))
    with pytest.raises(Misconfigured, match=r"Version 2 .* 01067 may be read as another number"):
        wiring.catalog.mapping(FIRST.name)
    assert "cannot become" in put(wiring, FIRST, resource="cusOther")
    assert put(wiring, FIRST) == ""
    assert wiring.catalog.mapping(FIRST.name).version == 3


@pytest.mark.parametrize("key", ["..", ".", "", " ", "%2e%2e", "a/../b", "a/", "a\nb"], ids=ascii)
@pytest.mark.parametrize("lookup", ["uri", "filter"])
def test_no_call_is_made_for_a_key_that_a_url_would_shorten(
    wiring: Wiring, stack: Stack, key: str, lookup: str
) -> None:
    from shared.campaign.client import Address

    filtered = Address(
        "profileAndServicesExt",
        "cusThing",
        "recordId",
        "filter",
        "byRecordid",
        "recordId_parameter",
    )
    address = (
        filtered
        if lookup == "filter"
        else Address("profileAndServicesExt", "profile", "externalId")
    )
    with pytest.raises(Rejected) as refused, counting() as calls:
        wiring.campaign.delete(address, key)
    assert refused.value.reason == "bad_key"
    assert not calls


@pytest.mark.parametrize(
    ("folder", "name", "activate"),
    [
        ("mappings", "contact", lambda wiring: wiring.table_flow("contact").activate()),
        ("opt-out", "opt_out", lambda wiring: wiring.opt_out_catalog.activate()),
        ("events", "email_events", lambda wiring: wiring.events_catalog.activate()),
    ],
    ids=["mapping", "opt-out", "e-mail events"],
)
def test_a_document_that_is_not_utf_8_is_refused(
    wiring: Wiring, folder: str, name: str, activate: Callable[[Wiring], str]
) -> None:
    blob = wiring.storage.container("config").get_blob_client(f"{folder}/{name}.yaml")
    blob.upload_blob("# Größe\n".encode("latin-1"), overwrite=True)
    try:
        assert "Line 1 is not UTF-8: save the file as UTF-8." in activate(wiring)
    finally:
        blob.delete_blob()


def test_a_first_document_that_is_refused_is_said_to_be_there(wiring: Wiring) -> None:
    problem = put(wiring, FIRST, key=KEY | {"source": "acs_text"})
    assert problem.endswith("No version is active.")
    with pytest.raises(Misconfigured) as caught:
        wiring.catalog.mapping(FIRST.name)
    assert str(caught.value) == problem
    with pytest.raises(Misconfigured, match=r"key\.source must be acs_thingid"):
        Wiring(wiring.settings).catalog.mapping(FIRST.name)
