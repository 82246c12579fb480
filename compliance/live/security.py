"""Readers of keys, roles, policies, log groups and the trail."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from compliance.live.deployed import Deployed
from compliance.live.readers import Properties, only, own_tags, reads, renamed, tag_list


@reads("AWS::CertificateManager::Certificate", DomainValidationOptions="ACM answers its own, never a hosted zone's id")
def certificate(resource: Deployed) -> Properties:
    acm, arn = resource.client("acm"), resource.physical_id
    held: dict[str, Any] = acm.describe_certificate(CertificateArn=arn)["Certificate"]
    others = [name for name in held.get("SubjectAlternativeNames", []) if name != held["DomainName"]]
    return {
        **renamed(held, DomainName="DomainName"),
        "SubjectAlternativeNames": others,
        "ValidationMethod": held["DomainValidationOptions"][0]["ValidationMethod"],
        "Tags": own_tags(acm.list_tags_for_certificate(CertificateArn=arn)["Tags"]),
    }


@reads("AWS::KMS::Key")
def key(resource: Deployed) -> Properties:
    kms, key_id = resource.client("kms"), resource.physical_id
    held = kms.describe_key(KeyId=key_id)["KeyMetadata"]
    tags = kms.list_resource_tags(KeyId=key_id).get("Tags", [])
    return {
        **renamed(held, Description="Description", Enabled="Enabled", KeySpec="KeySpec", KeyUsage="KeyUsage"),
        "EnableKeyRotation": kms.get_key_rotation_status(KeyId=key_id)["KeyRotationEnabled"],
        "KeyPolicy": json.loads(kms.get_key_policy(KeyId=key_id, PolicyName="default")["Policy"]),
        "Tags": tag_list({one["TagKey"]: one["TagValue"] for one in tags}),
    }


@reads("AWS::KMS::Alias")
def alias(resource: Deployed) -> Properties:
    name = resource.properties["AliasName"]
    return {"AliasName": name, "TargetKeyId": resource.client("kms").describe_key(KeyId=name)["KeyMetadata"]["Arn"]}


@reads("AWS::IAM::Role")
def role(resource: Deployed) -> Properties:
    iam, name = resource.client("iam"), resource.physical_id
    held = iam.get_role(RoleName=name)["Role"]
    attached = iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]
    return {
        "RoleName": held["RoleName"],
        **renamed(held, Description="Description", Path="Path", MaxSessionDuration="MaxSessionDuration"),
        "AssumeRolePolicyDocument": _document(held["AssumeRolePolicyDocument"]),
        "ManagedPolicyArns": [one["PolicyArn"] for one in attached],
        "PermissionsBoundary": held.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"),
        "Policies": [
            {
                "PolicyName": one,
                "PolicyDocument": _document(iam.get_role_policy(RoleName=name, PolicyName=one)["PolicyDocument"]),
            }
            for one in iam.list_role_policies(RoleName=name)["PolicyNames"]
        ],
        "Tags": own_tags(iam.list_role_tags(RoleName=name).get("Tags", [])),
    }


@reads("AWS::IAM::ManagedPolicy")
def managed_policy(resource: Deployed) -> Properties:
    iam, arn = resource.client("iam"), resource.physical_id
    held = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=held["DefaultVersionId"])["PolicyVersion"]
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    return {
        "Description": held.get("Description", ""),
        "Path": held["Path"],
        "PolicyDocument": _document(version["Document"]),
        "Groups": [one["GroupName"] for one in entities["PolicyGroups"]],
        "Roles": [one["RoleName"] for one in entities["PolicyRoles"]],
        "Users": [one["UserName"] for one in entities["PolicyUsers"]],
    }


@reads("AWS::Logs::LogGroup")
def log_group(resource: Deployed) -> Properties:
    logs, name = resource.client("logs"), resource.physical_id
    held = only(one for one in logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] if one["logGroupName"] == name)
    arn = held["arn"].removesuffix(":*")
    return {
        **renamed(held, LogGroupName="logGroupName", KmsKeyId="kmsKeyId", RetentionInDays="retentionInDays"),
        "Tags": tag_list(logs.list_tags_for_resource(resourceArn=arn).get("tags", {})),
    }


@reads("AWS::CloudTrail::Trail")
def trail(resource: Deployed) -> Properties:
    cloudtrail, name = resource.client("cloudtrail"), resource.properties["TrailName"]
    held: dict[str, Any] = cloudtrail.get_trail(Name=name)["Trail"]
    (tags,) = cloudtrail.list_tags(ResourceIdList=[held["TrailARN"]])["ResourceTagList"]
    return {
        **renamed(
            held,
            TrailName="Name",
            S3BucketName="S3BucketName",
            KMSKeyId="KmsKeyId",
            CloudWatchLogsLogGroupArn="CloudWatchLogsLogGroupArn",
            CloudWatchLogsRoleArn="CloudWatchLogsRoleArn",
            EnableLogFileValidation="LogFileValidationEnabled",
            IncludeGlobalServiceEvents="IncludeGlobalServiceEvents",
            IsMultiRegionTrail="IsMultiRegionTrail",
        ),
        "AdvancedEventSelectors": cloudtrail.get_event_selectors(TrailName=name).get("AdvancedEventSelectors", []),
        "IsLogging": cloudtrail.get_trail_status(Name=name)["IsLogging"],
        "Tags": own_tags(tags["TagsList"]),
    }


def _document(held: str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(held, str):
        document: Mapping[str, Any] = json.loads(held)
        return document
    return held
