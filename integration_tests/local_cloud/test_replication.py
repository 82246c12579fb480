"""Test two-way replication of tables and buckets: after a fault is healed, both sides are equal again."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from integration_tests.local_cloud import cfn
from integration_tests.local_cloud.stacks_for_tests import EAST, WEST, Stack, allow, deploy, role, until, values
from integration_tests.local_cloud.test_buckets import bucket
from integration_tests.local_cloud.test_tables import global_table, replica
from unit_tests.fixtures.examples import examples

if TYPE_CHECKING:
    from local_cloud import LocalCloud

BOTH = (EAST, WEST)


@dataclass(frozen=True)
class Site:
    """A bucket and a replica of one table in each region."""

    cloud: LocalCloud
    buckets: dict[str, str]
    table: str

    def put_object(self, region: str, key: str, body: bytes = b"x", **more: Any) -> str:  # noqa: ANN401  PutObject's
        """Write an object; return its version id."""
        answer = self.cloud.client("s3", region).put_object(Bucket=self.buckets[region], Key=key, Body=body, **more)
        return str(answer["VersionId"])

    def history(self, region: str, key: str) -> list[str]:
        """Return the version ids of an object and of its delete markers, the newest first."""
        listed = self.cloud.client("s3", region).list_object_versions(Bucket=self.buckets[region], Prefix=key)
        entries = [entry for kind in ("Versions", "DeleteMarkers") for entry in listed.get(kind, []) if entry["Key"] == key]
        return [entry["VersionId"] for entry in sorted(entries, key=lambda entry: entry["IsLatest"], reverse=True)]

    def status(self, region: str, key: str) -> str:
        """Return the replication status of HeadObject."""
        head = self.cloud.client("s3", region).head_object(Bucket=self.buckets[region], Key=key)
        return str(head.get("ReplicationStatus"))

    def put_item(self, region: str, pk: str, value: str) -> None:
        item = {"pk": {"S": pk}, "value": {"S": value}}
        self.cloud.client("dynamodb", region).put_item(TableName=self.table, Item=item)

    def delete_item(self, region: str, pk: str) -> None:
        self.cloud.client("dynamodb", region).delete_item(TableName=self.table, Key={"pk": {"S": pk}})

    def item(self, region: str, pk: str) -> str | None:
        """Return an item's value; None without the item."""
        found = self.cloud.client("dynamodb", region).get_item(TableName=self.table, Key={"pk": {"S": pk}})
        return found["Item"]["value"]["S"] if "Item" in found else None


@pytest.fixture(scope="module")
def site(cloud: LocalCloud) -> Site:
    # test_hazards.py takes this fixture too, and one worker may run both files on its cloud.
    versioned = bucket(f"both-ways-{uuid.uuid4().hex[:6]}", VersioningConfiguration={"Status": "Enabled"})
    copy = allow("s3:GetObjectVersionForReplication", "s3:ReplicateObject", "s3:ReplicateDelete", "s3:ReplicateTags")
    resources = {"Bucket": versioned, "Role": role("s3.amazonaws.com", copy)}
    stacks = {region: deploy(cloud, resources, {"Role": cfn.att("Role")}, region=region) for region in BOTH}
    buckets = {region: stack["Bucket"] for region, stack in stacks.items()}
    for region, peer in ((EAST, WEST), (WEST, EAST)):
        # Both directions cannot be created in one pass, so each is set when both buckets exist.
        rule = {
            "ID": "all",
            "Status": "Enabled",
            "Priority": 1,
            "Filter": {"Prefix": ""},
            "DeleteMarkerReplication": {"Status": "Enabled"},
            "Destination": {"Bucket": f"arn:aws:s3:::{buckets[peer]}", "StorageClass": "STANDARD_IA"},
        }
        stacks[region].client("s3").put_bucket_replication(
            Bucket=buckets[region], ReplicationConfiguration={"Role": stacks[region].outputs()["Role"], "Rules": [rule]}
        )
    table = deploy(cloud, {"Table": global_table(replica(WEST), replica(EAST))}, region=WEST)
    return Site(cloud, buckets, table["Table"])


@pytest.mark.parametrize(("home", "peer"), [(EAST, WEST), (WEST, EAST)])
def test_object_replicates_once_in_either_direction(site: Site, home: str, peer: str) -> None:
    key = f"once/{home}"
    version = site.put_object(home, key, Tagging="kind=test")
    assert until(lambda: site.history(peer, key)) == [version]
    assert until(lambda: site.status(home, key) == "COMPLETED")
    assert site.status(peer, key) == "REPLICA"
    remote = site.cloud.client("s3", peer)
    tags = remote.get_object_tagging(Bucket=site.buckets[peer], Key=key)["TagSet"]
    assert tags == [{"Key": "kind", "Value": "test"}]
    assert remote.head_object(Bucket=site.buckets[peer], Key=key)["StorageClass"] == "STANDARD_IA"
    # A replica that were replicated again would be under way for one lag.
    later = site.put_object(home, f"{key}/later")
    assert until(lambda: site.history(peer, f"{key}/later") == [later])
    assert site.history(home, key) == [version]


