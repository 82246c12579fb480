"""Test the proof against the processor in moto: it must pass the unchanged one, and fail each sabotaged variant.

A sabotage is patched into the processor's own code. The world replicates tables and buckets between the regions. The last
tests let the negative controls damage the tables and buckets.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, Final

import jwt
import pytest
from moto import mock_aws

from drill.model import Proof
from drill.proof import ReceiptRow, Scope, Snapshot, controls, prove
from drill.proof.effect import of_records
from handlers.issuer.upload_id import new_upload_id
from handlers.processor import batch_requests, messages, pipeline, store
from handlers.processor.store import Ledger
from handlers.shared import schema
from integration_tests.moto.processor_world import PRIMARY, REGIONS, SECONDARY, TABLE, Put, World, bucket, environment
from operations.errors import RunFailure

SOURCE: Final = "drill-0a1b2c"
SCOPE: Final = Scope(SOURCE)
UPLOADS: Final = 6
RECORDS: Final = 3
AT: Final = 1_769_860_000.0
KEY: Final = "k" * 44
"""The key of the receipts' signatures."""


class Platform:
    """The world, with the interface of `Deployment`."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.target = SimpleNamespace(regions=REGIONS)

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401 - clients have no type in common
        if service == "secretsmanager":
            return SimpleNamespace(get_secret_value=lambda **_: {"SecretString": json.dumps({"key": KEY})})
        return self._world.client(service, region)

    def archive_bucket(self, region: str) -> str:
        return bucket("archive", region)

    def secret(self, _region: str) -> str:
        return "receipt-signing"

    def ingest_bucket(self, region: str) -> str:
        return bucket("ingest", region)

    def table(self, region: str) -> str:
        return TABLE if region in REGIONS else ""


class Drill:
    """Uploads, processed in one region or in both."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.platform: Any = Platform(world)
        self.receipts: list[ReceiptRow] = []
        self.puts: list[Put] = []

    def upload(self, count: int = UPLOADS, region: str = PRIMARY) -> None:
        for number in range(len(self.receipts), len(self.receipts) + count):
            body = b"".join(b'{"file":%d,"n":%d.50}\n' % (number, record) for record in range(RECORDS))
            upload_id = new_upload_id(AT + 600 * number)
            sha256 = hashlib.sha256(body).hexdigest()
            receipt = ReceiptRow(SOURCE, upload_id, sha256, f"folder/{number}.ndjson", len(body), records=RECORDS)
            known: dict[str, Any] = {"accepted": RECORDS, "rejected": (), "is_unreadable": False}
            self.receipts.append(replace(receipt, **known, effect=_effect(receipt, number), signed=_signed(receipt)))
            put = self.world.put(receipt.object_key, body, region=region)
            self.world.replicate(put, source=region)
            self.puts.append(put)

    def upload_with_rejections(self) -> None:
        """Upload a file with a record and an invalid line; both archives then hold the line."""
        body = b'{"file":0,"n":0.50}\n{"cut": \n'
        receipt = ReceiptRow(
            SOURCE, new_upload_id(AT), hashlib.sha256(body).hexdigest(), "rejecting.ndjson", len(body), records=2
        )
        known: dict[str, Any] = {"accepted": 1, "rejected": (1,), "is_unreadable": False}
        self.receipts.append(replace(receipt, **known, signed=_signed(receipt)))
        self.world.replicate(self.world.put(receipt.object_key, body))

    def inject(self) -> controls.Injected:
        chosen = controls.choose(self.platform, SCOPE, self.receipts)
        controls.inject(self.platform, chosen)
        return chosen

    def process(self, region: str = PRIMARY) -> None:
        """Process a region's queue, and replicate its rows to the other region."""
        assert self.world.invoke(region).failed == []
        self.world.replicate_table(source=region)

    def prove(self, receipts: list[ReceiptRow] | None = None) -> Proof:
        return prove(self.platform, SCOPE, self.receipts if receipts is None else receipts)

    @property
    def ids(self) -> set[str]:
        return {receipt.object_id for receipt in self.receipts}


