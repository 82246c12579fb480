"""Resources and policies of small CloudFormation templates."""

from __future__ import annotations

from typing import Any, Final


def ref(logical_id: str) -> dict[str, Any]:
    """Return a reference to a resource."""
    return {"Ref": logical_id}


def att(logical_id: str, attribute: str = "Arn") -> dict[str, Any]:
    """Return an attribute of a resource."""
    return {"Fn::GetAtt": [logical_id, attribute]}


HOST: Final = {"Fn::Select": [2, {"Fn::Split": ["/", att("Api", "ApiEndpoint")]}]}
"""Host of the stack's API."""


def resource(kind: str, usual: dict[str, Any] | None = None, /, **properties: Any) -> dict[str, Any]:  # noqa: ANN401  of a template
    """Return a resource of a type below `AWS::`; the properties override the usual ones."""
    return {"Type": f"AWS::{kind}", "Properties": {**(usual or {}), **properties}}


def policy_document(*statements: dict[str, Any]) -> dict[str, Any]:
    """Return a policy document."""
    return {"Version": "2012-10-17", "Statement": list(statements)}


def admit(service: Any, *actions: str, resource: Any = "*", **more: Any) -> dict[str, Any]:  # noqa: ANN401  as above
    """Return a statement of a resource's policy that allows actions to an AWS service."""
    return {"Effect": "Allow", "Principal": {"Service": service}, "Action": actions, "Resource": resource, **more}


def queue_policy(queue: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """Return the policy of a queue."""
    return resource("SQS::QueuePolicy", Queues=[ref(queue)], PolicyDocument=policy_document(*statements))


def notifying(queue: str = "Queue", **properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    """Return a bucket that sends the events of new objects to a queue, and that queue's policy."""
    configuration = {"QueueConfigurations": [{"Event": "s3:ObjectCreated:*", "Queue": att(queue)}]}
    bucket = resource("S3::Bucket", {"NotificationConfiguration": configuration}, **properties)
    policy = queue_policy(queue, admit("s3.amazonaws.com", "sqs:SendMessage"))
    return {"Policy": policy, "Bucket": {**bucket, "DependsOn": "Policy"}}


def simple_table(**properties: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    """Return a table of one region, keyed by `pk`."""
    keys, kinds = [{"AttributeName": "pk", "KeyType": "HASH"}], [{"AttributeName": "pk", "AttributeType": "S"}]
    usual = {"KeySchema": keys, "AttributeDefinitions": kinds, "BillingMode": "PAY_PER_REQUEST"}
    return resource("DynamoDB::Table", usual, **properties)


def health_check(**configuration: Any) -> dict[str, Any]:  # noqa: ANN401  template properties
    """Return a health check."""
    return resource("Route53::HealthCheck", HealthCheckConfig=configuration)


def ready_check(host: Any, **more: Any) -> dict[str, Any]:  # noqa: ANN401  a string or an intrinsic function
    """Return a health check of an API's route `/healthz`."""
    return health_check(**{"Type": "HTTPS", "FullyQualifiedDomainName": host, "ResourcePath": "/healthz", **more})


ROOT: Final = {"Fn::Sub": "arn:aws:iam::${AWS::AccountId}:root"}
