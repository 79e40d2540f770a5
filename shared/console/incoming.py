"""A request to the console, as its pages see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

FORM_TYPE = "application/x-www-form-urlencoded"
FORM_LIMIT_BYTES = 1024 * 1024
"""Of a form: a mapping document and what goes with it."""
MOST_FIELDS = 2000


@dataclass(frozen=True, slots=True)
class Incoming:
    """`path` begins behind `/console`; names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def cookie(self, name: str) -> str:
        """The cookie's value, "" where it is missing.

        Another application of the domain may set cookies that `http.cookies` does not read, such
        as JSON. They hide none of ours (RFC 6265, 5.4: a pair ends at the semicolon).
        """
        pairs = (pair.partition("=") for pair in self.headers.get("cookie", "").split(";"))
        found = {key.strip(): value.strip() for key, _, value in pairs}
        return found.get(name, "")

    def fields(self) -> list[tuple[str, str]]:
        """The fields of a form, in order; [] for any other body. ValueError for too many."""
        if self.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
            return []
        text = self.body.decode("utf-8", "replace")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)

    @property
    def form(self) -> dict[str, str]:
        """The last value of each field."""
        return dict(self.fields())

    def ticked(self, name: str) -> list[str]:
        """All values of a field that may come several times."""
        return [value for key, value in self.fields() if key == name]

    @property
    def wants_json(self) -> bool:
        """Whether the JSON twin is asked for: RFC 9110, 12.5.1, without weights; or by a link."""
        if self.query.get("as") == "json":
            return True
        accepted = self.headers.get("accept", "")
        return "application/json" in accepted and "text/html" not in accepted
