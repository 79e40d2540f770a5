"""Which level of host.json decides about a log line."""

import logging

import pytest

from dev.host.logs import CategoryFilter


@pytest.mark.parametrize(
    ("levels", "function", "logger", "heard"),
    [
        ({"Function.contacts": "Error"}, "contacts_poll", "bridge", logging.ERROR),
        ({"function.CONTACTS": "Error"}, "contacts_poll", "bridge", logging.ERROR),
        (
            {"Function.contacts": "Error", "Function.contacts_poll": "Debug"},
            "contacts_poll",
            "bridge",
            logging.DEBUG,
        ),
        ({"Function.contacts_poll.User": "Error"}, "contacts_poll", "bridge", logging.ERROR),
        ({"Function.contacts_polls": "Error"}, "contacts_poll", "bridge", logging.INFO),
        ({"contacts": "Error", "bridge": "Error"}, "contacts_poll", "bridge", logging.INFO),
        (
            {"default": "Warning", "Function": "Information"},
            "contacts_poll",
            "azure.core",
            logging.INFO,
        ),
        ({"default": "None"}, "contacts_poll", "bridge", logging.CRITICAL + 50),
        ({"Host.Timers": "Error"}, "", "Host.Timers", logging.ERROR),
    ],
)
def test_the_longest_beginning_of_the_category_decides(
    levels: dict[str, str], function: str, logger: str, heard: int
) -> None:
    wanted = CategoryFilter(levels, {"id": function})

    def passes(level: int) -> bool:
        record = logging.LogRecord(logger, level, "", 0, "text", (), None)
        record.worker, record.invocation_id = bool(function), "id" if function else None
        return wanted.filter(record)

    assert passes(heard)
    assert not passes(heard - 1)
