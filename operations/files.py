"""Find a file's objects in both regions: their states, their history, their records and what the archives keep."""

from __future__ import annotations

import heapq
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from operations.attribute_values import Wire, as_json
from operations.deployment import Deployment
from operations.errors import RunFailure
from operations.ledger import is_verified, object_id
from operations.register import claims_of
from operations.target import Target

T = TypeVar("T")

QUARANTINED: Final = "QUARANTINED"
_INCOMING: Final = "incoming/"
CANARIES: Final = "incoming/uploads/canary/"
"""Key prefix of the files that the observers upload every minute."""
_UPLOAD: Final = re.compile(r"incoming/uploads/[^/]+/[^/]+/[0-9a-f]{64}/(?P<file_key>.+)", re.DOTALL)
_OBJECT_ID: Final = re.compile(r"[0-9a-f]{64}")
_SHARDS: Final = 4
_PARTITION_KEYS: Final = {"": "pk", "by_file": "file_key", "by_state_hour": "state_hour"}
"""The attribute of each index's partition key; "" is the table itself."""
_RECORDS_PER_KEY: Final = 1000
_ROWS_AN_OBJECT: Final = 3
"""Most rows of an object in the index by file: RESULT, and an UPLOAD row of each region."""


@dataclass
class Found:
    """An object, as the replicas of both regions and their buckets hold it.

    Attributes:
        object_id: 64 hexadecimal digits.
        object_key: Its key in the ingest buckets.
        rows: The object's rows by sort key, of each region that answered.
        versions: Version ids in the ingest bucket, of each region that answered.
    """

    object_id: str
    object_key: str = ""
    rows: dict[str, dict[str, dict[str, Wire]]] = field(default_factory=dict)
    versions: dict[str, list[str]] = field(default_factory=dict)

    def first(self, name: str, kind: str = "") -> str:
        """Return an attribute of the first row that has it, of rows whose sort key begins with `kind`; "" if none has it."""
        rows = [row for held in self.rows.values() for key, row in sorted(held.items()) if key.startswith(kind)]
        return next((_text(row[name]) for row in rows if name in row), "")

    @property
    def result(self) -> dict[str, Wire]:
        """The RESULT row of the first replica that holds one; empty if none does."""
        return next((held["RESULT"] for held in self.rows.values() if "RESULT" in held), {})

    @property
    def is_quarantined(self) -> bool:
        """Whether RESULT says that the file could not be read."""
        return bool(self.result) and _text(self.result["state"]) == QUARANTINED

    @property
    def received_at(self) -> str:
        """When the file was received, in UTC; "" if no row holds it."""
        return self.first("file_order").partition("#")[0]

    def state(self, region: str) -> str:
        """Return one phrase on the object in a region's replica."""
        if region not in self.rows:
            return "does not answer"
        rows = self.rows[region]
        gone = rows.get(f"ATTEMPT#{region}", {}).get("gone")
        if "RESULT" not in rows:
            begun = any("state_hour" in row for key, row in rows.items() if key.startswith("ATTEMPT#"))
            return f"gone: {_text(gone)}" if gone else "being processed" if begun else "waiting"
        result = rows["RESULT"]
        if _text(result["state"]) == QUARANTINED:
            return f"quarantined: {_text(result['reason'])}"
        replica = rows.get(f"REPLICA#{region}", {})
        counts = f"completed: {_text(result['accepted'])} accepted, {_text(result['rejected'])} rejected"
        return counts if is_verified(result, replica) else f"{counts}; records of this replica not verified yet"

    def history(self) -> list[tuple[str, str]]:
        """Return the time in UTC and a sentence for each step that a row notes, in order."""
        steps = set()
        for row in (row for held in self.rows.values() for row in held.values()):
            kind, _, region = _text(row["sk"]).partition("#")
            match kind:
                case "UPLOAD":
                    steps.add((_text(row["issued_at"]), f"{region} issued upload {_text(row['upload_id'])}"))
                case "ATTEMPT":
                    count = _text(row["attempts"]) if "attempts" in row else "0"
                    steps.add((_text(row.get("started_at", row["updated_at"])), f"{region} began; attempts so far: {count}"))
                    if "checkpoint" in row:
                        steps.add((_text(row["updated_at"]), f"{region} {_progress(row['checkpoint']['M'])}"))
                    if "gone" in row:
                        steps.add((_text(row["updated_at"]), f"{region} has no version any more: {_text(row['gone'])}"))
                case "RESULT":
                    outcome = _text(row["state"]).lower()
                    steps.add((_text(row["processed_at"]), f"{_text(row['region'])} wrote the result: {outcome}"))
                case "REPLICA" if "settled_at" in row:
                    steps.add((_text(row["settled_at"]), f"{region} verified the records of its replica"))
        return sorted(steps)

    def as_dict(self) -> dict[str, Any]:
        """Return the object for JSON output."""
        return {
            "object_id": self.object_id,
            "object_key": self.object_key,
            "file_key": file_key_of(self.object_key),
            "received_at": self.received_at,
            "states": {region: self.state(region) for region in self.rows},
            "versions": self.versions,
            "history": [{"at": at, "step": step} for at, step in self.history()],
        }


