"""Resources that belong to another one: declared beside it, or declared by no template."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeAlias

from botocore.exceptions import ClientError

from compliance.live.compare import merged
from compliance.live.deployed import Deployed
from compliance.live.messaging import permission_of
from compliance.live.readers import Properties, is_gone, renamed

Undeclared: TypeAlias = tuple[str, Properties]
"""Type and properties of a resource that no template declares."""


class Beside:
    """What the templates declare of a resource in other resources."""

    def __init__(self, resources: Iterable[Deployed]) -> None:
        self._by_type: dict[str, list[Deployed]] = defaultdict(list)
        for one in resources:
            self._by_type[one.type].append(one)

    def of(self, kind: str, **wanted: str) -> list[Deployed]:
        """Return the declared resources of a type with these values; a list that holds the value is enough."""
        return [
            one
            for one in self._by_type[kind]
            if all(str(value) in _texts(one.properties.get(name)) for name, value in wanted.items())
        ]

    def without(self, resource: Deployed, live: Properties) -> Properties:
        """Return a resource's live properties without those that other resources declare, whose own rows report them."""
        name, own = resource.physical_id, dict(live)
        match resource.type:
            case "AWS::IAM::Role":
                attached = {one.physical_id for one in self.of("AWS::IAM::ManagedPolicy", Roles=name)}
                inline = {one.properties.get("PolicyName") for one in self.of("AWS::IAM::Policy", Roles=name)}
                own["ManagedPolicyArns"] = [one for one in live["ManagedPolicyArns"] if one not in attached]
                own["Policies"] = [one for one in live["Policies"] if one["PolicyName"] not in inline]
            case "AWS::S3::Bucket" if self.of("Custom::BucketReplication", Bucket=name):
                own.pop("ReplicationConfiguration", None)
            case "AWS::DynamoDB::GlobalTable":
                regions = {one.properties["TableArn"].split(":")[3] for one in self._by_type["Custom::TablePolicy"]}
                own["Replicas"] = [
                    {key: value for key, value in one.items() if key != "ResourcePolicy" or one["Region"] not in regions}
                    for one in live["Replicas"]
                ]
            case "AWS::EC2::SecurityGroup":
                for direction in ("Ingress", "Egress"):
                    declared = [one.properties for one in self.of(f"AWS::EC2::SecurityGroup{direction}", GroupId=name)]
                    rules = live[f"SecurityGroup{direction}"]
                    own[f"SecurityGroup{direction}"] = [
                        one for one in rules if not any(_is_declared({**one, "GroupId": name}, each) for each in declared)
                    ]
            case "AWS::SNS::Topic":
                endpoints = {one.properties["Endpoint"] for one in self.of("AWS::SNS::Subscription", TopicArn=name)}
                own["Subscription"] = [one for one in live["Subscription"] if one["Endpoint"] not in endpoints]
        return own

    def undeclared(self, resource: Deployed) -> list[Undeclared]:
        """Return the resources that belong to a resource and that no template declares.

        Raises:
            ClientError: An API refuses the question.
        """
        ask = _QUESTIONS.get(resource.type)
        return list(ask(resource, self)) if ask else []


def _texts(value: Any) -> set[str]:  # noqa: ANN401 - JSON
    return {str(one) for one in value} if isinstance(value, list) else {str(value)}


def _is_declared(live: Properties, declared: Any) -> bool:  # noqa: ANN401 - JSON
    """Return whether a live entry is the declared one: nothing is added, left out or changed."""
    return not merged(declared, declared, live, lambda _place, value: value in {"", None})[1]


def _function(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    functions, name = resource.client("lambda"), resource.physical_id
    declared = [
        one.properties
        for one in beside.of("AWS::Lambda::Permission")
        if one.region == resource.region and name in str(one.properties["FunctionName"]).split(":")
    ]
    policy = _or_none(lambda: functions.get_policy(FunctionName=name)["Policy"])
    for statement in json.loads(policy)["Statement"] if policy else ():
        held = permission_of(name, statement)
        if not any(_is_declared({**held, "FunctionName": one["FunctionName"]}, one) for one in declared):
            yield "AWS::Lambda::Permission", held
    mappings = {one.physical_id for one in beside.of("AWS::Lambda::EventSourceMapping")}
    for one in functions.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]:
        if one["UUID"] not in mappings:
            yield "AWS::Lambda::EventSourceMapping", {"FunctionName": name, "EventSourceArn": one["EventSourceArn"]}
    for one in functions.list_function_url_configs(FunctionName=name)["FunctionUrlConfigs"]:
        if not beside.of("AWS::Lambda::Url", TargetFunctionArn=name) and not beside.of(
            "AWS::Lambda::Url", TargetFunctionArn=one["FunctionArn"]
        ):
            yield "AWS::Lambda::Url", {"TargetFunctionArn": one["FunctionArn"], **renamed(one, AuthType="AuthType")}


