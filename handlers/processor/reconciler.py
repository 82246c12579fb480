"""The reconciler: finds objects that lost their message, and sends their events to this region's queue again.

| finding                  | evidence                                   | action                                            |
|--------------------------|--------------------------------------------|---------------------------------------------------|
| `object-without-result`  | a version in the bucket, no RESULT         | sends the object's event again                    |
| `result-without-records` | RESULT, but not its records, in this table | the same; the processor verifies the records      |
| `archive-not-copied`     | RESULT of the other region, not settled    | the same; the processor copies and settles it     |
| `records-without-result` | records, no RESULT and no object           | lists it until RESULT arrives or the records go   |
| `records-not-verified`   | more records than a run has time to read   | lists it, and reads them again once a day         |
| `malformed-rows`         | rows that no processor wrote               | lists it until the rows are correct               |

The reconciler only reads and sends; an event that is sent changes nothing that is settled. An object that is not in this
region's bucket is listed and not sent, because the processor could not read it. A finding stays in this region's row, and
counts in the metric `Unreconciled`, until it is resolved. Each run is bounded, and resumes where the last one ended:

* the bucket's objects of the last seven days, the lifetime of an upload id: at most once an hour;
* every object of the bucket, and every row of the table: once a week.

Canaries are left out: the observer checks each of them itself.
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger

from handlers.processor.deadline import Deadline, OutOfTimeError
from handlers.processor.messages import event_body
from handlers.processor.own_queue import OwnQueue
from handlers.processor.shadow import PUT_BACKS_BETWEEN_NOTES
from handlers.processor.store import Known, Ledger
from handlers.processor.telemetry import Telemetry
from handlers.shared import object_keys, schema, timestamps
from handlers.shared.control import ControlRegister
from handlers.shared.own_rows import put_unless_newer

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client

GRACE_SECONDS: Final = 900.0
"""A younger object is still being processed (within seconds) or retried (within minutes); so is a long one that was
continued within this time, which is the longest invocation."""
RECENT_SECONDS: Final = 7 * 86_400.0
"""Lifetime of an upload id."""
FINDINGS: Final = 100
"""Findings that wait for a send, above which the walks wait; also the maximum number of stuck ones that a walk lists."""
TRIES: Final = 5
ROWS_A_RUN: Final = 20_000
SECONDS_A_RUN: Final = 20.0

_FIRST_PAUSE_SECONDS: Final = 3600.0
_LONGEST_PAUSE_SECONDS: Final = 86_400.0
_CYCLE_SECONDS: Final = 7 * 86_400.0
_RECENT_CYCLE_SECONDS: Final = (3600.0, 3 * 86_400.0)
_SECONDS_AN_OBJECT: Final = 10.0
"""Pause for each object between two walks through the recent ones: a look costs a few reads and an audit event."""
_PAGE: Final = 1000
_ROW_BYTES: Final = 350_000
"""Maximum size of all findings in the row; an item has 400 KB, and a key in JSON 6 KB at most.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
"""
_AFTER_CANARIES: Final = object_keys.CANARIES[:-1] + chr(ord("/") + 1)
_RESERVED_SECONDS: Final = 5.0
_MALFORMED: Final = (AttributeError, KeyError, TypeError, ValueError)
"""Errors of reading a row that was written by hand; one such row must not stop every run."""

logger = Logger(child=True)


class Kind(StrEnum):
    """The kind of a finding."""

    NO_RESULT = "object-without-result"
    NO_RECORDS = "result-without-records"
    NOT_ARCHIVED = "archive-not-copied"
    STRAY_RECORDS = "records-without-result"
    MALFORMED = "malformed-rows"
    UNVERIFIED = "records-not-verified"


@dataclass(frozen=True)
class Finding:
    """An object that the reconciler lists."""

    kind: str
    object_id: str
    found_at: float
    """Epoch seconds."""
    object_key: str = ""
    version_id: str = ""
    """Empty, like the key, where only records are known."""
    stored_at: float = 0.0
    """When the object was stored in the bucket, in epoch seconds."""
    sends: int = 0
    next_at: float = 0.0
    """Earliest time of the next send, in epoch seconds."""
    put_backs: int = 0
    """Put-backs of its message at the last look; a message whose number rises is still on the queue."""

    @property
    def is_stuck(self) -> bool:
        """Whether it may stay for ever, so that no walk waits for it: it cannot be sent, or was sent `TRIES` times."""
        return not self.object_key or self.kind == Kind.UNVERIFIED or self.sends >= TRIES


@dataclass(frozen=True)
class Walk:
    """Progress of a walk through the bucket or the table."""

    begun_at: float = 0.0
    is_whole: bool = True
    objects: int = 0
    """Objects looked at since the walk began."""
    cursor: Any = None
    """Where the walk resumes: key and version id in the bucket, or a key of the table; None at the beginning."""
    left_out: int = 0
    """Stuck objects that it found and that the list has no room for."""


@dataclass(frozen=True)
class Notes:
    """State that a run keeps for the next one."""

    recent: Walk = field(default_factory=Walk)
    bucket: Walk = field(default_factory=Walk)
    table: Walk = field(default_factory=Walk)
    findings: tuple[Finding, ...] = ()


class ReconcilerRow:
    """Reads and writes the region's own row.

    Args:
        dynamodb: A low-level client of this region.
        table_name: The table.
        region: This region.
    """

    def __init__(self, *, dynamodb: "DynamoDBClient", table_name: str, region: str) -> None:
        self._dynamodb = dynamodb
        self._table_name = table_name
        self._key: dict[str, Any] = {
            schema.PARTITION_KEY: {"S": schema.reconciler_partition_key(region)},
            schema.SORT_KEY: {"S": schema.LATEST},
        }

    def recall(self) -> Notes:
        """Return the notes of the last run; empty notes if there are none or this release cannot read them."""
        row = self._dynamodb.get_item(TableName=self._table_name, Key=self._key, ConsistentRead=True).get("Item", {})
        text = row.get("notes", {}).get("S")
        if not text:
            return Notes()
        try:
            held = json.loads(text)
            walks = {name: Walk(**held[name]) for name in ("recent", "bucket", "table")}
            return Notes(**walks, findings=tuple(Finding(**one) for one in held["findings"]))
        except (ValueError, TypeError, KeyError):
            logger.warning("the reconciler's notes cannot be read; it starts again", notes=text[:1000], exc_info=True)
            return Notes()

    def keep(self, notes: Notes, work: int, now: float) -> None:
        """Write the notes of a run unless a later run has; `work` is the number of findings that count."""
        item = {**self._key, "work": {"N": str(work)}, "notes": {"S": json.dumps(asdict(notes))}}
        put_unless_newer(self._dynamodb, self._table_name, item, at=now)


class Reconciler:
    """Runs the reconciler once for each scheduled event.

    Args:
        s3: A client of this region.
        dynamodb: A low-level client of this region.
        bucket: This region's ingest bucket.
        table_name: The table.
        region: This region.
        peer_region: The other region.
        source: Source of an object that was uploaded without the issuer.
        ledger: Reads objects and their records.
        control: Reads the active region.
        own_queue: This region's ingest queue.
        telemetry: Counts findings and sends.
        waiting_seconds: Longest time until a waiting message notes its put-backs in its row.
        maximum_age_seconds: Age at which a passive region's message goes to the dead-letter queue.

    Attributes:
        row: Notes that persist between runs.
    """

    def __init__(  # noqa: PLR0913 - every argument has a keyword
        self,
        *,
        s3: "S3Client",
        dynamodb: "DynamoDBClient",
        bucket: str,
        table_name: str,
        region: str,
        peer_region: str,
        source: str,
        ledger: Ledger,
        control: ControlRegister,
        own_queue: OwnQueue,
        telemetry: Telemetry,
        waiting_seconds: float,
        maximum_age_seconds: float,
    ) -> None:
        self._s3 = s3
        self._dynamodb = dynamodb
        self._bucket = bucket
        self._table_name = table_name
        self._region = region
        self._source = source
        self._ledger = ledger
        self._control = control
        self._own_queue = own_queue
        self._telemetry = telemetry
        self._waiting_seconds = waiting_seconds
        self._maximum_age_seconds = maximum_age_seconds
        self.row, self._peer_row = (
            ReconcilerRow(dynamodb=dynamodb, table_name=table_name, region=one) for one in (region, peer_region)
        )

    def run(self, deadline: Deadline) -> dict[str, int]:
        """Check the open findings, continue the walks, send the due findings; return the number that count.

        Raises:
            ClientError: AWS returned an error; the next run tries again.
            BotoCoreError: AWS did not answer; the next run tries again.
        """
        is_active = self._control.active().region == self._region
        run = _Run(now=time.time(), deadline=deadline, is_active=is_active, rows=ROWS_A_RUN)
        notes = self.row.recall()
        # Findings that may use all of the run's time come last.
        for finding in sorted(notes.findings, key=lambda one: one.kind == Kind.UNVERIFIED):
            self._look_again(run, finding)
        if is_active:
            self._look_at_waiting(run)
        pause = min(max(_RECENT_CYCLE_SECONDS[0], notes.recent.objects * _SECONDS_AN_OBJECT), _RECENT_CYCLE_SECONDS[1])
        notes = Notes(
            recent=self._walk(run, notes.recent, pause, self._recent_page),
            bucket=self._walk(run, notes.bucket, _cycle_seconds(notes.bucket), self._bucket_page),
            table=self._walk(run, notes.table, _cycle_seconds(notes.table), self._table_page),
            findings=_fitting([self._sent(run, finding) for finding in run.findings.values()]),
        )
        work = sum(_counts(finding, run.now) for finding in notes.findings)
        work += sum(walk.left_out for walk in (notes.recent, notes.bucket, notes.table))
        self.row.keep(notes, work, run.now)
        self._telemetry.count("Unreconciled", work)
        if work:
            kinds = sorted({finding.kind for finding in notes.findings})
            logger.warning("objects are not reconciled; `lockstep status` lists them", number=work, kinds=kinds)
        return {"unreconciled": work}

    # --- judging --------------------------------------------------------------------------------------------------

    def _look_again(self, run: "_Run", finding: Finding) -> None:
        """Check a finding again: keep it with its present kind, or drop it if it is resolved."""
        is_unverified = finding.kind == Kind.UNVERIFIED
        if is_unverified and (run.now < finding.next_at or run.deadline_is_near):
            run.findings[finding.object_id] = finding
            return
        try:
            known = self._ledger.look(finding.object_id)
            kind = self._kind(run, finding.object_id, known)
        except _MALFORMED:
            run.findings[finding.object_id] = replace(finding, kind=Kind.MALFORMED)
            return
        except OutOfTimeError:
            next_at = run.now + _LONGEST_PAUSE_SECONDS if is_unverified else finding.next_at
            run.findings[finding.object_id] = replace(finding, next_at=next_at)
            return
        if kind is Kind.NO_RESULT and self._region in known.gone_in:  # a walk that finds the object lists it here again
            finding = replace(finding, object_key="", version_id="")
        if kind is Kind.NO_RESULT and not finding.object_key:
            kind = Kind.STRAY_RECORDS if self._has_records(finding.object_id) else None
        if kind is None or (finding.object_key and run.is_continued(known)):
            self._telemetry.count("Reconciled")
            return
        if known.put_backs > finding.put_backs:  # its message is on the queue
            finding = replace(finding, put_backs=known.put_backs, next_at=run.now + self._waiting_seconds)
        found_at = max(finding.found_at, known.continued_at)
        run.findings[finding.object_id] = replace(finding, kind=kind, found_at=found_at)

    def _look_at_waiting(self, run: "_Run") -> None:
        """Check the objects that the passive region lists as not processed: this region's bucket may not hold them.

        Its walks cannot find an object that was deleted here, or that S3 has not replicated. If the message is lost too,
        nothing but the passive region's list names the object. The processor notes that it is gone here, and then the
        passive region processes it.
        """
        for finding in self._peer_row.recall().findings:
            if finding.kind == Kind.NO_RESULT and finding.object_key and not run.is_over:
                place = (finding.object_key, finding.version_id, finding.stored_at)
                self._look(run, Finding("", finding.object_id, run.now, *place), may_be_gone=True)

    def _kind(self, run: "_Run", object_id: str, known: Known) -> Kind | None:
        """Return the kind of a finding for an object, None if the object is reconciled."""
        result = known.result
        if result is None:
            return Kind.NO_RESULT
        if run.now - result.processed_at < GRACE_SECONDS:
            return None
        run.rows -= result.accepted
        if not self._ledger.holds(object_id, result, run.deadline):
            return Kind.NO_RECORDS
        if known.is_rewritten(run.now):
            return None  # another invocation may be about to delete one: a later walk notes it
        if not known.is_settled:
            if result.has_archive and result.region != self._region:
                return Kind.NOT_ARCHIVED
            # An older release wrote no note, or the message is lost.
            self._ledger.settle(object_id, result, run.now, withdrawals=known.withdrawals)
        if known.is_attempt_unfinished:  # for the same reasons nothing else would end the unfinished attempt
            self._ledger.finish(object_id, run.now, attempts=known.attempts)
        return None

    def _look(self, run: "_Run", finding: Finding, *, may_be_gone: bool = False) -> None:
        """Check an object that a walk has reached, or that another source than this region's bucket and table names."""
        listed = run.findings.get(finding.object_id)
        if listed:
            if not listed.object_key and finding.object_key:  # the walk through the table found only its rows
                now_is = Kind.NO_RESULT if listed.kind == Kind.STRAY_RECORDS else listed.kind
                run.findings[listed.object_id] = replace(finding, kind=now_is, found_at=listed.found_at)
            return
        run.rows -= 1
        try:
            known = self._ledger.look(finding.object_id)
            kind = self._kind(run, finding.object_id, known)
        except _MALFORMED:
            logger.exception("the rows of an object are malformed", object_id=finding.object_id)
            run.add(replace(finding, kind=Kind.MALFORMED, object_key="", version_id=""))
            return
        except OutOfTimeError:
            logger.warning("the records of an object cannot be read in this run", object_id=finding.object_id)
            run.add(replace(finding, kind=Kind.UNVERIFIED, next_at=run.now))
            return
        if kind is None or (may_be_gone and kind is Kind.NO_RESULT and self._region in known.gone_in):
            return
        if finding.object_key and run.is_continued(known):
            return
        if not finding.object_key and kind is Kind.NO_RESULT:
            kind = Kind.STRAY_RECORDS
        # A message of a passive region is put back again and again; its next put-back proves that it exists.
        next_at = run.now if run.is_active or kind is not Kind.NO_RESULT else run.now + self._waiting_seconds
        run.add(replace(finding, kind=kind, put_backs=known.put_backs, next_at=next_at))

    # --- sending --------------------------------------------------------------------------------------------------

    def _sent(self, run: "_Run", finding: Finding) -> Finding:
        """Send a finding's object to this region's queue if it is due; return the updated finding."""
        age = run.now - finding.stored_at
        has_ended = not run.is_active and finding.kind == Kind.NO_RESULT and age > self._maximum_age_seconds
        if not finding.object_key or run.now < finding.next_at or has_ended or finding.kind == Kind.UNVERIFIED:
            return finding
        put_backs = finding.put_backs + PUT_BACKS_BETWEEN_NOTES
        self._own_queue.send(
            event_body(self._bucket, finding.object_key, finding.version_id, timestamps.from_epoch(run.now)),
            first_seen=run.now,
            put_backs=put_backs,
        )
        # Every other copy of the message is now an older one, and is dropped at its next delivery.
        self._ledger.note_put_backs(finding.object_id, put_backs)
        self._telemetry.count("ObjectsSentAgain")
        logger.info("an object is sent again", object_id=finding.object_id, kind=finding.kind, sends=finding.sends + 1)
        pause = min(_FIRST_PAUSE_SECONDS * 2**finding.sends, _LONGEST_PAUSE_SECONDS)
        return replace(finding, sends=finding.sends + 1, next_at=run.now + pause, put_backs=put_backs)

    # --- walking --------------------------------------------------------------------------------------------------

    def _walk(self, run: "_Run", walk: Walk, pause: float, page: "Callable[[_Run, Walk], Walk]") -> Walk:
        """Continue a walk until the run is over; start a new walk when its pause is over."""
        if walk.is_whole and run.now - walk.begun_at >= pause:
            walk = Walk(begun_at=run.now, is_whole=False)
        while not walk.is_whole and not run.is_over:
            walk = page(run, walk)
            walk, run.left_out = replace(walk, left_out=walk.left_out + run.left_out), 0
        return walk

    def _recent_page(self, run: "_Run", walk: Walk) -> Walk:
        return self._versions(run, walk, since=run.now - RECENT_SECONDS)

    def _bucket_page(self, run: "_Run", walk: Walk) -> Walk:
        return self._versions(run, walk, since=0.0)

    def _versions(self, run: "_Run", walk: Walk, *, since: float) -> Walk:
        """Check the objects of one page of the bucket's versions that were stored since a time in epoch seconds."""
        key, version_id = walk.cursor or ("", "")
        markers: Any = {"KeyMarker": key} if key else {}
        markers |= {"VersionIdMarker": version_id} if version_id else {}
        listing = self._s3.list_object_versions(Bucket=self._bucket, Prefix=object_keys.INCOMING, MaxKeys=_PAGE, **markers)
        for version in listing.get("Versions", []):
            if run.is_over:
                return replace(walk, cursor=[key, version_id])
            key, version_id = version["Key"], version["VersionId"]
            if beyond := _skip_to(key, since):
                return replace(walk, cursor=[beyond, ""])
            stored_at = version["LastModified"].timestamp()
            if since <= stored_at <= run.now - GRACE_SECONDS:
                object_id = object_keys.object_identity(self._source, key, version_id)
                self._look(run, Finding("", object_id, run.now, key, version_id, stored_at))
                walk = replace(walk, objects=walk.objects + 1)
        if not listing.get("IsTruncated"):
            return replace(walk, is_whole=True, cursor=None)
        return replace(walk, cursor=[listing["NextKeyMarker"], listing.get("NextVersionIdMarker", "")])

    def _table_page(self, run: "_Run", walk: Walk) -> Walk:
        """Check the objects whose RESULT or records are in one page of the table."""
        start: Any = {"ExclusiveStartKey": walk.cursor} if walk.cursor else {}
        page = self._dynamodb.scan(
            TableName=self._table_name,
            ProjectionExpression="#pk, #sk, #expires_at",
            ExpressionAttributeNames={
                "#pk": schema.PARTITION_KEY,
                "#sk": schema.SORT_KEY,
                "#expires_at": schema.TIME_TO_LIVE,
            },
            Limit=_PAGE,
            **start,
        )
        run.rows -= len(page["Items"])
        seen: set[str] = set()
        for item in page["Items"]:
            object_id = _object(item)
            if object_id and object_id not in seen:
                seen.add(object_id)
                self._look(run, Finding("", object_id, run.now, stored_at=run.now))
                if run.deadline_is_near:  # a scan can resume at any key
                    return replace(walk, cursor={name: item[name] for name in (schema.PARTITION_KEY, schema.SORT_KEY)})
        cursor = page.get("LastEvaluatedKey")
        return replace(walk, cursor=cursor, is_whole=cursor is None)

    def _has_records(self, object_id: str) -> bool:
        partition_key, _ = schema.record_keys(object_id, 0)
        answer = self._dynamodb.query(
            TableName=self._table_name,
            KeyConditionExpression="#pk = :records",
            ExpressionAttributeNames={"#pk": schema.PARTITION_KEY},
            ExpressionAttributeValues={":records": {"S": partition_key}},
            Limit=1,
        )
        return bool(answer["Count"])


