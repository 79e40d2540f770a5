"""Links that a system's answer gives, to be followed with a token: below the configured address
only.
"""

from shared.addresses import UNSAFE, link_fault
from shared.errors import Misconfigured, Retryable

LONGEST_LINK = 16_000
"""Characters.

A link is kept in one column of a table, which holds 32,000 with all that stands beside it.
"""


def same_host(link: object, base: str, system: str, setting: str, path: bool = True) -> str:
    """The link, if it leads to the host of `base` and, with `path`, below its path; a token must go
    nowhere else.

    Retryable for what is no link; Misconfigured `setting` for one that leads elsewhere.
    """
    if not isinstance(link, str) or len(link) > LONGEST_LINK or UNSAFE.search(link):
        raise Retryable(
            f"{system} gave a link that is none, or of more than {LONGEST_LINK} characters; it is"
            " asked again."
        )
    if fault := link_fault(link, base, path):
        raise Misconfigured(
            setting, f"{system} gave a link that {fault}: set {setting} to the host it names."
        )
    return link
