"""The table's keys, attributes and indexes: the one place where they are named.

Imports nothing, so that `infra` may import it to declare the table and every function may import it to use it.

Rows (data rules 2 and 7: each row is write-once and deterministic, or owned by the region in its key):

| pk                            | sk                 | written              | what it is                                   |
|-------------------------------|--------------------|----------------------|----------------------------------------------|
| `OBJ#<object id>`             | `RESULT`           | once, deterministic  | what became of the object                    |
| `OBJ#<object id>`             | `ATTEMPT#<region>` | by that region only  | that it began and not finished, or is `gone` |
| `OBJ#<object id>`             | `REPLICA#<region>` | by that region only  | what that region's replica was seen to hold  |
| `OBJ#<object id>`             | `UPLOAD#<region>`  | once, by that region | that the issuer accepted an upload           |
| `CLAIM#<source>#<upload id>`  | `UPLOAD#<region>`  | once, by that region | which file that region's issuer bound it to  |
| `REC#<object id>#<n>`         | `<ordinal>`        | once, deterministic  | one record; at most 1,000 a partition key    |
| `CONTROL#<region>`            | `ACTIVE`           | by that region only  | that region's claim to be active, an epoch   |
| `HEALTH#<region>`             | `READY`            | by that region only  | the write that `GET /ready` proves itself by |
| `HEARTBEAT#<region>`          | `LATEST`           | by that region only  | how that region is, by its own observer      |
| `FORCE#<region>`              | `LATEST`           | by that region only  | whether a person sends clients away          |
| `REPLICATION#<region>`        | `READY`            | by the deployment    | that its files reach the other region; hosts |
| `DIGEST#<region>`             | `<hour>#<prefix>`  | by that region only  | the RESULT rows of an hour, as it sees them  |
| `OBSERVER#<region>`           | `MEMORY`           | by that region only  | what its observer keeps from run to run      |
| `RECONCILER#<region>`         | `LATEST`           | by that region only  | what its reconciler found, and how far it is |
"""

from typing import Final

# --- the table's own keys -------------------------------------------------------------------------------------
PARTITION_KEY: Final = "pk"
SORT_KEY: Final = "sk"
TIME_TO_LIVE: Final = "expires_at"
"""Epoch seconds; set on ATTEMPT, UPLOAD and CLAIM rows and on a canary's RESULT and records (docs/data.md), and only
where the table's consistency allows TTL."""

# --- indexes: one for each access pattern that the keys do not serve -------------------------------------------
FILE_INDEX: Final = "by_file"
"""Where is my file? By logical key, newest first (`RESULT` and `UPLOAD` rows)."""
FILE_INDEX_PARTITION_KEY: Final = "file_key"
FILE_INDEX_SORT_KEY: Final = "file_order"

STATE_INDEX: Final = "by_state_hour"
"""What is quarantined, unfinished or of an hour? By state, hour and shard (`RESULT` and `ATTEMPT` rows)."""
STATE_INDEX_PARTITION_KEY: Final = "state_hour"
STATE_INDEX_SORT_KEY: Final = "state_order"

STATE_INDEX_SHARDS: Final = 4
"""Partition keys an hour of one state is spread over. One key takes 1,000 writes a second
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html); each is one more request
of the observer for each hour, every minute, and each request is an event of the audit trail."""

RECORD_PARTITION_KEYS: Final = "REC#*"
"""Pattern of the partition keys of all records, for IAM's conditions."""
RECORDS_PER_PARTITION_KEY: Final = 1000
"""Records of one object under one partition key (data rule 7)."""

# --- the values that sort keys and states take ------------------------------------------------------------------
RESULT: Final = "RESULT"
ACTIVE: Final = "ACTIVE"
EPOCH: Final = "epoch"
"""A control row's attribute: a whole number; the highest of all regions is active."""
FORCED: Final = "forced"
"""A force row's attribute: true while clients are sent to its region, whatever the other one's health."""
READY: Final = "READY"
API_HOSTS: Final = "api_hosts"
"""A replication row's attribute: the host of each region's API, by the region."""
LATEST: Final = "LATEST"
MEMORY: Final = "MEMORY"

RESULT_PROVENANCE: Final = frozenset({"region", "epoch", "version_id", "processed_at", TIME_TO_LIVE})
"""Attributes of a RESULT row that say who wrote it and when, and how long that region keeps it, which a deployment changes
in one region first; all others are the same whichever region writes it."""

