"""ActivePassive-S3ReplicationDirections."""

from typing import Any

import pytest

from compliance.cfn.templates import Template
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, template
from unit_tests.compliance.rules.builders import EAST, WEST, bucket, bucket_arn, pair, regional_bucket, replicating, reverse
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, says, verdict_in

RULE = "ActivePassive-S3ReplicationDirections"
CONFIGURATION = "ReplicationConfiguration"
FIRST = (CONFIGURATION, "Rules", 0)


def _verdicts(templates: tuple[Template, ...]) -> list[Verdict]:
    return [row.verdict for row in ask(RULE, *templates)]


def test_both_directions_pass_however_they_are_set() -> None:
    assert _verdicts(pair(replicating(), regional_bucket(), back=reverse())) == [PASS] * 3
    assert _verdicts(pair(replicating(WEST), replicating(EAST))) == [PASS] * 2
    assert _verdicts(pair(regional_bucket(), replicating(EAST), back=reverse(EAST, WEST))) == [PASS] * 3


def test_custom_resource_is_known_by_its_shape() -> None:
    other = {
        "Type": "AWS::CloudFormation::CustomResource",
        "Properties": {
            "SourceBucketName": f"serverless-ingest-prod-000000000000-{WEST}-an",
            "TargetBucketArn": bucket_arn(EAST),
        },
    }
    assert _verdicts(pair(replicating(), regional_bucket(), back=other)) == [PASS] * 3
    configured: dict[str, Any] = {
        "Type": "Custom::Anything",
        "Properties": {
            "Bucket": f"serverless-ingest-prod-000000000000-{WEST}-an",
            CONFIGURATION: replicating(EAST)["Properties"][CONFIGURATION],
        },
    }
    assert _verdicts(pair(replicating(), regional_bucket(), back=configured)) == [PASS] * 3


def test_one_direction_fails_on_both_sides() -> None:
    assert _verdicts(pair(replicating(), regional_bucket())) == [FAIL, FAIL]
    assert _verdicts(pair(regional_bucket(), regional_bucket(), back=reverse())) == [FAIL, PASS, FAIL]


def test_none_at_all_fails_where_work_arrives_in_both_and_nowhere_else() -> None:
    assert _verdicts(pair(regional_bucket(), regional_bucket())) == [FAIL, FAIL]
    silent = without(regional_bucket(), "NotificationConfiguration")
    assert _verdicts(pair(silent, silent)) == []


@pytest.mark.parametrize(
    "forward",
    [
        changed(replicating(), *FIRST, "Status", to="Disabled"),
        changed(replicating(), *FIRST, "Status", to=either("Enabled", "Disabled")),
        changed(replicating(), CONFIGURATION, to=either(replicating()["Properties"][CONFIGURATION], ABSENT)),
        changed(replicating(), CONFIGURATION, "Rules", to=[]),
        replicating(EAST),
    ],
)
def test_direction_that_does_not_always_work_is_none(forward: dict[str, Any]) -> None:
    assert FAIL in _verdicts(pair(forward, regional_bucket(), back=reverse()))


@pytest.mark.parametrize(
    "back",
    [
        reverse(WEST, WEST),
        reverse(EAST, WEST),
        changed(reverse(), "BucketRegion", to=EAST),
        changed(reverse(), "DestinationBucketArn", to="arn:aws:s3:::serverless-ingest-prod-000000000000-eu-west-1-an"),
    ],
)
def test_way_back_that_leads_elsewhere_fails(back: dict[str, Any]) -> None:
    assert FAIL in _verdicts(pair(replicating(), regional_bucket(), back=back))


@pytest.mark.parametrize(("service", "expected"), [("s3.amazonaws.com", PASS), ("lambda.amazonaws.com", FAIL)])
def test_role_must_let_s3_take_it_on(service: str, expected: Verdict) -> None:
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    east = changed(replicating(), CONFIGURATION, "Role", to={"Fn::GetAtt": ["Role", "Arn"]})
    _, west, back = pair(east, regional_bucket(), back=reverse())
    assert verdict_in(RULE, "It", template({"It": east, "Role": role}), west, back) is expected


def test_copy_in_the_same_region_fails() -> None:
    assert says(RULE, replicating(EAST), EAST) is FAIL


def test_resource_in_no_template_is_not_evaluated() -> None:
    assert says(RULE, replicating(WEST), EAST) is NOT_EVALUATED
    assert says(RULE, reverse()) is NOT_EVALUATED
    assert says(RULE, changed(replicating(), *FIRST, "Destination", "Bucket", to=UNKNOWN), EAST) is NOT_EVALUATED
    assert says(RULE, changed(replicating(), CONFIGURATION, to=UNKNOWN), EAST) is NOT_EVALUATED


def test_bucket_alone_is_not_judged() -> None:
    assert says(RULE, bucket()) is None
    assert says(RULE, {"Type": "AWS::S3::Bucket"}) is None


def test_direction_that_may_never_be_set_up_is_none() -> None:
    back = {**reverse(), "Condition": "Sometimes"}

    assert FAIL in _verdicts(pair(replicating(), regional_bucket(), back=back))
