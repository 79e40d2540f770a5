"""Values on their whole way, from Dataverse's wire to Campaign's records: exact, in the right
language, on the right day.
"""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from dev.commands.stack import Stack
from dev.comparison import differences
from dev.seed.tables import write_publication
from dev.verbs import Campaign, Dynamics
from shared.pipeline.replay import replay
from shared.settings import load_settings
from shared.state.storage import CONTAINERS, TABLES
from shared.wiring import Wiring
from tests.contract.fresh import take_identity
from tests.contract.parents.kit import PACE
from tests.contract.values.kit import THING, Things, insert_option


class Later:
    """The real clock, moved on where a test has no patience."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Later:
    return Later()


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    directory = tmp_path_factory.mktemp("values")
    publication = write_publication(directory / "publication.yaml", [THING])
    with Stack(directory=directory, host=False, settings=PACE, publication=publication) as running:
        yield running


@pytest.fixture
def things(stack: Stack, monkeypatch: pytest.MonkeyPatch, clock: Later) -> Things:
    """The table as new, in an organization whose language is German, and empty storage."""
    take_identity(stack, monkeypatch)
    dynamics = Dynamics(stack.facts)
    dynamics.emulator.json("POST", "/reset", {})
    Campaign(stack.facts).emulator.json("POST", "/reset", {})
    THING.create(dynamics)
    (organization,) = dynamics.rows("organizations", "organizationid")
    dynamics.http.json(
        "PATCH",
        f"/organizations({organization['organizationid']})",
        {"languagecode": 1031},
        If_Match="*",
    )
    wiring = Wiring(load_settings(stack.environment), now=clock)
    empty(wiring)
    made = Things(stack, wiring, [])
    made.add(THING.name)
    return made


def empty(wiring: Wiring) -> None:
    for table in TABLES:
        wiring.storage.tables.delete_table(table)
        wiring.storage.tables.create_table_if_not_exists(table)
    for container in CONTAINERS:
        for blob in wiring.storage.container(container).list_blob_names():
            wiring.storage.container(container).delete_blob(blob)
    for queue in ("contacts", "custom-entities"):
        wiring.handoff.make(wiring.handoff.clients(queue))
        wiring.handoff.clients(queue).clear_messages()


def test_money_and_decimals_are_exact(things: Things) -> None:
    things.use()
    record_id = things.write(
        '{"acs_thing_name":"a","acs_money":922337203685477.5807,"acs_ratio":99999999999.9999999999}'
    )
    small = things.write('{"acs_thing_name":"b","acs_money":null,"acs_ratio":0.00001}')
    assert things.settle() == ["created", "created"]
    assert things.record(record_id)["acs_money"] == "922337203685477.5807"
    assert things.record(record_id)["acs_ratio"] == "99999999999.9999999999"
    assert (things.record(small)["acs_money"], things.record(small)["acs_ratio"]) == ("", "0.00001")


def test_a_label_is_the_users_the_organizations_or_any(things: Things) -> None:
    things.use()
    ids = [things.write(f'{{"acs_thing_name":"a","acs_mood":{value}}}') for value in (1, 2, 3)]
    things.settle()
    assert [things.record(record_id)["acs_mood"] for record_id in ids] == ["Good", "Gut", "Bon"]


def test_a_choice_without_any_label_is_a_problem_and_never_its_number(things: Things) -> None:
    things.use()
    insert_option(things.dynamics, 4, "")
    problem = things.use(choices="label", filtered_out="delete")
    assert "option 4 of column acs_mood has no label in any language" in problem
    assert things.use(rules={"acs_mood": {"replace": {4: "fourth"}}}) == ""
    record_id = things.write('{"acs_thing_name":"a","acs_mood":4}')
    things.settle()
    assert things.record(record_id)["acs_mood"] == "fourth"


def test_a_day_of_a_user_is_the_day_of_the_documents_zone(things: Things) -> None:
    things.use(time_zone="Europe/Berlin")
    record_id = things.write('{"acs_thing_name":"a","acs_day":"2019-01-04T23:00:00Z"}')
    things.settle()
    assert things.record(record_id)["acs_day"] == "2019-01-05"


def test_an_option_that_was_added_meanwhile_reaches_campaign_at_once(things: Things) -> None:
    things.use()
    things.write('{"acs_thing_name":"a","acs_mood":1}')
    things.settle()
    insert_option(things.dynamics, 4, "Better")
    record_id = things.write('{"acs_thing_name":"a","acs_mood":4}')
    assert things.settle() == ["created"]
    assert things.record(record_id)["acs_mood"] == "Better"
    assert things.letters() == []


def test_many_bad_values_do_not_read_metadata_as_many_times(things: Things) -> None:
    things.use()
    insert_option(things.dynamics, 4, "Better")
    things.workers[THING.name].flow.active()
    read = things.metadata_reads()
    for number in range(30):
        things.write(f'{{"acs_thing_name":"{number}","acs_short":"longer than ten"}}')
    assert things.settle() == ["rejected"] * 30
    assert things.metadata_reads() == read + 1


def refused_mood(things: Things) -> str:
    """A record that is refused for its mood, by metadata that was read a moment ago because of
    another record.
    """
    things.use()
    things.write('{"acs_thing_name":"a","acs_short":"longer than ten"}')
    assert things.settle() == ["rejected"]
    insert_option(things.dynamics, 4, "Better")
    record_id = things.write('{"acs_thing_name":"a","acs_mood":4}')
    assert things.settle() == ["rejected"]
    assert sorted(things.letters()) == ["too_long", "unknown_choice"]
    return record_id


def test_what_was_refused_is_sent_again_by_itself_once(things: Things, clock: Later) -> None:
    record_id = refused_mood(things)
    clock.ahead = 60
    assert sorted(things.settle()) == ["created", "rejected"]
    assert things.record(record_id)["acs_mood"] == "Better"
    assert things.letters() == ["too_long"]
    clock.ahead = 3600
    assert things.settle() == []


def test_a_replay_reads_the_metadata_anew(things: Things, clock: Later) -> None:
    record_id = refused_mood(things)
    clock.ahead = 5
    flow = things.workers[THING.name].flow
    replay(flow, things.wiring.bridge, "record", record_id)
    assert things.deliver() == ["created"]
    assert things.record(record_id)["acs_mood"] == "Better"


def test_a_corrected_document_sends_what_it_refused_again(things: Things, clock: Later) -> None:
    things.use()
    record_id = things.write('{"acs_thing_name":"a","acs_short":"longer than ten"}')
    assert things.settle() == ["rejected"]
    things.use(rules={"acs_short": {"invalid": "cut"}})
    assert things.settle() == ["created"]
    assert things.record(record_id)["acs_short"] == "longer tha"
    assert things.letters() == []


def test_what_is_left_out_or_cut_is_told_counted_and_comes_back(things: Things) -> None:
    things.use(rules={"acs_mail": {"invalid": "omit"}, "acs_short": {"invalid": "cut"}})
    record_id = things.write(
        '{"acs_thing_name":"a","acs_mail":"ana@example.org","acs_short":"short"}'
    )
    assert things.settle() == ["created"]
    assert things.reported(record_id)["altered"] == []
    things.change(
        THING.name,
        record_id,
        acs_mail="zero\u200bwidth@example.org",
        acs_short="longer than ten",
        acs_thing_name="b",
    )
    assert things.settle() == ["updated"]
    held = things.record(record_id)
    assert (held["name"], held["acs_mail"], held["acs_short"]) == (
        "b",
        "ana@example.org",
        "longer tha",
    )
    left_out = {"field": "acs_mail", "what": "omitted", "rule": "not_an_email"}
    assert things.reported(record_id)["altered"] == [
        {"field": "acs_short", "what": "cut", "rule": "too_long"},
        left_out,
    ]
    assert (things.totals()["omitted"], things.totals()["cut"]) == (1, 1)
    things.change(THING.name, record_id, acs_mail="zero\u200dwidth@example.org")
    assert things.settle() == ["unchanged"]
    things.change(THING.name, record_id, acs_mail="ana@example.org", acs_short="short")
    assert things.settle() == ["updated"]
    assert things.reported(record_id)["altered"] == []


def test_a_field_of_the_creation_alone_that_was_left_out_stays_told(things: Things) -> None:
    things.use(rules={"acs_mail": {"invalid": "omit", "apply_updates": False}})
    record_id = things.write('{"acs_thing_name":"a","acs_mail":"nobody"}')
    assert things.settle() == ["created"]
    left_out = [{"field": "acs_mail", "what": "omitted", "rule": "not_an_email"}]
    assert things.reported(record_id)["altered"] == left_out
    things.change(THING.name, record_id, acs_mail="ana@example.org")
    assert things.settle() == ["unchanged"]
    things.change(THING.name, record_id, acs_thing_name="b")
    assert things.settle() == ["updated"]
    assert (things.record(record_id)["name"], things.record(record_id)["acs_mail"]) == ("b", "")
    assert things.reported(record_id)["altered"] == left_out


def test_a_new_record_begins_without_what_is_left_out(things: Things) -> None:
    things.use(rules={"acs_mail": {"invalid": "omit"}})
    record_id = things.write('{"acs_thing_name":"a","acs_mail":"nobody"}')
    assert things.settle() == ["created"]
    assert (things.record(record_id)["name"], things.record(record_id)["acs_mail"]) == ("a", "")
    assert things.letters() == []


def test_a_comparison_takes_a_double_of_campaign_for_the_decimal_that_it_was_sent() -> None:
    assert differences({"a": Decimal("0.1"), "b": Decimal("20000.0")}, {"a": 0.1, "b": 20000}) == []
    assert differences({"a": Decimal("0.1")}, {"a": 0.2}) == ["a"]
