"""The issuer: its variables, and its permissions on each resource."""

from typing import Any

from aws_cdk import Stack

from infra.constructs.bucket import Bucket
from infra.constructs.issuer import Issuer
from infra.constructs.processor import timeout
from infra.constructs.queue import IngestQueue
from unit_tests.infra.constructs.permissions import allowed, statements
from unit_tests.infra.constructs.small_stack import ACCOUNT, context, key_in, of_type, only, stack_in
from unit_tests.infra.constructs.surroundings import surroundings_in

TABLE = f"arn:aws:dynamodb:us-west-2:{ACCOUNT}:table/serverless-ledger-dev"


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


def test_with_strong_consistency_no_row_says_when_it_goes() -> None:
    stack = issuer_stack(consistency="strong", retention={"attempts_days": 0, "uploads_days": 15})
    variables = only(stack, "AWS::Lambda::Function")["Environment"]["Variables"]
    assert (variables["UPLOAD_RETENTION_DAYS"], variables["CANARY_RETENTION_DAYS"]) == ("0", "0")


def test_it_may_presign_only_below_the_uploads_prefix() -> None:
    stack = issuer_stack()
    (bucket,) = of_type(stack, "AWS::S3::Bucket")
    may = allowed(stack, "IssuerFunctionPolicy")
    uploads = {f'{{"Fn::Join":["",[{{"Fn::GetAtt":["{bucket}","Arn"]}},"/incoming/uploads/*"]]}}'}
    assert may["s3:PutObject"] == may["s3:GetObject"] == uploads
    assert may["s3:ListBucket"] == {f'{{"Fn::GetAtt":["{bucket}","Arn"]}}'}
    (listing,) = (each for each in statements(stack, "IssuerFunctionPolicy") if each["Action"] == "s3:ListBucket")
    assert listing["Condition"] == {"StringLike": {"s3:prefix": "incoming/uploads/*"}}


def test_it_may_read_the_ledger_write_to_it_and_ask_one_index() -> None:
    may = allowed(issuer_stack(), "IssuerFunctionPolicy")
    assert may["dynamodb:GetItem"] == may["dynamodb:PutItem"] == {TABLE}
    assert may["dynamodb:Query"] == {TABLE, f"{TABLE}/index/by_file"}
    assert {action for action in may if action.startswith("dynamodb:")} == {
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
    }


def test_it_may_read_the_one_secret_and_change_none() -> None:
    may = allowed(issuer_stack(), "IssuerFunctionPolicy")
    assert {action: resources for action, resources in may.items() if action.startswith("secretsmanager:")} == {
        "secretsmanager:GetSecretValue": {
            f"arn:aws:secretsmanager:us-west-2:{ACCOUNT}:secret:serverless-receipt-signing-dev-??????"
        }
    }


def test_it_may_neither_read_nor_send_messages() -> None:
    stack = issuer_stack()
    may = allowed(stack, "IssuerFunctionPolicy")
    # It sends nothing itself: that one is Lambda's, to the queue of failed asynchronous invocations.
    assert {action for action in may if action.startswith("sqs:")} == {"sqs:GetQueueAttributes", "sqs:SendMessage"}
    (target,) = may["sqs:SendMessage"]
    (failed,) = (id_ for id_, each in of_type(stack, "AWS::SQS::Queue").items() if "async" in each["QueueName"])
    assert failed in target
