"""What the console says for a code: what happened, to what, and what to do next.

Codes and arguments are kept, sentences are made when they are shown, in the reader's language.
"""

import gettext
from functools import cache
from pathlib import Path

from shared.console.act_sentences import ACT_SENTENCES
from shared.console.event_sentences import EVENTS
from shared.console.mapping_sentences import MAPPING_SENTENCES
from shared.console.plurals import Text, plural
from shared.console.safety_sentences import SAFETY
from shared.console.story_sentences import STORY

SENTENCES: dict[str, Text] = {
    "sign_in_too_old": (
        "The sign-in took longer than ten minutes, or was begun in another browser."
        " Sign in once more."
    ),
    "sign_in_declined": "Entra ended the sign-in without a result. Sign in once more.",
    "sign_in_not_ours": (
        "The answer of Entra does not belong to this browser's sign-in. Nobody was signed in."
        " Sign in once more."
    ),
    "sign_in_failed": (
        "Entra did not confirm the sign-in. Sign in once more. If it happens again, an"
        " administrator should run `manage.py check`."
    ),
    "sign_in_other_tenant": (
        "This account belongs to another Entra tenant. Sign in with an account of your company."
    ),
    "not_found": "There is no such page. Use the navigation, or go to the overview.",
    "method": "This address does not take this kind of request.",
    "cross_site": (
        "The request did not come from a page of this console, so nothing was done."
        " Open the page again, and repeat it there."
    ),
    "too_large": "The form is larger than 1 MB, so nothing was done. Shorten it.",
    "broken_form": "The form cannot be read, so nothing was done. Open the page again.",
    "signed_out": "You are signed out. Sign in to go on.",
    "renew": (
        "Your roles must be asked for again, so nothing was done. Open the page again, and repeat"
        " it there."
    ),
    "no_role": (
        "Your account has no role for this console. Ask an administrator of Entra for one:"
        " Enterprise applications, this application, Users and groups."
    ),
    "role_missing": (
        "This needs the role {role}, which your account does not have. An administrator of Entra"
        " gives it: Enterprise applications, this application, Users and groups."
    ),
    "unavailable": "The page cannot be shown now: {cause}",
    "page_broken_off": (
        "The console met an error of its own: {cause} If something was to be saved, open the page"
        " again and see whether it was."
    ),
    "page_late": (
        "This page was not ready within three seconds: the storage account, which holds the"
        " bridge's state, is slow or does not answer. Load it again in a minute."
    ),
    "console_off": (
        "The console is not set up. An administrator sets CONSOLE_URL and what goes with it"
        " (docs/console.md)."
    ),
    "look_saved": "Saved. The console remembers it in this browser.",
    **ACT_SENTENCES,
    **STORY,
    **MAPPING_SENTENCES,
    **SAFETY,
    **EVENTS,
}


@cache
def translations(language: str) -> gettext.NullTranslations:
    folder = Path(__file__).parent / "locale"
    return gettext.translation("console", folder, [language], fallback=True)


def sentence(code: str, language: str, **arguments: object) -> str:
    """The sentence of a code, with its arguments; the code itself where there is none.

    A flow's `name` is in the reader's language too.
    """
    text, known = SENTENCES.get(code), translations(language)
    if name := arguments.get("name"):
        arguments["name"] = known.gettext(str(name))
    return plural(text, known, arguments).format(**arguments) if text else code
