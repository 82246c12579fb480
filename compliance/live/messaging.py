"""Readers of queues, topics, functions, their event sources, and the API."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from botocore.exceptions import ClientError

from compliance.cfn.references import partition
from compliance.live.deployed import UNKNOWN, Deployed
from compliance.live.readers import Properties, is_gone, only, own_tags, reads, renamed, tag_list


@reads("AWS::SQS::Queue")
def queue(resource: Deployed) -> Properties:
    sqs, url = resource.client("sqs"), resource.physical_id
    held: dict[str, Any] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    for name in ("RedrivePolicy", "RedriveAllowPolicy"):
        if name in held:
            held[name] = json.loads(held[name])
    tags = sqs.list_queue_tags(QueueUrl=url).get("Tags", {})
    return {
        **held,
        "QueueName": url.rsplit("/", 1)[-1],
        "Tags": tag_list(tags),
    }


@reads("AWS::SQS::QueuePolicy")
def queue_policy(resource: Deployed) -> Properties:
    (url,) = resource.properties["Queues"]
    held = resource.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    return {"Queues": [url], "PolicyDocument": json.loads(only([held["Policy"]] if "Policy" in held else []))}


@reads("AWS::SNS::Topic")
def topic(resource: Deployed) -> Properties:
    sns, arn = resource.client("sns"), resource.physical_id
    held = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    return {
        **renamed(held, DisplayName="DisplayName", KmsMasterKeyId="KmsMasterKeyId"),
        "TopicName": arn.rsplit(":", 1)[-1],
        "Tags": own_tags(sns.list_tags_for_resource(ResourceArn=arn).get("Tags", [])),
        "Subscription": [
            {"Protocol": one["Protocol"], "Endpoint": one["Endpoint"]}
            for one in sns.list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
        ],
    }


@reads("AWS::SNS::Subscription")
def subscription(resource: Deployed) -> Properties:
    """Find it by its endpoint: an unconfirmed address has no ARN of its own."""
    sns, declared = resource.client("sns"), resource.properties
    listed = sns.list_subscriptions_by_topic(TopicArn=declared["TopicArn"])["Subscriptions"]
    held = only(one for one in listed if one["Endpoint"] == declared["Endpoint"])
    if not held["SubscriptionArn"].startswith("arn:"):
        # AWS answers no attributes before the address has confirmed.
        return {**held, **renamed(declared, RedrivePolicy="RedrivePolicy")}
    attributes = sns.get_subscription_attributes(SubscriptionArn=held["SubscriptionArn"])["Attributes"]
    redrive = {"RedrivePolicy": json.loads(attributes["RedrivePolicy"])} if "RedrivePolicy" in attributes else {}
    return {**held, **redrive}


@reads("AWS::SNS::TopicPolicy")
def topic_policy(resource: Deployed) -> Properties:
    (arn,) = resource.properties["Topics"]
    held = resource.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return {"Topics": [arn], "PolicyDocument": json.loads(held["Policy"])}


@reads("AWS::Lambda::Function")
def function(resource: Deployed) -> Properties:
    functions, name = resource.client("lambda"), resource.physical_id
    answer = functions.get_function(FunctionName=name)
    held = answer["Configuration"]
    return {
        **held,
        "Code": _code(resource, held["CodeSha256"]),
        "RecursiveLoop": functions.get_function_recursion_config(FunctionName=name)["RecursiveLoop"],
        **renamed(answer.get("Concurrency", {}), ReservedConcurrentExecutions="ReservedConcurrentExecutions"),
        "Tags": tag_list(answer.get("Tags", {})),
    }


def _code(resource: Deployed, digest: str) -> Any:  # noqa: ANN401 - JSON
    """Return the declared asset if the function runs it; AWS keeps the SHA-256 of what was uploaded, not its origin."""
    declared = resource.properties["Code"]
    if "S3Key" not in declared:
        return UNKNOWN
    try:
        asset = resource.client("s3").get_object(Bucket=declared["S3Bucket"], Key=declared["S3Key"])["Body"].read()
    except ClientError as error:
        if not is_gone(error):
            raise
        return UNKNOWN  # CloudFormation needs the asset at the deployment only
    runs = base64.b64encode(hashlib.sha256(asset).digest()).decode() == digest
    return declared if runs else {"CodeSha256": digest}


@reads("AWS::Lambda::EventInvokeConfig")
def event_invoke_config(resource: Deployed) -> Properties:
    declared = resource.properties
    name, qualifier = declared["FunctionName"], declared["Qualifier"]
    held = resource.client("lambda").get_function_event_invoke_config(FunctionName=name, Qualifier=qualifier)
    return {**held, "FunctionName": name, "Qualifier": held["FunctionArn"].rsplit(":", 1)[-1]}


@reads("AWS::Events::Rule")
def rule(resource: Deployed) -> Properties:
    events, name = resource.client("events"), resource.properties["Name"]
    held: dict[str, Any] = events.describe_rule(Name=name)
    return {
        **held,
        "Targets": events.list_targets_by_rule(Rule=name)["Targets"],
        "Tags": own_tags(events.list_tags_for_resource(ResourceARN=held["Arn"]).get("Tags", [])),
    }


@reads("AWS::Lambda::EventSourceMapping")
def mapping(resource: Deployed) -> Properties:
    functions = resource.client("lambda")
    held: dict[str, Any] = functions.get_event_source_mapping(UUID=resource.physical_id)
    arn = held.get("EventSourceMappingArn") or (
        f"arn:{partition(resource.region)}:lambda:{resource.region}:{resource.cloud.account}:event-source-mapping:{resource.physical_id}"
    )
    return {
        **held,
        "Enabled": held["State"] not in {"Disabled", "Disabling"},
        "FunctionName": held["FunctionArn"].rsplit(":", 1)[-1],
        "Tags": tag_list(functions.list_tags(Resource=arn).get("Tags", {})),
    }


@reads("AWS::Lambda::Permission")
def permission(resource: Deployed) -> Properties:
    """Find the equivalent statement: CloudFormation chooses its id and does not always return it."""
    declared = resource.properties
    name = str(declared["FunctionName"]).rsplit(":", 1)[-1]
    policy = json.loads(resource.client("lambda").get_policy(FunctionName=name)["Policy"])
    held = [permission_of(declared["FunctionName"], one) for one in policy["Statement"]]
    return next((one for one in held if all(one.get(key) == value for key, value in declared.items())), only(held))


def permission_of(name: str, statement: dict[str, Any]) -> Properties:
    """Return a statement of a function's policy as a template declares it."""
    conditions = {key.lower(): value for test in statement.get("Condition", {}).values() for key, value in test.items()}
    return {
        "FunctionName": name,
        "Action": statement["Action"],
        "Principal": _principal(statement["Principal"]),
        **renamed(conditions, SourceArn="aws:sourcearn", SourceAccount="aws:sourceaccount"),
    }