class Files:
    """Reads files from both regions. A region that does not answer is left out and named in `problems`.

    Args:
        target: The platform.
        regions: The regions to read; by default both.

    Attributes:
        problems: One sentence for each region that did not answer.
    """

    def __init__(self, target: Target, regions: Sequence[str] = ()) -> None:
        self._target = target
        self.problems: list[str] = []
        self._listed: dict[tuple[str, str], list[str]] = {}
        self._deployments = dict.fromkeys(regions or target.regions, Deployment(target, {}, {}, {}))
        # A lost region fails here within seconds; the other calls are patient.
        self._in_each_region(
            lambda region: claims_of(target.fail_fast_client("dynamodb", region), target.table_name, target.regions)
        )
        self._deployments = self._in_each_region(lambda region: Deployment.of_region(target, region))

    @property
    def regions(self) -> list[str]:
        """The regions that answered, the primary first."""
        return list(self._deployments)

    def find(self, wanted: str, limit: int) -> list[Found]:
        """Return the objects of a file, newest first.

        Args:
            wanted: A file key, an object key (it begins with `incoming/`) or an object id.
            limit: Maximum number of objects.
        """
        if _OBJECT_ID.fullmatch(wanted):
            found = self._object(wanted)
            return [found] if any(found.rows.values()) else []
        listed = self._in_each_region(lambda region: self._of_file(region, file_key_of(wanted), limit)).values()
        newest = sorted(
            {(_text(row["file_order"]), _text(row["object_id"])) for rows in listed for row in rows}, reverse=True
        )
        # An object that nothing has processed yet may have no row: its version in a bucket is all that there is.
        object_key = wanted if wanted.startswith(_INCOMING) else _INCOMING + wanted
        versions = self._in_each_region(lambda region: self._versions(region, object_key)).values()
        in_buckets = [object_id(object_key, version) for found in versions for version in found]
        ids = dict.fromkeys([*(one for _, one in newest), *in_buckets])
        objects = [self._object(one, object_key) for one in itertools.islice(ids, limit * 2)]
        return [one for one in objects if not wanted.startswith(_INCOMING) or one.object_key == wanted][:limit]

    def rows(self, one: str) -> dict[str, dict[str, dict[str, Wire]]]:
        """Return the rows of an object by region and sort key."""

        def rows_in(region: str) -> dict[str, dict[str, Wire]]:
            return {_text(row["sk"]): row for row in self._query(region, f"OBJ#{one}", consistent=True)}

        return self._in_each_region(rows_in)

    def _object(self, one: str, object_key: str = "") -> Found:
        """Return an object by its id; `object_key` is used if no row holds it."""
        found = Found(one, object_key, self.rows(one))
        found.object_key = found.first("object_key") or object_key
        if found.object_key:
            found.versions = self._in_each_region(lambda region: self._versions(region, found.object_key))
        return found

    def newest(self, limit: int) -> list[tuple[datetime, str, str]]:
        """Return the time, the object id and the key of what the buckets stored last, newest first, without canaries."""

        def stored(region: str) -> list[tuple[datetime, str, str]]:
            bucket = self._deployments[region].ingest_bucket(region)
            pages = self._target.client("s3", region).get_paginator("list_object_versions").paginate(Bucket=bucket)
            versions = (one for page in pages for one in page.get("Versions", []) if not one["Key"].startswith(CANARIES))
            held = ((one["LastModified"], object_id(one["Key"], one["VersionId"]), one["Key"]) for one in versions)
            return heapq.nlargest(limit, held)

        return heapq.nlargest(limit, itertools.chain(*self._in_each_region(stored).values()))

    def records(self, found: Found) -> Iterator[str]:
        """Yield the object's records as JSON texts, in the order of the file.

        Raises:
            RunFailure: The object is not completed, or the replica does not hold as many records as RESULT states.
        """
        require(found, not found.is_quarantined and found.result, "has no records")
        region = next(region for region, held in found.rows.items() if "RESULT" in held)
        count, accepted = 0, int(_text(found.result["accepted"]))
        for number in range(int(_text(found.result["records"])) // _RECORDS_PER_KEY + 1):
            try:
                for row in self._query(region, f"REC#{found.object_id}#{number:06d}"):
                    yield as_json(row["record"])
                    count += 1
            except (ClientError, BotoCoreError) as error:
                raise RunFailure(f"{region} stopped after {count} of {accepted} records: {error}") from error
        if count != accepted:
            raise RunFailure(
                f"The replica of {region} holds {count} records of object {found.object_id}; RESULT states {accepted}.",
                hint="`status` shows whether the reconciler repairs it.",
            )

    def rejected(self, found: Found) -> Iterator[dict[str, Any]]:
        """Yield each rejected record of an object: its line, ordinal, reason and an excerpt.

        Raises:
            RunFailure: The object is not completed, or no archive returns the records.
        """
        require(found, not found.is_quarantined and found.result, "has no records")
        if _text(found.result.get("rejected", {"N": "0"})) != "0":
            body = self._archived(found, f"rejected/{found.object_id}.ndjson")
            yield from (json.loads(line) for line in body.iter_lines())

    def quarantine_note(self, found: Found) -> dict[str, Any]:
        """Return why an object was quarantined: `reason`, `fault`, `size`, and the key of its copy as `object`."""
        require(found, found.is_quarantined, "is not quarantined")
        held: dict[str, Any] = json.loads(self._archived(found, f"quarantined/{found.object_id}.json").read())
        return held

    def quarantined_bytes(self, found: Found) -> Iterator[bytes]:
        """Yield the bytes of a quarantined object from the archive, piece by piece."""
        require(found, found.is_quarantined, "is not quarantined")
        yield from self._archived(found, f"quarantined/{found.object_id}/object").iter_chunks(1 << 20)

    def quarantined(self, hours: int) -> list[Found]:
        """Return the objects received in the last hours that are quarantined, newest first."""
        now, ids = datetime.now(UTC), dict[str, str]()
        spans = [(now - timedelta(hours=ago)).strftime("%Y-%m-%dT%H") for ago in range(hours + 1)]
        partitions = [f"{QUARANTINED}#{hour}#{shard:02d}" for hour in spans for shard in range(_SHARDS)]

        def rows_in(region: str) -> list[dict[str, Wire]]:
            return [row for one in partitions for row in self._query(region, one, index="by_state_hour")]

        for rows in self._in_each_region(rows_in).values():
            ids |= {_text(row["object_id"]): _text(row["state_order"]) for row in rows}
        return [self._object(one) for one in sorted(ids, key=lambda one: ids[one], reverse=True)]

    def _in_each_region(self, ask: Callable[[str], T]) -> dict[str, T]:
        """Return each region's answer. A region that fails is left out from then on.

        Raises:
            RunFailure: No region answers.
        """
        answers = {}
        for region in self.regions:
            try:
                answers[region] = ask(region)
            except (ClientError, BotoCoreError, RunFailure) as error:
                self.problems.append(f"{region} is left out: {error}")
                del self._deployments[region]
        if not answers:
            raise RunFailure("No region answers.", hint=" ".join(self.problems))
        return answers

    def _versions(self, region: str, object_key: str) -> list[str]:
        """Return the versions of a key; each key of a bucket is listed once, though every version of it is an object."""
        if (region, object_key) not in self._listed:
            deployment = self._deployments[region]
            listed = deployment.client("s3", region).list_object_versions(
                Bucket=deployment.ingest_bucket(region), Prefix=object_key
            )
            versions = [one["VersionId"] for one in listed.get("Versions", []) if one["Key"] == object_key]
            self._listed[region, object_key] = versions
        return self._listed[region, object_key]

    def _of_file(self, region: str, file_key: str, limit: int) -> list[dict[str, Wire]]:
        rows = self._query(region, file_key, index="by_file", newest_first=True)
        return list(itertools.islice(rows, limit * _ROWS_AN_OBJECT))

    def _query(
        self,
        region: str,
        value: str,
        *,
        index: str = "",
        consistent: bool = False,
        newest_first: bool = False,
    ) -> Iterator[dict[str, Wire]]:
        request: dict[str, Any] = {
            "TableName": self._target.table_name,
            "KeyConditionExpression": "#key = :value",
            "ExpressionAttributeNames": {"#key": _PARTITION_KEYS[index]},
            "ExpressionAttributeValues": {":value": {"S": value}},
            "ConsistentRead": consistent,
            "ScanIndexForward": not newest_first,
            **({"IndexName": index} if index else {}),
        }
        for page in self._target.client("dynamodb", region).get_paginator("query").paginate(**request):
            yield from page["Items"]

    def _archived(self, found: Found, key: str) -> Any:  # noqa: ANN401 - a botocore StreamingBody
        """Open an object of the archive: in the region that wrote RESULT, then in the other one.

        Raises:
            RunFailure: No archive that answers holds it.
        """
        writer = _text(found.result.get("region", {"S": ""}))
        refusals = []
        for region in sorted(self.regions, key=lambda one: one != writer):
            deployment = self._deployments[region]
            try:
                answer = deployment.client("s3", region).get_object(Bucket=deployment.archive_bucket(region), Key=key)
            except (ClientError, BotoCoreError) as error:
                refusals.append(f"{region}: {error}")
            else:
                return answer["Body"]
        raise RunFailure(f"No archive bucket returned {key}.", hint=" ".join(refusals))


def require(found: Found, holds: object, otherwise: str) -> None:
    """Refuse an object in another state."""
    if not holds:
        region = next((region for region, held in found.rows.items() if "RESULT" in held), next(iter(found.rows)))
        raise RunFailure(
            f"Object {found.object_id} {otherwise}: {found.state(region)}",
            hint="`files` shows its state; `quarantined` explains a quarantined one.",
        )


def file_key_of(wanted: str) -> str:
    """Return the file key of an object key; any other text is a file key already."""
    if upload := _UPLOAD.fullmatch(wanted):
        return upload["file_key"]
    return wanted.removeprefix(_INCOMING) or wanted


def _progress(checkpoint: Wire) -> str:
    """Return how far a region came with a long file."""
    if checkpoint["is_read"]["BOOL"]:
        return f"has written the records below {_text(checkpoint['ordinal'])}"
    return f"has read {int(_text(checkpoint['accepted'])) + int(_text(checkpoint['rejected']))} records, and writes none yet"


def _text(value: Wire) -> str:
    ((_, held),) = value.items()
    return str(held)