PROCESSING_VERSION: Final = "processing_version"
"""Attribute of RESULT and of each record: which transform, parsers and libraries made it."""
SETTLED: Final = "settled_digest"
"""Attribute of a REPLICA row: the effect digest of a RESULT whose records that replica was seen to hold completely."""
SETTLED_VERSION: Final = "settled_version"
"""Attribute of a REPLICA row: the processing version of that RESULT."""
PUT_BACKS: Final = "put_backs"
"""Attribute of a REPLICA row: a message that was put back fewer times than this is an older copy of another one."""

DIGEST_PREFIXES: Final = "0123456789abcdef"
"""First digit of the object id: by so much an hour's digest is split."""

COMPLETED: Final = "COMPLETED"
QUARANTINED: Final = "QUARANTINED"
UNFINISHED: Final = "UNFINISHED"
GONE: Final = "gone"
"""Attribute of an ATTEMPT row: why that region's bucket holds no version of the object any more. It is no RESULT, for
the other region's bucket may hold one."""
GONE_STATE: Final = "GONE"
"""State by which the index lists such rows."""


def object_partition_key(object_id: str) -> str:
    """Return the partition key of an object's RESULT, ATTEMPT and UPLOAD rows."""
    return f"OBJ#{object_id}"


def attempt_sort_key(region: str) -> str:
    """Return the sort key of the row in which `region` notes its own attempts."""
    return f"ATTEMPT#{region}"


def replica_sort_key(region: str) -> str:
    """Return the sort key of the row in which `region` notes what its own replica holds of an object."""
    return f"REPLICA#{region}"


def upload_sort_key(region: str) -> str:
    """Return the sort key of the row in which the issuer of `region` notes an upload."""
    return f"UPLOAD#{region}"


def claim_partition_key(source: str, upload_id: str) -> str:
    """Return the partition key of the rows that bind an upload id to a file; the sort key is `upload_sort_key`."""
    return f"CLAIM#{source}#{upload_id}"


def record_keys(object_id: str, ordinal: int) -> tuple[str, str]:
    """Return partition and sort key of a record; `ordinal` counts the accepted and rejected from 0."""
    return f"REC#{object_id}#{ordinal // RECORDS_PER_PARTITION_KEY:06d}", f"{ordinal:012d}"


def control_partition_key(region: str) -> str:
    """Return the partition key of a region's claim to be active; it holds the region, so that a role can be held to it."""
    return f"CONTROL#{region}"


def health_partition_key(region: str) -> str:
    """Return the partition key of the row that the deep health check of `region` writes."""
    return f"HEALTH#{region}"


def heartbeat_partition_key(region: str) -> str:
    """Return the partition key of the row in which the observer of `region` says how that region is."""
    return f"HEARTBEAT#{region}"


def force_partition_key(region: str) -> str:
    """Return the partition key of the row by which a person sends clients to `region`; the sort key is `LATEST`."""
    return f"FORCE#{region}"


def replication_partition_key(region: str) -> str:
    """Return the partition key of the row that a deployment writes once files of `region` replicate; it is `READY`."""
    return f"REPLICATION#{region}"


def digest_partition_key(region: str) -> str:
    """Return the partition key of the digests of what the replica of `region` holds."""
    return f"DIGEST#{region}"


def digest_sort_key(hour: str, prefix: str) -> str:
    """Return the sort key of a digest; `hour` is `YYYY-MM-DDTHH` in UTC, `prefix` one of `DIGEST_PREFIXES`."""
    return f"{hour}#{prefix}"


def observer_partition_key(region: str) -> str:
    """Return the partition key of what the observer of `region` keeps from run to run."""
    return f"OBSERVER#{region}"


def reconciler_partition_key(region: str) -> str:
    """Return the partition key of what the reconciler of `region` found, and keeps from run to run."""
    return f"RECONCILER#{region}"


def expires_at(since: float, days: int) -> int:
    """Return the value of `TIME_TO_LIVE` for a row that is kept for `days` since a moment in epoch seconds."""
    return int(since) + days * 86_400


def newest_last(received_at: str, object_id: str) -> str:
    """Return the sort key of both indexes; `received_at` is as `moments.as_text` writes it."""
    return f"{received_at}#{object_id}"


def state_hour(state: str, hour: str, object_id: str) -> str:
    """Return the state index's partition key; `hour` is `YYYY-MM-DDTHH` in UTC."""
    return state_hour_shard(state, hour, int(object_id[:8], 16) % STATE_INDEX_SHARDS)


def state_hour_shard(state: str, hour: str, shard: int) -> str:
    """Return the state index's partition key of one shard, 0 to `STATE_INDEX_SHARDS` - 1; all make up the hour."""
    return f"{state}#{hour}#{shard:02d}"
