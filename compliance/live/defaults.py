"""Values that AWS gives to properties that a template does not set."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from compliance.live.deployed import Deployed

_ANY: Final = object()
_DEFAULTS: Final[Mapping[str, Mapping[str, tuple[Any, ...]]]] = {
    # https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/: the page of each type
    "AWS::ApiGatewayV2::Api": {
        "ApiKeySelectionExpression": ("$request.header.x-api-key",),
        "IpAddressType": ("ipv4",),
        "RouteSelectionExpression": ("$request.method $request.path",),
    },
    "AWS::ApiGatewayV2::DomainName": {
        "DomainNameConfigurations[].IpAddressType": ("ipv4",),
        "RoutingMode": ("API_MAPPING_ONLY",),
    },
    "AWS::ApiGatewayV2::Integration": {
        "ConnectionType": ("INTERNET",),
        "IntegrationMethod": ("POST",),
        "TimeoutInMillis": ("30000",),
    },
    "AWS::ApiGatewayV2::Route": {"AuthorizationType": ("NONE",)},
    "AWS::CertificateManager::Certificate": {"ValidationMethod": ("DNS",)},
    "AWS::CloudWatch::Alarm": {
        "ActionsEnabled": (True,),
        "Statistic": (_ANY,),  # with Metrics, whose own statistic counts; AWS refuses an alarm without either
    },
    "AWS::CloudWatch::CompositeAlarm": {"ActionsEnabled": (True,)},
    "AWS::DynamoDB::GlobalTable": {"SSESpecification.SSEType": ("KMS",), "BillingMode": ("PROVISIONED",)},
    "AWS::EC2::FlowLog": {
        "LogDestination": (_ANY,),  # a flow log cannot be changed, only deleted
        "MaxAggregationInterval": ("600",),
    },
    "AWS::EC2::Subnet": {
        "AvailabilityZone": (_ANY,),  # AWS chooses it, and it cannot be changed
        "AvailabilityZoneId": (_ANY,),
        "PrivateDnsNameOptionsOnLaunch.HostnameType": ("ip-name",),
    },
    "AWS::EC2::VPC": {"EnableDnsSupport": (True,), "InstanceTenancy": ("default",)},
    "AWS::EC2::VPCEndpoint": {"IpAddressType": ("ipv4",), "DnsOptions.DnsRecordIpType": ("ipv4", "service-defined")},
    "AWS::Events::Rule": {"EventBusName": ("default",), "State": ("ENABLED",)},
    "AWS::IAM::ManagedPolicy": {"Path": ("/",)},
    "AWS::IAM::Role": {"MaxSessionDuration": ("3600",), "Path": ("/",)},
    "AWS::KMS::Key": {
        "Enabled": (True,),
        "KeySpec": ("SYMMETRIC_DEFAULT",),
        "KeyUsage": ("ENCRYPT_DECRYPT",),
        "Origin": ("AWS_KMS",),
    },
    "AWS::Lambda::EventSourceMapping": {
        "Enabled": (True,),
        "StartingPosition": (_ANY,),  # for streams; a queue has no position
    },
    "AWS::Lambda::Function": {
        "Architectures": (["x86_64"],),
        "EphemeralStorage.Size": ("512",),
        "LoggingConfig.LogFormat": ("Text",),
        "LoggingConfig.LogGroup": (_ANY,),
        "MemorySize": ("128",),
        "PackageType": ("Zip",),
        "RecursiveLoop": ("Terminate",),
        "SnapStart.ApplyOn": ("None",),
        "SnapStart.OptimizationStatus": ("Off",),
        "Timeout": ("3",),
        "TracingConfig.Mode": ("PassThrough",),
    },
    "AWS::Logs::LogGroup": {"LogGroupClass": ("STANDARD",)},
    "AWS::Route53::HealthCheck": {
        "HealthCheckConfig.FailureThreshold": ("3",),
        "HealthCheckConfig.RequestInterval": ("30",),
    },
    "AWS::S3::Bucket": {
        "BucketEncryption.ServerSideEncryptionConfiguration[].ServerSideEncryptionByDefault.SSEAlgorithm": ("AES256",),
        "BucketNamePrefix": (_ANY,),  # a bucket cannot be renamed
        "BucketNamespace": ("global",),
        "OwnershipControls.Rules[].ObjectOwnership": ("BucketOwnerEnforced",),
        "PublicAccessBlockConfiguration.BlockPublicAcls": (True,),
        "PublicAccessBlockConfiguration.BlockPublicPolicy": (True,),
        "PublicAccessBlockConfiguration.IgnorePublicAcls": (True,),
        "PublicAccessBlockConfiguration.RestrictPublicBuckets": (True,),
    },
    "AWS::SQS::Queue": {
        "MaximumMessageSize": ("1048576", "262144"),
        "MessageRetentionPeriod": ("345600",),
        "SqsManagedSseEnabled": ("true",),
        "VisibilityTimeout": ("30",),
    },
}


def is_default(resource: Deployed, place: str, value: Any) -> bool:  # noqa: ANN401 - JSON
    """Return whether a value that the template does not set is what AWS sets by itself.

    That is nothing, the type's default, a tag of CloudFormation, or a name, id, ARN or address of the resource itself.

    Args:
        resource: The resource.
        place: Path of the property, with `[]` for each list entry.
        value: The live value.
    """
    allowed = _DEFAULTS.get(resource.type, {}).get(place)
    if allowed is not None:
        return _ANY in allowed or value in allowed or str(value) in allowed
    if value in (None, "", [], {}, False, 0, "0", "false") or ".aws:" in place:
        return True
    if isinstance(value, dict):
        return all(is_default(resource, f"{place}.{name}", part) for name, part in value.items())
    if isinstance(value, list):
        return all(isinstance(part, dict) and is_default(resource, f"{place}[]", part) for part in value)
    if not isinstance(value, str) or "." in place:
        return False
    # A generated id may consist of digits, and a number may occur in an id: the property's name decides.
    is_part = value in re.split("[:/]", resource.physical_id) and (not value.isdecimal() or place.endswith("Id"))
    return is_part or resource.physical_id in value
