"""Hostile input from sound input: by the grammar of JSON, YAML and delimited text, then by bytes.

Same seed, same input.
"""

import copy
import gzip
import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

Inputs = Callable[[Random], bytes]

CANARY = "canary-4711"
"""Stands in every record's texts: no refusal may show it."""

RAW = (
    "1e400", "-1e400", "1e999999999", "1e-999999999", "1E+999999999999999999", "NaN", "-Infinity",
    "Infinity", "-0", "0.0", "9" * 30, "9" * 4301, "-" + "1" * 20_000, "0." + "3" * 5000,
    "[" * 150 + "]" * 150, "[" * 5000 + "]" * 5000, "[" * 60_000, '{"a":' * 900 + "1" + "}" * 900,
    '"\\ud800"', '"\\udfff' + CANARY + '"', '"\\u0000"', '{"a":1,"a":2}',
)  # fmt: skip
TEXTS = (
    "", " ", "\x00", "\x1b[31m", "\r\nSet-Cookie: a=b", "'", "' or '1'='1", '"', "\u202e", "\ufeff",
    "\u00b2", "../..", ".", "..", "%2e%2e%2f", "http://[", "https://other.example.org/",
    "//other.example.org", "https:///", "\\\\host\\share", "0" * 300, "-1", "1e309", "nan",
    "9999-12-31T23:59:59.9999999+23:59", "0001-01-01 00:00:00.000Z", "10000-01-01", "2026-02-30",
    "x" * 300, "select " * 3000, "'" * 5000, "<" * 5000, "{0.__class__}", "{campaign:>1000000000}",
    "\U0001f600" * 50, CANARY,
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**63), 2**64, 10**30, 0.5, 1.5, [], {}, [None],
    [[]], [{}], {"": None}, {"a": {"b": []}}, ["a", 1, None], *TEXTS,
)  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The path of every part."""
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    return [at, *(path for key, part in inner for path in places(part, (*at, key)))]


def changed(value: Any, path: Sequence[Any], make: Callable[[Any, Any], None]) -> Any:
    """A copy in which the holder of the path's last key was changed."""
    whole = {"root": copy.deepcopy(value)}
    holder: Any = whole
    for key in ("root", *path)[:-1]:
        holder = holder[key]
    make(holder, ("root", *path)[-1])
    return whole["root"]


def mutated_json(seeds: Sequence[Any]) -> Inputs:
    """JSON with other values, lacking or doubled parts, and numbers, depths and texts that no
    library would write.
    """

    def made(random: Random) -> bytes:
        value, raw = random.choice(seeds), dict[str, str]()
        for _ in range(random.choice((0, 1, 1, 1, 2, 4))):
            value = one_change(value, random, raw)
        text = json.dumps(value, ensure_ascii=random.random() < 0.5)
        for name, token in raw.items():
            text = text.replace(f'"{name}"', token)
        return mutated_bytes(text.encode("utf-8", "surrogatepass"), random)

    return made


def one_change(value: Any, random: Random, raw: dict[str, str]) -> Any:
    path, kind = random.choice(places(value)), random.random()

    def put(holder: Any, key: Any) -> None:
        if kind < 0.25:
            raw[name := f"@raw{len(raw)}@"] = random.choice(RAW)
            holder[key] = name
        elif kind < 0.75:
            holder[key] = random.choice(VALUES)
        elif kind < 0.85 and path:
            del holder[key]
        elif kind < 0.95 and isinstance(holder, list):
            holder.extend([copy.deepcopy(holder[key])] * random.choice((1, 3, 50)))
        elif isinstance(holder, dict):
            holder[random.choice(TEXTS)] = holder[key]

    return changed(value, path, put)


def mutated_bytes(data: bytes, random: Random) -> bytes:
    """Mostly as it is; else cut off, flipped, doubled, filled or in another encoding."""
    kind = random.random()
    if kind < 0.6 or not data:
        return data
    at = random.randrange(len(data))
    if kind < 0.7:
        return data[:at]
    if kind < 0.8:
        flipped = bytearray(data)
        for _ in range(random.choice((1, 1, 4, 32))):
            flipped[random.randrange(len(flipped))] ^= 1 << random.randrange(8)
        return bytes(flipped)
    if kind < 0.86:
        return (
            data[:at]
            + data[at : at + random.choice((1, 8, 200))] * random.choice((2, 9, 90))
            + data[at:]
        )
    if kind < 0.93:
        filler = random.choice(
            (
                b"\x00",
                b"\xff",
                b"\xed\xa0\x80",
                b"[",
                b"{",
                b'"',
                b"\r",
                b"\n",
                b"\\",
                b"\xef\xbb\xbf",
            )
        )
        return data[:at] + filler * random.choice((1, 2, 500)) + data[at:]
    text = data.decode("utf-8", "replace")
    return random.choice(
        (
            b"\xef\xbb\xbf" + data,
            text.encode("utf-16"),
            text.encode("utf-32"),
            text.encode("latin-1", "replace"),
        )
    )


