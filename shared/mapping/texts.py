"""Texts that fit a field: its length, its policy, nothing that Campaign cannot store."""

import re
import unicodedata
from collections.abc import Callable
from typing import Any

import regex
from email_validator import EmailNotValidError, validate_email

from shared.mapping.metadata import TargetField
from shared.mapping.refusal import Refuse

UNSAFE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
)  # what XML 1.0, which Campaign stores, cannot carry
# A dot-atom, then host names with a dot between, the last of them no number (RFC 5321 and 5322).
# Possessive: it never looks back.
ATOM, HOST = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++", r"[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+"
ADDRESS = re.compile(rf"{ATOM}(?:\.{ATOM})*+@(?:{HOST}\.)++(?![0-9]++$){HOST}")
LONGEST_LOCAL, LONGEST_HOST = 64, 63
LONGEST_ADDRESS = 254
INVISIBLE = regex.compile(
    r"[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]"
)  # fillers, selectors and the braille blank too
CHARACTER = regex.compile(
    r"\X"
)  # what a reader takes for one: a letter with its accents, a family of emoji


def fitting(
    as_text: Callable[[Any], str], target: TargetField, cuts: bool = False
) -> Callable[[Any], str]:
    """A converter to a text of the field. `cuts`: what is too long is cut."""
    longest, email = target.length or 0, target.policy == "email"

    def text(value: Any) -> str:
        result = as_text(value)
        if longest and len(result) > longest:
            if not cuts:
                raise Refuse(
                    "too_long",
                    f"a text longer than the {longest} characters of the field: shorten it",
                )
            result = cut(result, longest)
        if UNSAFE.search(result):
            raise Refuse(
                "unsafe_characters",
                "a text with control characters that Campaign cannot store: remove them",
            )
        if email and not is_address(result):
            raise Refuse("not_an_email", "a text that is no e-mail address: correct it")
        return result

    return text


def is_address(text: str) -> bool:
    """One plain address: no name beside it, no second one, no blank or invisible character in
    it.
    """
    if not text.isascii():
        return is_international(text)
    return ADDRESS.fullmatch(text) is not None and (len(text) <= LONGEST_HOST or short_enough(text))


def short_enough(text: str) -> bool:
    """The lengths that RFC 5321 allows, in bytes."""
    local, _, domain = text.rpartition("@")
    hosts_fit = all(len(host) <= LONGEST_HOST for host in domain.split("."))
    return (
        hosts_fit and len(local.encode()) <= LONGEST_LOCAL and len(text.encode()) <= LONGEST_ADDRESS
    )


def is_international(text: str) -> bool:
    """An address with letters beyond ASCII (RFC 6531, IDNA 2008); wide and other second forms of a
    letter are refused.
    """
    if unicodedata.normalize("NFKC", text) != unicodedata.normalize("NFC", text):
        return False
    try:
        validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return False
    return INVISIBLE.search(text) is None and "." in text.rpartition("@")[2] and short_enough(text)


def cut(text: str, longest: int) -> str:
    """The first characters of the text, none of them in part; a single one that is too long is cut
    all the same.
    """
    end = 0
    for character in CHARACTER.finditer(text):
        if character.end() > longest:
            break
        end = character.end()
    return text[: end or longest]
