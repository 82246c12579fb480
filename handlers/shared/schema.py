"""The names of the table's keys, attributes and indexes.

This module imports nothing, so `infra` can use it to declare the table, and every function to read and write it.

Rows (data rules 2 and 7: each row is written once and deterministic, or owned by the region in its key):

| pk                            | sk                 | written              | content                                      |
|-------------------------------|--------------------|----------------------|----------------------------------------------|
| `OBJ#<object id>`             | `RESULT`           | once, deterministic  | the outcome of the object                    |
| `OBJ#<object id>`             | `ATTEMPT#<region>` | by that region only  | an attempt and its checkpoint; or `gone`     |
| `OBJ#<object id>`             | `REPLICA#<region>` | by that region only  | the RESULT whose records its replica holds   |
| `OBJ#<object id>`             | `UPLOAD#<region>`  | once, by that region | an upload that its issuer accepted           |
| `CLAIM#<source>#<upload id>`  | `UPLOAD#<region>`  | once, by that region | the file that its issuer bound to the id     |
| `REC#<object id>#<n>`         | `<ordinal>`        | once, deterministic  | one record; at most 1,000 a partition key    |
| `CONTROL#<region>`            | `ACTIVE`           | by that region only  | that region's claim to be active, an epoch   |
| `HEALTH#<region>`             | `READY`            | by that region only  | the test write of `GET /ready`               |
| `HEARTBEAT#<region>`          | `LATEST`           | by that region only  | the health of that region, by its observer   |
| `FORCE#<region>`              | `LATEST`           | by that region only  | whether an operator forces clients to it     |
| `REPLICATION#<region>`        | `READY`            | by the deployment    | its replication is set up; hosts of the APIs |
| `DIGEST#<region>`             | `<hour>#<prefix>`  | by that region only  | digest of an hour's RESULT rows              |
| `OBSERVER#<region>`           | `MEMORY`           | by that region only  | state of its observer between runs           |
| `RECONCILER#<region>`         | `LATEST`           | by that region only  | findings and progress of its reconciler      |
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
"""Finds the objects of a file: by logical key, newest first (`RESULT` and `UPLOAD` rows)."""
FILE_INDEX_PARTITION_KEY: Final = "file_key"
FILE_INDEX_SORT_KEY: Final = "file_order"

STATE_INDEX: Final = "by_state_hour"
"""Finds objects by state, hour and shard, such as the quarantined ones (`RESULT` rows, and `ATTEMPT` rows of gone ones)."""
STATE_INDEX_PARTITION_KEY: Final = "state_hour"
STATE_INDEX_SORT_KEY: Final = "state_order"

STATE_INDEX_SHARDS: Final = 4
"""Partition keys over which an hour of one state is spread. One key takes 1,000 writes a second
(https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html). Each key costs the observer
one more request for each hour that it digests, and each request is an event of the audit trail."""

RECORD_PARTITION_KEYS: Final = "REC#*"
"""Pattern of the partition keys of all records, for IAM's conditions."""
RECORDS_PER_PARTITION_KEY: Final = 1000
"""Records of one object under one partition key (data rule 7)."""

# --- the values that sort keys and states take ------------------------------------------------------------------
RESULT: Final = "RESULT"
ACTIVE: Final = "ACTIVE"
EPOCH: Final = "epoch"
"""A control row's attribute: a whole number; the region with the highest one is active."""
FORCED: Final = "forced"
"""A force row's attribute: true while clients are sent to its region, independent of the other region's health."""
READY: Final = "READY"
API_HOSTS: Final = "api_hosts"
"""A replication row's attribute: the host of each region's API, by the region."""
LATEST: Final = "LATEST"
MEMORY: Final = "MEMORY"

RESULT_PROVENANCE: Final = frozenset({"region", "epoch", "version_id", "processed_at", TIME_TO_LIVE})
"""Attributes of a RESULT row that name its writer, its time and its retention, which a deployment changes in one region
first. All other attributes are the same in both regions."""

PROCESSING_VERSION: Final = "processing_version"
"""Attribute of RESULT and of each record: version of the transform, the parsers and their libraries."""
SETTLED: Final = "settled_digest"
"""Attribute of a REPLICA row: the effect digest of a RESULT whose records that replica holds completely."""
SETTLED_VERSION: Final = "settled_version"
"""Attribute of a REPLICA row: the processing version of that RESULT."""
WITHDRAWALS: Final = "withdrawals"
"""Attribute of a REPLICA row: number of times that the region has withdrawn its note, before records were replaced."""
WITHDRAWN_FOR: Final = "withdrawn_for"
"""Attribute of a REPLICA row: version of the attempt that withdrew the note last; empty if records were missing."""
PUT_BACKS: Final = "put_backs"
"""Attribute of a REPLICA row: put-backs of the newest copy of a message; a copy with fewer put-backs is older."""

