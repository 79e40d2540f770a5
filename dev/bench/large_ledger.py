"""A ledger as it is beside millions of records, at no cost: its headers alone, each with the number
of its rows and a full Bloom filter. Rows that nobody asks for are never read.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from azure.data.tables import TableServiceClient

from shared.records import Outcome
from shared.state.bloom_filter import BloomFilter
from shared.state.ledger_rows import BUCKETS, Header, header_entity, partition_name


def fill(storage: str, flow: str, records: int) -> None:
    """Writes the headers of a flow whose ledger has no rows yet (`storage`: a connection string).

    Azurite.
    """
    rows = records // BUCKETS
    full = BloomFilter.of(rows, (str(UUID(int=number)) for number in range(rows))).properties()
    header = Header(rows=rows, counts=Counter({Outcome.CREATED.value: rows}))
    with (
        TableServiceClient.from_connection_string(storage) as service,
        service.create_table_if_not_exists("ledger") as table,
        ThreadPoolExecutor(4) as pool,
    ):
        partitions = [partition_name(flow, number) for number in range(BUCKETS)]
        entities = ({**header_entity(partition, header), **full} for partition in partitions)
        list(pool.map(table.upsert_entity, entities))
