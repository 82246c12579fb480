"""ActivePassive-LambdaServiceToken."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.rules.builders import alone, function
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, verdict_in

OURS = {"Fn::GetAtt": ["Function", "Arn"]}
FOREIGN = "arn:aws:lambda:us-east-1:999999999999:function:make"


@pytest.mark.parametrize("kind", ["Custom::Thing", "AWS::CloudFormation::CustomResource"])
@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (OURS, PASS),
        ({"Fn::Sub": "arn:aws:lambda:${AWS::Region}:${AWS::AccountId}:function:serverless-processor-prod"}, PASS),
        (FOREIGN, FAIL),
        ("arn:aws:lambda:us-east-1:000000000000:function:another", FAIL),
        (either(OURS, FOREIGN), FAIL),
        (None, FAIL),
        (UNKNOWN, NOT_EVALUATED),
        ({"Fn::ImportValue": "provider"}, NOT_EVALUATED),
    ],
)
def test_custom_resource_is_made_by_a_function_of_the_templates(kind: str, token: Any, expected: Verdict) -> None:  # noqa: ANN401
    it = {"Type": kind, "Properties": {"ServiceToken": token}}
    assert verdict_in("ActivePassive-LambdaServiceToken", "It", alone({"It": it, "Function": function()})) is expected
