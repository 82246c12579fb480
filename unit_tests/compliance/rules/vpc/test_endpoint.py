"""ActivePassive-VPCEndpoint."""

from typing import Any

import pytest

from unit_tests.compliance.rules.corruptions import UNKNOWN, changed, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-VPCEndpoint"


def _endpoint(kind: Any = "Gateway", **statement: Any) -> dict[str, Any]:  # noqa: ANN401
    allowed = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["s3:GetObject", "s3:PutObject"],
        "Resource": "arn:aws:s3:::serverless-ingest-prod/incoming/*",
        **statement,
    }
    return {
        "Type": "AWS::EC2::VPCEndpoint",
        "Properties": {
            "VpcEndpointType": kind,
            "ServiceName": "com.amazonaws.us-west-2.s3",
            "VpcId": "vpc-1",
            "PolicyDocument": {"Statement": [{key: part for key, part in allowed.items() if part is not None}]},
        },
    }


@pytest.mark.parametrize(
    "endpoint",
    [
        _endpoint(),
        _endpoint("Interface"),
        _endpoint(Effect="Deny", Action="*", Resource="*"),
        _endpoint(Action="s3:Get*"),
        _endpoint(Action="xray:PutTraceSegments", Resource="*"),
        _endpoint(Resource={"Fn::Join": ["", [{"Fn::GetAtt": ["Bucket", "Arn"]}, "/*"]]}),
        _endpoint(Resource="*", Condition={"StringEquals": {"aws:ResourceAccount": "000000000000"}}),
        _endpoint(Action="sqs:SendMessage", Resource="arn:aws:sqs:us-west-2:000000000000:serverless-*-prod"),
    ],
)
def test_policy_that_names_actions_and_resources_passes(endpoint: dict[str, Any]) -> None:
    assert says(RULE, endpoint) is PASS


@pytest.mark.parametrize(
    "endpoint",
    [
        without(_endpoint(), "PolicyDocument"),
        without(without(_endpoint(), "PolicyDocument"), "VpcEndpointType"),
        changed(
            _endpoint(), "PolicyDocument", to=either(_endpoint()["Properties"]["PolicyDocument"], {"Ref": "AWS::NoValue"})
        ),
        _endpoint(Action="*"),
        _endpoint(Action="s3:*"),
        _endpoint(Action=["s3:GetObject", "*:*"]),
        _endpoint(Resource="*"),
        _endpoint(Resource=None),
        _endpoint(Principal=None),
        _endpoint(Resource=["arn:aws:s3:::a", "*"]),
        _endpoint(Resource="arn:aws:s3:::*"),
        _endpoint(Resource="arn:aws:s3:::*/*"),
        _endpoint(Resource="arn:aws:s3:::*/incoming/*"),
        _endpoint(Action="sqs:SendMessage", Resource="arn:aws:sqs:*:*:*"),
        _endpoint(Action="dynamodb:GetItem", Resource="arn:aws:dynamodb:us-west-2:000000000000:table/*"),
        _endpoint(Resource="*", Condition={"StringLike": {"aws:ResourceAccount": "*"}}),
        _endpoint(Resource="*", Condition={"StringNotEquals": {"aws:ResourceAccount": "1"}}),
        _endpoint(Resource="*", Condition={"ForAllValues:StringEquals": {"aws:ResourceAccount": "000000000000"}}),
        _endpoint(Resource="*", Condition={"StringLike": {"aws:ResourceAccount": "0*"}}),
        _endpoint(Action=None, NotAction="s3:DeleteObject"),
        _endpoint(Resource=None, NotResource="arn:aws:s3:::a"),
        _endpoint(Principal=None, NotPrincipal={"AWS": "arn:aws:iam::1:root"}),
        _endpoint(Action=["xray:PutTraceSegments", "s3:GetObject"], Resource="*"),
    ],
)
def test_policy_that_leaves_actions_or_resources_open_fails(endpoint: dict[str, Any]) -> None:
    assert says(RULE, endpoint) is FAIL


def test_missing_policy_reports_the_default_of_ec2() -> None:
    assert "lets everyone do everything" in message(RULE, without(_endpoint(), "PolicyDocument"))


@pytest.mark.parametrize(
    "endpoint",
    [
        _endpoint(UNKNOWN),
        changed(_endpoint(), "PolicyDocument", to=UNKNOWN),
        _endpoint(Action=UNKNOWN),
        _endpoint(Action="quantumthings:Do", Resource="*"),
    ],
)
def test_unresolved_value_is_not_evaluated(endpoint: dict[str, Any]) -> None:
    assert says(RULE, endpoint) is NOT_EVALUATED


def test_endpoint_that_takes_no_policy_needs_none() -> None:
    assert says(RULE, without(_endpoint("GatewayLoadBalancer"), "PolicyDocument")) is None
