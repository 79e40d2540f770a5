"""The pages, as shared/console/sitemap.py lists them, with an example for each changing part."""

from shared.console.rendering import static_name
from shared.console.routes import PART, Route
from shared.console.sitemap import ROUTES
from tests.browser.company import Company

FILES = ("/static/{name}", "/dead-letters/download", "/opt-outs/download")
"""What is no page: it has no frame, and no browser shows it."""
PAGES = [route for route in ROUTES if route.method == "GET" and route.path not in FILES]
POSTS = [route for route in ROUTES if route.method == "POST"]
MORE = ("/dead-letters?flow=contacts", "/flows/contacts?span=7d", "/me?saved=1")
"""Pages that look different with a query."""
REFUSED = {"/nowhere": 404, "/flows/nothing": 404, "/plans/nothing": 404}
"""Pages that say why there is nothing, with their status."""


def address(route: Route, company: Company, who: str = "all roles") -> str:
    """Of a page that somebody may see. KeyError for a part without an example here."""
    if route.path == "/plans/{id}":
        return company.planned(who)
    parts = {
        "flow": "contacts",
        "id": company.marked,
        "table": "contact",
        "name": static_name("console.css"),
    }
    return PART.sub(lambda found: parts[found[1]], route.path)