@dataclass
class _Run:
    """State of one run."""

    now: float
    deadline: Deadline
    is_active: bool
    rows: int
    """Rows that the run may still read."""
    findings: dict[str, Finding] = field(default_factory=dict)
    left_out: int = 0

    def add(self, finding: Finding) -> None:
        """List a finding, or only count it if it is stuck and enough such ones are listed."""
        if finding.is_stuck and sum(one.is_stuck for one in self.findings.values()) >= FINDINGS:
            self.left_out += 1
        else:
            self.findings[finding.object_id] = finding

    def is_continued(self, known: Known) -> bool:
        """Return whether an object is too long for one invocation and has been continued lately: its message exists."""
        return self.now - known.continued_at < GRACE_SECONDS

    @property
    def is_over(self) -> bool:
        """Whether the run has used up its rows or its time, or too many findings wait for a send."""
        is_full = sum(not finding.is_stuck for finding in self.findings.values()) >= FINDINGS
        return self.rows <= 0 or is_full or time.time() - self.now > SECONDS_A_RUN or self.deadline_is_near

    @property
    def deadline_is_near(self) -> bool:
        """Whether the function is about to time out."""
        try:
            self.deadline.check("an object is looked at", reserved_seconds=_RESERVED_SECONDS)
        except OutOfTimeError:
            return True
        return False


