"""Test the variables of the issuer."""

from typing import Any

from aws_cdk import Stack

from infra.constructs.bucket import Bucket
from infra.constructs.issuer import Issuer
from infra.constructs.processor import timeout
from infra.constructs.queue import IngestQueue
from unit_tests.infra.constructs.small_stack import context, key_in, of_type, only, stack_in
from unit_tests.infra.constructs.surroundings import surroundings_in


def issuer_stack(**settings: Any) -> Stack:  # noqa: ANN401 - the settings'
    of = context(**{"environment": "dev", "vpc": {"mode": "none"}, **settings})
    stack = stack_in(of)
    key = key_in(stack)
    Issuer(
        stack,
        "Issuer",
        surroundings=surroundings_in(stack, of, key),
        ingest=Bucket(stack, "Ingest", context=of, resource="ingest", key=key),
        queue=IngestQueue(stack, "Queue", context=of, key=key, function_timeout=timeout(of)),
        data_key=key,
        secret_key=key,
    )
    return stack


def test_issuer_variables_hold_names_and_limits() -> None:
    stack = issuer_stack(limits={"upload_expiry_seconds": 60, "maximum_object_bytes": 1234})
    variables = only(stack, "AWS::Lambda::Function")["Environment"]["Variables"]
    (bucket,) = of_type(stack, "AWS::S3::Bucket")
    (key,) = of_type(stack, "AWS::KMS::Key")
    assert variables["INGEST_BUCKET"] == {"Ref": bucket}
    assert variables["DATA_KEY_ARN"] == {"Fn::GetAtt": [key, "Arn"]}
    assert variables["QUEUE_URL"]["Ref"] in of_type(stack, "AWS::SQS::Queue")
    assert variables["SECRET_NAME"] == "serverless-receipt-signing-dev"
    assert variables["UPLOAD_EXPIRY_SECONDS"] == "60"
    assert variables["MAXIMUM_OBJECT_BYTES"] == "1234"
    assert (variables["UPLOAD_RETENTION_DAYS"], variables["CANARY_RETENTION_DAYS"]) == ("90", "30")


def test_issuer_with_strong_consistency_writes_no_expiry() -> None:
    stack = issuer_stack(consistency="strong", retention={"attempts_days": 0, "uploads_days": 15})
    variables = only(stack, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert (variables["UPLOAD_RETENTION_DAYS"], variables["CANARY_RETENTION_DAYS"]) == ("0", "0")
