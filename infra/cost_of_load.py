"""Monthly cost of uploaded files, beside what `infra.cost` counts for an idle platform, and what would lower it.

integration_tests/moto/test_cost.py compares `AN_OBJECT` with a count of the real handlers' calls.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from infra.cost import EVENT_BYTES, Line, idle, synthesized
from infra.settings import Settings

_AWS: Final = "https://aws.amazon.com"
_RECORD_MILLISECONDS: Final = 0.1
"""Of the processor for a record, an assumption: docs/processor.md measures at most 0.04 ms of processor time."""
_ROW_BYTES: Final = 150
"""Bytes of a record's row beside the record, an assumption."""
_LEVERS: Final = 3


@dataclass(frozen=True)
class Load:
    """Uploads of a month.

    Attributes:
        objects: Files.
        records: Records of all files together.
        gigabytes: Size of the files as uploaded; a record's size is taken from it.
    """

    objects: float
    records: float
    gigabytes: float

    @property
    def record_units(self) -> int:
        """Write units of a record: one for each KB."""
        return max(1, math.ceil(self.gigabytes * 1e9 / self.records / 1024)) if self.records else 0


@dataclass(frozen=True)
class ObjectWork:
    """Requests for one object in both regions: its grant, its processing, the passive region's proof, and its state.

    Attributes:
        table_requests: Requests to DynamoDB, without those that grow with the records.
        table_reads: Read units, likewise.
        table_writes: Write units in one replica, indexes included, likewise.
        object_requests: Requests to S3 by the client and the functions.
        table_requests_a_record: Requests to DynamoDB for a record.
        table_reads_a_record: Read units for a record.
        table_writes_a_record: Write units in one replica for a record of at most 1 KB.
    """

    table_requests: float
    table_reads: float
    table_writes: float
    object_requests: float
    table_requests_a_record: float
    table_reads_a_record: float
    table_writes_a_record: float


AN_OBJECT: Final = ObjectWork(
    table_requests=16,
    table_reads=7.4,
    table_writes=10,
    object_requests=2,
    table_requests_a_record=0.04,
    table_reads_a_record=0.115,
    table_writes_a_record=1,
)


def loaded(load: Load) -> list[Line]:
    """Return the lines that a load adds to an idle month, the highest first."""
    return sorted((*_stored(load), *_computed(load)), key=lambda line: -line.usd)


def levers(settings: Settings, load: Load, idle_usd: float) -> list[tuple[str, float]]:
    """Return the changes that save most of this load and configuration, with the USD a month that each saves.

    Args:
        settings: The configuration.
        load: Its uploads.
        idle_usd: USD of an idle month of this configuration, because a synthesis takes seconds.
    """

    def usd(of: Settings, given: Load) -> float:
        unloaded = idle_usd if of == settings else sum(line.usd for line in idle(synthesized(of)))
        return unloaded + sum(line.usd for line in loaded(given))

    now = usd(settings, load)
    found = [
        ("files ten times as large, with the same records", settings, replace(load, objects=load.objects / 10)),
    ]
    if load.record_units > 1:
        small = min(load.gigabytes, load.records * 1024 / 1e9)
        found.append(("records of at most 1 KB", settings, replace(load, gigabytes=small)))
    if settings.vpc.mode == "isolated" and settings.vpc.availability_zones > 1:
        one = {**settings.model_dump(), "vpc": {**settings.vpc.model_dump(), "availability_zones": 1}}
        found.append(("vpc.availability_zones = 1", Settings.model_validate(one), load))
    if settings.client_vpcs or settings.domain:
        without = {**settings.model_dump(), "client_vpcs": {}, "domain": None}
        found.append(("no failover records, so no health checks", Settings.model_validate(without), load))
    saved = [(what, now - usd(changed, less)) for what, changed, less in found]
    return sorted(saved, key=lambda lever: -lever[1])[:_LEVERS]


def _stored(load: Load) -> Iterator[Line]:
    s3, dynamodb = f"{_AWS}/s3/pricing/", f"{_AWS}/dynamodb/pricing/on-demand/"
    yield Line("files: S3, storage", 2 * load.gigabytes, "GB", 0.023, s3, "this month's files, in both regions")
    yield Line("files: S3, replication and its time control", load.gigabytes, "GB", 0.02 + 0.015, s3, "each file once")
    yield Line("files: S3, puts and their replicas", 2 * load.objects, "put", 0.000005, s3, "a file and its replica")
    held = load.gigabytes + load.records * _ROW_BYTES / 1e9
    yield Line("records: DynamoDB, storage", 2 * held, "GB", 0.25, dynamodb, "this month's records, in both replicas")
    work = AN_OBJECT
    records = load.records * work.table_writes_a_record * load.record_units
    basis = f"{work.table_writes:g} a file and 1 a record and KB (counted), in each replica"
    yield Line(
        "records: DynamoDB, writes",
        2 * (load.objects * work.table_writes + records),
        "write unit",
        0.625e-6,
        dynamodb,
        basis,
    )
    reads = load.objects * work.table_reads + load.records * work.table_reads_a_record * load.record_units
    basis = f"{work.table_reads:g} a file, {work.table_reads_a_record:g} a record and KB (counted)"
    yield Line("records: DynamoDB, reads", reads, "read unit", 0.125e-6, dynamodb, basis)


def _computed(load: Load) -> Iterator[Line]:
    lambda_, work = f"{_AWS}/lambda/pricing/", AN_OBJECT
    yield Line("files: HTTP API", 2 * load.objects, "request", 1e-6, f"{_AWS}/api-gateway/pricing/", "a grant and a state")
    yield Line("files: Lambda, requests", 4 * load.objects, "request", 0.2e-6, lambda_, "issuer twice, both processors")
    seconds = 2 * 0.3 * load.objects + _RECORD_MILLISECONDS / 1000 * load.records
    basis = f"0.1 s a request, 0.3 s a file and region, {_RECORD_MILLISECONDS:g} ms a record (assumed)"
    gigabyte_seconds = 1.73 * seconds + 0.5 * 0.1 * 2 * load.objects
    yield Line("files: Lambda, duration", gigabyte_seconds, "GB-second", 0.0000133334, lambda_, basis)
    yield Line("files: X-Ray", 2 * load.objects, "trace", 5e-6, f"{_AWS}/xray/pricing/", "both processors")
    basis = "S3 sends, Lambda receives and deletes, in both regions; one message a batch"
    yield Line("files: SQS", 6 * load.objects, "request", 0.4e-6, f"{_AWS}/sqs/pricing/", basis)
    # S3 replicates by a GET at the source and a PUT at the destination, as a role of ours.
    events = load.objects * (work.table_requests + work.object_requests + 2) + load.records * work.table_requests_a_record
    basis = f"{work.table_requests + work.object_requests + 2:g} a file, {work.table_requests_a_record:g} a record (counted)"
    yield Line("files: CloudTrail, data events", events, "event", 1e-6, f"{_AWS}/cloudtrail/pricing/", basis)
    cloudwatch, basis = f"{_AWS}/cloudwatch/pricing/", f"{EVENT_BYTES / 1000:g} kB an event (assumed)"
    yield Line("files: CloudWatch Logs, ingestion", events * EVENT_BYTES / 1e9, "GB", 0.50, cloudwatch, basis)
