"""Linked custom resources: hidden while a required parent is missing, what is written to them lost,
deleted with their parent.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.campaign_emulator.conftest import Instance

PUBLICATION = """
profile:
  keys: [[externalId]]
  keyInUrl: true
cusVehicle:
  label: Vehicles
  fields: {vehicleId: {length: 64}, model: {length: 100}, contactId: {length: 100}}
  keys: [[vehicleId]]
  filters: {vehicleid: {conditions: [{field: vehicleId}]}}
  links:
    owner: {target: profile, join: {contactId: externalId}, cardinality: %s, onDelete: cascade}
cusVisit:
  label: Visits
  fields: {visitId: {length: 64}, vehicleId: {length: 64}}
  keys: [[visitId]]
  filters: {visitid: {conditions: [{field: visitId}]}}
  links:
    vehicle: {target: cusVehicle, join: {vehicleId: vehicleId}, cardinality: %s, onDelete: cascade}
"""
EXT = "/profileAndServicesExt"


@pytest.fixture(params=["one", "zeroOrOne"])
def linked(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Instance]:
    file = tmp_path / "publication.yaml"
    file.write_text(PUBLICATION % (request.param, request.param))
    instance = Instance(tmp_path, "--publication", str(file))
    yield instance
    instance.stop()


def vehicles(campaign: Instance) -> list[dict[str, object]]:
    return list(
        campaign.api("GET", f"{EXT}/cusVehicle/byVehicleid?vehicleId_parameter=v-1").json()[
            "content"
        ]
    )


def test_a_child_before_its_parent_is_hidden_only_where_the_link_is_required(
    linked: Instance, request: pytest.FixtureRequest
) -> None:
    required = "one" in request.node.callspec.id.split("-")
    child = linked.api(
        "POST", f"{EXT}/cusVehicle", {"vehicleId": "v-1", "model": "A", "contactId": "c-1"}
    ).json()
    assert bool(vehicles(linked)) is not required
    change = linked.api("PATCH", child["href"], {"model": "B"})
    assert (change.status_code == 200) is not required
    linked.api("POST", f"{EXT}/profile", {"externalId": "c-1", "firstName": "Ana"})
    (vehicle,) = vehicles(linked)
    assert vehicle["model"] == ("A" if required else "B")
    assert vehicle["owner"]["title"] == "Ana"  # type: ignore[index]


def test_children_go_with_their_parent(linked: Instance) -> None:
    linked.api("POST", f"{EXT}/profile", {"externalId": "c-1"})
    linked.api("POST", f"{EXT}/cusVehicle", {"vehicleId": "v-1", "contactId": "c-1"})
    linked.api("POST", f"{EXT}/cusVisit", {"visitId": "s-1", "vehicleId": "v-1"})
    linked.api("DELETE", f"{EXT}/profile/c-1")
    assert vehicles(linked) == []
    assert linked.api("GET", f"{EXT}/cusVisit").json()["content"] == []


def test_the_key_of_a_custom_resource_is_not_an_address(linked: Instance) -> None:
    linked.api("POST", f"{EXT}/profile", {"externalId": "c-1"})
    linked.api("POST", f"{EXT}/cusVehicle", {"vehicleId": "v-1", "contactId": "c-1"})
    assert linked.api("PATCH", f"{EXT}/cusVehicle/v-1", {"model": "B"}).status_code == 404