def _signed(receipt: ReceiptRow) -> str:
    claims: dict[str, Any] = {"object_id": receipt.object_id, "upload_id": receipt.upload_id, "source": receipt.source}
    claims |= {"key": receipt.file_key, "sha256": receipt.sha256}
    return jwt.encode({"iss": "lockstep", "iat": 1, "size": receipt.size, **claims}, KEY, algorithm="HS256")


def _effect(receipt: ReceiptRow, number: int) -> str:
    """Return the digest of the file's records, with numbers as DynamoDB returns them."""
    contents = [{"file": {"N": f"{number}"}, "n": {"N": f"{record}.5"}} for record in range(RECORDS)]
    return of_records(receipt.object_id, ((ordinal, {"M": content}) for ordinal, content in enumerate(contents)))


@pytest.fixture
def drill() -> Iterator[Drill]:
    with environment(), mock_aws():
        yield Drill(World())


@pytest.fixture
def patch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as held:
        yield held


def of_kind(proof: Proof, kind: str) -> set[str]:
    return {finding.object_id for finding in proof.findings if finding.kind == kind}


# --- the processor as it is --------------------------------------------------------------------------------------


def test_proof_passes_for_the_unchanged_processor(drill: Drill) -> None:
    drill.upload()
    drill.process()
    proof = drill.prove()
    assert (proof.findings, proof.equal, proof.objects) == ((), True, UPLOADS)


def test_proof_passes_after_a_failover_with_a_lost_answer(drill: Drill) -> None:
    """The other region takes over; a client uploads the same bytes there again; one file is unreadable."""
    drill.upload()
    drill.process(PRIMARY)
    drill.world.promote(SECONDARY, 1)
    drill.world.replicate_table(source=SECONDARY)
    again = drill.world.put(drill.puts[0].key, drill.puts[0].body, region=SECONDARY)
    drill.world.replicate(again, source=SECONDARY)
    drill.upload(2, region=SECONDARY)
    for _ in range(2):
        drill.process(SECONDARY)
    proof = drill.prove()
    assert (proof.findings, proof.equal, proof.objects) == ((), True, UPLOADS + 2)


def test_proof_passes_for_a_quarantined_file(drill: Drill) -> None:
    drill.upload(2)
    body = b"\x00\x01 no records"
    receipt = ReceiptRow(SOURCE, new_upload_id(AT), hashlib.sha256(body).hexdigest(), "odd", len(body))
    drill.receipts.append(replace(receipt, signed=_signed(receipt)))
    drill.world.replicate(drill.world.put(receipt.object_key, body))
    drill.process()
    assert of_kind(drill.prove(), "lost") == {receipt.object_id}, "the other archive lacks the file"
    drill.world.invoke(SECONDARY)
    assert drill.world.results()[receipt.object_key]["state"] == "QUARANTINED"
    assert drill.prove().findings == ()


def test_proof_before_processing_finds_every_record_lost(drill: Drill) -> None:
    drill.upload()
    proof = drill.prove()
    assert of_kind(proof, "lost") == drill.ids
    assert {finding.where for finding in proof.findings} == {f"ledger {region}" for region in REGIONS}


# --- sabotaged ---------------------------------------------------------------------------------------------------


def test_proof_convicts_an_identity_that_holds_the_bucket(drill: Drill, patch: pytest.MonkeyPatch) -> None:
    """Each region writes a separate effect of the same upload."""

    def identity(event: messages.ObjectEvent) -> str:
        return hashlib.sha256(f"{event.bucket}\0{event.key}".encode()).hexdigest()

    patch.setattr(messages.ObjectEvent, "object_id", property(identity))
    drill.upload()
    drill.process(PRIMARY)
    drill.world.promote(SECONDARY, 1)
    drill.process(SECONDARY)
    drill.world.replicate_table(source=PRIMARY)
    proof = drill.prove()
    doubled = {
        hashlib.sha256(f"{bucket('ingest', region)}\0{put.key}".encode()).hexdigest()
        for region in REGIONS
        for put in drill.puts
    }
    assert of_kind(proof, "duplicated") == doubled
    assert of_kind(proof, "lost") == drill.ids
    assert (proof.duplicated, proof.lost, proof.equal) == (2 * UPLOADS, UPLOADS, False)


