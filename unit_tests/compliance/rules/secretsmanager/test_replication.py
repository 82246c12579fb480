"""ActivePassive-SecretsManagerReplication."""

import pytest

from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, alone, key_arn, secret
from unit_tests.compliance.rules.corruptions import UNKNOWN, Resource, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-SecretsManagerReplication"
FIRST = ("ReplicaRegions", 0)


def test_key_in_each_region_passes() -> None:
    assert says(RULE, secret(), EAST) is PASS
    both = (template({}, EAST), template({}, WEST))
    assert verdict_in(RULE, "It", alone({"It": secret()}), *both) is PASS
    own = {"Key": {"Type": "AWS::KMS::Key"}, "It": changed(secret(), "KmsKeyId", to={"Ref": "Key"})}
    assert verdict_in(RULE, "It", alone(own)) is PASS


@pytest.mark.parametrize(
    "broken",
    [
        {"Type": "AWS::SecretsManager::Secret"},
        without(secret(), "KmsKeyId"),
        changed(secret(), "KmsKeyId", to="alias/aws/secretsmanager"),
        changed(secret(), "KmsKeyId", to=key_arn(WEST)),
        without(secret(), "ReplicaRegions"),
        changed(secret(), "ReplicaRegions", to=[]),
        changed(secret(), "ReplicaRegions", to=either(secret()["Properties"]["ReplicaRegions"], [])),
        without(secret(), *FIRST, "KmsKeyId"),
        changed(secret(), *FIRST, "KmsKeyId", to=key_arn(EAST)),
        changed(secret(), *FIRST, "KmsKeyId", to="alias/aws/secretsmanager"),
        changed(secret(), *FIRST, "Region", to=EAST),
    ],
)
def test_secret_that_a_region_cannot_read_fails(broken: Resource) -> None:
    assert says(RULE, broken, EAST) is FAIL


def test_region_of_the_system_without_a_replica_fails() -> None:
    both = (template({}, EAST), template({}, WEST))
    moved = changed(changed(secret(), *FIRST, "Region", to="eu-west-1"), *FIRST, "KmsKeyId", to=key_arn("eu-west-1"))
    assert "no replica is in us-west-2" in message_in(RULE, "It", alone({"It": moved}), *both)


@pytest.mark.parametrize("place", [("KmsKeyId",), ("ReplicaRegions",), FIRST, (*FIRST, "Region"), (*FIRST, "KmsKeyId")])
def test_unresolved_value_is_not_evaluated(place: tuple[str | int, ...]) -> None:
    assert says(RULE, changed(secret(), *place, to=UNKNOWN), EAST) is NOT_EVALUATED
