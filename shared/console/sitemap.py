"""Every address of the console, with its least role: who is not named here gets nothing."""

from shared.console.pages.me import change_look, me, signed_out
from shared.console.pages.overview import overview
from shared.console.pages.parts import static
from shared.console.roles import Least
from shared.console.routes import Route

ROUTES = (
    Route("GET", "/static/{name}", Least.NOBODY, static),
    Route("GET", "/signed-out", Least.NOBODY, signed_out),
    Route("POST", "/sign-out", Least.SIGNED_IN, signed_out),
    Route("GET", "/me", Least.SIGNED_IN, me),
    Route("POST", "/me", Least.SIGNED_IN, change_look),
    Route("GET", "", Least.VIEWER, overview),
)
"""`/sign-in` and `/signed-in` are the door's own (shared/console/front.py)."""
