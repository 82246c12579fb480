"""Readers of alarms, the dashboard and Route 53."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from compliance.live.deployed import UNKNOWN, Deployed
from compliance.live.readers import Properties, is_gone, only, own_tags, reads


@reads("AWS::CloudWatch::Alarm")
def alarm(resource: Deployed) -> Properties:
    return _alarm(resource, "MetricAlarms")


@reads("AWS::CloudWatch::CompositeAlarm")
def composite_alarm(resource: Deployed) -> Properties:
    return _alarm(resource, "CompositeAlarms")


def _alarm(resource: Deployed, kind: str) -> Properties:
    cloudwatch, name = resource.client("cloudwatch"), resource.properties["AlarmName"]
    answer = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    held = only(answer[kind])
    tags = cloudwatch.list_tags_for_resource(ResourceARN=held["AlarmArn"]).get("Tags", [])
    return {**held, "Tags": own_tags(tags)}


@reads("AWS::CloudWatch::Dashboard")
def dashboard(resource: Deployed) -> Properties:
    cloudwatch, name = resource.client("cloudwatch"), resource.properties["DashboardName"]
    held: dict[str, Any] = cloudwatch.get_dashboard(DashboardName=name)
    try:
        tags: Any = own_tags(cloudwatch.list_tags_for_resource(ResourceARN=held["DashboardArn"]).get("Tags", []))
    except ClientError as error:
        if not is_gone(error):
            raise
        tags = UNKNOWN  # the local cloud knows the tags of alarms only
    return {"DashboardName": name, "DashboardBody": held["DashboardBody"], "Tags": tags}


@reads("AWS::Route53::HealthCheck")
def health_check(resource: Deployed) -> Properties:
    route53, check = resource.client("route53"), resource.physical_id
    held = route53.get_health_check(HealthCheckId=check)["HealthCheck"]
    tags = route53.list_tags_for_resource(ResourceType="healthcheck", ResourceId=check)["ResourceTagSet"]["Tags"]
    return {"HealthCheckConfig": held["HealthCheckConfig"], "HealthCheckTags": own_tags(tags)}


@reads("AWS::Route53::HostedZone")
def hosted_zone(resource: Deployed) -> Properties:
    route53, zone = resource.client("route53"), resource.physical_id
    held = route53.get_hosted_zone(Id=zone)
    tags = route53.list_tags_for_resource(ResourceType="hostedzone", ResourceId=zone)["ResourceTagSet"]["Tags"]
    return {
        "Name": held["HostedZone"]["Name"].removesuffix("."),
        "HostedZoneConfig": held["HostedZone"]["Config"],
        "HostedZoneTags": own_tags(tags),
        "VPCs": [{"VPCId": one["VPCId"], "VPCRegion": one["VPCRegion"]} for one in held.get("VPCs", [])],
    }


@reads("AWS::Route53::RecordSet")
def record_set(resource: Deployed) -> Properties:
    declared = resource.properties
    answer = resource.client("route53").list_resource_record_sets(HostedZoneId=declared["HostedZoneId"])[
        "ResourceRecordSets"
    ]
    wanted = declared["Name"], declared["Type"], declared.get("SetIdentifier")
    found = [one for one in answer if (one["Name"], one["Type"], one.get("SetIdentifier")) == wanted]
    held = only(found)
    return {
        **held,
        "HostedZoneId": declared["HostedZoneId"],
        "ResourceRecords": [one["Value"] for one in held.get("ResourceRecords", [])],
    }