def test_proof_convicts_a_counter_that_both_regions_write(drill: Drill, patch: pytest.MonkeyPatch) -> None:
    finish = Ledger.finish

    def count(self: Any, object_id: str, now: float, **more: int) -> None:  # noqa: ANN401 - the ledger
        finish(self, object_id, now, **more)
        key = {"pk": {"S": "TOTALS"}, "sk": {"S": "ALL"}}
        one = {":one": {"N": "1"}}
        self._dynamodb.update_item(
            TableName=TABLE, Key=key, UpdateExpression="ADD objects :one", ExpressionAttributeValues=one
        )

    patch.setattr(Ledger, "finish", count)
    drill.upload()
    drill.process()
    assert {(one.kind, one.object_id, one.where) for one in drill.prove().findings} == {
        ("divergent", "TOTALS / ALL", f"ledger {region}") for region in REGIONS
    }


def test_proof_convicts_a_counter_of_attempts_of_both_regions(drill: Drill, patch: pytest.MonkeyPatch) -> None:
    """The counter is convicted even under the documented key of another region's own row."""
    patch.setattr(schema, "attempt_sort_key", lambda _: f"ATTEMPT#{PRIMARY}")
    drill.world.promote(SECONDARY, 1)
    drill.upload()
    drill.process(SECONDARY)
    proof = drill.prove()
    assert of_kind(proof, "divergent") == drill.ids
    assert "a row that both regions write" in proof.findings[0].what


def sabotage_status(patch: pytest.MonkeyPatch) -> None:
    """Make every later attempt overwrite RESULT and settle nothing."""

    def conclude(self: Any, result: store.Result, now: float, **_: Any) -> bool:  # noqa: ANN401 - the ledger
        self._dynamodb.put_item(TableName=TABLE, Item=result.item(f"{now}"))
        return True

    patch.setattr(Ledger, "conclude", conclude)
    patch.setattr(pipeline.Pipeline, "_is_settled", lambda *_: False)


def test_proof_convicts_an_overwritten_status_by_two_readings(drill: Drill, patch: pytest.MonkeyPatch) -> None:
    sabotage_status(patch)
    drill.upload()
    drill.process()
    before = Snapshot.take(drill.platform, SCOPE)
    drill.world.announce(drill.puts[1])
    drill.process()
    findings = before.compare(Snapshot.take(drill.platform, SCOPE))
    assert {(one.kind, one.object_id, one.where) for one in findings} == {
        ("divergent", drill.receipts[1].object_id, f"ledger {region}") for region in REGIONS
    }


def test_proof_convicts_a_status_that_both_regions_overwrite(drill: Drill, patch: pytest.MonkeyPatch) -> None:
    """The replicas differ until the last writer wins, and permanently during a partition."""
    sabotage_status(patch)
    drill.upload()
    drill.process()
    drill.world.promote(SECONDARY, 1)
    drill.world.invoke(SECONDARY)
    assert of_kind(drill.prove(), "divergent") == drill.ids


def sabotage_puts(patch: pytest.MonkeyPatch, change: Callable[[list[Any]], list[Any]]) -> None:
    puts = batch_requests.puts
    patch.setattr(store, "puts", lambda *args: iter(change(list(puts(*args)))))


def moved(put: tuple[str, bytes]) -> tuple[str, bytes]:
    """Return the sort key and put request of a record, with another ordinal."""
    changed, sort_key = json.loads(put[1]), f"{RECORDS + 4:012d}"
    changed["PutRequest"]["Item"] |= {"sk": {"S": sort_key}, "ordinal": {"N": str(RECORDS + 4)}}
    return sort_key, json.dumps(changed).encode()


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda puts: puts[1:], id="dropped"),
        pytest.param(lambda puts: [*puts, moved(puts[0])], id="doubled"),
        pytest.param(lambda puts: [moved(puts[0]), *puts[1:]], id="moved"),
    ],
)
def test_proof_convicts_records_dropped_doubled_or_moved_at_writing(
    drill: Drill, patch: pytest.MonkeyPatch, change: Callable[[list[Any]], list[Any]]
) -> None:
    sabotage_puts(patch, change)
    drill.upload()
    drill.process()
    assert of_kind(drill.prove(), "divergent") == drill.ids


