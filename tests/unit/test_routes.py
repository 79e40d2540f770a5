"""Routes of the app under the host's rule: the first that fits in the order of function names, not
the most exact (G4).
"""

import re

import pytest

from dev.host.routes import build
from dev.settings_bicep import triggers


def http_functions() -> list[tuple[str, str, set[str]]]:
    """Name, route and methods, in the order in which the host tries them."""
    found = []
    for name, trigger in triggers().items():
        if trigger.get_binding_name() == "httpTrigger":
            found.append((name, trigger.route, {str(method.value) for method in trigger.methods}))
    return sorted(found, key=lambda entry: entry[0].lower())


FUNCTIONS = http_functions()


def test_the_app_has_http_functions() -> None:
    assert len(FUNCTIONS) > 8


@pytest.mark.parametrize(
    ("name", "route", "methods"), FUNCTIONS, ids=[name for name, _, _ in FUNCTIONS]
)
def test_a_path_made_for_a_function_reaches_it(name: str, route: str, methods: set[str]) -> None:
    path = "/" + re.sub(r"\{[^}]*\}", "sample", route)
    reached = [
        other
        for other, template, theirs in FUNCTIONS
        if build(template, "").match(path) is not None and theirs & methods
    ]
    assert reached[0] == name