def test_object_older_than_its_rule_is_not_replicated(cloud: LocalCloud, site: Site) -> None:
    versioned = bucket("too-late", VersioningConfiguration={"Status": "Enabled"})
    stack = deploy(cloud, {"Bucket": versioned})
    s3 = stack.client("s3")
    s3.put_object(Bucket=stack["Bucket"], Key="early", Body=b"x")
    configuration = s3.get_bucket_replication(Bucket=site.buckets[EAST])["ReplicationConfiguration"]
    s3.put_bucket_replication(Bucket=stack["Bucket"], ReplicationConfiguration=configuration)
    late = s3.put_object(Bucket=stack["Bucket"], Key="late", Body=b"x")["VersionId"]
    assert until(lambda: site.history(WEST, "late")) == [late]
    assert site.history(WEST, "early") == []


WRITES: dict[str, tuple[str, dict[str, Any]]] = {
    "PutItem": ("put_item", {"TableName": "T", "Item": {"pk": {"S": "K"}, "value": {"S": "new"}}}),
    "UpdateItem": (
        "update_item",
        {
            "TableName": "T",
            "Key": {"pk": {"S": "K"}},
            "UpdateExpression": "SET #v = :v",
            "ExpressionAttributeNames": {"#v": "value"},
            "ExpressionAttributeValues": {":v": {"S": "new"}},
        },
    ),
    "BatchWriteItem": (
        "batch_write_item",
        {"RequestItems": {"T": [{"PutRequest": {"Item": {"pk": {"S": "K"}, "value": {"S": "new"}}}}]}},
    ),
    "TransactWriteItems": (
        "transact_write_items",
        {"TransactItems": [{"Put": {"TableName": "T", "Item": {"pk": {"S": "K"}, "value": {"S": "new"}}}}]},
    ),
}


def named(request: Any, **names: str) -> Any:  # noqa: ANN401  a request of any shape
    """Return the request with its placeholders replaced at any depth."""
    if isinstance(request, dict):
        return {names.get(key, key): named(value, **names) for key, value in request.items()}
    if isinstance(request, list):
        return [named(value, **names) for value in request]
    return names.get(request, request) if isinstance(request, str) else request


@pytest.mark.parametrize("action", WRITES)
def test_every_kind_of_table_write_replicates(site: Site, action: str) -> None:
    method, request = WRITES[action]
    getattr(site.cloud.client("dynamodb", EAST), method)(**named(request, T=site.table, K=f"kind-{action}"))
    assert until(lambda: site.item(WEST, f"kind-{action}")) == "new"


def test_cut_stops_tables_and_buckets_and_healing_catches_up_in_order(disturbed: LocalCloud, site: Site) -> None:
    kept = site.put_object(EAST, "cut/deleted")
    assert until(lambda: site.history(WEST, "cut/deleted")) == [kept]
    disturbed.partition(cut=True)
    versions = [site.put_object(EAST, "cut/rewritten", str(number).encode()) for number in range(5)]
    eastern = disturbed.client("s3", EAST)
    marker = eastern.delete_object(Bucket=site.buckets[EAST], Key="cut/deleted")["VersionId"]
    from_west = site.put_object(WEST, "cut/west")
    for number in range(5):
        site.put_item(EAST, "cut", str(number))
    site.put_item(WEST, "cut-west", "w")

    assert not until(lambda: site.history(WEST, "cut/rewritten") or site.item(WEST, "cut"), seconds=0.5)
    assert site.history(WEST, "cut/deleted") == [kept]
    assert site.status(EAST, "cut/rewritten") == "PENDING"
    assert (site.history(EAST, "cut/west"), site.item(EAST, "cut-west")) == ([], None)

    disturbed.partition(cut=False)
    assert until(lambda: len(site.history(WEST, "cut/rewritten")) == len(versions))
    assert site.history(WEST, "cut/rewritten")[0] == versions[-1]
    body = disturbed.client("s3", WEST).get_object(Bucket=site.buckets[WEST], Key="cut/rewritten")["Body"].read()
    assert body == b"4"
    assert until(lambda: site.history(WEST, "cut/deleted") == [marker, kept])
    assert until(lambda: site.history(EAST, "cut/west")) == [from_west]
    assert until(lambda: site.item(WEST, "cut") == "4")
    assert until(lambda: site.item(EAST, "cut-west")) == "w"