# --- negative controls -------------------------------------------------------------------------------------------


def test_each_negative_control_is_found_and_repaired(drill: Drill) -> None:
    prepare(drill)
    injected = drill.inject()
    assert len(set(injected.all_object_ids)) == controls.OBJECTS
    proof = drill.prove(injected.receipts(drill.receipts))
    report = controls.find(injected, proof)
    assert (report.injected, report.found, [one.name for one in report.controls]) == (7, 7, list(controls.NAMES))
    assert {finding.object_id for finding in proof.findings} == set(injected.all_object_ids)
    drill.world.replicate_table()
    controls.repair(drill.platform, injected)
    assert not controls.is_repaired(drill.platform, injected)  # in the other replica it is still there
    _replicate_deletion(drill, injected)
    assert controls.is_repaired(drill.platform, injected)
    assert drill.prove().findings == ()
    assert all(one.repaired for one in controls.repaired(report).controls)


def test_proof_finds_no_control_without_an_injection(drill: Drill) -> None:
    prepare(drill)
    injected = drill.inject()
    controls.repair(drill.platform, injected)
    assert controls.find(injected, drill.prove()).found == 0


def test_killed_drill_injects_again_and_repairs_twice(drill: Drill, patch: pytest.MonkeyPatch) -> None:
    prepare(drill)
    chosen = controls.choose(drill.platform, SCOPE, drill.receipts)
    assert drill.prove().findings == ()
    with patch.context() as killed:
        killed.setattr(controls, "_tamper", _kill)
        with pytest.raises(KeyboardInterrupt):
            controls.inject(drill.platform, chosen)
    injected = controls.Injected.from_dict(json.loads(json.dumps(chosen.as_dict())))
    assert injected == chosen
    for _ in range(2):
        controls.inject(drill.platform, injected)
    read_again = injected
    assert controls.find(read_again, drill.prove(injected.receipts(drill.receipts))).found == len(controls.NAMES)
    for _ in range(2):
        controls.repair(drill.platform, read_again)
    _replicate_deletion(drill, injected)
    assert drill.prove().findings == ()


def test_negative_controls_report_too_few_objects(drill: Drill) -> None:
    drill.upload(5)
    drill.process()
    with pytest.raises(RunFailure, match="need 10 processed objects"):
        controls.choose(drill.platform, SCOPE, drill.receipts)


@pytest.mark.parametrize("blind", REGIONS)
def test_proof_that_never_reads_a_region_misses_its_damage(drill: Drill, blind: str) -> None:
    """The sabotaged proof reads the other region twice, and reports the result for both."""
    prepare(drill)
    injected = drill.inject()
    damaged = drill.prove(injected.receipts(drill.receipts))
    other = next(region for region in REGIONS if region != blind)
    seen = [one for one in damaged.findings if one.where.rpartition(" ")[2] != blind]
    twins = [one.model_copy(update={"where": one.where.replace(other, blind)}) for one in seen]
    report = controls.find(injected, damaged.model_copy(update={"findings": (*seen, *twins)}))
    assert {one.name for one in report.controls if not one.found} >= {"withheld_replica", "tampered_row"}


def prepare(drill: Drill) -> None:
    """Upload and process as many files as the negative controls damage, and settle them in the passive region."""
    drill.upload(controls.OBJECTS - 1)
    drill.upload_with_rejections()
    drill.process()
    drill.world.invoke(SECONDARY)


def _kill(*_: object) -> None:
    raise KeyboardInterrupt


def _replicate_deletion(drill: Drill, injected: controls.Injected) -> None:
    """Replicate a repair as a global table does, because the world's copying of rows cannot."""
    key = {"pk": {"S": f"OBJ#{injected.duplicate}"}, "sk": {"S": "RESULT"}}
    drill.world.client("dynamodb", SECONDARY).delete_item(TableName=TABLE, Key=key)
    drill.world.replicate_table()
