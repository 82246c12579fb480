"""Test the drill's proof over real pages: a global table that replicates a tampered row, and buckets that list versions."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

from drill.proof import Scope, controls, prove
from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, deploy, until
from unit_tests.drill.proof.five_sources import KEY, REGIONS, SOURCE, Five

if TYPE_CHECKING:
    from local_cloud import LocalCloud

UPLOADS: Final = 1_050
"""More than one page of S3's listing."""
SCOPE: Final = Scope(SOURCE, stored_checksums=40)


class Platform:
    """A table, and a secret and two buckets in each region, with the interface of `Deployment`."""

    def __init__(self, cloud: LocalCloud) -> None:
        keys = {"pk": "HASH", "sk": "RANGE"}
        table = {
            "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
            "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in keys],
            "BillingMode": "PAY_PER_REQUEST",
            "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
            "Replicas": [{"Region": region} for region in REGIONS],
        }
        secret = cfn.resource("SecretsManager::Secret", SecretString=json.dumps({"key": KEY}))
        bucket = cfn.resource("S3::Bucket", VersioningConfiguration={"Status": "Enabled"})
        both = {"Bucket": bucket, "Archive": bucket, "Secret": secret}
        replicated = {"Table": cfn.resource("DynamoDB::GlobalTable", **table)}
        stacks = {EAST: deploy(cloud, both | replicated, region=EAST), WEST: deploy(cloud, both, region=WEST)}
        self._cloud = cloud
        self._table = stacks[EAST]["Table"]
        self._stacks = stacks
        self._clients: dict[tuple[str, str], Any] = {}
        self.target = SimpleNamespace(regions=REGIONS)

    def client(self, service: str, region: str) -> Any:  # noqa: ANN401  boto3's clients have no common type
        if (service, region) not in self._clients:
            self._clients[service, region] = self._cloud.client(service, region)
        return self._clients[service, region]

    def ingest_bucket(self, region: str) -> str:
        return self._stacks[region]["Bucket"]

    def archive_bucket(self, region: str) -> str:
        return self._stacks[region]["Archive"]

    def secret(self, region: str) -> str:
        return self._stacks[region]["Secret"]

    def table(self, region: str) -> str:
        return self._table if region in REGIONS else ""

    def fill(self, five: Five) -> None:
        """Put the objects into both buckets, and the rows into one replica."""
        rows = list(five.rows[EAST].values())
        for start in range(0, len(rows), 25):
            puts = [{"PutRequest": {"Item": row}} for row in rows[start : start + 25]]
            self.client("dynamodb", EAST).batch_write_item(RequestItems={self._table: puts})
        for region in REGIONS:
            for key, ((_, body),) in five.objects[region].items():
                self.client("s3", region).put_object(
                    Bucket=self.ingest_bucket(region), Key=key, Body=body, ChecksumAlgorithm="SHA256"
                )
            for key, body in five.archives[region].items():
                self.client("s3", region).put_object(Bucket=self.archive_bucket(region), Key=key, Body=body)

    def rows(self, region: str) -> int:
        pages = self.client("dynamodb", region).get_paginator("scan").paginate(TableName=self._table, Select="COUNT")
        return sum(page["Count"] for page in pages)


@pytest.fixture(scope="module")
def filled(cloud: LocalCloud) -> tuple[Any, Five]:
    five, platform = Five(UPLOADS, milliseconds=20_000), Platform(cloud)
    platform.fill(five)
    assert until(lambda: platform.rows(WEST) == platform.rows(EAST) == len(five.rows[EAST]), seconds=60)
    return platform, five


def test_complete_data_is_equal_over_pages_and_segments(filled: tuple[Any, Five], monkeypatch: pytest.MonkeyPatch) -> None:
    platform, five = filled
    proof = prove(platform, SCOPE, five.receipts)
    assert (proof.findings, proof.equal, proof.objects) == ((), True, UPLOADS)
    monkeypatch.setattr("drill.proof.reading._WORTH_SEGMENTS", 1)
    in_segments = prove(platform, SCOPE, five.receipts)
    assert in_segments.digests == proof.digests
    assert in_segments.reads > proof.reads


def test_negative_controls_are_found_in_both_replicas_and_repaired(filled: tuple[Any, Five]) -> None:
    platform, five = filled
    injected = controls.choose(platform, SCOPE, five.receipts)
    controls.inject(platform, injected)
    # Nothing withholds replication here, so each change of a row reaches the other replica.
    assert until(lambda: all(_is_tampered(platform, region, one) for region in REGIONS for one in injected.tampered))
    deleted = [row for one in injected.emptied for row in one.rows]
    assert until(lambda: not any(_item(platform, region, row) for region in REGIONS for row in deleted))
    proof = prove(platform, SCOPE, injected.receipts(five.receipts))
    report = controls.find(injected, proof)
    assert (report.found, report.injected) == (len(controls.NAMES), len(controls.NAMES))
    assert {one.object_id for one in proof.findings} == set(injected.all_object_ids)
    for tampered in injected.tampered:
        assert {one.where for one in proof.findings if one.object_id == tampered.object_id} == {
            f"ledger {region}" for region in REGIONS
        }
    for _ in range(2):
        controls.repair(platform, injected)
    assert until(lambda: controls.is_repaired(platform, injected))
    assert prove(platform, SCOPE, five.receipts).findings == ()


def _is_tampered(platform: Platform, region: str, one: controls.Tampered) -> bool:
    return controls.MARK in _item(platform, region, {"pk": {"S": one.pk}, "sk": {"S": one.sk}})["record"]["M"]


def _item(platform: Platform, region: str, row: dict[str, Any]) -> dict[str, Any]:
    """Return the row of the same keys in a replica; empty if there is none."""
    key = {name: row[name] for name in ("pk", "sk")}
    held = platform.client("dynamodb", region).get_item(TableName=platform.table(region), Key=key, ConsistentRead=True)
    found: dict[str, Any] = held.get("Item", {})
    return found
