"""The naming rules: what passes, what fails, and what only a deployment could tell."""

from typing import Any

import pytest

from compliance.aws.names import NAME_PROPERTIES
from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import ask, good, template, verdict_on, verdicts

PASS, FAIL, NOT_EVALUATED = Verdict.PASS, Verdict.FAIL, Verdict.NOT_EVALUATED


def _queue(name: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": name}}


def test_good_names_pass_wherever_a_name_can_be_set() -> None:
    answers = verdicts("Naming-Pattern", template(good()))

    assert answers == dict.fromkeys(["Queue", "Fifo", "Bucket", "Alias", "Api", "Table"], PASS)


@pytest.mark.parametrize(
    "name",
    [
        "ingest",
        "serverless-prod",
        "serverless-ingest-dev",
        "Serverless-ingest-prod",
        "serverless-Ingest-prod",
        "serverless--prod",
        "serverless-in--gest-prod",
        "serverless-in_gest-prod",
        "serverless-ingest-prod-us-east-1",
        "serverless-ingest-prod\n",
        " serverless-ingest-prod",
        "",
    ],
)
def test_any_other_name_fails_and_says_what_it_must_be(name: str) -> None:
    verdict, message = verdict_on("Naming-Pattern", _queue(name))

    assert verdict is FAIL
    assert "serverless-<resource>-prod" in message


@pytest.mark.parametrize("properties", [{}, {"QueueName": {"Ref": "AWS::NoValue"}}, {"QueueName": None}])
def test_name_that_aws_would_make_up_fails(properties: dict[str, Any]) -> None:
    verdict, message = verdict_on("Naming-Pattern", {"Type": "AWS::SQS::Queue", "Properties": properties})

    assert verdict is FAIL
    assert "QueueName is not set" in message


@pytest.mark.parametrize(
    "name",
    [{"Ref": "Name"}, {"Fn::Sub": "serverless-${X}-prod"}, {"Fn::Join": ["-", ["serverless", {"Ref": "X"}]]}, 7],
)
def test_name_that_only_a_deployment_knows_is_not_evaluated(name: Any) -> None:  # noqa: ANN401
    assert verdict_on("Naming-Pattern", _queue(name))[0] is NOT_EVALUATED


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ({"Fn::Join": ["-", ["serverless", "ingest", "prod"]]}, PASS),
        ({"Fn::Sub": "serverless-ingest-prod"}, PASS),
        ({"Fn::If": ["C", "serverless-a-prod", "serverless-b-prod"]}, PASS),
        ({"Fn::If": ["C", "serverless-a-prod", "b"]}, FAIL),
    ],
)
def test_name_that_the_template_spells_out_is_read(name: Any, expected: Verdict) -> None:  # noqa: ANN401
    assert verdict_on("Naming-Pattern", _queue(name))[0] is expected


def test_key_alias_needs_its_prefix() -> None:
    alias = {"Type": "AWS::KMS::Alias", "Properties": {"AliasName": "serverless-data-prod"}}

    assert verdict_on("Naming-Pattern", alias)[0] is FAIL


@pytest.mark.parametrize("resource_type", sorted(NAME_PROPERTIES))
def test_every_type_with_a_name_is_asked_for_it(resource_type: str) -> None:
    assert verdict_on("Naming-Pattern", {"Type": resource_type, "Properties": {}})[0] is FAIL


def test_roles_and_policies_keep_their_generated_names() -> None:
    for kind in ("AWS::IAM::Role", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        assert verdict_on("Naming-Pattern", {"Type": kind, "Properties": {}})[0] is None


def _bucket(**properties: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::S3::Bucket", "Properties": properties}


@pytest.mark.parametrize(
    ("bucket", "region", "expected"),
    [
        (_bucket(BucketNamePrefix="serverless-a-prod", BucketNamespace="account-regional"), "us-east-1", PASS),
        (_bucket(BucketNamePrefix="p" * 37, BucketNamespace="account-regional"), "us-east-1", PASS),
        (_bucket(BucketNamePrefix="p" * 38, BucketNamespace="account-regional"), "us-east-1", FAIL),
        (_bucket(BucketNamePrefix="p" * 33, BucketNamespace="account-regional"), "ap-southeast-1", FAIL),
        (_bucket(BucketNamePrefix="p" * 32, BucketNamespace="account-regional"), "", PASS),
        (_bucket(BucketNamePrefix="p" * 33, BucketNamespace="account-regional"), "", NOT_EVALUATED),
        (_bucket(BucketNamePrefix="p" * 38, BucketNamespace="account-regional"), "", FAIL),
        (_bucket(BucketNamePrefix="serverless-a-prod"), "us-east-1", FAIL),
        (_bucket(BucketName="serverless-a-prod"), "us-east-1", FAIL),
        (_bucket(BucketName="serverless-a-prod", BucketNamespace="account-regional"), "us-east-1", FAIL),
        (_bucket(BucketNamePrefix={"Ref": "P"}, BucketNamespace="account-regional"), "us-east-1", NOT_EVALUATED),
        (_bucket(BucketNamePrefix="serverless-a-prod", BucketNamespace={"Ref": "N"}), "us-east-1", NOT_EVALUATED),
        (_queue("serverless-a-prod"), "us-east-1", None),
    ],
)
def test_bucket_is_account_regional_and_its_prefix_fits(
    bucket: dict[str, Any], region: str, expected: Verdict | None
) -> None:
    assert verdict_on("Naming-Bucket", bucket, region)[0] is expected


def test_prefix_that_is_too_long_says_by_how_much() -> None:
    bucket = _bucket(BucketNamePrefix="p" * 40, BucketNamespace="account-regional")

    assert "3 more than the 37" in verdict_on("Naming-Bucket", bucket)[1]


def test_same_resource_has_the_same_name_in_both_regions() -> None:
    east, west = good(), good()
    assert set(verdicts("Naming-Regions", template(east), template(west, "us-west-2")).values()) == {PASS}

    west["Queue"]["Properties"]["QueueName"] = "serverless-inbox-prod"
    rows = ask("Naming-Regions", template(east), template(west, "us-west-2"))

    failed = [(row.region, row.logical_id) for row in rows if row.verdict is FAIL]
    assert failed == [("us-east-1", "Queue"), ("us-west-2", "Queue")]


def test_names_of_other_stacks_or_unknown_stacks_are_not_compared() -> None:
    east, west = good(), good()
    west["Queue"]["Properties"]["QueueName"] = "serverless-inbox-prod"

    assert not verdicts("Naming-Regions", template(east), template(west, "us-west-2", "serverless-data-prod"))
    assert not verdicts("Naming-Regions", template(east, stack_name=""), template(west, "us-west-2", ""))


def test_name_that_cannot_be_compared_is_not_evaluated() -> None:
    east, west = good(), good()
    west["Queue"]["Properties"]["QueueName"] = {"Ref": "Name"}

    rows = ask("Naming-Regions", template(east), template(west, "us-west-2"))

    assert [row.verdict for row in rows if row.logical_id == "Queue"] == [NOT_EVALUATED, NOT_EVALUATED]


@pytest.mark.parametrize(
    ("stack_name", "expected"),
    [("serverless-data-prod", [PASS]), ("data", [FAIL]), ("serverless-data-dev", [FAIL]), ("", [])],
)
def test_stack_is_named_as_resources_are(stack_name: str, expected: list[Verdict]) -> None:
    rows = ask("Naming-Stack", template(good(), stack_name=stack_name))

    assert [row.verdict for row in rows] == expected
