"""Keys of the records about a DevLake itself: one partition of the pipelines table per source."""

from lakehook.adapters.dynamodb.items import Item, to_item
from lakehook.domain.pipeline_key import DEFAULT_SOURCE
from lakehook.settings import PipelinesTable as Table


def devlake_item_key(source: str | None, record: str) -> Item:
    """Return the key; the ``#`` keeps it apart from pipelines, whose ids have none."""
    partition = f"{Table.DEVLAKE}{source or DEFAULT_SOURCE}"
    return to_item({Table.PARTITION_KEY: partition, Table.SORT_KEY: record})