YAML_VALUES = (
    "&a [*a]", "*a", "&a {<<: *a}", "<<: *missing", "!!python/object/apply:os.system [ls]",
    "!!binary aGk=", "!!set {a, b}", "!custom a", "!!int [a]", "!!bool nonsense", "!!float {}",
    "!!null [a]", "!!str {a: b}", "!!timestamp 2026-01-01", "!<tag:yaml.org,2002:int> 1",
    '"\\ud800"', '"\\UFFFFFFFF"', '"\\U00110000"', '"\\x00"', "'", '"', "|", ">", "? [a]",
    "? {a: b}\n: c", "- - - - -", "{a: b", "[a", "2026-01-01", "12:30:45", "0o17", "0x1F", "1_000",
    ".nan", ".inf", "1e5", "1.0e999999999", "1.0e-999999999", "9" * 39, "9" * 5000, "no", "yes",
    "~", "null", "", "[" * 60 + "]" * 60, "[" * 20_000, "{a: " * 200, "- " * 300, "%YAML 9.9",
    "--- a\n--- b", "\t- a", "{campaign:>1000000000}", "{0[a]}", "{campaign!r}", "{{{{", "{", "%",
    "%Y" * 200, "%1000000000Y", "@", "`", "=", "*", "&", "x" * 700, "${jndi:ldap://a}", "#", ": :",
    "utf-16", "idna", "base64", "a\\0b", "Europe/Berlin", "../../etc/passwd", "\x07", "\x85",
    "\u2028",
)  # fmt: skip


def bomb(random: Random) -> str:
    """Aliases of aliases; merges of merges."""
    form, levels = random.choice(("[{}]", "{{<<: [{}]}}")), random.choice((3, 9, 30))
    first = "a0: &a0 {x: y}\n"
    body = "".join(
        f"a{n}: &a{n} {form.format(', '.join([f'*a{n - 1}'] * 9))}\n" for n in range(1, levels)
    )
    return first + body


def mutated_yaml(seeds: Sequence[str]) -> Inputs:
    """A document with other values, lines out of place, aliases and tags."""

    def made(random: Random) -> bytes:
        lines = random.choice(seeds).split("\n")
        for _ in range(random.choice((1, 1, 1, 2, 3, 8))):
            lines = one_line_changed(lines, random)
        return mutated_bytes("\n".join(lines).encode("utf-8", "surrogatepass"), random)

    return made


def one_line_changed(lines: list[str], random: Random) -> list[str]:
    at, kind = random.randrange(len(lines)), random.random()
    line = lines[at]
    if kind < 0.5 and ":" in line:
        changed_line = f"{line[: line.index(':') + 1]} {random.choice(YAML_VALUES)}"
    elif kind < 0.6:
        changed_line = " " * random.choice((1, 2, 3, 40)) + line
    elif kind < 0.7:
        changed_line = f"{line}\n{random.choice(lines)}"
    elif kind < 0.75:
        changed_line = "\n".join([line] * random.choice((2, 2, 50, 2000)))
    elif kind < 0.8:
        changed_line = f"{bomb(random)}{line}"
    elif kind < 0.85:
        key = random.choice(
            ("x" * 5000, "? [a]", "1", "true", "~", '"\\ud800"', "2026-01-01", "<<", "=")
        )
        changed_line = f"{key}: {random.choice(YAML_VALUES)}\n{line}"
    else:
        return lines[:at] + lines[at + 1 :] or [""]
    return [*lines[:at], changed_line, *lines[at + 1 :]]


def mutated_lines(seeds: Sequence[str], separator: str = "\t") -> Inputs:
    """Delimited text with other cells, lacking cells, quotation marks and line ends; a third of it
    packed, or said to be.
    """

    def made(random: Random) -> bytes:
        rows = [line.split(separator) for line in random.choice(seeds).split("\n")]
        for _ in range(random.choice((0, 1, 1, 2, 5))):
            row = random.choice(rows)
            at, kind = random.randrange(len(row)), random.random()
            if kind < 0.7:
                row[at] = random.choice(
                    (
                        *TEXTS,
                        '"',
                        '"a\nb"',
                        '"unended',
                        "9" * 5000,
                        "x" * 140_000,
                        str(random.random()),
                    )
                )
            elif kind < 0.85:
                row[at:] = row[at + 1 :] or [""]
            else:
                rows.append(list(row))
        end = random.choice(("\n", "\n", "\n", "\r\n", "\r"))
        text = end.join(separator.join(row) for row in rows) + random.choice(("", end))
        data = mutated_bytes(
            text.encode(random.choice(("utf-8", "utf-8", "utf-16")), "surrogatepass"), random
        )
        return (
            b"gz:" + mutated_bytes(packed(data, random), random)
            if random.random() < 0.3
            else b"as:" + data
        )

    return made


def packed(data: bytes, random: Random) -> bytes:
    return BOMB if random.random() < 0.02 else gzip.compress(data, 1) * random.choice((1, 1, 1, 3))


BOMB = gzip.compress(b"\n" * (4 << 20), 9) * 40
