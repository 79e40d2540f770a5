"""Every text of the console has a translation in each language, and the compiled files are those of
the sources.
"""

import re
from datetime import datetime
from string import Formatter
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
import pytest

from dev.console_texts import CONSOLE, LANGUAGES, compiled, po_file, read, template
from shared.console.look import LANGUAGES as SHOWN
from shared.console.look import Look
from shared.console.rendering import duration, render, time_tag
from shared.console.sentences import SENTENCES, sentence
from shared.console_settings import ConsoleSettings
from shared.pipeline.doubt import DOUBT
from shared.pipeline.waiting_room import BUSY, FLOW
from shared.waits import CODES

NOON = 1_700_049_600.0
HOSTILE = "<script>alert(1)</script>\"'&{{ 7*7 }}\u202e"


def test_every_language_that_a_reader_can_choose_has_a_file() -> None:
    assert set(SHOWN) == {"en", *LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    """If this fails: `python -m dev.console_texts`, then translate what is new in the .po file."""
    known = {message.id: message.string for message in read(language) if message.id}
    wanted = {message.id for message in template() if message.id}
    assert set(known) == wanted
    shown = {text: said if isinstance(said, tuple) else (said,) for text, said in known.items()}
    assert not [text for text, parts in shown.items() if not all(parts)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_file_is_that_of_the_source(language: str) -> None:
    assert po_file(language).with_suffix(".mo").read_bytes() == compiled(language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_has_the_arguments_of_its_text(language: str) -> None:
    for message in read(language):
        texts = message.string if isinstance(message.string, tuple) else (message.string,)
        names = message.id if isinstance(message.id, tuple) else (message.id,)
        for text in texts:
            assert arguments(str(text)) <= arguments(" ".join(map(str, names))), text


def arguments(text: str) -> set[str]:
    braces = {name for _, name, _, _ in Formatter().parse(text.replace("%", "")) if name}
    return braces | set(re.findall(r"%\((\w+)\)s", text))


@pytest.mark.parametrize("reason", sorted({*CODES, DOUBT, FLOW, BUSY}))
def test_every_reason_to_wait_has_its_sentence(reason: str) -> None:
    """On the start page and the page of a flow."""
    assert sentence(f"waits_{reason}", "en", count=3).endswith(": 3")


@pytest.mark.parametrize("reason", ["flow_stopped", "flow_failed", "queue_is_long", "polls"])
def test_every_reason_of_a_job_to_wait_has_its_sentence(reason: str) -> None:
    assert sentence(f"job_waits_{reason}", "en").endswith(".")


def test_every_refusal_has_its_sentence() -> None:
    codes = {
        code
        for path in CONSOLE.rglob("*.py")
        for code in re.findall(r'Refus(?:al|ed)\((?:\d+, )?"(\w+)"', path.read_text("utf-8"))
    }
    assert len(codes) > 20
    assert codes <= {*SENTENCES}


@pytest.mark.parametrize("language", SHOWN)
@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_is_made_from_its_code(code: str, language: str) -> None:
    text = SENTENCES[code]
    names = arguments(text if isinstance(text, str) else text[1])
    said = sentence(code, language, **dict.fromkeys(names, "X"))
    assert said
    assert said != code
    assert said.count("X") >= len(names)


PAIRS = [code for code, text in SENTENCES.items() if not isinstance(text, str)]


@pytest.mark.parametrize("language", SHOWN)
@pytest.mark.parametrize("code", PAIRS)
def test_one_is_not_many(code: str, language: str) -> None:
    """Numbers come as they were counted, or as text from what was kept."""
    one, many = SENTENCES[code]
    assert arguments(one) == arguments(many)
    said = [sentence(code, language, **dict.fromkeys(arguments(one), n)) for n in (1, "1", 2, 0)]
    assert said[0] == said[1]
    assert said[2].replace("2", "0") == said[3]
    if language == "en":
        assert said[0] == one.format_map(dict.fromkeys(arguments(one), 1)) != said[2]


def test_no_sentence_says_one_records() -> None:
    """A noun that is counted has a form for one."""
    counted = re.compile(r"(?<!More than )\{(count|calls|minutes)\} (?!of\b)[a-z]+s\b")
    assert not [
        text for text in SENTENCES.values() if isinstance(text, str) and counted.search(text)
    ]


def test_a_code_without_a_sentence_is_shown_as_it_is() -> None:
    assert sentence("unheard_of", "en") == "unheard_of"


@pytest.mark.parametrize("language", SHOWN)
def test_what_is_hostile_is_shown_as_text(language: str) -> None:
    frame = {"session": None, "here": "/", "settings": Environment(), "sentence": HOSTILE}
    page = render("refused", Look(language), frame).decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "{{ 7*7 }}" in page


class Environment:
    console_environment = HOSTILE


def test_a_lone_surrogate_breaks_no_page() -> None:
    frame = {"session": None, "here": "/", "settings": Environment(), "sentence": "a\ud83d"}
    assert b"a?" in render("refused", Look(), frame)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "2026-03-29 00:59"),
        ("Europe/Berlin", "2026-03-29 01:59"),
        ("Asia/Tokyo", "2026-03-29 09:59"),
    ],
)
def test_a_moment_is_on_the_reader_s_clock(zone: str, shown: str) -> None:
    at = 1774745940.0  # a minute before Berlin's clocks go forward
    assert f">{shown}<" in time_tag(at, Look(zone=zone))
    assert 'datetime="2026-03-29T00:59:00+00:00"' in time_tag(at, Look(zone=zone))


def test_clocks_that_go_forward_skip_an_hour() -> None:
    assert ">2026-03-29 03:00<" in time_tag(1774746000.0, Look(zone="Europe/Berlin"))


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0 s"),
        (59.4, "59 s"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (90_061, "1 d 1 h"),
        (None, "–"),
    ],
)
def test_a_length_of_time_has_its_two_largest_units(seconds: float | None, shown: str) -> None:
    assert duration(seconds, "en").replace("\u202f", " ") == shown


def taken_page(look: Look) -> str:
    shown: dict[str, Any] = {"id": "1", "kind": "stop", "name": "Contacts", "back": "/"}
    shown |= {"taken_at": NOON, "state": "taken"}
    frame = {"here": "/", "is_page": True, "session": None, "needs": {}, "systems": ("", "")}
    settings = ConsoleSettings.model_construct(console_environment="")
    return render("taken", look, {**frame, **shown, "settings": settings}).decode()


def test_a_template_is_compiled_once_for_all_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Compiling takes twenty times as long as showing an empty page."""
    compiled_before, compile_ = list[str](), jinja2.Environment.compile

    def counted(self: jinja2.Environment, source: Any, *names: Any, **more: Any) -> Any:
        compiled_before.append(names[0])
        return compile_(self, source, *names, **more)

    for zone in ("UTC", "Asia/Tokyo"):
        assert local(zone) in taken_page(Look(zone=zone))
    monkeypatch.setattr(jinja2.Environment, "compile", counted)
    for zone in ("Europe/Berlin", "America/New_York"):
        assert local(zone) in taken_page(Look(zone=zone))
    assert compiled_before == []


def local(zone: str) -> str:
    return f">{datetime.fromtimestamp(NOON, ZoneInfo(zone)):%Y-%m-%d %H:%M}</time>"
