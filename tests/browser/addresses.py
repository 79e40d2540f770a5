"""The pages, as shared/console/sitemap.py lists them, with an example for each changing part."""

from collections.abc import Callable, Mapping

from shared.console.rendering import static_name
from shared.console.routes import PART, Route
from shared.console.sitemap import ROUTES
from tests.browser.company import Company


def is_page(route: Route) -> bool:
    """Files have no frame, and no browser shows them."""
    is_file = route.path.startswith("/static/") or route.path.endswith(("/download", "/words"))
    return route.method == "GET" and not is_file


PAGES = [route for route in ROUTES if is_page(route)]
MORE = (
    "/dead-letters?flow=contacts",
    "/dead-letters?flow=contacts&reason=too_long&field=firstName",
    "/flows/contacts?span=7d",
    "/flows/opt_out",
    "/me?saved=1",
)
"""Pages that look different with a query."""
REFUSED = {"/nowhere": 404, "/flows/nothing": 404, "/plans/nothing": 404}
"""Pages that say why there is nothing, with their status."""
PLANS: Mapping[str, Mapping[str, str]] = {
    "stop": {},
    "replay_letters": {"what": "match"},
    "discard_letters": {"what": "match"},
    "replay_all": {},
}
"""What a plan of contacts is made of, by its kind."""


def address(route: Route, company: Company, who: str = "all roles") -> str:
    """Of a page that somebody may see. KeyError for a part without an example here."""
    if route.path == "/plans/{id}":
        return company.planned(who)
    parts = {
        "flow": "contacts",
        "id": company.job if route.path.startswith("/jobs/") else company.marked,
        "table": "contact",
        "number": "1",
        "name": static_name("console.css"),
    }
    return PART.sub(lambda found: parts[found[1]], route.path)


def shown() -> dict[str, Callable[[Company], str]]:
    """How to get to each page, by a name of it."""
    return {
        **{one.path or "/": lambda company, one=one: address(one, company) for one in PAGES},
        **{path: lambda _, path=path: path for path in (*MORE, *REFUSED)},
        **{
            f"plan {kind}": lambda company, kind=kind: company.planned(
                "all roles", kind, **PLANS[kind]
            )
            for kind in PLANS
        },
    }
