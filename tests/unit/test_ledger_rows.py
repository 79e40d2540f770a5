"""A record's row as the table holds it, and as a version before this one left it."""

from shared.state.ledger_rows import LedgerRow, read_row, row_entity


def test_what_was_left_out_is_kept() -> None:
    row = LedgerRow("1", outcome="updated", altered=[["email", "omitted", "not_an_email"]])
    assert read_row(row_entity("contacts-01", row)) == row


def test_a_row_of_an_older_version_left_nothing_out() -> None:
    entity = row_entity("contacts-01", LedgerRow("1", outcome="updated"))
    assert "altered" not in entity
    assert read_row(entity).altered == []
