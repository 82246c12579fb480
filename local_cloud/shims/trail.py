"""`AWS::CloudTrail::Trail`, with the responses of DescribeTrails and GetEventSelectors.

Faithful: the bucket, prefix, key (an alias ARN stays unchanged), log-file validation, CloudWatch log group and
role, event selectors of both kinds, multi-region, logging state and tags can be read back; the trail's bucket must
exist and its policy must allow CloudTrail.
Different from AWS: no event is recorded or delivered; nothing arrives in the bucket or the log group.
"""

# ruff: noqa: SLF001  ministack has no public hooks

from __future__ import annotations

import json
from typing import Any, Final

from ministack.services import cloudtrail

from local_cloud.shims import _api, _templates
from local_cloud.shims._api import truthful

_SETTINGS: Final = {
    "S3BucketName": "S3BucketName",
    "S3KeyPrefix": "S3KeyPrefix",
    "SnsTopicName": "SnsTopicName",
    "IncludeGlobalServiceEvents": "IncludeGlobalServiceEvents",
    "IsMultiRegionTrail": "IsMultiRegionTrail",
    "IsOrganizationTrail": "IsOrganizationTrail",
    "EnableLogFileValidation": "EnableLogFileValidation",
    "CloudWatchLogsLogGroupArn": "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn": "CloudWatchLogsRoleArn",
    "KMSKeyId": "KmsKeyId",
}
_FLAGS: Final = (
    "IncludeGlobalServiceEvents",
    "IsMultiRegionTrail",
    "IsOrganizationTrail",
    "EnableLogFileValidation",
)


def install() -> None:
    """Add the type, and keep the settings that the stock CreateTrail drops."""
    _templates.define("AWS::CloudTrail::Trail", create=_create, update=_update, delete=_delete)
    stock_create = cloudtrail._DISPATCH["CreateTrail"]

    def create_trail(request: dict[str, Any]) -> Any:  # noqa: ANN401  ministack's response tuple
        answer = stock_create(request)
        if answer[0] == 200:
            record = cloudtrail._trails[request["Name"]]
            for name in ("CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn"):
                if request.get(name):
                    record[name] = request[name]
            if request.get("TagsList"):
                cloudtrail._add_tags({"ResourceId": record["TrailARN"], "TagsList": request["TagsList"]})
        return answer

    cloudtrail._DISPATCH["CreateTrail"] = create_trail


def _create(trail: _templates.Resource) -> tuple[str, _templates.Attributes]:
    name = trail.properties.get("TrailName") or trail.generated_name()
    _require_delivery_permission(trail.properties["S3BucketName"])
    client = _api.client("cloudtrail")
    tags = {"TagsList": trail.properties["Tags"]} if trail.properties.get("Tags") else {}
    client.create_trail(Name=name, **_settings(trail.properties), **tags)
    _select_events(client, name, trail)
    _set_logging(client, name, trail)
    return name, _attributes(name)


def _update(trail: _templates.Resource) -> _templates.Attributes:
    client = _api.client("cloudtrail")
    client.update_trail(Name=trail.physical_id, **_settings(trail.properties))
    _select_events(client, trail.physical_id, trail)
    _set_logging(client, trail.physical_id, trail)
    arn = _attributes(trail.physical_id)["Arn"]
    stale = [tag for tag in trail.previous.get("Tags", []) if tag not in trail.properties.get("Tags", [])]
    if stale:
        client.remove_tags(ResourceId=arn, TagsList=stale)
    if trail.properties.get("Tags"):
        client.add_tags(ResourceId=arn, TagsList=trail.properties["Tags"])
    return _attributes(trail.physical_id)


def _delete(name: str, _properties: _templates.Properties) -> None:
    client = _api.client("cloudtrail")
    try:
        client.delete_trail(Name=name)
    except client.exceptions.TrailNotFoundException:
        return


def _settings(properties: _templates.Properties) -> dict[str, Any]:
    values = truthful(properties, *_FLAGS)
    return {api: values[name] for name, api in _SETTINGS.items() if name in values}


def _select_events(client: Any, name: str, trail: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    if advanced := trail.properties.get("AdvancedEventSelectors"):
        client.put_event_selectors(TrailName=name, AdvancedEventSelectors=advanced)
    elif basic := trail.properties.get("EventSelectors"):
        selectors = [truthful(selector, "IncludeManagementEvents") for selector in basic]
        client.put_event_selectors(TrailName=name, EventSelectors=selectors)


def _set_logging(client: Any, name: str, trail: _templates.Resource) -> None:  # noqa: ANN401  a boto3 client
    logging = truthful(trail.properties, "IsLogging")["IsLogging"]
    (client.start_logging if logging else client.stop_logging)(Name=name)


def _attributes(name: str) -> dict[str, Any]:
    return {"Arn": cloudtrail._trail_arn(name), "SnsTopicArn": ""}


def _require_delivery_permission(bucket: str) -> None:
    """Refuse a bucket whose policy does not let CloudTrail write, as CreateTrail does."""
    s3 = _api.client("s3")
    try:
        policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
    except s3.exceptions.ClientError as error:
        raise ValueError(f"InsufficientS3BucketPolicyException: {bucket}: {error}") from error
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow" and "cloudtrail.amazonaws.com" in json.dumps(statement["Principal"]):
            return
    raise ValueError(f"InsufficientS3BucketPolicyException: no statement of {bucket}'s policy admits CloudTrail.")
