"""The replication rule: what counts as the same rule, against an S3 that answers from a script."""

from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from handlers.bucket_replication import handler as replication
from handlers.shared.custom_resource import Request, RequestType

BUCKET, ROLE = "bucket", "arn:aws:iam::000000000000:role/replication"
PROPERTIES = {
    "Bucket": BUCKET,
    "BucketRegion": "us-west-2",
    "Role": ROLE,
    "RuleId": "ours",
    "DestinationBucketArn": "arn:aws:s3:::other",
    "ReplicaKmsKeyId": "arn:aws:kms:us-east-1:000000000000:alias/serverless-data-prod",
}
RULE: Any = replication.desired_rule(Request(RequestType.CREATE, "Rule", None, PROPERTIES, {}))
OTHER = {**RULE, "ID": "theirs", "Priority": 2}


def written(current: list[dict[str, Any]] | None, *, role: str = ROLE) -> bool:
    """Tell whether setting the rule writes, given the rules that S3 answers."""
    s3 = boto3.client("s3", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x")
    script = Stubber(s3)
    if current is None:
        script.add_client_error("get_bucket_replication", "ReplicationConfigurationNotFoundError")
        kept = []
    else:
        answer = {"ReplicationConfiguration": {"Role": role, "Rules": current}}
        script.add_response("get_bucket_replication", answer, {"Bucket": BUCKET})
        kept = [rule for rule in current if rule["ID"] != "ours"]
    put = {"Bucket": BUCKET, "ReplicationConfiguration": {"Role": ROLE, "Rules": [*kept, RULE]}}
    script.add_response("put_bucket_replication", {}, put)
    with script:
        replication.set_rule(s3, BUCKET, ROLE, RULE)
    try:
        script.assert_no_pending_responses()
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize(
    "current", [[RULE], [RULE, OTHER], [OTHER, RULE], [{**RULE, "Filter": {}}], [{**RULE, "Filter": {"Prefix": ""}}]]
)
def test_the_same_rule_however_s3_words_it_is_not_written_again(current: list[dict[str, Any]]) -> None:
    assert not written(current)


@pytest.mark.parametrize("part", sorted(set(RULE) - {"ID"}))
def test_a_rule_that_differs_in_any_part_is_written(part: str) -> None:
    changed: dict[str, Any] = {
        "Priority": 7,
        "Filter": {"Prefix": "incoming/"},
        "Status": "Disabled",
        "SourceSelectionCriteria": {"SseKmsEncryptedObjects": {"Status": "Enabled"}},
        "DeleteMarkerReplication": {"Status": "Disabled"},
        "Destination": {"Bucket": "arn:aws:s3:::other"},
    }
    assert written([{**RULE, part: changed[part]}])


def test_no_rules_others_rules_and_another_role_are_written() -> None:
    assert written(None)
    assert written([OTHER])
    assert written([RULE], role="arn:aws:iam::000000000000:role/other")
