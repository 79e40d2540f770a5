"""Which HTTP functions get their route: one in error leaves the others alone, some templates stop
the whole app.

Source: tests/contract/conformance; the rules were run on the host's own code.
"""

from collections.abc import Iterable

from dev.host.front import methods_of
from dev.host.function import Function
from dev.host.routes import Route, RouteNotBuilt, build
from dev.host.settings import ConfigurationError
from dev.host.templates import TemplateRefused

RESERVED = ("admin", "runtime")


def routes_of(
    functions: Iterable[Function], prefix: str
) -> tuple[list[tuple[Function, Route]], dict[str, str]]:
    """Routes of the functions that have one, and why the others have none.

    Raises ConfigurationError for a template that parses and cannot be built: then nothing of the
        app runs, timers and queues neither.
    """
    found: list[tuple[Function, Route]] = []
    errors: dict[str, str] = {}
    for function in sorted(functions, key=lambda function: function.name.lower()):
        template = str(function.trigger.get("route") or function.name)
        try:
            _check_free(function, template, found)
            found.append((function, build(template, prefix)))
        except TemplateRefused as error:
            errors[function.name] = str(error)
        except RouteNotBuilt as error:
            raise ConfigurationError(
                f"{error}; as in Azure, no function of the app runs"
            ) from error
    return found, errors


def _check_free(function: Function, template: str, taken: Iterable[tuple[Function, Route]]) -> None:
    """Raises TemplateRefused for a route of the host's own, and for one that an earlier function
    has with a same method.
    """
    path = template.strip("/").lower()
    if path.startswith(RESERVED):
        raise TemplateRefused(
            f"the route '{template}' begins as a route of the host itself: admin or runtime"
        )
    for other, _ in taken:
        theirs, ours = methods_of(other), methods_of(function)
        same = str(other.trigger.get("route") or other.name).strip("/").lower() == path
        if same and (not theirs or not ours or set(theirs) & set(ours)):
            raise TemplateRefused(f"the route '{template}' is that of the function '{other.name}'")
