"""A region's state: buckets, queues and its replica of the table; what AWS does with them by itself."""

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
"""When an item was written, a number that orders writes of one moment, and where: the highest is the last writer's."""

_KEY: Final = re.compile(r'"key": "([^"]+)"')
NEVER: Final[Stamp] = (0.0, 0, "")


@dataclass(slots=True)
class Entry:
    """An item of a replica.

    Attributes:
        stamp: Of its last write.
        item: None where it was deleted: a tombstone.
        before: What an eventually consistent read may still see.
        written_at: When this replica took the write.
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
    """When it came into this bucket."""


@dataclass(slots=True)
class Queued:
    """A message on a queue.

    Attributes:
        about: Names of the files that it names, for the story.
    """

    number: int
    body: str
    attributes: dict[str, Any]
    sent_at: float
    visible_at: float
    receives: int = 0
    about: str = ""

    def __post_init__(self) -> None:
        self.about = ", ".join(key.rsplit("/", 1)[-1] for key in _KEY.findall(self.body)) or "nothing"


@dataclass(slots=True)
class Secret:
    """A region's copy of the secret that signs receipts.

    Attributes:
        values: By version id; a pending version has none until the rotation puts it.
        stages: The version that each staging label is attached to.
        number: How many changes the copy holds.
        status: Of its replication to the other region, as DescribeSecret answers it: InSync, InProgress or Failed.
        verifies_since: When each version became current or previous here; a version that is neither is not in it.
        failed_at: When its value could not be read last.
    """

    values: dict[str, str] = field(default_factory=dict)
    stages: dict[str, str] = field(default_factory=dict)
    number: int = 0
    status: str = "InSync"
    verifies_since: dict[str, float] = field(default_factory=dict)
    failed_at: float = 0.0


@dataclass
class Region:
    """Everything of one region that outlives a process.

    Attributes:
        name: AWS's.
        ingest: Versions by key and version id.
        archive: Bodies by key.
        table: Entries by key.
        partitions: By partition key: every sort key that was written at some time, in order.
        records: By object id: the records that the replica holds, by key.
        indexed: By index and partition key: the keys of the items that it holds.
        queue: The ingest queue.
        dead: The dead-letter queue.
        letters: Identities of everything that the processor has sent there.
        is_destroyed: For good.
        dark_until: No call is answered and nothing is delivered before.
        stalled_until: Calls take `stall` seconds longer before.
        throttled_until: No batch is handed to the function before.
        expired_until: The functions' credentials are refused before.
        key_denied_until: The key of the secret serves nobody before.
        secret: This region's copy of the secret.
        skew: How far the region's clock is ahead, in seconds.
        transform_version: What is deployed.
        calls: How many calls were made.
        writes: How many items were written here.
        running: Invocations.
        cloudwatch: Metrics and alarms.
        silent_until: EventBridge runs no schedule before.
    """

    name: str
    ingest: dict[tuple[str, str], Version] = field(default_factory=dict)
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

    def entry(self, key: Key) -> Entry:
        """Return the entry of a key, a new one if the key was never written."""
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
        """Keep `records` and `indexed` as the table is, after an item of it has changed."""
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
        """Return an item of the replica as it is now."""
        entry = self.table.get((pk, sk))
        return entry.item if entry else None

    def partition(self, pk: str) -> list[Item]:
        """Return the items of a partition key, by sort key."""
        found = (self.table[pk, sk].item for sk in self.partitions.get(pk, ()))
        return [item for item in found if item is not None]
