"""Test that a stateful resource outlives its stack in a protected environment and is deleted with it elsewhere.

The tests compare the templates and the manifest with a list of types in this file.
"""

from collections.abc import Mapping

from unit_tests.infra.synthesis import Resource, Synthesis, Template, resources
from unit_tests.infra.test_network_readiness import waits_for

HOLDS_DATA = {
    *("AWS::DynamoDB::GlobalTable", "AWS::KMS::Key", "AWS::Logs::LogGroup"),
    *("AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::SecretsManager::Secret"),
}
"""Types whose deletion loses data that a new deployment does not restore; test_stacks counts them."""


def holding_data(synthesis: Synthesis) -> dict[str, Resource]:
    return {where: resource for where, resource in resources(synthesis) if resource["Type"] in HOLDS_DATA}


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


def test_table_with_protection_is_created_last(templates: Mapping[str, Template]) -> None:
    made = templates["Data"]["Resources"]
    (table,) = (name for name, each in made.items() if each["Type"] == "AWS::DynamoDB::GlobalTable")
    assert waits_for(templates["Data"], table) == made.keys() - {table}
