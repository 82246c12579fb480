"""Test that resources with data outlive their stack, and keep their logical ids: else CloudFormation replaces them.

A construct that is renamed or moved gets a new logical id. That creates a new, empty bucket beside the old one, or fails
because the name exists.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from unit_tests.infra.constructs.test_network import waits_for
from unit_tests.infra.synthesis import Resource, Synthesis, Template, resources

FROZEN = Path(__file__).with_name("logical_ids.json")
FREEZE = "LOCKSTEP_FREEZE_LOGICAL_IDS"

STATEFUL = {
    "AWS::CloudTrail::Trail",
    "AWS::DynamoDB::GlobalTable",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::SecretsManager::Secret",
}
LIKELY_STATEFUL = ("::DB", "::Table", "::GlobalTable", "::Bucket", "::Queue", "::Secret", "::Key", "::Stream", "::Volume")


def stateful(templates: Mapping[str, Template]) -> dict[str, dict[str, str]]:
    """Return the type of each stateful resource, by stack and logical id, in alphabetical order."""
    return {
        stack: {
            logical_id: resource["Type"]
            for logical_id, resource in sorted(template["Resources"].items())
            if resource["Type"] in STATEFUL
        }
        for stack, template in sorted(templates.items())
    }


def changes(frozen: Mapping[str, Mapping[str, str]], found: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return a line for each frozen id that is missing, and for each id that is not frozen."""
    before = {(stack, logical_id, kind) for stack, ids in frozen.items() for logical_id, kind in ids.items()}
    after = {(stack, logical_id, kind) for stack, ids in found.items() for logical_id, kind in ids.items()}
    return [
        *(f"  gone: {stack}.{logical_id} ({kind})" for stack, logical_id, kind in sorted(before - after)),
        *(f"  new:  {stack}.{logical_id} ({kind})" for stack, logical_id, kind in sorted(after - before)),
    ]


def explanation(changed: list[str]) -> str:
    return "\n".join(
        [
            "Logical ids of resources that hold data changed:",
            *changed,
            "CloudFormation does not rename: it makes the new one, empty, and lets go of the old one with its data.",
            "If you moved or renamed a construct, give the resource its old id back:",
            '  resource.node.default_child.override_logical_id("<the missing id>")',
            "If a resource is new or removed on purpose (retained ones stay in the account), freeze the ids again:",
            f"  {FREEZE}=1 nox -s unit -- unit_tests/infra/test_logical_ids.py",
            "and state in the pull request what happens to the data.",
        ]
    )


def test_stateful_resource_keeps_its_logical_id(templates: Mapping[str, Template]) -> None:
    found = stateful(templates)
    if os.environ.get(FREEZE):
        FROZEN.write_text(json.dumps(found, indent=2) + "\n")
        pytest.fail(f"{FROZEN.name} is written; unset {FREEZE}, run again and commit the file")
    changed = changes(json.loads(FROZEN.read_text()), found)
    assert not changed, explanation(changed)


def test_stateful_types_are_all_covered(templates: Mapping[str, Template]) -> None:
    kinds = {resource["Type"] for template in templates.values() for resource in template["Resources"].values()}
    assert {kind for kind in kinds if kind.endswith(LIKELY_STATEFUL)} <= STATEFUL
    retained = {
        resource["Type"]
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource.get("DeletionPolicy") in {"Retain", "RetainExceptOnCreate"}
    }
    assert retained <= STATEFUL, "what is retained holds data, and belongs to the frozen kinds"


def test_renamed_bucket_reports_what_to_type() -> None:
    text = explanation(changes({"Data": {"OldBucket": "AWS::S3::Bucket"}}, {"Data": {"NewBucket": "AWS::S3::Bucket"}}))
    assert "gone: Data.OldBucket (AWS::S3::Bucket)" in text
    assert "new:  Data.NewBucket (AWS::S3::Bucket)" in text
    assert f"{FREEZE}=1 nox" in text


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
