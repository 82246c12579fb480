"""Replication of global tables: asynchronous, last writer wins, able to lag and to be cut.

Faithful: a write is answered before it replicates; conditions are evaluated on the local replica. Of two concurrent writes
to an item the later one (by the clock of its region, then by region) stays in every replica, and the lost one is not logged;
a write is later than those of its item that its region has applied. ReplicationLatency, in the region of the write, is the
time to each other region. A write to a strongly consistent table is in each replica before it is answered, despite a lag or
cut, because its witness joins the regions; it has no ReplicationLatency.
Different from AWS: TTL deletions replicate like any other delete; writes to a strongly consistent table never conflict.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import threading
import time
from functools import partial
from typing import Any, Final, NamedTuple

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch, dynamodb

from local_cloud import hazards
from local_cloud.caching import copied
from local_cloud.replicator import TABLES, replicator
from local_cloud.shims.global_table import WITNESSES

Stamp = tuple[int, str]
"""Time of a write by its region's clock in nanoseconds, and the region."""


class _Write(NamedTuple):
    """An unreplicated write: the item's new image, or None for its deletion."""

    account: str
    table: str
    key: tuple[Any, Any]
    image: dict[str, Any] | None
    stamp: Stamp
    written_at: int


_stamps: Final[dict[tuple[str, str, str, Any, Any], Stamp]] = {}
_last_nanoseconds = 0
_clock: Final = threading.Lock()


def install() -> None:
    """Replicate writes through the replicator instead of at once, unless the table is strongly consistent."""
    stock = dynamodb._replicate_write

    def replicate(table: dict[str, Any], event: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
        if WITNESSES in table:
            stock(table, event, old, new)
        else:
            _replicate(table, old, new)

    dynamodb._replicate_write = replicate


def _replicate(table: dict[str, Any], old: dict[str, Any] | None, new: dict[str, Any] | None) -> None:
    group = dynamodb._replica_group(table)
    if not group:
        return
    account, home, name = get_account_id(), get_region(), table["TableName"]
    item = new if new is not None else old
    if item is None:
        return
    key = item_key(table, item)
    # Later than every write that the region has seen of this item, however its clock goes: so replicas converge.
    seen, _ = _stamps.get((account, home, name, *key), (0, ""))
    write = _Write(account, name, key, copied(new), (max(_now() + _skew(home), seen + 1), home), time.time_ns())
    _stamps[account, home, name, *key] = write.stamp
    for region in group:
        if region != home:
            replicator.send(
                home, region, partial(_apply, write, region), service=TABLES, identity=(account, name, *write.key)
            )


def _apply(write: _Write, region: str) -> None:
    account, name, key, image, stamp, written_at = write
    _measure(account, stamp[1], written_at, name, region)
    with request_scope(account, region):
        replica = dynamodb._tables.get(name)
        # The replica may have been deleted while the write was on its way.
        if replica is None or stamp < _stamps.get((account, region, name, *key), (0, "")):
            return
        _stamps[account, region, name, *key] = stamp
        before = replica["items"].get(key[0], {}).get(key[1])
        if image is None:
            if before is None:
                return
            dynamodb._remove_item(replica, *key)
        else:
            dynamodb._set_item(replica, *key, copied(image))
        event = "REMOVE" if image is None else "INSERT" if before is None else "MODIFY"
        dynamodb._emit_stream_event(name, event, before, copied(image), replicate=False)


def _measure(account: str, home: str, written_at: int, name: str, region: str) -> None:
    with request_scope(account, home):
        dimensions = {"TableName": name, "ReceivingRegion": region}
        milliseconds = max(time.time_ns() - written_at, 0) / 1e6
        cloudwatch.record_metric("AWS/DynamoDB", "ReplicationLatency", milliseconds, "Milliseconds", dimensions)


def item_key(table: dict[str, Any], item: dict[str, Any]) -> tuple[Any, Any]:
    """Return an item's partition key and sort key."""
    sort = table["sk_name"]
    return (
        dynamodb._extract_key_val(item.get(table["pk_name"])),
        dynamodb._extract_key_val(item.get(sort)) if sort else "__no_sort__",
    )


def _skew(region: str) -> int:
    """Return the nanoseconds by which a region's clock is ahead."""
    return round(1e9 * hazards.current.skew(region))


def _now() -> int:
    """Return wall-clock nanoseconds, never the same twice, so that two writes of one region keep their order."""
    global _last_nanoseconds  # noqa: PLW0603  one clock for the whole server
    with _clock:
        _last_nanoseconds = max(time.time_ns(), _last_nanoseconds + 1)
        return _last_nanoseconds
