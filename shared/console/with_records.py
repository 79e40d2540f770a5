"""Which flows have a story for each record: a page shows more of them. No step asks this."""

from shared.entities.flow import TableFlow
from shared.pipeline.flow import Flow


def with_records(flow: Flow | None) -> TableFlow | None:
    """The flow of a table whose rows become records of Campaign; None for any other."""
    return flow if isinstance(flow, TableFlow) else None
