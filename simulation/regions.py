"""A region's state: buckets, queues and its replica of the table; what AWS does with them by itself."""

from dataclasses import dataclass, field
from typing import Any, Final

from simulation.expressions import Item

Key = tuple[str, str]
Stamp = tuple[float, int, str]
"""When an item was written, a number that orders writes of one moment, and where: the highest is the last writer's."""

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


@dataclass(slots=True)
class Queued:
    """A message on a queue."""

    number: int
    body: str
    attributes: dict[str, Any]
    sent_at: float
    visible_at: float
    receives: int = 0


@dataclass
class Region:
    """Everything of one region that outlives a process.

    Attributes:
        name: AWS's.
        ingest: Versions by key and version id.
        archive: Bodies by key.
        table: Entries by key.
        partitions: By partition key: every sort key that was written at some time.
        queue: The ingest queue.
        dead: The dead-letter queue.
        is_destroyed: For good.
        dark_until: No call is answered and nothing is delivered before.
        stalled_until: Calls take `stall` seconds longer before.
        throttled_until: No batch is handed to the function before.
        skew: How far the region's clock is ahead, in seconds.
        transform_version: What is deployed.
        calls: How many calls were made.
        writes: How many items were written here.
        running: Invocations.
        metrics: Sums by name.
    """

    name: str
    ingest: dict[tuple[str, str], Version] = field(default_factory=dict)
    archive: dict[str, bytes] = field(default_factory=dict)
    table: dict[Key, Entry] = field(default_factory=dict)
    partitions: dict[str, list[str]] = field(default_factory=dict)
    queue: dict[int, Queued] = field(default_factory=dict)
    dead: dict[int, Queued] = field(default_factory=dict)
    is_destroyed: bool = False
    dark_until: float = 0.0
    stalled_until: float = 0.0
    stall: float = 0.0
    throttled_until: float = 0.0
    skew: float = 0.0
    transform_version: int = 1
    calls: int = 0
    writes: int = 0
    running: int = 0
    metrics: dict[str, float] = field(default_factory=dict)

    def item(self, pk: str, sk: str) -> Item | None:
        """Return an item of the replica as it is now."""
        entry = self.table.get((pk, sk))
        return entry.item if entry else None

    def partition(self, pk: str) -> list[Item]:
        """Return the items of a partition key, by sort key."""
        found = (self.table[pk, sk].item for sk in sorted(self.partitions.get(pk, ())))
        return [item for item in found if item is not None]
