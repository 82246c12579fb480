"""ActivePassive-LambdaCode."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, bucket, function, key_arn
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, verdict_in

RULE = "ActivePassive-LambdaCode"
ASSETS = "cdk-hnb659fds-assets-000000000000-us-east-1"


def _world(code: Any) -> dict[str, Any]:  # noqa: ANN401
    it = function()
    if code is not None:
        it["Properties"]["Code"] = code
    queue = {"Type": "AWS::SQS::Queue", "Properties": {"KmsMasterKeyId": key_arn("us-east-1")}}
    return {"It": it, "Bucket": bucket("code"), "Queue": queue, "Other": queue}


def _says(code: Any) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", alone(_world(code)))


@pytest.mark.parametrize(
    "name",
    [
        ASSETS,
        {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"},
        {"Ref": "Bucket"},
        "serverless-code-prod",
        either(ASSETS, {"Ref": "Bucket"}),
    ],
)
def test_code_from_a_bucket_of_ours_passes(name: Any) -> None:  # noqa: ANN401
    assert _says({"S3Bucket": name, "S3Key": "a.zip"}) is PASS


@pytest.mark.parametrize("code", [{"ZipFile": "pass"}, {"ImageUri": "a"}])
def test_code_that_is_in_no_bucket_is_not_judged(code: Any) -> None:  # noqa: ANN401
    assert _says(code) is None


@pytest.mark.parametrize(
    "name",
    [
        "somebody-elses-bucket",
        "cdk-hnb659fds-assets-999999999999-us-east-1",
        "cdk-hnb659fds-assets-000000000000-us-west-2",
        either(ASSETS, "somebody-elses-bucket"),
    ],
)
def test_code_from_another_account_or_region_fails(name: Any) -> None:  # noqa: ANN401
    assert _says({"S3Bucket": name, "S3Key": "a.zip"}) is FAIL


def test_function_without_code_fails() -> None:
    assert _says(None) is FAIL


def test_bucket_is_reported() -> None:
    text = message_in(RULE, "It", alone(_world({"S3Bucket": "somebody-elses-bucket"})))
    assert "comes from the bucket 'somebody-elses-bucket'" in text


@pytest.mark.parametrize("code", [UNKNOWN, {"S3Bucket": UNKNOWN}, {"S3Bucket": {"Fn::Sub": "code-${AParameter}"}}])
def test_unresolved_value_is_not_evaluated(code: Any) -> None:  # noqa: ANN401
    assert _says(code) is NOT_EVALUATED
