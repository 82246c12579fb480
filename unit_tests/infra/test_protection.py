"""Test that a stateful resource outlives its stack in a protected environment and is deleted with it elsewhere.

The tests compare the templates and the manifest with a list of types in this file.
"""

from collections.abc import Iterator

import pytest

from unit_tests.infra.synthesis import Resource, Synthesis, everywhere, leaves, of_type, only

HOLDS_DATA = {
    "AWS::DynamoDB::GlobalTable": 1,
    "AWS::KMS::Key": 10,
    "AWS::Logs::LogGroup": 17,
    "AWS::S3::Bucket": 8,
    "AWS::SQS::Queue": 6,
    "AWS::SecretsManager::Secret": 1,
}
"""Types whose deletion loses data that a new deployment does not restore, with the number of each."""


def resources(synthesis: Synthesis) -> Iterator[tuple[str, Resource]]:
    for stack, template in synthesis.templates.items():
        for logical_id, resource in template["Resources"].items():
            yield f"{stack}.{logical_id}", resource


def holding_data(synthesis: Synthesis) -> dict[str, Resource]:
    return {where: resource for where, resource in resources(synthesis) if resource["Type"] in HOLDS_DATA}


def test_stateful_resources_are_all_checked(prod: Synthesis) -> None:
    found = {kind: len(list(everywhere(prod.templates, kind))) for kind in HOLDS_DATA}
    assert found == HOLDS_DATA


def test_data_is_retained_in_prod_on_delete_and_replacement(prod: Synthesis) -> None:
    policies = {
        where: (resource.get("DeletionPolicy"), resource.get("UpdateReplacePolicy"))
        for where, resource in holding_data(prod).items()
    }
    # Except on create: what a first deployment made before it failed would be in the way of the next.
    assert set(policies.values()) == {("RetainExceptOnCreate", "Retain")}, policies


def test_temporary_environment_retains_nothing(dev: Synthesis) -> None:
    kept = {
        where
        for where, resource in resources(dev)
        if resource.get("DeletionPolicy") in {"Retain", "Snapshot", "RetainExceptOnCreate"}
        or resource.get("UpdateReplacePolicy") in {"Retain", "Snapshot"}
    }
    assert kept == set()
    # Each resource states it; none leaves it to a default.
    assert {resource.get("DeletionPolicy") for resource in holding_data(dev).values()} == {"Delete"}


def test_stacks_of_prod_have_termination_protection(prod: Synthesis, dev: Synthesis) -> None:
    assert {name: stack.protected for name, stack in prod.stacks.items()} == dict.fromkeys(prod.stacks, True)
    assert {name: stack.protected for name, stack in dev.stacks.items()} == dict.fromkeys(dev.stacks, False)


def test_table_of_prod_is_protected_in_every_region(prod: Synthesis, dev: Synthesis) -> None:
    table = only(prod.templates["Data"], "AWS::DynamoDB::GlobalTable")
    assert [replica.get("DeletionProtectionEnabled") for replica in table["Replicas"]] == [True, True]
    table = only(dev.templates["Data"], "AWS::DynamoDB::GlobalTable")
    assert {replica.get("DeletionProtectionEnabled", False) for replica in table["Replicas"]} == {False}


def test_table_with_protection_is_created_last(prod: Synthesis) -> None:
    resources = prod.templates["Data"]["Resources"]
    (table,) = (name for name, each in resources.items() if each["Type"] == "AWS::DynamoDB::GlobalTable")
    after = set(resources[table]["DependsOn"])
    pending = list(after)
    while pending:
        needed = needs(resources[pending.pop()]) & resources.keys() - after
        after |= needed
        pending += needed
    assert after == resources.keys() - {table}


def needs(resource: Resource) -> set[str]:
    """Return the logical ids and other text in a resource's `DependsOn`, `Ref` and `Fn::GetAtt`."""
    found = {str(value) for _, value in leaves(resource.get("Properties", {}))}
    return found | set(resource.get("DependsOn", []))


@pytest.mark.parametrize("environment", ["prod", "dev"])
def test_backups_are_on_in_every_environment(environment: str, request: pytest.FixtureRequest) -> None:
    synthesis: Synthesis = request.getfixturevalue(environment)
    for where, bucket in everywhere(synthesis.templates, "AWS::S3::Bucket"):
        assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}, where
    for replica in only(synthesis.templates["Data"], "AWS::DynamoDB::GlobalTable")["Replicas"]:
        assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}, replica["Region"]
    for where, key in everywhere(synthesis.templates, "AWS::KMS::Key"):
        # A scheduled deletion can be called off for as long as this; AWS's default, and its longest, is 30 days.
        assert key.get("PendingWindowInDays", 30) == 30, where


def test_audit_trail_and_the_archive_are_locked(prod: Synthesis) -> None:
    buckets = {
        bucket["BucketNamePrefix"]: bucket
        for template in prod.templates.values()
        for bucket in of_type(template, "AWS::S3::Bucket").values()
    }
    locked = {name for name, bucket in buckets.items() if bucket.get("ObjectLockEnabled")}
    assert locked == {"serverless-trail-prod", "serverless-archive-prod"}
    for name in locked:
        rule = buckets[name]["ObjectLockConfiguration"]["Rule"]["DefaultRetention"]
        assert rule["Mode"] in {"GOVERNANCE", "COMPLIANCE"}, name
        assert rule["Days"] >= 365, name
