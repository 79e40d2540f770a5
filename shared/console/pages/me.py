"""Me: roles, session, language, time zone, theme; signing out."""

from shared.console.look import COOKIE_SECONDS, LANGUAGES, THEMES, chosen_look, zone_names
from shared.console.outgoing import Cookie, Redirect, View
from shared.console.session import LONGEST_SECONDS
from shared.console.visit import Visit

LOOK_COOKIE = "__Host-bridge-look"


def me(visit: Visit) -> View:
    """Also for somebody without a role: it says what is missing."""
    session = visit.signed_in
    return View(
        "me",
        {
            "name": session.name,
            "user": session.user,
            "roles": [role.value for role in session.roles],
            "began_at": session.began_at,
            "ends_at": session.began_at + LONGEST_SECONDS,
            "languages": LANGUAGES,
            "themes": THEMES,
            "zones": zone_names(),
            "saved": visit.incoming.query.get("saved") == "1",
        },
    )


def change_look(visit: Visit) -> Redirect:
    form = visit.incoming.form
    look = chosen_look(form.get("language", ""), form.get("zone", ""), form.get("theme", ""))
    return Redirect("/me?saved=1", cookies=(Cookie(LOOK_COOKIE, look.cookie, COOKIE_SECONDS),))


def signed_out(visit: Visit) -> View:
    return View("signed_out")
