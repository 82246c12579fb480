"""Resources that break no rule of the active-passive pack."""

import copy
from typing import Any

from compliance.cfn.templates import Template
from unit_tests.compliance.fixtures import TAG_LIST, template
from unit_tests.compliance.rules.corruptions import Resource, Value, resource, without

EAST, WEST = "us-east-1", "us-west-2"


def alone(resources: dict[str, Resource], region: str = EAST) -> Template:
    """Return a template whose stack stands in one region."""
    return template(resources, region, "serverless-it-prod")


def replica(region: str) -> Resource:
    return {
        "Region": region,
        "DeletionProtectionEnabled": True,
        "GlobalSecondaryIndexes": [{"IndexName": "by_file"}, {"IndexName": "by_hour"}],
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "SSESpecification": {"KMSMasterKeyId": f"arn:aws:kms:{region}:000000000000:alias/serverless-data-prod"},
        "Tags": copy.deepcopy(TAG_LIST),
    }


def table() -> Resource:
    """Return a global table on demand, with two indexes and a replica in each region."""
    return resource(
        "DynamoDB::GlobalTable",
        TableName="serverless-ledger-prod",
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        GlobalSecondaryIndexes=[
            {"IndexName": name, "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}], "Projection": {}}
            for name in ("by_file", "by_hour")
        ],
        Replicas=[replica(EAST), replica(WEST)],
        SSESpecification={"SSEEnabled": True, "SSEType": "KMS"},
        StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"},
        TimeToLiveSpecification={"AttributeName": "expires_at", "Enabled": True},
    )


def bucket(name: str = "ingest") -> Resource:
    """Return a bucket that is versioned, encrypted, closed and tells a queue of what arrives."""
    return resource(
        "S3::Bucket",
        BucketName=f"serverless-{name}-prod",
        VersioningConfiguration={"Status": "Enabled"},
        BucketEncryption={
            "ServerSideEncryptionConfiguration": [
                {
                    "BucketKeyEnabled": True,
                    "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/data"},
                }
            ]
        },
        LifecycleConfiguration={
            "Rules": [{"Status": "Enabled", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}]
        },
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": True,
            "BlockPublicPolicy": True,
            "IgnorePublicAcls": True,
            "RestrictPublicBuckets": True,
        },
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
        NotificationConfiguration={
            "QueueConfigurations": [
                {
                    "Event": "s3:ObjectCreated:*",
                    "Queue": {"Fn::GetAtt": ["Queue", "Arn"]},
                    "Filter": {"S3Key": {"Rules": [{"Name": "prefix", "Value": "incoming/"}]}},
                }
            ]
        },
    )


def regional_bucket() -> Resource:
    """Return the same in the account-regional namespace, so that one template serves both regions."""
    made = without(bucket(), "BucketName")
    made["Properties"] |= {"BucketNamePrefix": "serverless-ingest-prod", "BucketNamespace": "account-regional"}
    return made


def bucket_arn(region: str) -> dict[str, Any]:
    return {"Fn::Join": ["", ["arn:aws:s3:::serverless-ingest-prod-", {"Ref": "AWS::AccountId"}, f"-{region}-an"]]}


def key_arn(region: str) -> str:
    return f"arn:aws:kms:{region}:000000000000:alias/serverless-data-prod"


def replicating(to: str = WEST) -> Resource:
    """Return a regional bucket that replicates to a region, to the terms that are asked."""
    on = {"Status": "Enabled"}
    made = regional_bucket()
    made["Properties"]["ReplicationConfiguration"] = {
        "Role": "arn:aws:iam::000000000000:role/replication",
        "Rules": [
            {
                "Id": "all",
                "Status": "Enabled",
                "Priority": 1,
                "Filter": {"Prefix": ""},
                "DeleteMarkerReplication": dict(on),
                "SourceSelectionCriteria": {"ReplicaModifications": dict(on), "SseKmsEncryptedObjects": dict(on)},
                "Destination": {
                    "Bucket": bucket_arn(to),
                    "EncryptionConfiguration": {"ReplicaKmsKeyID": key_arn(to)},
                    "ReplicationTime": {"Status": "Enabled", "Time": {"Minutes": 15}},
                    "Metrics": {"Status": "Enabled", "EventThreshold": {"Minutes": 15}},
                },
            }
        ],
    }
    return made


def reverse(source: str = WEST, to: str = EAST) -> Resource:
    """Return a custom resource that sets replication where a template cannot."""
    return {
        "Type": "Custom::BucketReplication",
        "Properties": {
            "ServiceToken": "arn:aws:lambda:us-west-2:000000000000:function:replicate",
            "Bucket": f"serverless-ingest-prod-000000000000-{source}-an",
            "BucketRegion": source,
            "DestinationBucketArn": bucket_arn(to),
            "ReplicaKmsKeyId": key_arn(to),
        },
    }


