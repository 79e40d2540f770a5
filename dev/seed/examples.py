"""Contacts of the local stack to look for in the console: one for each answer to "why did it not
arrive?" that needs no more than a contact.
"""

from collections.abc import Mapping
from typing import Any

from dev.verbs import Dynamics

DOMAIN = "example.org"
CONTACTS: Mapping[str, Mapping[str, Any]] = {
    "arrived": {"firstname": "Ari", "lastname": "Arrived"},
    "too.long": {"firstname": "Anna-Maria " * 3, "lastname": "Too Long"},
    "opted.out": {"firstname": "Otto", "lastname": "Opted Out", "donotbulkemail": True},
}
"""By what stands before the @. A profile's first name has 30 letters at most."""
ADDRESSES = [f"{name}@{DOMAIN}" for name in CONTACTS]


def create(dynamics: Dynamics) -> dict[str, str]:
    """Returns the ids by e-mail address."""
    return {
        f"{name}@{DOMAIN}": dynamics.create_contact(**columns, emailaddress1=f"{name}@{DOMAIN}")
        for name, columns in CONTACTS.items()
    }