def _skip_to(key: str, since: float) -> str:
    """Return the key after which a walk continues if it can skip the keys between; otherwise an empty text."""
    if key.startswith(object_keys.CANARIES):
        return _AFTER_CANARIES
    upload = object_keys.Upload.parse(key)
    moment = timestamps.of_upload(upload.upload_id) if upload else None
    if upload is None or moment is None or datetime.fromisoformat(moment).timestamp() >= since:
        return ""
    digits = (
        f"{int(since * 1000):012x}"  # a source's uploads are listed in the order of their ids, which begin with the time
    )
    return f"{object_keys.UPLOADS}{upload.source}/{digits[:8]}-{digits[8:]}"


def _object(item: dict[str, Any]) -> str:
    """Return the object id of a RESULT or first record; an empty text for any other row and for a canary's."""
    kind, _, rest = item[schema.PARTITION_KEY]["S"].partition("#")
    object_id, _, number = rest.partition("#")
    is_result, is_first = kind == "OBJ" and item[schema.SORT_KEY]["S"] == schema.RESULT, kind == "REC" and not int(number)
    return object_id if (is_result or is_first) and schema.TIME_TO_LIVE not in item else ""


def _cycle_seconds(walk: Walk) -> float:
    """Return the pause between two whole walks. What the list had no room for is looked for again the next day."""
    return _LONGEST_PAUSE_SECONDS if walk.left_out else _CYCLE_SECONDS


def _fitting(findings: list[Finding]) -> tuple[Finding, ...]:
    """Return the findings that the row has room for, stuck ones last; the walks find the others again."""
    sizes = {finding.object_id: len(json.dumps(asdict(finding))) for finding in findings}
    if len(findings) <= 3 * FINDINGS and sum(sizes.values()) <= _ROW_BYTES:
        return tuple(findings)
    ordered = sorted(findings, key=lambda one: one.is_stuck)[: 3 * FINDINGS]
    ends = accumulate(sizes[finding.object_id] for finding in ordered)
    return tuple(finding for finding, end in zip(ordered, ends, strict=True) if end <= _ROW_BYTES)


def _counts(finding: Finding, now: float) -> bool:
    """Return whether a finding counts in the metric.

    Records without RESULT may belong to an attempt in progress. An unverified object gets all the time of the next run.
    """
    if finding.kind == Kind.UNVERIFIED:
        return finding.next_at > now
    return finding.kind != Kind.STRAY_RECORDS or now - finding.found_at >= GRACE_SECONDS
