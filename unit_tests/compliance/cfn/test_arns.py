"""Names, ARNs and URLs refer to the right resource and region."""

from typing import Any

import pytest

from compliance.cfn.arns import arns_of, find, names_of, region_of, regions_of, same, text_of
from compliance.cfn.templates import Resource, Template, TemplateSet
from compliance.cfn.values import UnresolvedError
from unit_tests.compliance.fixtures import template

QUEUE = {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "serverless-ingest-prod"}}
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {"BucketNamePrefix": "serverless-ingest-prod"}}
NAMELESS = {"Type": "AWS::SQS::Queue"}


def _template(region: str) -> Template:
    return template({"Queue": QUEUE, "Bucket": BUCKET, "Nameless": NAMELESS}, region)


EAST, WEST = _template("us-east-1"), _template("us-west-2")
WORLD = TemplateSet(templates=(EAST, WEST), environment="prod")


def _found(value: Any, *types: str, here: Template = EAST) -> tuple[str, str] | None:  # noqa: ANN401
    target = find(value, here, WORLD, *types)
    return (target.template.region, target.logical_id) if target else None


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "Queue"},
        {"Fn::GetAtt": ["Queue", "Arn"]},
        {"Fn::GetAtt": "Queue.Arn"},
        {"Fn::Sub": "${Queue.Arn}"},
        {"Fn::Join": ["", [{"Fn::GetAtt": ["Queue", "Arn"]}]]},
        "serverless-ingest-prod",
        "arn:aws:sqs:us-east-1:000000000000:serverless-ingest-prod",
        {"Fn::Sub": "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:serverless-ingest-prod"},
        {"Fn::Sub": "https://sqs.${AWS::Region}.amazonaws.com/${AWS::AccountId}/serverless-ingest-prod"},
    ],
)
def test_queue_is_found_by_reference_arn_url_and_name(value: Any) -> None:  # noqa: ANN401
    assert _found(value, "AWS::SQS::Queue") == ("us-east-1", "Queue")
    assert _found(value, "AWS::SNS::Topic") is None


def test_arn_gives_the_region_and_a_bare_name_the_own_one() -> None:
    arn = "arn:aws:sqs:us-west-2:000000000000:serverless-ingest-prod"
    assert _found(arn, "AWS::SQS::Queue") == ("us-west-2", "Queue")
    assert _found("serverless-ingest-prod", "AWS::SQS::Queue", here=WEST) == ("us-west-2", "Queue")


def test_bucket_is_found_by_name_from_every_region() -> None:
    for name in (
        "serverless-ingest-prod-000000000000-us-west-2-an",
        "arn:aws:s3:::serverless-ingest-prod-000000000000-us-west-2-an",
    ):
        assert _found(name, "AWS::S3::Bucket") == ("us-west-2", "Bucket")
    assert _found("serverless-ingest-prod", "AWS::S3::Bucket") is None
    assert _found("serverless-ingest-prod-000000000000-eu-west-1-an", "AWS::S3::Bucket") is None


def test_resource_without_a_name_is_found_by_reference_only() -> None:
    assert _found({"Ref": "Nameless"}, "AWS::SQS::Queue") == ("us-east-1", "Nameless")
    assert _found("Nameless", "AWS::SQS::Queue") is None
    assert _found({"Ref": "Nobody"}, "AWS::SQS::Queue") is None


def test_names_and_arns_follow_every_branch() -> None:
    resource = Resource(
        template=EAST,
        logical_id="It",
        type="AWS::SQS::Queue",
        path="It",
        properties={"QueueName": {"Fn::If": ["C", "one", "two"]}},
    )
    assert list(names_of(resource)) == ["one", "two"]
    assert list(arns_of(resource)) == [f"arn:aws:sqs:us-east-1:${{AWS::AccountId}}:{name}" for name in ("one", "two")]


def test_account_matches_the_account_of_the_deployment() -> None:
    assert same("a:000000000000:b", "a:${AWS::AccountId}:b")
    assert not same("a:000000000000:b", "a:111111111111:b")
    assert not same("a:${AWS::AccountId}:b", "a:${AWS::AccountId}:c")


@pytest.mark.parametrize(
    ("value", "region"),
    [
        ({"Ref": "Queue"}, "us-east-1"),
        ("arn:aws:kms:eu-west-1:000000000000:alias/a", "eu-west-1"),
        ({"Fn::Sub": "arn:aws:kms:${AWS::Region}:${AWS::AccountId}:alias/a"}, "us-east-1"),
        ("arn:aws:s3:::anything-000000000000-eu-west-1-an", "eu-west-1"),
        ("arn:aws:s3:::serverless-ingest-prod-000000000000-us-west-2-an", "us-west-2"),
    ],
)
def test_region_is_read_from_arn_bucket_name_or_template(value: Any, region: str) -> None:  # noqa: ANN401
    assert region_of(value, EAST, WORLD) == region


@pytest.mark.parametrize("value", [{"Ref": "P"}, "alias/a", "arn:aws:s3:::plain", {"Fn::ImportValue": "x"}, None, ["a"]])
def test_value_without_a_region_is_an_error(value: Any) -> None:  # noqa: ANN401
    with pytest.raises(UnresolvedError):
        region_of(value, EAST, WORLD)


def test_text_may_have_an_unknown_account_only() -> None:
    assert text_of({"Fn::Sub": "a-${AWS::AccountId}"}, EAST, WORLD) == "a-${AWS::AccountId}"
    with pytest.raises(UnresolvedError):
        text_of({"Fn::Sub": "a-${P}"}, EAST, WORLD)


def test_regions_of_the_system_are_those_of_its_twin_stacks() -> None:
    alone = template({}, "eu-west-1", "serverless-data-prod")
    assert regions_of(TemplateSet(templates=(EAST, WEST, alone), environment="prod")) == {"us-east-1", "us-west-2"}
    assert regions_of(TemplateSet(templates=(alone,), environment="prod")) == {"eu-west-1"}
    assert regions_of(TemplateSet(templates=(template({}, "", ""),), environment="prod")) == frozenset()
