"""ActivePassive-VPCFlowLog."""

from typing import Any

import pytest

from compliance.engine.findings import Verdict
from unit_tests.compliance.fixtures import template
from unit_tests.compliance.rules.builders import EAST, WEST, bucket, key_arn
from unit_tests.compliance.rules.corruptions import ABSENT, UNKNOWN, either, without
from unit_tests.compliance.rules.verdicts import FAIL, NOT_EVALUATED, PASS, message_in, says, verdict_in

RULE = "ActivePassive-VPCFlowLog"
VPC = {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/20"}}
TO_BUCKET = {"LogDestinationType": "s3", "LogGroupName": ABSENT, "DeliverLogsPermissionArn": ABSENT}
BUCKET_ARN = {"Fn::GetAtt": ["Bucket", "Arn"]}


def _log(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    properties = {
        "ResourceId": {"Ref": "It"},
        "ResourceType": "VPC",
        "TrafficType": "ALL",
        "LogDestinationType": "cloud-watch-logs",
        "LogGroupName": {"Ref": "Group"},
        "DeliverLogsPermissionArn": {"Fn::GetAtt": ["Role", "Arn"]},
        **changes,
    }
    return {"Type": "AWS::EC2::FlowLog", "Properties": properties}


def _group(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    properties = {"LogGroupName": "/serverless/flow-prod", "RetentionInDays": 365, "KmsKeyId": key_arn(WEST), **changes}
    return {"Type": "AWS::Logs::LogGroup", "Properties": properties}


def _stack(*logs: Any, **others: Any) -> Any:  # noqa: ANN401
    bystanders = {"Other": VPC, "Group": _group(), "Bucket": bucket(), **others}
    return template({"It": VPC, **bystanders, **{f"Log{number}": log for number, log in enumerate(logs)}}, WEST)


def _says(*logs: Any, **others: Any) -> Verdict | None:  # noqa: ANN401
    return verdict_in(RULE, "It", _stack(*logs, **others))


@pytest.mark.parametrize(
    "log",
    [
        _log(),
        _log(ResourceId={"Fn::GetAtt": ["It", "VpcId"]}),
        _log(LogDestinationType=ABSENT),
        _log(LogGroupName="/serverless/flow-prod"),
        _log(LogGroupName=ABSENT, LogDestination={"Fn::GetAtt": ["Group", "Arn"]}),
        _log(LogGroupName=ABSENT, LogDestination=f"arn:aws:logs:{WEST}:000000000000:log-group:/serverless/flow-prod:*"),
        _log(**TO_BUCKET, LogDestination=BUCKET_ARN),
        _log(**TO_BUCKET, LogDestination="arn:aws:s3:::serverless-ingest-prod/flow/"),
        _log(**TO_BUCKET, LogDestination={"Fn::Join": ["", [BUCKET_ARN, "/flow/"]]}),
        _log(**TO_BUCKET, LogDestination={"Fn::Sub": "${Bucket.Arn}/flow/"}),
    ],
)
def test_flow_log_of_all_traffic_to_a_kept_place_passes(log: dict[str, Any]) -> None:
    assert _says(log) is PASS


@pytest.mark.parametrize("traffic", ["REJECT", "ACCEPT", "all", ABSENT, either("ALL", "REJECT")])
def test_less_than_all_traffic_fails(traffic: Any) -> None:  # noqa: ANN401
    assert _says(_log(TrafficType=traffic)) is FAIL


def test_recorded_traffic_is_reported() -> None:
    text = message_in(RULE, "It", _stack(_log(TrafficType="REJECT")))

    assert text.endswith("/Log0 records TrafficType REJECT; it must be ALL")


def test_flow_log_that_may_not_write_to_its_log_group_fails() -> None:
    assert _says(_log(DeliverLogsPermissionArn=ABSENT)) is FAIL


def test_no_flow_log_of_this_network_fails() -> None:
    assert _says() is FAIL
    assert _says(_log(ResourceId={"Ref": "Other"})) is FAIL
    assert _says(_log(ResourceId="vpc-0123456789abcdef0")) is FAIL
    assert _says(_log(ResourceId=either({"Ref": "It"}, {"Ref": "Other"}))) is FAIL
    assert says(RULE, VPC) is FAIL


def test_flow_log_of_the_other_region_does_not_count() -> None:
    whole = template({"It": VPC, "Group": _group(KmsKeyId=key_arn(EAST)), "Log": _log()}, EAST)

    assert verdict_in(RULE, "It", whole) is PASS
    assert verdict_in(RULE, "It", _stack(), whole) is FAIL


def test_one_whole_flow_log_is_enough() -> None:
    assert _says(_log(TrafficType="REJECT"), _log()) is PASS
    assert _says(_log(ResourceId=UNKNOWN), _log()) is PASS


def test_flow_log_or_destination_on_a_condition_is_not_always_there() -> None:
    assert _says({**_log(), "Condition": "C"}) is FAIL
    assert _says(_log(), Group={**_group(), "Condition": "C"}) is FAIL


def test_flow_log_that_comes_and_goes_with_its_network_passes() -> None:
    together = {"It": VPC | {"Condition": "C"}, "Group": _group(), "Log": {**_log(), "Condition": "C"}}

    assert verdict_in(RULE, "It", template(together, WEST)) is PASS


@pytest.mark.parametrize(
    "group",
    [
        without(_group(), "KmsKeyId"),
        without(_group(), "RetentionInDays"),
        _group(RetentionInDays=1),
        _group(KmsKeyId=key_arn(EAST)),
    ],
)
def test_log_group_that_is_not_encrypted_and_kept_fails(group: dict[str, Any]) -> None:
    assert _says(_log(), Group=group) is FAIL
    assert "which fails ActivePassive-LogsGroup: " in message_in(RULE, "It", _stack(_log(), Group=group))


def test_bucket_that_is_not_encrypted_with_a_key_of_ours_fails() -> None:
    assert _says(_log(**TO_BUCKET, LogDestination=BUCKET_ARN), Bucket=without(bucket(), "BucketEncryption")) is FAIL


@pytest.mark.parametrize(
    "log",
    [
        _log(TrafficType=UNKNOWN),
        _log(ResourceId=UNKNOWN),
        _log(LogGroupName=UNKNOWN),
        _log(LogGroupName="somebody-elses"),
        _log(LogGroupName=ABSENT),
        _log(LogGroupName={"Ref": "Bucket"}),
        _log(LogDestinationType=UNKNOWN),
        _log(LogDestinationType="kinesis-data-firehose", LogDestination="arn:aws:firehose:::x"),
    ],
)
def test_unresolved_value_is_not_evaluated(log: dict[str, Any]) -> None:
    assert _says(log) is NOT_EVALUATED


def test_destination_that_cannot_be_judged_leaves_the_network_open() -> None:
    assert _says(_log(), Group=_group(RetentionInDays=UNKNOWN)) is NOT_EVALUATED


def test_second_flow_log_to_a_place_of_the_templates_passes_alone() -> None:
    elsewhere = _log(**TO_BUCKET, LogDestination="arn:aws:s3:::somebody-elses-bucket")
    stack = _stack(_log(), _log(TrafficType="REJECT"), elsewhere)

    assert [verdict_in(RULE, name, stack) for name in ("It", "Log0", "Log1", "Log2")] == [PASS, PASS, PASS, NOT_EVALUATED]
