"""A region's state: its buckets, its queues, and its replica of the table."""

import re
from bisect import insort
from dataclasses import dataclass, field
from typing import Any, Final

from simulation.cloudwatch import CloudWatch
from simulation.expressions import Item

Key = tuple[str, str]
INDEXES: Final = {"by_file": ("file_key", "file_order"), "by_state_hour": ("state_hour", "state_order")}
"""Partition and sort key of the table's indexes."""
Stamp = tuple[float, int, str]
"""Time of a write, a number that orders simultaneous writes, and the region. The highest stamp is that of the last
writer."""

_KEY: Final = re.compile(r'"key": "([^"]+)"')
NEVER: Final[Stamp] = (0.0, 0, "")


@dataclass(slots=True)
class Entry:
    """An item of a replica.

    Attributes:
        stamp: The stamp of its last write.
        item: The item; None for a deleted one, a tombstone.
        before: The item that an eventually consistent read may still return.
        written_at: Time at which this replica applied the write.
    """

    stamp: Stamp = NEVER
    item: Item | None = None
    before: Item | None = None
    written_at: float = 0.0


@dataclass(slots=True)
class Version:
    """A version of an object."""

    key: str
    version_id: str
    body: bytes
    created_at: float
    replication: str
    """S3's ReplicationStatus: PENDING, COMPLETED or REPLICA; empty in the archive."""
    content_type: str = ""
    arrived_at: float = 0.0
    """Time of its arrival in this bucket."""


@dataclass(slots=True)
class Multipart:
    """A multipart upload that is neither completed nor aborted; its parts by number."""

    key: str
    initiated: float
    parts: dict[int, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Queued:
    """A message on a queue; `about` are the names of its files, for the story."""

    number: int
    body: str
    attributes: dict[str, Any]
    sent_at: float
    visible_at: float
    receives: int = 0
    about: str = ""
    keys: frozenset[str] = frozenset()
    """Its objects' quoted keys."""

    def __post_init__(self) -> None:
        found = _KEY.findall(self.body)
        self.keys = frozenset(found)
        self.about = ", ".join(key.rsplit("/", 1)[-1] for key in found) or "nothing"


@dataclass(slots=True)
class Secret:
    """A region's copy of the secret that signs receipts.

    Attributes:
        values: Values by version id; a pending version has none until the rotation puts it.
        stages: The version of each staging label.
        number: Number of changes in the copy.
        status: Its replication status in DescribeSecret: InSync, InProgress or Failed.
        verifies_since: Time since when each version is current or previous here; other versions are missing.
        failed_at: Time of the last failed read of its value.
    """

    values: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    number: int = 0
    status: str = "InSync"
    verifies_since: dict[str, float] = field(default_factory=dict)
    failed_at: float = 0.0


@dataclass
class Region:
    """The state of a region that outlives a process.

    Attributes:
        name: AWS's name.
        ingest: Versions by key and version id.
        multiparts: Multipart uploads into the ingest bucket, by their id.
        archive: Bodies by key.
        table: Entries by key.
        partitions: By partition key, every sort key that was ever written, in order.
        records: By object id, the records in the replica, by key.
        indexed: By index and partition key, the keys of its items.
        queue: The ingest queue.
        dead: The dead-letter queue.
        letters: Identities of everything that the processor has sent to the dead-letter queue.
        is_destroyed: Whether the region is lost for good.
        dark_until: Time before which no call is answered and nothing is delivered.
        stalled_until: Time before which calls take `stall` seconds longer.
        throttled_until: Time before which the function gets no batch.
        expired_until: Time before which the functions' credentials are refused.
        key_denied_until: Time before which the secret's key allows no use.
        secret: This region's copy of the secret.
        skew: Seconds by which the region's clock is ahead.
        transform_version: The deployed version of the transform.
        calls: Number of calls.
        writes: Number of items that were written here.
        running: The running invocations.
        cloudwatch: Its metrics and alarms.
        silent_until: Time before which EventBridge runs no schedule.
        full_until: Time before which the table accepts no batch.
    """

    name: str
    ingest: dict[tuple[str, str], Version] = field(default_factory=dict)
    multiparts: dict[str, Multipart] = field(default_factory=dict)
    archive: dict[str, bytes] = field(default_factory=dict)
    table: dict[Key, Entry] = field(default_factory=dict)
    partitions: dict[str, list[str]] = field(default_factory=dict)
    records: dict[str, dict[Key, Item]] = field(default_factory=dict)
    indexed: dict[tuple[str, str], set[Key]] = field(default_factory=dict)
    queue: dict[int, Queued] = field(default_factory=dict)
    dead: dict[int, Queued] = field(default_factory=dict)
    letters: set[str] = field(default_factory=set)
    is_destroyed: bool = False
    dark_until: float = 0.0
    stalled_until: float = 0.0
    stall: float = 0.0
    throttled_until: float = 0.0
    expired_until: float = 0.0
    key_denied_until: float = 0.0
    secret: Secret = field(default_factory=Secret)
    skew: float = 0.0
    transform_version: int = 1
    calls: int = 0
    writes: int = 0
    running: int = 0
    cloudwatch: CloudWatch = field(default_factory=CloudWatch)
    silent_until: float = 0.0
    full_until: float = 0.0

    def entry(self, key: Key) -> Entry:
        """Return the entry of a key, or a new one if the key was never written."""
        entry = self.table.get(key)
        if entry is None:
            entry = self.table[key] = Entry()
            insort(self.partitions.setdefault(key[0], []), key[1])
        return entry

    def change(self, key: Key, item: Item | None) -> None:
        """Change or lose an item in this replica alone, as a fault of replication would."""
        entry = self.table[key]
        self.hold(key, entry.item, item)
        entry.before = entry.item = item

    def hold(self, key: Key, before: Item | None, item: Item | None) -> None:
        """Update `records` and `indexed` after a change of an item."""
        kind, _, rest = key[0].partition("#")
        if kind == "REC":
            records = self.records.setdefault(rest.partition("#")[0], {})
            if item is None:
                records.pop(key, None)
            else:
                records[key] = item
            return
        for index, (partition_key, sort_key) in INDEXES.items():
            if before and partition_key in before and sort_key in before:
                self.indexed[index, before[partition_key]["S"]].discard(key)
            if item and partition_key in item and sort_key in item:
                self.indexed.setdefault((index, item[partition_key]["S"]), set()).add(key)

    def of_index(self, index: str, partition_key: str) -> list[Item]:
        """Return the items of a partition key of an index, by its sort key, then by the table's."""
        sort_key = INDEXES[index][1]
        found = [(item, key) for key in self.indexed.get((index, partition_key), ()) if (item := self.item(*key))]
        return [item for item, _ in sorted(found, key=lambda one: (one[0][sort_key]["S"], one[1]))]

    def item(self, pk: str, sk: str) -> Item | None:
        """Return the current item of the replica."""
        entry = self.table.get((pk, sk))
        return entry.item if entry else None

    def partition(self, pk: str) -> list[Item]:
        """Return the items of a partition key, by sort key."""
        found = (self.table[pk, sk].item for sk in self.partitions.get(pk, ()))
        return [item for item in found if item is not None]
