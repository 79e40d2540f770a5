"""Pages from templates, in the reader's language, zone and theme. Everything is escaped.

Templates: shared/console/templates (Jinja2). Texts: shared/console/locale, by gettext; a text
without a translation stays English.
"""

import gettext
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shared.console.charts import spark
from shared.console.look import Look
from shared.console.release import RELEASE
from shared.console.sentences import sentence

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

HERE = Path(__file__).parent
STATIC = {
    "console.css": "text/css; charset=utf-8",
    "console.js": "text/javascript; charset=utf-8",
    "editor.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
"""Media type of each file of shared/console/static."""
HASHED = re.compile(r"(?P<stem>[a-z]+)\.(?P<hash>[0-9a-f]{8})\.(?P<kind>[a-z]+)")
NO_VALUE = "–"


@cache
def static_file(name: str) -> bytes:
    return (HERE / "static" / name).read_bytes()


@cache
def static_name(name: str) -> str:
    """The file's name with a hash of its content: a browser may keep it for ever."""
    stem, _, kind = name.rpartition(".")
    return f"{stem}.{sha256(static_file(name)).hexdigest()[:8]}.{kind}"


def static_asked(name: str) -> tuple[bytes, str] | None:
    """Content and media type of a file by its hashed name; None for any other name."""
    matched = HASHED.fullmatch(name)
    plain = f"{matched['stem']}.{matched['kind']}" if matched else ""
    if plain not in STATIC or static_name(plain) != name:
        return None
    return static_file(plain), STATIC[plain]


@cache
def texts(language: str) -> gettext.NullTranslations:
    return gettext.translation("console", HERE / "locale", [language], fallback=True)


@cache
def environment(language: str) -> "Environment":
    """Jinja2's environment of one language. It is imported here: no flow needs it (80 ms)."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.install_gettext_translations(texts(language), newstyle=True)  # type: ignore[attr-defined]
    made.globals["static"] = static_name
    made.globals["spark"] = spark
    made.globals["release"] = RELEASE
    made.filters.update(filters_of(language))
    return made


def filters_of(language: str) -> dict[str, Callable[..., Any]]:
    """What a template does with a value. The reader's zone is in the page's `look`."""
    from jinja2 import pass_context

    return {
        "time": pass_context(lambda page, value: time_tag(value, page["look"])),
        "iso": pass_context(lambda page, value: time_tag(seconds_of(value), page["look"])),
        "ago": lambda seconds: duration(seconds, language),
        "count": count,
        "act": lambda code: named(code, language),
        "say": lambda code, **arguments: sentence(code, language, **arguments),
    }


def render(template: str, look: Look, data: Mapping[str, Any]) -> bytes:
    """The page in UTF-8; a lone surrogate in a value is shown as a question mark."""
    page = environment(look.language).get_template(f"{template}.html").render(look=look, **data)
    return page.encode("utf-8", "replace")


def named(code: str, language: str) -> str:
    """The name of an act or a result; the bare code where none is written."""
    said = sentence(code, language)
    return code.partition("_")[2] if said == code else said


def time_tag(value: object, look: Look) -> "Markup | str":
    """A moment, in seconds since 1970, on the reader's clock; the exact one in UTC as the title."""
    from markupsafe import Markup

    if not isinstance(value, int | float) or not value:
        return NO_VALUE
    exact = datetime.fromtimestamp(value, UTC).isoformat(timespec="seconds")
    shown = look.local(value).strftime("%Y-%m-%d %H:%M")
    return Markup('<time datetime="{0}" title="{0}">{1}</time>').format(exact, shown)


def seconds_of(moment: object) -> float | None:
    """Seconds since 1970 of a moment in ISO 8601; None for what is none."""
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return None


def count(value: object) -> str:
    """A number with thin spaces between thousands; a dash for none."""
    if not isinstance(value, int | float):
        return NO_VALUE
    return f"{round(value):,}".replace(",", "\u202f")


UNITS = ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(seconds: object, language: str) -> str:
    """The two largest units of a length of time; a dash for none."""
    if not isinstance(seconds, int | float):
        return NO_VALUE
    left = max(0, round(seconds))
    said: list[str] = []
    for size, unit in UNITS:
        if left >= size and len(said) < 2:
            said.append(f"{left // size}\u202f{texts(language).gettext(unit)}")
            left %= size
        elif said:
            break
    return " ".join(said) or f"0\u202f{texts(language).gettext('s')}"
