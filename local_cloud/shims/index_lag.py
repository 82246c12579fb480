"""Let global secondary indexes lag behind their table.

Faithful: a write is in the table at once and in its global secondary indexes after a heavy-tailed time; the writes of one
item reach the indexes in their order; each region's indexes lag independently.
Different from AWS: all indexes of a table show a write at once; an index never refuses writes to its table.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from ministack.core.responses import get_account_id, get_region
from ministack.services import dynamodb

from local_cloud.hazards import current
from local_cloud.shims.table_replication import item_key

_MEDIAN_SECONDS: Final = 0.03
_LONGEST_SECONDS: Final = 2.0
_MANY: Final = 10_000
"""Number of items from which arrived ones are removed, even if no index is read."""
_Table = tuple[str, str, str]
_pending: Final[dict[_Table, dict[tuple[Any, Any], deque[tuple[float, Any]]]]] = {}
"""By table and item: the time at which each write reaches the indexes, and the item before it."""


def install() -> None:
    """Record each write, and let reads of an index see items without the writes that have not arrived."""
    stock = dynamodb._emit_stream_event

    def emit(name: str, event: str, old: Any, new: Any, *further: Any, **named: Any) -> None:  # noqa: ANN401  handed on as they are
        _remember(name, old, new)
        stock(name, event, old, new, *further, **named)

    dynamodb._emit_stream_event = emit
    dynamodb._query = _reading_indexes_late(dynamodb._query)
    dynamodb._scan = _reading_indexes_late(dynamodb._scan)


def _remember(name: str, old: Any, new: Any) -> None:  # noqa: ANN401  items or None
    table = dynamodb._tables.get(name)
    item = new if new is not None else old
    lag = current.tail("index-lag", "seconds", median=_MEDIAN_SECONDS, longest=_LONGEST_SECONDS)
    if not lag or table is None or item is None or not table.get("GlobalSecondaryIndexes"):
        return
    items = _pending.setdefault(_here(name), {})
    if len(items) > _MANY:
        _late(_here(name))
    writes = items.setdefault(item_key(table, item), deque())
    arrives = time.monotonic() + lag
    writes.append((max(arrives, writes[-1][0]) if writes else arrives, old))


def _reading_indexes_late(stock: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    def read(data: dict[str, Any]) -> Any:  # noqa: ANN401  ministack's answer
        name = str(data.get("TableName", "")).rpartition("/")[2]
        table = dynamodb._tables.get(name)
        if table is None or not _is_global_index(table, data.get("IndexName")) or not (late := _late(_here(name))):
            return stock(data)
        # Reads run on the event loop, so nothing else sees the table as it was.
        now = {key: _put(table, key, before) for key, before in late.items()}
        try:
            return stock(data)
        finally:
            for key, item in now.items():
                _put(table, key, item)

    return read


def _is_global_index(table: dict[str, Any], index: Any) -> bool:  # noqa: ANN401  a request's value
    return any(one.get("IndexName") == index for one in table.get("GlobalSecondaryIndexes") or [])


def _late(here: _Table) -> dict[tuple[Any, Any], Any]:
    """Return the items with writes that have not arrived, as the indexes show them; None for no item."""
    now, items = time.monotonic(), _pending.get(here, {})
    for key, writes in list(items.items()):
        while writes and writes[0][0] <= now:
            writes.popleft()
        if not writes:
            del items[key]
    return {key: writes[0][1] for key, writes in items.items()}


def _put(table: dict[str, Any], key: tuple[Any, Any], item: Any) -> Any:  # noqa: ANN401  items or None
    """Replace an item, or remove it; return the previous one."""
    return dynamodb._remove_item(table, *key) if item is None else dynamodb._set_item(table, *key, item)


def _here(name: str) -> _Table:
    return get_account_id(), get_region(), name
