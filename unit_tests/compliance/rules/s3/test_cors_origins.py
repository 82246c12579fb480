"""ActivePassive-S3CORSOrigins."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unit_tests.compliance.rules.builders import bucket
from unit_tests.compliance.rules.corruptions import UNKNOWN, either
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message, says

RULE = "ActivePassive-S3CORSOrigins"
OURS = "https://app.example.com"


def _bucket(origins: Any) -> dict[str, Any]:  # noqa: ANN401
    rule = {"AllowedOrigins": origins, "AllowedMethods": ["PUT"], "AllowedHeaders": ["*"]}
    return {"Type": "AWS::S3::Bucket", "Properties": {"CorsConfiguration": {"CorsRules": [rule]}}}


def _api(**cors: Any) -> dict[str, Any]:  # noqa: ANN401
    settings = {"AllowOrigins": [OURS], **cors}
    return {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Name": "a", "CorsConfiguration": settings}}


def _url(**cors: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::Lambda::Url", "Properties": {"Cors": {"AllowOrigins": [OURS], **cors}}}


def _described(**cors: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"Body": {"x-amazon-apigateway-cors": cors}}}


def test_origins_that_are_spelled_out_pass() -> None:
    for allowed in (_bucket([OURS]), _api(AllowHeaders=["*"]), _url(), _described(allowOrigins=[OURS])):
        assert says(RULE, allowed) is PASS
    assert says(RULE, _api(AllowCredentials=True, AllowHeaders=["content-type"], AllowMethods=["POST"])) is PASS


def test_no_cors_is_not_judged() -> None:
    assert says(RULE, bucket()) is None
    assert says(RULE, {"Type": "AWS::ApiGatewayV2::Api", "Properties": {}}) is None


@pytest.mark.parametrize(
    "origin", ["*", "https://*", "https://*.example.com", "http://app.example.com", "app.example.com", ""]
)
def test_pattern_or_plain_text_fails_wherever_it_stands(origin: str) -> None:
    for allowing in (
        _bucket([OURS, origin]),
        _bucket([either(OURS, origin)]),
        _api(AllowOrigins=[origin]),
        _url(AllowOrigins=[origin]),
        _described(allowOrigins=[origin]),
    ):
        assert says(RULE, allowing) is FAIL


@pytest.mark.property
@given(st.text(max_size=8), st.text(max_size=8))
def test_origin_with_an_asterisk_fails(before: str, after: str) -> None:
    assert says(RULE, _bucket([f"https://{before}*{after}"])) is FAIL


@pytest.mark.parametrize("what", ["AllowHeaders", "AllowMethods"])
def test_everything_with_credentials_fails(what: str) -> None:
    for allowing in (_api(AllowCredentials=True, **{what: ["*"]}), _url(AllowCredentials=True, **{what: ["*"]})):
        assert "together with credentials" in message(RULE, allowing)
    assert says(RULE, _described(allowOrigins=[OURS], allowCredentials=True, allowHeaders=["*"])) is FAIL


def test_unresolved_value_is_not_evaluated() -> None:
    in_s3 = {"Type": "AWS::ApiGatewayV2::Api", "Properties": {"BodyS3Location": {"Bucket": "b", "Key": "k"}}}
    for unclear in (_bucket(UNKNOWN), _bucket([UNKNOWN]), _api(AllowOrigins=UNKNOWN), _api(AllowCredentials=UNKNOWN), in_s3):
        assert says(RULE, unclear) is NOT_EVALUATED