CHECKPOINT: Final = "checkpoint"
"""Attribute of an ATTEMPT row: the first record that the next invocation writes, for one processing version and epoch."""

DIGEST_PREFIXES: Final = "0123456789abcdef"
"""First digit of the object id, by which an hour's digest is split."""

COMPLETED: Final = "COMPLETED"
QUARANTINED: Final = "QUARANTINED"
UNFINISHED: Final = "UNFINISHED"
"""State of an ATTEMPT row that is at work; an earlier release added an hour and a shard, and listed it in the index."""
GONE: Final = "gone"
"""Attribute of an ATTEMPT row: why that region's bucket holds no version of the object any more. There is no RESULT then,
because the other region's bucket may hold a version."""
GONE_STATE: Final = "GONE"
"""State under which the index lists such rows."""


def object_partition_key(object_id: str) -> str:
    """Return the partition key of an object's RESULT, ATTEMPT and UPLOAD rows."""
    return f"OBJ#{object_id}"


def attempt_sort_key(region: str) -> str:
    """Return the sort key of the row in which `region` notes its own attempts."""
    return f"ATTEMPT#{region}"


def replica_sort_key(region: str) -> str:
    """Return the sort key of the row in which `region` notes that its replica holds an object's records."""
    return f"REPLICA#{region}"


def upload_sort_key(region: str) -> str:
    """Return the sort key of the row in which the issuer of `region` notes an upload."""
    return f"UPLOAD#{region}"


def claim_partition_key(source: str, upload_id: str) -> str:
    """Return the partition key of the rows that bind an upload id to a file; the sort key is `upload_sort_key`."""
    return f"CLAIM#{source}#{upload_id}"


def record_keys(object_id: str, ordinal: int) -> tuple[str, str]:
    """Return the partition and sort key of a record; `ordinal` counts accepted and rejected records from 0."""
    return f"REC#{object_id}#{ordinal // RECORDS_PER_PARTITION_KEY:06d}", f"{ordinal:012d}"


def control_partition_key(region: str) -> str:
    """Return the partition key of a region's claim to be active; it holds the region, so a role can be limited to it."""
    return f"CONTROL#{region}"


def health_partition_key(region: str) -> str:
    """Return the partition key of the row that the readiness check of `region` writes."""
    return f"HEALTH#{region}"


def heartbeat_partition_key(region: str) -> str:
    """Return the partition key of the heartbeat of `region`."""
    return f"HEARTBEAT#{region}"


def force_partition_key(region: str) -> str:
    """Return the partition key of the row by which an operator sends clients to `region`; the sort key is `LATEST`."""
    return f"FORCE#{region}"


def replication_partition_key(region: str) -> str:
    """Return the partition key of the row that a deployment writes when files of `region` replicate; sort key `READY`."""
    return f"REPLICATION#{region}"


def digest_partition_key(region: str) -> str:
    """Return the partition key of the digests of the replica of `region`."""
    return f"DIGEST#{region}"


def digest_sort_key(hour: str, prefix: str) -> str:
    """Return the sort key of a digest; `hour` is `YYYY-MM-DDTHH` in UTC, `prefix` one of `DIGEST_PREFIXES`."""
    return f"{hour}#{prefix}"


def observer_partition_key(region: str) -> str:
    """Return the partition key of the observer's state in `region`."""
    return f"OBSERVER#{region}"


def reconciler_partition_key(region: str) -> str:
    """Return the partition key of the reconciler's findings and progress in `region`."""
    return f"RECONCILER#{region}"


def expires_at(since: float, days: int) -> int:
    """Return the value of `TIME_TO_LIVE` for a row that is kept for `days` after a time in epoch seconds."""
    return int(since) + days * 86_400


def newest_last(received_at: str, object_id: str) -> str:
    """Return the sort key of both indexes; `received_at` has the form of `timestamps.as_text`."""
    return f"{received_at}#{object_id}"


def state_hour(state: str, hour: str, object_id: str) -> str:
    """Return the state index's partition key; `hour` is `YYYY-MM-DDTHH` in UTC."""
    return state_hour_shard(state, hour, int(object_id[:8], 16) % STATE_INDEX_SHARDS)


def state_hour_shard(state: str, hour: str, shard: int) -> str:
    """Return the state index's partition key of one shard of an hour, 0 to `STATE_INDEX_SHARDS` - 1."""
    return f"{state}#{hour}#{shard:02d}"