@pytest.mark.parametrize(("lost", "left"), [(EAST, WEST), (WEST, EAST)])
def test_region_that_is_down_replicates_nothing_in_or_out(disturbed: LocalCloud, site: Site, lost: str, left: str) -> None:
    key = f"down/{lost}"
    disturbed.set_replication_lag(0.4)
    leaving = site.put_object(lost, f"{key}/leaving")
    site.put_item(lost, f"{key}/leaving", "1")
    disturbed.region_down(lost)
    entering = site.put_object(left, f"{key}/entering")
    site.put_item(left, f"{key}/entering", "2")
    assert not until(lambda: site.history(left, f"{key}/leaving") or site.item(left, f"{key}/leaving"), seconds=0.9)
    assert site.status(left, f"{key}/entering") == "PENDING"

    # Looked at behind a cut, so that what is there must have come while the region was down.
    disturbed.partition(cut=True)
    disturbed.region_up(lost)
    assert (site.history(lost, f"{key}/entering"), site.item(lost, f"{key}/entering")) == ([], None)

    disturbed.partition(cut=False)
    assert until(lambda: site.history(left, f"{key}/leaving")) == [leaving]
    assert until(lambda: site.item(left, f"{key}/leaving")) == "1"
    assert until(lambda: site.history(lost, f"{key}/entering")) == [entering]
    assert until(lambda: site.item(lost, f"{key}/entering")) == "2"


def test_table_lag_is_measured_in_the_region_of_the_write(disturbed: LocalCloud, site: Site) -> None:
    disturbed.set_replication_lag(0.3)
    site.put_item(EAST, "measured", "1")
    assert until(lambda: site.item(WEST, "measured")) == "1"

    client, dimensions = disturbed.client("cloudwatch", EAST), {"TableName": site.table, "ReceivingRegion": WEST}
    assert (
        until(lambda: max(values(client, "AWS/DynamoDB", "ReplicationLatency", "Maximum", **dimensions), default=0)) >= 300
    )


write = st.tuples(st.sampled_from(BOTH), st.sampled_from("ab"), st.sampled_from(["1", "2", None]))
heal = st.just(None)


@pytest.mark.property
@given(steps=st.lists(write | heal, min_size=1, max_size=8))
@example(steps=[(EAST, "a", "1"), (WEST, "a", None)])
@example(steps=[(EAST, "a", "1"), None, (WEST, "a", None), (EAST, "a", "2")])
@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_however_two_replicas_were_written_apart_the_last_write_is_in_both(
    disturbed: LocalCloud, site: Site, steps: list[tuple[str, str, str | None] | None]
) -> None:
    disturbed.set_replication_lag(0)
    for region in BOTH:
        for pk in "ab":
            site.delete_item(region, pk)
    expected: dict[str, str | None] = {"a": None, "b": None}
    disturbed.partition(cut=True)
    for step in steps:
        if step is None:
            disturbed.partition(cut=False)
            disturbed.partition(cut=True)
            continue
        region, pk, value = step
        if value is None:
            # A replica that does not have the item has nothing to delete, and nothing travels.
            expected[pk] = expected[pk] if site.item(region, pk) is None else None
            site.delete_item(region, pk)
        else:
            expected[pk] = value
            site.put_item(region, pk, value)
    disturbed.partition(cut=False)

    def everywhere() -> list[dict[str, str | None]]:
        return [{pk: site.item(region, pk) for pk in "ab"} for region in BOTH]

    assert until(lambda: everywhere() == [expected, expected], seconds=2), everywhere()


def test_replica_in_a_region_that_is_down_fails_and_leaves_nothing(disturbed: LocalCloud) -> None:
    resources = {"Table": global_table(replica(WEST), replica(EAST), TableName="never-half")}
    disturbed.region_down(EAST)
    with pytest.raises(AssertionError, match=r"replica of never-half in us-east-1 .*503"):
        deploy(disturbed, resources, region=WEST)
    disturbed.region_up(EAST)
    for region in BOTH:
        with pytest.raises(ClientError, match="ResourceNotFound"):
            disturbed.client("dynamodb", region).describe_table(TableName="never-half")
    stack: Stack = deploy(disturbed, resources, region=WEST)
    stack.delete()


def test_table_with_a_failed_replica_is_removed(cloud: LocalCloud) -> None:
    broken = replica(EAST, TableClass="NONE")
    with pytest.raises(AssertionError, match=r"TableClass|tableClass"):
        deploy(cloud, {"Table": global_table(replica(WEST), broken, TableName="half")}, region=WEST)
    for region in BOTH:
        with pytest.raises(ClientError, match="ResourceNotFound"):
            cloud.client("dynamodb", region).describe_table(TableName="half")
