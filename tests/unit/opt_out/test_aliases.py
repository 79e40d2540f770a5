"""Changes of one contact in one page: the opt-outs of its aliases, whatever order they come in."""

from itertools import permutations
from typing import Any

import pytest

from shared.opt_out.aliases import HELD, OWED, one_each, passed_on, passed_on_before
from shared.opt_out.rows import flags_in, read_row
from shared.opt_out.systems import ALIAS, MAYBE_ALIAS
from shared.records import Change, Kind

AT = "2026-05-04 10:00:00.000Z"
LATER = "2026-05-04 10:00:01.000Z"


def reported(alias: str = "", at: str = AT, changed: str = AT, **values: bool) -> Change:
    flags = {
        "values": values,
        "times": dict.fromkeys(values, at),
        "changed": changed,
        **({"alias": alias} if alias else {}),
    }
    return Change("one", Kind.ROW, row={"campaign": flags})


def campaign(changes: list[Change]) -> dict[str, Any]:
    (change,) = changes
    assert change.row
    found: dict[str, Any] = change.row["campaign"]
    return found


NO, YES = {"mail": True, "phone": False}, {"mail": False, "phone": False}
OTHER = {"mail": False, "phone": True}


@pytest.mark.parametrize(
    ("page", "alias", "values"),
    [
        pytest.param(
            [reported(ALIAS, **NO), reported(**YES)], ALIAS, NO, id="an alias and the contact's own"
        ),
        pytest.param(
            [reported(MAYBE_ALIAS, **NO), reported(**OTHER)],
            ALIAS,
            NO,
            id="of a file that has both forms",
        ),
        pytest.param(
            [reported(MAYBE_ALIAS, **NO), reported(MAYBE_ALIAS, **OTHER)],
            MAYBE_ALIAS,
            NO | {"phone": True},
            id="two maybe",
        ),
        pytest.param(
            [reported(ALIAS, **NO), reported(MAYBE_ALIAS, **OTHER)],
            ALIAS,
            NO | {"phone": True},
            id="two aliases",
        ),
        pytest.param(
            [reported(ALIAS, **YES), reported(**NO)], None, NO, id="an alias that says nothing"
        ),
        pytest.param(
            [reported(MAYBE_ALIAS, **YES), reported(**NO)], None, NO, id="a maybe that says nothing"
        ),
        pytest.param([reported(**YES)], None, YES, id="no alias"),
    ],
)
def test_an_alias_neither_replaces_nor_is_replaced(
    page: list[Change], alias: str | None, values: dict[str, bool]
) -> None:
    for order in permutations(page):
        found = campaign(one_each(order))
        assert (found.get("alias"), found["values"]) == (alias, values)


def test_the_last_of_a_contacts_own_counts() -> None:
    assert campaign(one_each([reported(**NO), reported(**YES)]))["values"] == YES
    assert campaign(one_each([reported(**YES), reported(**NO)]))["values"] == NO


@pytest.mark.parametrize(
    "times", [(LATER, AT), ("2026/05/04 10:00:01", "2026/05/04 10:00:00"), (AT, "")]
)
def test_the_newest_of_a_contacts_own_counts_in_whatever_order_a_file_has_them(
    times: tuple[str, str],
) -> None:
    newer, older = reported(changed=times[0], **NO), reported(changed=times[1], **YES)
    for order in permutations([newer, older]):
        assert campaign(one_each(order))["values"] == NO


@pytest.mark.parametrize(
    ("first", "again", "before"),
    [
        pytest.param(reported(ALIAS, **NO), reported(ALIAS, **NO), True, id="the same"),
        pytest.param(
            reported(ALIAS, **NO),
            reported(ALIAS, "2026/05/04 10:00:00", **NO),
            True,
            id="as an export writes it",
        ),
        pytest.param(
            reported(ALIAS, **NO), reported(ALIAS, LATER, **NO), False, id="said again later"
        ),
        pytest.param(reported(ALIAS, **NO), reported(ALIAS, **OTHER), False, id="another flag"),
        pytest.param(
            reported(ALIAS, "", **NO), reported(ALIAS, "", **NO), True, id="by the profile's time"
        ),
        pytest.param(
            reported(ALIAS, "", **NO),
            reported(ALIAS, "", LATER, **NO),
            False,
            id="the profile changed",
        ),
        pytest.param(
            reported(ALIAS, "", "", **NO),
            reported(ALIAS, "", "", **NO),
            False,
            id="no times at all",
        ),
    ],
)
def test_what_was_passed_on_is_no_news(first: Change, again: Change, before: bool) -> None:
    held = passed_on(flags_in(read_row(first.row)), {}, there=True)
    seen = flags_in(read_row(again.row))
    assert seen
    assert passed_on_before(seen, held) is before


def test_what_is_owed_to_a_contact_that_is_not_there_is_kept_until_it_is() -> None:
    held = passed_on(flags_in(read_row(reported(ALIAS, **NO).row)), {}, there=False)
    assert held == {HELD: {"mail": AT}, OWED: ["mail"]}
    assert passed_on(None, held, there=True) == {HELD: {"mail": AT}}
