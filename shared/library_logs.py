"""What the libraries may log."""

import logging

LIBRARIES = {
    "azure": logging.WARNING,  # its INFO lines are every request's headers
    "msal": logging.WARNING,  # its lines name accounts and authorities
    "urllib3": logging.ERROR,  # its warnings: a storage connection was not kept
    "requests": logging.ERROR,
    "paramiko": logging.CRITICAL,  # its errors are ours to tell, in our words
}


def quiet_libraries() -> None:
    """No line of a library shows a request: those hold tokens, addresses and values of records."""
    for name, level in LIBRARIES.items():
        logging.getLogger(name).setLevel(level)
