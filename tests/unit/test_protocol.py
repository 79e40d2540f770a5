"""The protocol of a flow stays small: a member that one flow alone needs is that flow's own
affair.
"""

import ast
from pathlib import Path
from typing import get_protocol_members

import pytest

import shared.wiring  # knows every flow
from shared.entities.flow import TableFlow
from shared.events.flow import EventsFlow
from shared.opt_out.flow import OptOutFlow
from shared.pipeline.flow import Flow, PlainFlow

ROOT = Path(shared.wiring.__file__).parents[1]
SHOWS_MORE = ROOT / "shared/console/with_records.py"
"""Pages alone ask whether a flow has records to show."""
FLOWS: dict[str, type[PlainFlow]] = {
    "contacts": TableFlow,
    "custom_entities": TableFlow,
    "email_events": EventsFlow,
    "opt_out": OptOutFlow,
}
MEMBERS = sorted(get_protocol_members(Flow))


def test_every_kind_of_flow_is_named_here() -> None:
    known = {
        kind.__qualname__
        for kind in PlainFlow.__subclasses__()
        if kind.__module__.startswith("shared.")
    }
    named = {kind.__qualname__ for kind in FLOWS.values()}
    assert known == named, (
        f"put {sorted(known - named)} into FLOWS of this file, or take {sorted(named - known)} out"
    )


@pytest.mark.parametrize("member", MEMBERS)
def test_a_member_is_answered_by_two_flows_at_least(member: str) -> None:
    own = [name for name, kind in FLOWS.items() if member in vars(kind)]
    assert len(own) >= 2, (
        f"{member} is answered by {own or 'no flow'} alone: take it out of the protocol"
    )


@pytest.mark.parametrize("name", FLOWS)
def test_a_flow_has_every_member(name: str) -> None:
    assert [member for member in MEMBERS if not hasattr(FLOWS[name], member)] == []


def test_no_step_asks_what_kind_a_flow_is() -> None:
    """What differs is in the flow's policy, or is the flow's own answer."""
    kinds = {"Flow", "PlainFlow", *(kind.__name__ for kind in FLOWS.values())}
    asked = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for folder in ("shared", "functions", "admin")
        for path in (ROOT / folder).rglob("*.py")
        if path != SHOWS_MORE
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("isinstance", "issubclass")
        if kinds & {name.id for name in ast.walk(node.args[1]) if isinstance(name, ast.Name)}
    ]
    assert asked == []