def pair(east: Resource, west: Resource, *, back: Resource | None = None) -> tuple[Template, ...]:
    """One stack in both regions, each with a resource `It`, and a third stack with what sets the reverse, `Back`."""
    regional = (template({"It": east}, EAST), template({"It": west}, WEST))
    return regional if back is None else (*regional, template({"Back": back}, WEST, "serverless-failover-prod"))


def queue(name: str = "ingest") -> Resource:
    """Return a queue of work whose dead-letter queue is `Dead`."""
    return resource(
        "SQS::Queue",
        QueueName=f"serverless-{name}-prod",
        KmsMasterKeyId="alias/serverless-queue-prod",
        MessageRetentionPeriod=1_209_600,
        VisibilityTimeout=1800,
        RedrivePolicy={"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 5},
    )


def dead_letter_queue(source: str = "ingest") -> Resource:
    arn = {"Fn::Sub": f"arn:aws:sqs:${{AWS::Region}}:${{AWS::AccountId}}:serverless-{source}-prod"}
    return resource(
        "SQS::Queue",
        QueueName=f"serverless-{source}-dlq-prod",
        KmsMasterKeyId="alias/serverless-queue-prod",
        MessageRetentionPeriod=1_209_600,
        RedriveAllowPolicy={"redrivePermission": "byQueue", "sourceQueueArns": [arn]},
    )


def dead_letter_alarm(name: Value = "serverless-ingest-dlq-prod") -> Resource:
    """Return an alarm that tells a topic of the first message in a queue."""
    return resource(
        "CloudWatch::Alarm",
        Namespace="AWS/SQS",
        MetricName="ApproximateNumberOfMessagesVisible",
        Dimensions=[{"Name": "QueueName", "Value": name}],
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        AlarmActions=[{"Ref": "Topic"}],
    )


def function(name: str = "processor") -> Resource:
    """Return a function with everything that the pack asks of one."""
    return resource(
        "Lambda::Function",
        FunctionName=f"serverless-{name}-prod",
        Runtime="python3.14",
        Architectures=["arm64"],
        Handler="handlers.processor.handler.handler",
        MemorySize=1769,
        Timeout=300,
        ReservedConcurrentExecutions=50,
        Role={"Fn::GetAtt": ["Role", "Arn"]},
        DeadLetterConfig={"TargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}},
        LoggingConfig={"LogFormat": "JSON", "LogGroup": {"Ref": "Logs"}},
    )


def mapping() -> Resource:
    """Return the mapping of the queue `Queue` to the function `Function`."""
    return resource(
        "Lambda::EventSourceMapping",
        EventSourceArn={"Fn::GetAtt": ["Queue", "Arn"]},
        FunctionName={"Ref": "Function"},
        FunctionResponseTypes=["ReportBatchItemFailures"],
        BatchSize=10,
        ScalingConfig={"MaximumConcurrency": 40},
    )


def pipeline() -> dict[str, Resource]:
    """Return a queue, its dead-letter queue and alarm, and the function that it invokes."""
    return {
        "Queue": queue(),
        "Dead": dead_letter_queue(),
        "Alarm": dead_letter_alarm(),
        "Function": function(),
        "Mapping": mapping(),
    }


def role(*actions: str, on: Any = "*") -> dict[str, Resource]:  # noqa: ANN401 - any JSON
    """Return a role of a function and the managed policy that allows it actions."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": on}
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}},
        "Policy": {
            "Type": "AWS::IAM::ManagedPolicy",
            "Properties": {
                "Roles": [{"Ref": "Role"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            },
        },
    }


def log_group(name: str = "processor") -> Resource:
    return {
        "Type": "AWS::Logs::LogGroup",
        "Properties": {"LogGroupName": f"serverless-{name}-prod", "RetentionInDays": 365, "KmsKeyId": key_arn(EAST)},
    }


def secret() -> Resource:
    """Return a secret of the east with a replica in the west."""
    return resource(
        "SecretsManager::Secret",
        Name="serverless-receipt-signing-prod",
        KmsKeyId=key_arn(EAST),
        ReplicaRegions=[{"Region": WEST, "KmsKeyId": key_arn(WEST)}],
    )


def rotation(of: Value = "serverless-receipt-signing-prod") -> Resource:
    """Return the schedule by which a secret is rotated."""
    return resource(
        "SecretsManager::RotationSchedule",
        SecretId=of,
        RotationLambdaARN={"Fn::GetAtt": ["Function", "Arn"]},
        RotationRules={"AutomaticallyAfterDays": 30},
    )
