"""`setup dataverse` and opt-outs: their webhook and the right to write contacts, as long as
OPT_OUT_MODE needs them.
"""

from collections import Counter
from typing import Any

import pytest

from shared.opt_out.documents import default_opt_out_document, read_opt_out_document
from tests.contract.commands.conftest import Office

COLUMNS = read_opt_out_document(default_opt_out_document()).columns
STEPS = "/sdkmessageprocessingsteps?$select=name,filteringattributes"
CREATE, UPDATE = "campaign-bridge contact/opt-out Create", "campaign-bridge contact/opt-out Update"


def steps(office: Office) -> dict[str, Any]:
    return {row["name"]: row["filteringattributes"] for row in office.rows(STEPS)}


def endpoints(office: Office) -> list[str]:
    return sorted(row["url"] for row in office.rows("/serviceendpoints?$select=url"))


def may_write(office: Office) -> bool:
    """Whether the role that was made writes contacts."""
    (role,) = office.rows("/roles?$select=roleid&$filter=name eq 'Adobe Campaign bridge'")
    held = office.dynamics.http.json(
        "GET", f"/RetrieveRolePrivilegesRole(RoleId={role['roleid']})"
    )["RolePrivileges"]
    (write,) = office.rows("/privileges?$select=privilegeid&$filter=name eq 'prvWriteContact'")
    return write["privilegeid"].lower() in {item["PrivilegeId"].lower() for item in held}


def words(said: str) -> set[str]:
    return {line.split()[0] for line in said.splitlines()}


@pytest.mark.parametrize(
    ("mode", "registered", "writes"),
    [
        ("disabled", False, False),
        ("to-campaign", True, False),
        ("from-campaign", False, True),
        ("both", True, True),
    ],
)
def test_each_mode_makes_what_it_needs_and_a_second_run_makes_nothing(
    office: Office, mode: str, registered: bool, writes: bool
) -> None:
    office.opt_outs(mode)
    code, said = office.setup_webhooks()
    assert code == 0, said
    made = steps(office)
    assert ({CREATE, UPDATE} <= made.keys(), len(made)) == (registered, 5 if registered else 3)
    assert may_write(office) is writes
    if registered:
        assert (made[CREATE], made[UPDATE]) == (None, ",".join(COLUMNS))
        assert endpoints(office)[1] == "https://bridge.example.org/api/dataverse/contact/opt-out"
    assert words(office.setup_webhooks()[1]) == {"found", "published"}


def test_a_flag_of_a_pair_does_not_wake_the_contacts_flow_too(office: Office) -> None:
    office.opt_outs("both")
    office.setup_webhooks()
    woken = set(steps(office)["campaign-bridge contact Update"].split(","))
    assert not woken & set(COLUMNS)
    office.opt_outs("disabled")
    office.setup_webhooks()
    assert set(steps(office)["campaign-bridge contact Update"].split(",")) == woken


def test_the_step_follows_the_pairs(office: Office) -> None:
    office.opt_outs("both")
    office.setup_webhooks()
    office.put_pairs({"column": "donotphone", "flag": "blackListPhone", "also": ["donotfax"]})
    code, said = office.setup()
    assert (code, f"updated    step {UPDATE}: filteringattributes" in said) == (0, True)
    assert steps(office)[UPDATE] == "donotfax,donotphone"
    assert (len(endpoints(office)), len(office.rows(STEPS))) == (2, 5)
    assert words(office.setup()[1]) == {"found", "published"}


def test_what_a_mode_no_longer_needs_is_taken_away(office: Office) -> None:
    office.opt_outs("both")
    office.setup_webhooks()
    office.opt_outs("from-campaign")
    said = office.setup()[1]
    assert Counter(line.split()[0] for line in said.splitlines())["removed"] == 3
    assert "removed    webhook of contact/opt-out" in said
    assert may_write(office)
    office.opt_outs("disabled")
    office.setup()
    assert endpoints(office) == ["https://bridge.example.org/api/dataverse/contact"]
    assert not may_write(office)


def test_everything_is_taken_away(office: Office) -> None:
    office.opt_outs("both")
    office.setup_webhooks()
    assert office.setup("--remove")[1].count("removed") == 9
    assert (endpoints(office), office.rows(STEPS)) == ([], [])


def test_a_plan_names_it_and_writes_nothing(office: Office) -> None:
    office.opt_outs("to-campaign")
    before = office.writes()
    code, said = office.setup_webhooks("--plan")
    assert (code, office.writes()) == (0, before)
    assert (
        "to be created    webhook of contact/opt-out at"
        " https://bridge.example.org/api/dataverse/contact/opt-out" in said
    )
    assert f"to be created    step {UPDATE}" in said