def _principal(held: str | dict[str, str]) -> str:
    return held if isinstance(held, str) else next(iter(held.values()))


@reads("AWS::ApiGatewayV2::Api")
def api(resource: Deployed) -> Properties:
    held: dict[str, Any] = resource.client("apigatewayv2").get_api(ApiId=resource.physical_id)
    return {**held, "CorsConfiguration": _capitalized(held.get("CorsConfiguration", {}))}


@reads("AWS::ApiGatewayV2::Integration")
def integration(resource: Deployed) -> Properties:
    api_id = resource.properties["ApiId"]
    held = resource.client("apigatewayv2").get_integration(ApiId=api_id, IntegrationId=resource.physical_id)
    return {**held, "ApiId": api_id}


@reads("AWS::ApiGatewayV2::Route")
def route(resource: Deployed) -> Properties:
    api_id = resource.properties["ApiId"]
    # The local cloud says `<api>/<route>`.
    route_id = resource.physical_id.rsplit("/", 1)[-1]
    return {**resource.client("apigatewayv2").get_route(ApiId=api_id, RouteId=route_id), "ApiId": api_id}


@reads("AWS::ApiGatewayV2::Stage")
def stage(resource: Deployed) -> Properties:
    api_id, name = resource.properties["ApiId"], resource.properties["StageName"]
    return {**resource.client("apigatewayv2").get_stage(ApiId=api_id, StageName=name), "ApiId": api_id}


@reads("AWS::ApiGatewayV2::DomainName")
def domain_name(resource: Deployed) -> Properties:
    held: dict[str, Any] = resource.client("apigatewayv2").get_domain_name(DomainName=resource.physical_id)
    return {**held, "Tags": {name: value for name, value in held.get("Tags", {}).items() if not name.startswith("aws:")}}


@reads("AWS::ApiGatewayV2::ApiMapping")
def api_mapping(resource: Deployed) -> Properties:
    name = resource.properties["DomainName"]
    held = resource.client("apigatewayv2").get_api_mappings(DomainName=name)["Items"]
    mapping = only(one for one in held if one["ApiMappingId"] == resource.physical_id)
    return {**mapping, "DomainName": name}


def _capitalized(answer: dict[str, Any]) -> Properties:
    return {name[:1].upper() + name[1:]: value for name, value in answer.items()}
