"""The rule that a function's log group is its own."""

from unit_tests.compliance.rules.builders import function, log_group
from unit_tests.compliance.rules.corruptions import Resource, Value, changed, either, resource, without
from unit_tests.compliance.rules.verdicts import reports, rule_test

ARN = {"Fn::GetAtt": ["It", "Arn"]}
MINE = {"Ref": "It"}
STAGE = resource("ApiGatewayV2::Stage", AccessLogSettings={"DestinationArn": ARN, "Format": "$context.requestId"})
REST_STAGE = resource("ApiGateway::Stage", AccessLogSetting={"DestinationArn": ARN})
FLOW_LOG = resource("EC2::FlowLog", LogGroupName=MINE)
TRAIL = resource("CloudTrail::Trail", CloudWatchLogsLogGroupArn={"Fn::Sub": "${It.Arn}:*"})


def writing(name: str = "processor", group: Value = MINE) -> Resource:
    return changed(function(name), "LoggingConfig", "LogGroup", to=group)


def beside(*writers: Resource) -> dict[str, Resource]:
    """Return a log group and those that write to it."""
    return {"It": log_group(), "Other": log_group("other"), **{f"Writer{n}": each for n, each in enumerate(writers)}}


BY_NAME = {
    "It": changed(log_group(), "LogGroupName", to="/aws/lambda/serverless-processor-prod"),
    "Function": without(function(), "LoggingConfig"),
    "Log": FLOW_LOG,
}

test_writers = rule_test(
    "ActivePassive-LogsWriters",
    lambda resources: resources,
    passes=[
        *map(beside, (writing(), STAGE, REST_STAGE, FLOW_LOG, TRAIL)),
        beside(STAGE, STAGE),
        beside(writing(), writing("issuer", {"Ref": "Other"})),
    ],
    fails=[
        reports("us-west-2/Writer0, us-west-2/Writer1 write to it", beside(writing(), STAGE)),
        *(beside(writing(), each) for each in (REST_STAGE, FLOW_LOG, TRAIL, writing("issuer"))),
        beside(writing(), writing("issuer", either(MINE, {"Ref": "Other"}))),
    ],
)