def _bucket(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    name = resource.physical_id
    if not beside.of("AWS::S3::BucketPolicy", Bucket=name) and (
        policy := _or_none(lambda: resource.client("s3").get_bucket_policy(Bucket=name)["Policy"])
    ):
        yield "AWS::S3::BucketPolicy", {"Bucket": name, "PolicyDocument": json.loads(policy)}


def _queue(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    url = resource.physical_id
    held = resource.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["Policy"]).get("Attributes", {})
    if held.get("Policy") and not beside.of("AWS::SQS::QueuePolicy", Queues=url):
        yield "AWS::SQS::QueuePolicy", {"Queues": [url], "PolicyDocument": json.loads(held["Policy"])}


def _topic(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    arn = resource.physical_id
    policy = json.loads(resource.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"].get("Policy") or "{}")
    if (
        policy.get("Statement")
        and policy.get("Id") != "__default_policy_ID"
        and not beside.of("AWS::SNS::TopicPolicy", Topics=arn)
    ):
        yield "AWS::SNS::TopicPolicy", {"Topics": [arn], "PolicyDocument": policy}


def _secret(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    arn = resource.physical_id
    policy = resource.client("secretsmanager").get_resource_policy(SecretId=arn).get("ResourcePolicy")
    if policy and not beside.of("AWS::SecretsManager::ResourcePolicy", SecretId=arn):
        yield "AWS::SecretsManager::ResourcePolicy", {"SecretId": arn, "ResourcePolicy": json.loads(policy)}


def _log_group(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    name = resource.physical_id
    declared = {one.physical_id for one in beside.of("AWS::Logs::SubscriptionFilter", LogGroupName=name)}
    for one in resource.client("logs").describe_subscription_filters(logGroupName=name)["subscriptionFilters"]:
        if one["filterName"] not in declared:
            yield (
                "AWS::Logs::SubscriptionFilter",
                {
                    "LogGroupName": name,
                    **renamed(one, FilterName="filterName", FilterPattern="filterPattern", DestinationArn="destinationArn"),
                },
            )


def _key(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    declared = {one.properties["AliasName"] for one in beside.of("AWS::KMS::Alias") if one.region == resource.region}
    for one in resource.client("kms").list_aliases(KeyId=resource.physical_id)["Aliases"]:
        if one["AliasName"] not in declared:
            yield "AWS::KMS::Alias", {"AliasName": one["AliasName"], "TargetKeyId": resource.physical_id}


def _zone(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    zone = resource.physical_id
    declared = {
        (str(one.properties["Name"]).rstrip("."), one.properties["Type"], one.properties.get("SetIdentifier"))
        for one in beside.of("AWS::Route53::RecordSet", HostedZoneId=zone)
    }
    pages = resource.client("route53").get_paginator("list_resource_record_sets").paginate(HostedZoneId=zone)
    for one in (record for page in pages for record in page["ResourceRecordSets"]):
        if (
            one["Type"] not in {"NS", "SOA"}
            and (one["Name"].rstrip("."), one["Type"], one.get("SetIdentifier")) not in declared
        ):
            values = [each["Value"] for each in one.get("ResourceRecords", [])]
            yield "AWS::Route53::RecordSet", {**one, "HostedZoneId": zone, "ResourceRecords": values}


def _route_table(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    table = resource.physical_id
    declared = {
        value
        for one in beside.of("AWS::EC2::Route", RouteTableId=table)
        for name, value in one.properties.items()
        if name.startswith("Destination")
    }
    (held,) = resource.client("ec2").describe_route_tables(RouteTableIds=[table])["RouteTables"]
    for one in held.get("Routes", []):
        to = one.get("DestinationCidrBlock") or one.get("DestinationIpv6CidrBlock") or one.get("DestinationPrefixListId")
        is_of_endpoint = str(one.get("GatewayId", "")).startswith("vpce-")
        if one.get("GatewayId") != "local" and not is_of_endpoint and to not in declared:
            yield (
                "AWS::EC2::Route",
                {"RouteTableId": table, **{key: one[key] for key in one if key not in {"Origin", "State"}}},
            )


def _api(resource: Deployed, beside: Beside) -> Iterator[Undeclared]:
    gateway, api = resource.client("apigatewayv2"), resource.physical_id
    routes = {one.properties["RouteKey"] for one in beside.of("AWS::ApiGatewayV2::Route", ApiId=api)}
    for one in gateway.get_routes(ApiId=api)["Items"]:
        if one["RouteKey"] not in routes:
            yield "AWS::ApiGatewayV2::Route", {"ApiId": api, **one}
    stages = {one.properties["StageName"] for one in beside.of("AWS::ApiGatewayV2::Stage", ApiId=api)}
    for one in gateway.get_stages(ApiId=api)["Items"]:
        if one["StageName"] not in stages:
            yield "AWS::ApiGatewayV2::Stage", {"ApiId": api, "StageName": one["StageName"]}


def _or_none(ask: Callable[[], str]) -> str | None:
    try:
        return ask()
    except ClientError as error:
        if is_gone(error):
            return None
        raise


_QUESTIONS: Final[dict[str, Callable[[Deployed, Beside], Iterator[Undeclared]]]] = {
    "AWS::ApiGatewayV2::Api": _api,
    "AWS::EC2::RouteTable": _route_table,
    "AWS::KMS::Key": _key,
    "AWS::Lambda::Function": _function,
    "AWS::Logs::LogGroup": _log_group,
    "AWS::Route53::HostedZone": _zone,
    "AWS::S3::Bucket": _bucket,
    "AWS::SNS::Topic": _topic,
    "AWS::SQS::Queue": _queue,
    "AWS::SecretsManager::Secret": _secret,
}
