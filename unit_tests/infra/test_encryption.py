"""Test that everything is encrypted with the key of its purpose in its own region, and reached over TLS only.

The tests read the templates and resolve the keys' exports to aliases. test_least_privilege proves that a key's policy
admits its users.
"""

from collections.abc import Mapping
from typing import Any

import pytest

from unit_tests.infra.synthesis import KEYS, REGIONAL, Synthesis, Template, everywhere, of_type, only

BY_WORD = {
    "AWS::S3::Bucket": {"ingest": "data", "archive": "data", "trail": "trail"},
    "AWS::SQS::Queue": {"ingest": "queue", "ingest-dlq": "queue", "async-dlq": "queue"},
    "AWS::SNS::Topic": {"alarms": "queue"},
    "AWS::Logs::LogGroup": {"audit": "trail"},
}
"""Purpose of the key by the word in a resource's name; other log groups use the logs' key."""
TAKE_ACCESS_LOGS = {"access-logs", "trail-access"}
"""Buckets for access logs, which S3 delivers only to a bucket with its own encryption."""


def purposes(made: Synthesis) -> dict[tuple[str, str], str]:
    """Return the purpose of the key in each export of a keys stack, by region and the export's name."""
    found = {}
    for stack in KEYS:
        template = made.templates[stack]
        by_key = {
            alias["TargetKeyId"]["Fn::GetAtt"][0]: _word(alias["AliasName"].removeprefix("alias/"))
            for alias in of_type(template, "AWS::KMS::Alias").values()
        }
        for output in template["Outputs"].values():
            if "Export" in output:
                key = output["Value"]["Fn::GetAtt"][0]
                found[made.stacks[stack].region, output["Export"]["Name"]] = by_key[key]
    return found


def purpose_of(value: Any, where: str, made: Synthesis) -> str:  # noqa: ANN401 - any JSON
    """Return the purpose of the key in a resource's property."""
    region = made.stacks[where.split(".", maxsplit=1)[0]].region
    return purposes(made)[region, value["Fn::ImportValue"]]


def test_buckets_are_encrypted_by_the_key_of_what_they_hold(prod: Synthesis) -> None:
    for where, bucket in everywhere(prod.templates, "AWS::S3::Bucket"):
        word = _word(bucket["BucketNamePrefix"])
        (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        by_default = rule["ServerSideEncryptionByDefault"]
        if word in TAKE_ACCESS_LOGS:
            assert by_default == {"SSEAlgorithm": "AES256"}, where
            continue
        assert by_default["SSEAlgorithm"] == "aws:kms", where
        assert rule["BucketKeyEnabled"] is True, where
        assert purpose_of(by_default["KMSMasterKeyID"], where, prod) == BY_WORD["AWS::S3::Bucket"][word], where


@pytest.mark.parametrize(
    ("kind", "name", "key"),
    [
        ("AWS::SQS::Queue", "QueueName", "KmsMasterKeyId"),
        ("AWS::SNS::Topic", "TopicName", "KmsMasterKeyId"),
        ("AWS::Logs::LogGroup", "LogGroupName", "KmsKeyId"),
    ],
)
def test_queues_topics_and_logs_are_encrypted_by_the_key_of_their_purpose(
    kind: str, name: str, key: str, prod: Synthesis
) -> None:
    for where, properties in everywhere(prod.templates, kind):
        expected = BY_WORD[kind].get(_word(properties[name]), "logs")
        assert purpose_of(properties[key], where, prod) == expected, where


def test_table_secret_and_trail_are_encrypted_by_the_regions_key(prod: Synthesis) -> None:
    data = prod.templates["Data"]
    keys = {
        replica["Region"]: replica["SSESpecification"]["KMSMasterKeyId"]
        for replica in only(data, "AWS::DynamoDB::GlobalTable")["Replicas"]
    }
    assert purpose_of(keys["us-west-2"], "Data.Table", prod) == "data"
    assert keys["us-east-1"] == "arn:aws:kms:us-east-1:000000000000:alias/serverless-data-prod"
    secret = only(data, "AWS::SecretsManager::Secret")
    assert purpose_of(secret["KmsKeyId"], "Data.Secret", prod) == "secret"
    assert secret["ReplicaRegions"] == [
        {"Region": "us-east-1", "KmsKeyId": "arn:aws:kms:us-east-1:000000000000:alias/serverless-secret-prod"}
    ]
    assert purpose_of(only(data, "AWS::CloudTrail::Trail")["KMSKeyId"], "Data.Trail", prod) == "trail"


def test_bucket_access_is_logged_in_its_own_region(templates: Mapping[str, Template]) -> None:
    logged = {}
    for template in templates.values():
        buckets = of_type(template, "AWS::S3::Bucket")
        for bucket in buckets.values():
            if logging := bucket.get("LoggingConfiguration"):
                into = _word(buckets[logging["DestinationBucketName"]["Ref"]]["BucketNamePrefix"])
                logged[_word(bucket["BucketNamePrefix"])] = (into, logging["LogFilePrefix"])
    assert logged == {
        "ingest": ("access-logs", "ingest/"),
        "archive": ("access-logs", "archive/"),
        "trail": ("trail-access", "trail/"),
    }
    for stack in REGIONAL:
        found = [each for each in of_type(templates[stack], "AWS::S3::Bucket").values() if "LoggingConfiguration" in each]
        assert len(found) == 2, stack


def _word(name: str) -> str:
    return name.removeprefix("serverless-").removesuffix("-prod")
